// ethers v6: an OpenZeppelin ERC-20 from deployment to events.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Contract, ContractFactory, HDNodeWallet, JsonRpcProvider, NonceManager, WebSocketProvider, parseEther } from 'ethers'
import { mnemonic } from './accounts.js'
import { compile } from './contracts.js'
import { start } from './network.js'
import { request, until } from './rpc.js'
import { assertSameChain, executedTransactions } from './samechain.js'

const token = compile('Token')
const supply = 10n ** 24n

// ethers answers equal requests from a cache for 250 ms unless told otherwise;
// here several blocks can pass in that time.
const options = { cacheTimeout: -1, pollingInterval: 20 }

let network, provider, fullnode, alice, bob, contract

before(async () => {
  network = await start()
  provider = new JsonRpcProvider(network.http, undefined, options)
  fullnode = new JsonRpcProvider(network.fullnode, undefined, options)
  ;[alice, bob] = [0, 1].map((i) => HDNodeWallet.fromPhrase(mnemonic, undefined, `m/44'/60'/0'/0/${i}`).connect(provider))
})
after(async () => {
  provider?.destroy()
  fullnode?.destroy()
  await network?.stop()
})

test('the network and a transfer of ether', async () => {
  assert.equal((await provider.getNetwork()).chainId, 1337n)
  const before = await provider.getBalance(bob.address)
  const receipt = await (await alice.sendTransaction({ to: bob.address, value: parseEther('2') })).wait()
  assert.deepEqual([receipt.status, receipt.gasUsed], [1, 21_000n])
  assert.equal(await provider.getBalance(bob.address), before + parseEther('2'))
})

test('deployment of an OpenZeppelin ERC-20', async () => {
  contract = await new ContractFactory(token.abi, token.bytecode, alice).deploy('Redline Test', 'RLT', supply)
  await contract.waitForDeployment()
  assert.equal(await contract.name(), 'Redline Test')
  assert.equal(await contract.balanceOf(alice.address), supply)
})

test('transfer, approve and transferFrom', async () => {
  await (await contract.transfer(bob.address, 1000n)).wait()
  await (await contract.approve(bob.address, 500n)).wait()
  await (await contract.connect(bob).transferFrom(alice.address, bob.address, 400n)).wait()
  assert.deepEqual(
    [await contract.balanceOf(bob.address), await contract.allowance(alice.address, bob.address)],
    [1400n, 100n],
  )
})

test('logs and events', async () => {
  const events = await contract.queryFilter(contract.filters.Transfer(null, bob.address), 0)
  assert.deepEqual(events.map((e) => e.args.value), [1000n, 400n])
  const receipt = await events[0].getTransactionReceipt()
  assert.equal(contract.interface.parseLog(receipt.logs[0]).args.value, 1000n)
  const block = await provider.getBlock(receipt.blockNumber, true)
  assert.ok(block.prefetchedTransactions.some((tx) => tx.hash === receipt.hash))
})

test('a custom error is decoded from revert data', async () => {
  await assert.rejects(contract.connect(bob).transfer.staticCall(alice.address, supply), (error) => {
    assert.equal(error.code, 'CALL_EXCEPTION')
    assert.equal(error.revert.name, 'ERC20InsufficientBalance')
    assert.deepEqual([...error.revert.args], [bob.address, 1400n, supply])
    return true
  })
  await assert.rejects(contract.connect(bob).transfer(alice.address, supply), { code: 'CALL_EXCEPTION' })
})

test('many transactions at once', async () => {
  const sender = new NonceManager(alice)
  const responses = await Promise.all(Array.from({ length: 20 }, (_, i) => contract.connect(sender).transfer(bob.address, i + 1)))
  const receipts = await Promise.all(responses.map((r) => r.wait()))
  assert.ok(receipts.every((r) => r.status === 1))
  assert.equal(await contract.balanceOf(bob.address), 1400n + 210n)
})

test('errors that ethers knows by name', async () => {
  const poor = HDNodeWallet.createRandom().connect(provider)
  await assert.rejects(poor.sendTransaction({ to: bob.address, value: 1n, gasLimit: 21_000n }), { code: 'INSUFFICIENT_FUNDS' })
  await assert.rejects(alice.sendTransaction({ to: bob.address, nonce: 0 }), { code: 'NONCE_EXPIRED' })
})

test('newHeads and logs over WebSocket', async () => {
  const socket = new WebSocketProvider(network.ws)
  const heads = [], values = []
  await socket.on('block', (number) => heads.push(number))
  const watched = contract.connect(socket)
  await watched.on('Transfer', (from, to, value) => values.push(value))
  await until('a first head', () => heads.length > 0)
  for (const value of [31n, 32n]) await (await contract.transfer(bob.address, value)).wait()
  await until('two events', () => values.length >= 2)
  await until('two heads', () => heads.length >= 2)
  await socket.destroy()
  assert.deepEqual(values, [31n, 32n])
  assert.deepEqual(heads, heads.map((_, i) => heads[0] + i), 'heads without a gap')
})

test('sending through the full node', async () => {
  const sender = alice.connect(fullnode)
  const receipt = await (await contract.connect(sender).transfer(bob.address, 1n)).wait()
  assert.equal(receipt.status, 1)
  const prepared = await alice.populateTransaction({ to: bob.address, value: 5n })
  const { result } = await request(network.fullnode, 'eth_sendRawTransactionSync', await alice.signTransaction(prepared))
  assert.equal(result.status, '0x1')
})

test('the full node says what the sequencer says and has executed nothing', async () => {
  const { transactionCount } = await assertSameChain(network.http, network.fullnode)
  assert.ok(transactionCount > 25, `got ${transactionCount} transactions`)
  if (network.fullnodeMetrics) assert.equal(await executedTransactions(network.fullnodeMetrics), 0)
})
