// A full node that is killed while it follows goes on where it was; one that
// starts late catches up; one in mode replay executes.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { account } from './accounts.js'
import { freePort, start, viemReader, viemWallet } from './network.js'
import { run } from './program.js'
import { call, until } from './rpc.js'
import { assertSameChain, executedTransactions } from './samechain.js'

const skip = process.env.REDLINE_HTTP ? 'the chain is not ours' : false
const [alice, bob] = [0, 1].map(account)
const killCount = 3

let network, datadir

before(async () => {
  if (skip) return
  network = await start()
  datadir = await mkdtemp(join(tmpdir(), 'redline-restart-'))
})
after(async () => {
  if (datadir) await rm(datadir, { recursive: true, force: true })
  await network?.stop()
})

const fullnode = (...args) => run('fullnode', 'run', `--sequencer=${network.http}`, '--http.port=0', '--ws.port=-1', ...args)

test('kill -9 while following, then the same state', { skip }, async () => {
  let sending = true
  let sent = 0
  const traffic = (async () => {
    const wallet = viemWallet(network, alice)
    for (let nonce = 0; sending; nonce++, sent++) {
      await wallet.sendTransactionSync({ to: bob.address, value: 1n, nonce, gas: 21_000n })
    }
  })()
  for (let i = 0; i < killCount; i++) {
    const node = await fullnode(`--datadir=${datadir}/diff`)
    const head = Number(await call(network.http, 'eth_blockNumber'))
    await until(`block ${head}`, async () => Number(await call(node.ready.http, 'eth_blockNumber')) >= head)
    await node.kill()
  }
  const node = await fullnode(`--datadir=${datadir}/diff`)
  await until('traffic while it follows', async () => sent > 50)
  sending = false
  await traffic
  await assertSameChain(network.http, node.ready.http)
  assert.equal(await viemReader(network, node.ready.http).getTransactionCount({ address: alice.address }), sent)
  await node.stop()
})

test('a full node in mode replay executes every transaction and agrees', { skip }, async () => {
  const metricsPort = await freePort()
  const node = await fullnode(`--datadir=${datadir}/replay`, '--mode=replay', '--metrics', `--metrics.port=${metricsPort}`)
  const { transactionCount } = await assertSameChain(network.http, node.ready.http)
  assert.ok(transactionCount > 50, `got ${transactionCount} transactions`)
  assert.equal(await executedTransactions(`http://127.0.0.1:${metricsPort}/metrics`), transactionCount)
  await node.stop()
})
