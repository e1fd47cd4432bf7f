// One of Redline's programs as a child process.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const readyTimeoutMs = 30_000
const stopTimeoutMs = 5_000

// run starts bin/NAME and waits for the line of JSON that it prints once it is
// ready. It returns that line as ready, and two ways to end the program: stop,
// which asks and fails unless it ends cleanly, and kill, which does not ask.
export async function run(name, ...args) {
  const binary = fileURLToPath(new URL(`../../bin/${name}`, import.meta.url))
  const child = spawn(binary, [...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
  const gone = new Promise((resolve) => child.on('exit', resolve).on('error', resolve))
  let log = ''
  child.stderr.on('data', (data) => (log += data))
  const failed = gone.then((reason) => {
    throw new Error(`${binary} ended: ${reason}\n${log}`)
  })

  const kill = async () => {
    child.kill('SIGKILL')
    await gone
  }
  const stop = async () => {
    const ended = child.exitCode ?? child.signalCode
    const timer = setTimeout(kill, stopTimeoutMs)
    child.kill('SIGINT')
    await gone
    clearTimeout(timer)
    if (ended !== null) throw new Error(`${name} had ended before: ${ended}\n${log}`)
    if (child.exitCode !== 0) throw new Error(`${name} did not stop cleanly: code ${child.exitCode}, signal ${child.signalCode}\n${log}`)
  }
  try {
    const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), failed, timeout(`${name} was not ready`)])
    failed.catch(() => {}) // from now on stop tells
    return { ready: JSON.parse(line), kill, stop }
  } catch (error) {
    await kill()
    throw error
  }
}

function timeout(what) {
  return new Promise((_, reject) => setTimeout(() => reject(new Error(`${what} after ${readyTimeoutMs} ms`)), readyTimeoutMs).unref())
}
