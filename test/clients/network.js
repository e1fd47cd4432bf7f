// A fresh chain for a test file: a sequencer and a full node that follows it, on
// free ports and a data folder of their own. REDLINE_HTTP, REDLINE_WS and
// FULLNODE_HTTP point the tests at a running chain instead.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPublicClient, createWalletClient, defineChain, http, webSocket } from 'viem'
import { call, until } from './rpc.js'

const sequencerBinary = fileURLToPath(new URL('../../bin/sequencer', import.meta.url))
const readyTimeoutMs = 30_000
const stopTimeoutMs = 5_000

// start returns the URLs of a running chain and stop().
export async function start() {
  const network = process.env.REDLINE_HTTP ? existing(process.env) : await spawnChain()
  for (const url of [network.http, network.fullnode]) {
    await until(`answers from ${url}`, () => network.failure() || answers(url), readyTimeoutMs)
    if (network.failure()) throw new Error(network.failure())
  }
  return network
}

function existing({ REDLINE_HTTP, REDLINE_WS, FULLNODE_HTTP, FULLNODE_METRICS }) {
  return {
    http: REDLINE_HTTP,
    ws: REDLINE_WS ?? REDLINE_HTTP.replace(/^http/, 'ws'),
    fullnode: FULLNODE_HTTP ?? REDLINE_HTTP,
    fullnodeMetrics: FULLNODE_METRICS,
    failure: () => undefined,
    stop: async () => {},
  }
}

async function spawnChain() {
  const datadir = await mkdtemp(join(tmpdir(), 'redline-clients-'))
  const [httpPort, wsPort, fullnodePort, metricsPort] = await freePorts(4)
  const child = spawn(sequencerBinary, [
    'dev',
    `--datadir=${datadir}`,
    `--http.port=${httpPort}`,
    `--ws.port=${wsPort}`,
    `--fullnode.http.port=${fullnodePort}`,
    `--fullnode.metrics.port=${metricsPort}`,
  ], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let failure
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  child.on('error', (error) => (failure = `cannot start ${sequencerBinary}: ${error.message}`))
  child.on('exit', (code) => (failure = `the chain ended with code ${code}:\n${output}`))

  const stop = async () => {
    if (child.exitCode === null && child.pid) {
      const gone = once(child, 'exit')
      child.kill('SIGINT')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
      await gone
      clearTimeout(timer)
    }
    await rm(datadir, { recursive: true, force: true })
    if (child.exitCode !== 0) throw new Error(`the chain did not stop cleanly: code ${child.exitCode}, signal ${child.signalCode}\n${output}`)
  }
  return {
    http: `http://127.0.0.1:${httpPort}`,
    ws: `ws://127.0.0.1:${wsPort}`,
    fullnode: `http://127.0.0.1:${fullnodePort}`,
    fullnodeMetrics: `http://127.0.0.1:${metricsPort}/metrics`,
    pid: child.pid,
    failure: () => failure,
    stop,
  }
}

async function answers(url) {
  try {
    return Number(await call(url, 'eth_blockNumber')) > 0
  } catch {
    return false
  }
}

// freePorts asks the system for ports that nobody listens on.
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((s) => once(s, 'listening')))
  const ports = servers.map((s) => s.address().port)
  await Promise.all(servers.map((s) => once(s.close(), 'close')))
  return ports
}

// chain is how viem should see Redline: it polls much more often than for a
// chain with seconds between blocks.
export const chain = (network) => defineChain({
  id: 1337,
  name: 'Redline dev',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [network.http], webSocket: [network.ws] } },
})

const pollingInterval = 20

// viemReader and viemWallet are viem's clients of one node.
export const viemReader = (network, url = network.http) =>
  createPublicClient({ chain: chain(network), pollingInterval, cacheTime: 0, transport: url.startsWith('ws') ? webSocket(url) : http(url) })

export const viemWallet = (network, account, url = network.http) =>
  createWalletClient({ chain: chain(network), pollingInterval, account, transport: http(url) })
