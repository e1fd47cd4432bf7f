// viem: an OpenZeppelin ERC-20 from deployment to events, and the realtime calls.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { BaseError, ContractFunctionRevertedError, decodeErrorResult, encodeFunctionData, parseEther, parseEventLogs, parseGwei } from 'viem'
import { account, accountCount } from './accounts.js'
import { compile } from './contracts.js'
import { start, viemReader, viemWallet } from './network.js'
import { request, until } from './rpc.js'
import { assertSameChain, executedTransactions } from './samechain.js'

const [alice, bob, carol] = [0, 1, 2].map(account)
const token = compile('Token')
const supply = 10n ** 24n

let network, reader, wallet, address
const read = (functionName, ...args) => reader.readContract({ address, abi: token.abi, functionName, args })
const write = async (from, functionName, ...args) => {
  const hash = await viemWallet(network, from).writeContract({ address, abi: token.abi, functionName, args })
  return reader.waitForTransactionReceipt({ hash })
}

before(async () => {
  network = await start()
  reader = viemReader(network)
  wallet = viemWallet(network, alice)
})
after(() => network?.stop())

test('the chain id and the funded accounts', async () => {
  assert.equal(await reader.getChainId(), 1337)
  for (let i = 0; i < accountCount; i++) {
    assert.equal(await reader.getBalance({ address: account(i).address }), parseEther('10000'), `balance of account ${i}`)
  }
})

test('a transfer of ether', async () => {
  const value = parseEther('1.5')
  const before = await reader.getBalance({ address: bob.address })
  const hash = await wallet.sendTransaction({ to: bob.address, value })
  const receipt = await reader.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'success')
  assert.equal(receipt.gasUsed, 21_000n)
  assert.equal(await reader.getBalance({ address: bob.address }), before + value)
  const tx = await reader.getTransaction({ hash })
  assert.equal(tx.value, value)
  assert.equal(tx.type, 'eip1559')
  assert.equal(tx.blockNumber, receipt.blockNumber)
})

test('every type of transaction that is admitted', async () => {
  const to = carol.address
  for (const fields of [
    { type: 'legacy' },
    { type: 'eip2930', accessList: [{ address: bob.address, storageKeys: [`0x${'00'.repeat(32)}`] }] },
    { type: 'eip1559' },
  ]) {
    const hash = await wallet.sendTransaction({ to, value: 1n, ...fields })
    const receipt = await reader.waitForTransactionReceipt({ hash })
    assert.deepEqual([receipt.status, receipt.type], ['success', fields.type])
  }
})

test('an account delegates to code and back (EIP-7702)', async () => {
  const delegate = async (contractAddress) => {
    const signer = viemWallet(network, carol)
    const authorization = await signer.signAuthorization({ contractAddress, executor: 'self' })
    const hash = await signer.sendTransaction({ to: carol.address, authorizationList: [authorization] })
    assert.equal((await reader.waitForTransactionReceipt({ hash })).status, 'success')
    return reader.getCode({ address: carol.address })
  }
  assert.equal(await delegate(bob.address), `0xef0100${bob.address.slice(2).toLowerCase()}`)
  assert.equal(await delegate(`0x${'00'.repeat(20)}`), undefined)
})

test('deployment of an OpenZeppelin ERC-20', async () => {
  const hash = await wallet.deployContract({ ...token, args: ['Redline Test', 'RLT', supply] })
  const receipt = await reader.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'success')
  address = receipt.contractAddress
  assert.ok((await reader.getCode({ address })).length > 2)
  assert.equal(await read('symbol'), 'RLT')
  assert.equal(await read('balanceOf', alice.address), supply)
})

test('transfer, approve and transferFrom', async () => {
  assert.equal((await write(alice, 'transfer', bob.address, 1000n)).status, 'success')
  assert.equal((await write(bob, 'approve', carol.address, 300n)).status, 'success')
  assert.equal((await write(carol, 'transferFrom', bob.address, carol.address, 200n)).status, 'success')
  assert.deepEqual(
    await Promise.all([read('balanceOf', bob.address), read('balanceOf', carol.address), read('allowance', bob.address, carol.address)]),
    [800n, 200n, 100n],
  )
})

test('logs and events', async () => {
  const events = await reader.getContractEvents({ address, abi: token.abi, eventName: 'Transfer', fromBlock: 0n })
  assert.deepEqual(events.map((e) => [e.args.to, e.args.value]), [[alice.address, supply], [bob.address, 1000n], [carol.address, 200n]])
  const toBob = await reader.getContractEvents({ address, abi: token.abi, eventName: 'Transfer', args: { to: bob.address }, fromBlock: 0n })
  assert.deepEqual(toBob.map((e) => e.args.value), [1000n])
  const [event] = toBob
  const receipt = await reader.getTransactionReceipt({ hash: event.transactionHash })
  assert.deepEqual(parseEventLogs({ abi: token.abi, logs: receipt.logs })[0].args, event.args)
  const filter = await reader.createContractEventFilter({ address, abi: token.abi, eventName: 'Approval', fromBlock: 0n })
  assert.equal((await reader.getFilterLogs({ filter })).length, 1)
  assert.equal(await reader.uninstallFilter({ filter }), true)
})

test('a custom error is decoded from revert data', async () => {
  const wants = { errorName: 'ERC20InsufficientBalance', args: [bob.address, 800n, supply] }
  const transfer = { address, abi: token.abi, functionName: 'transfer', args: [alice.address, supply], account: bob }
  await assert.rejects(reader.simulateContract(transfer), (error) => {
    assert.ok(error instanceof BaseError)
    const reverted = error.walk((e) => e instanceof ContractFunctionRevertedError)
    assert.deepEqual({ errorName: reverted.data.errorName, args: reverted.data.args }, wants)
    return true
  })
  await assert.rejects(reader.estimateContractGas(transfer), /ERC20InsufficientBalance/)
  const { error } = await request(network.http, 'eth_call', { from: bob.address, to: address, data: encodeFunctionData(transfer) }, 'latest')
  assert.deepEqual([error.code, error.message], [3, 'execution reverted'])
  const { errorName, args } = decodeErrorResult({ abi: token.abi, data: error.data })
  assert.deepEqual({ errorName, args }, wants)
})

test('a reverted transaction is included and pays', async () => {
  const data = encodeFunctionData({ abi: token.abi, functionName: 'transfer', args: [alice.address, supply] })
  const hash = await viemWallet(network, bob).sendTransaction({ to: address, data, gas: 100_000n })
  const receipt = await reader.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'reverted')
  assert.equal(receipt.logs.length, 0)
  assert.ok(receipt.gasUsed > 21_000n && receipt.gasUsed < 100_000n)
})

test('the receipt comes with the answer: sendRawTransactionSync', async () => {
  const prepared = await wallet.prepareTransactionRequest({ to: bob.address, value: 7n })
  const serializedTransaction = await wallet.signTransaction(prepared)
  const receipt = await wallet.sendRawTransactionSync({ serializedTransaction })
  assert.equal(receipt.status, 'success')
  assert.equal(receipt.from, alice.address.toLowerCase())
  assert.equal((await reader.getTransactionReceipt({ hash: receipt.transactionHash })).transactionHash, receipt.transactionHash)

  const viaContract = await wallet.writeContractSync({ address, abi: token.abi, functionName: 'transfer', args: [bob.address, 1n] })
  assert.equal(viaContract.logs.length, 1)
})

test('the same under the realtime name', async () => {
  const prepared = await wallet.prepareTransactionRequest({ to: bob.address, value: 8n })
  const { result } = await request(network.http, 'realtime_sendRawTransaction', await wallet.signTransaction(prepared))
  assert.equal(result.status, '0x1')
})

test('newHeads and logs over WebSocket', async () => {
  const socket = viemReader(network, network.ws)
  const heads = [], logs = [], hashes = []
  const watching = [
    socket.watchBlocks({ onBlock: (block) => heads.push(block.number), onError: assert.ifError }),
    socket.watchContractEvent({ address, abi: token.abi, eventName: 'Transfer', onLogs: (l) => logs.push(...l), onError: assert.ifError }),
    socket.watchPendingTransactions({ onTransactions: (h) => hashes.push(...h), onError: assert.ifError }),
  ]
  await until('a first head', () => heads.length > 0)
  const receipts = []
  for (const value of [11n, 12n, 13n]) receipts.push(await write(alice, 'transfer', bob.address, value))
  await until('three logs', () => logs.length >= 3)
  await until('three heads', () => heads.length >= 3)
  await until('three pending transactions', () => receipts.every((r) => hashes.includes(r.transactionHash)))
  watching.forEach((stop) => stop())
  assert.deepEqual(logs.map((l) => l.args.value), [11n, 12n, 13n])
  assert.deepEqual(logs.map((l) => l.transactionHash), receipts.map((r) => r.transactionHash))
  assert.deepEqual(heads, heads.map((_, i) => heads[0] + BigInt(i)), 'heads without a gap')
  ;(await socket.transport.getRpcClient()).close()
})

test('watching events by polling', async () => {
  const seen = []
  const stop = reader.watchContractEvent({ address, abi: token.abi, eventName: 'Transfer', poll: true, pollingInterval: 20, onLogs: (l) => seen.push(...l), onError: assert.ifError })
  let value = 100n
  await until('a polled event', async () => {
    await write(alice, 'transfer', carol.address, value++)
    return seen.length > 0
  })
  stop()
  assert.equal(seen[0].args.to, carol.address)
})

test('fees of the chain', async () => {
  const { maxFeePerGas, maxPriorityFeePerGas } = await reader.estimateFeesPerGas()
  assert.ok(maxFeePerGas > 0n && maxFeePerGas < parseGwei('100'))
  assert.ok(maxPriorityFeePerGas >= 0n)
  const history = await reader.getFeeHistory({ blockCount: 2, rewardPercentiles: [10, 50] })
  assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1)
})

test('sending through the full node', async () => {
  const hash = await viemWallet(network, bob, network.fullnode).writeContract({ address, abi: token.abi, functionName: 'transfer', args: [carol.address, 5n] })
  const onFullnode = await viemReader(network, network.fullnode).waitForTransactionReceipt({ hash })
  const onSequencer = await reader.waitForTransactionReceipt({ hash })
  assert.deepEqual([onFullnode.status, onFullnode.transactionIndex, onFullnode.blockNumber], ['success', onSequencer.transactionIndex, onSequencer.blockNumber])
  const prepared = await wallet.prepareTransactionRequest({ to: bob.address, value: 9n })
  const serializedTransaction = await wallet.signTransaction(prepared)
  assert.equal((await viemWallet(network, alice, network.fullnode).sendRawTransactionSync({ serializedTransaction })).status, 'success')
  await assert.rejects(viemWallet(network, alice, network.fullnode).sendRawTransaction({ serializedTransaction }), /already known|nonce too low/i)
})

test('the full node says what the sequencer says', async () => {
  const { transactionCount, logCount } = await assertSameChain(network.http, network.fullnode)
  assert.ok(transactionCount >= 15 && logCount >= 10, `got ${transactionCount} transactions, ${logCount} logs`)
})

test('and has executed nothing', { skip: skipWithoutMetrics() }, async () => {
  assert.equal(await executedTransactions(network.fullnodeMetrics), 0)
})

function skipWithoutMetrics() {
  return process.env.REDLINE_HTTP && !process.env.FULLNODE_METRICS && 'FULLNODE_METRICS is not set'
}
