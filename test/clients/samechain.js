// The comparison of two nodes: everything that a client can read of the chain up
// to a block must be equal on both.
import assert from 'node:assert/strict'
import { concat, keccak256, numberToHex, pad } from 'viem'
import { account, accountCount } from './accounts.js'
import { batch, call, until } from './rpc.js'

const plainSlots = 16 // compared from slot 0 on, in every contract
const mappingSlots = 4 // mappings keyed by address, declared in these slots

// assertSameChain compares all blocks, transactions, receipts and logs up to the
// head of the first node, and the state at genesis, in the middle and at that
// head: balance, nonce, code and storage of every address that appears.
export async function assertSameChain(first, second) {
  const head = Number(await call(first, 'eth_blockNumber'))
  for (const url of [first, second]) {
    await until(`block ${head + 1} on ${url}`, async () => Number(await call(url, 'eth_blockNumber')) > head)
  }
  const numbers = Array.from({ length: head + 1 }, (_, n) => numberToHex(n))
  const same = (calls) => assertSameAnswers(first, second, calls)

  const blocks = await same(numbers.map((n) => ['eth_getBlockByNumber', n, true]))
  await same(blocks.map((block) => ['eth_getBlockByHash', block.hash, false]))
  const receipts = (await same(numbers.map((n) => ['eth_getBlockReceipts', n]))).flat()
  await same(receipts.map((r) => ['eth_getTransactionReceipt', r.transactionHash]))
  await same(receipts.map((r) => ['eth_getTransactionByHash', r.transactionHash]))
  const [logs] = await same([['eth_getLogs', { fromBlock: '0x0', toBlock: numberToHex(head) }]])
  assert.deepEqual(logs, receipts.flatMap((r) => r.logs), 'logs by range and logs of receipts')

  const addresses = addressesOf(blocks, receipts)
  const slots = storageSlots()
  for (const tag of new Set([0, head >> 1, head].map((n) => numberToHex(n)))) {
    await same(addresses.flatMap((a) => [['eth_getBalance', a, tag], ['eth_getTransactionCount', a, tag]]))
    const codes = await same(addresses.map((a) => ['eth_getCode', a, tag]))
    const contracts = addresses.filter((_, i) => codes[i] !== '0x')
    await same(contracts.flatMap((a) => slots.map((slot) => ['eth_getStorageAt', a, slot, tag])))
  }
  return { blockCount: blocks.length, transactionCount: receipts.length, logCount: logs.length, addressCount: addresses.length }
}

async function assertSameAnswers(first, second, calls) {
  const [want, got] = await Promise.all([batch(first, calls), batch(second, calls)])
  calls.forEach(([method, ...params], i) => assert.deepEqual(got[i], want[i], `${method} ${JSON.stringify(params)}`))
  return want
}

function addressesOf(blocks, receipts) {
  const addresses = [
    ...blocks.map((b) => b.miner),
    ...receipts.flatMap((r) => [r.from, r.to, r.contractAddress, ...r.logs.map((l) => l.address)]),
    ...Array.from({ length: accountCount }, (_, i) => account(i).address.toLowerCase()),
  ]
  return [...new Set(addresses.filter(Boolean))]
}

// storageSlots lists slots that contracts of Solidity use: the first ones, and
// those of mappings by account.
function storageSlots() {
  const slots = Array.from({ length: plainSlots }, (_, i) => numberToHex(i, { size: 32 }))
  for (let i = 0; i < accountCount; i++) {
    for (let slot = 0; slot < mappingSlots; slot++) {
      slots.push(keccak256(concat([pad(account(i).address), numberToHex(slot, { size: 32 })])))
    }
  }
  return slots
}

// executedTransactions reads from a node's metrics how many transactions it has
// executed itself.
export async function executedTransactions(metricsUrl) {
  const text = await (await fetch(metricsUrl)).text()
  const [, count] = /^redline_replica_executed_txs_total (\d+)$/m.exec(text) ?? []
  assert.ok(count, `no redline_replica_executed_txs_total in ${metricsUrl}`)
  return Number(count)
}
