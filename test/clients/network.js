// A fresh chain for a test file: a sequencer and a full node that follows it, on
// free ports and with a data folder of their own. REDLINE_HTTP, REDLINE_WS and
// FULLNODE_HTTP point the tests at a running chain instead.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPublicClient, createWalletClient, defineChain, http, webSocket } from 'viem'
import { run } from './program.js'
import { call, until } from './rpc.js'

// start returns the URLs of a running chain and stop().
export async function start() {
  const network = process.env.REDLINE_HTTP ? existing(process.env) : await spawnChain()
  for (const url of [network.http, network.fullnode]) {
    await until(`a first block from ${url}`, async () => Number(await call(url, 'eth_blockNumber')) > 0)
  }
  return network
}

function existing({ REDLINE_HTTP, REDLINE_WS, FULLNODE_HTTP, FULLNODE_METRICS }) {
  return {
    http: REDLINE_HTTP,
    ws: REDLINE_WS ?? REDLINE_HTTP.replace(/^http/, 'ws'),
    fullnode: FULLNODE_HTTP ?? REDLINE_HTTP,
    fullnodeMetrics: FULLNODE_METRICS,
    stop: async () => {},
  }
}

async function spawnChain() {
  const datadir = await mkdtemp(join(tmpdir(), 'redline-clients-'))
  const metricsPort = await freePort()
  const dev = await run('sequencer', 'dev', `--datadir=${datadir}`,
    '--http.port=0', '--ws.port=0', '--fullnode.http.port=0', `--fullnode.metrics.port=${metricsPort}`)
  const { sequencer, fullnode } = dev.ready
  return {
    http: sequencer.http,
    ws: sequencer.ws,
    fullnode: fullnode.http,
    fullnodeMetrics: `http://127.0.0.1:${metricsPort}/metrics`,
    pids: [sequencer.pid, fullnode.pid],
    stop: () => dev.stop().finally(() => rm(datadir, { recursive: true, force: true })),
  }
}

// freePort asks the system for a port that nobody listens on.
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await once(server.close(), 'close')
  return port
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
