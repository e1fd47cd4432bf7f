// Bad input over HTTP and WebSocket: each kind gets its proper error from the
// sequencer and from the full node, and both stay up, with bounded memory.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import { after, afterEach, before, test } from 'node:test'
import { concat, encodeFunctionData, keccak256, numberToHex, parseGwei, parseSignature, parseTransaction, serializeTransaction, toHex, toRlp, trim } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import WebSocket from 'ws'
import { account } from './accounts.js'
import { compile } from './contracts.js'
import { start, viemReader, viemWallet } from './network.js'
import { call, request, send, until } from './rpc.js'

const [alice, bob, carol] = [3, 4, 5].map(account)
const hostile = compile('Hostile')
const memoryBytesMax = 2 ** 30 // of each program, after everything

let network, contract

before(async () => {
  network = await start()
  const hash = await viemWallet(network, alice).deployContract(hostile)
  contract = (await viemReader(network).waitForTransactionReceipt({ hash })).contractAddress
  await until('the contract on the full node', async () => (await call(network.fullnode, 'eth_getCode', contract, 'latest')) !== '0x')
})
after(() => network?.stop())

// A request may kill the node only later: it is asked after every test.
afterEach(async () => {
  for (const url of nodes()) assert.ok(Number(await call(url, 'eth_blockNumber')) > 0)
})

const nodes = () => [network.http, network.fullnode]

// check sends a body to both nodes and wants an error with this code and text.
async function check(body, code, text = /./) {
  for (const url of nodes()) checkError((await send(url, body)).answer, code, text, body)
}

// checkCall does the same for a well-formed request.
async function checkCall(code, text, method, ...params) {
  for (const url of nodes()) checkError(await request(url, method, ...params), code, text, `${method} ${JSON.stringify(params)}`)
}

function checkError(answer, code, text, what) {
  const place = `${String(what).slice(0, 200)}: got ${JSON.stringify(answer)?.slice(0, 300)}`
  assert.equal(answer?.jsonrpc, '2.0', place)
  assert.equal(answer.error?.code, code, place)
  assert.match(answer.error.message, text, place)
}

test('garbage instead of JSON', async () => {
  for (const body of ['{', 'hello', '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"', '\x00\x01\x02', '{"a":}', '['.repeat(100_000)]) {
    await check(body, -32700)
  }
})

test('JSON that is no request', async () => {
  for (const body of ['{}', '{"jsonrpc":"2.0","id":1}', '{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}', '[]']) {
    await check(body, -32600)
  }
})

test('a batch with a bad item still answers the good ones', async () => {
  for (const url of nodes()) {
    const { answer } = await send(url, '[{"jsonrpc":"2.0","id":1,"method":"eth_chainId"},{"foo":1},{"jsonrpc":"2.0","id":3,"method":"no_such"}]')
    assert.equal(answer.length, 3)
    assert.equal(answer.find((a) => a.id === 1).result, '0x539')
    assert.equal(answer.find((a) => a.id === 3).error.code, -32601)
    assert.equal(answer.find((a) => a.id === null).error.code, -32600)
  }
})

test('an unknown method', async () => {
  await checkCall(-32601, /the method no_such does not exist\/is not available/, 'no_such')
  await checkCall(-32601, /./, 'hardhat_metadata')
  await checkCall(-32600, /too long/, 'debug_'.repeat(10_000))
})

test('wrong types and numbers of arguments', async () => {
  for (const [method, ...params] of [
    ['eth_getBalance'],
    ['eth_getBalance', 1, 'latest'],
    ['eth_getBalance', '0x1234', 'latest'],
    ['eth_getBalance', `0x${'zz'.repeat(20)}`, 'latest'],
    ['eth_getBalance', alice.address, 'newest'],
    ['eth_getBalance', alice.address, 'latest', 'more'],
    ['eth_getBlockByNumber', '0x01', false],
    ['eth_getBlockByNumber', '-0x1', false],
    ['eth_getBlockByNumber', 'latest', 'true'],
    ['eth_getTransactionByHash', '0x12'],
    ['eth_call', 'hello', 'latest'],
    ['eth_call', { to: contract, data: '0x123' }, 'latest'],
    ['eth_call', { to: contract, gas: 'much' }, 'latest'],
    ['eth_getLogs', { address: 7 }],
    ['eth_sendRawTransaction', 12],
    ['eth_sendRawTransaction', '0x123'],
    ['eth_sendRawTransaction', 'deadbeef'],
    ['eth_feeHistory', 'x', 'latest', []],
  ]) {
    await checkCall(-32602, /./, method, ...params)
  }
})

test('params that are no list', async () => {
  await check('{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":"x"}', -32602)
})

test('a body of 20 MB', async () => {
  const body = Buffer.alloc(20 << 20, 'a')
  for (const url of nodes()) {
    assert.equal(await post(url, { 'content-length': body.length }, body.subarray(0, 64 << 10)), 413, 'announced')
    assert.equal(await post(url, { 'content-length': body.length }, body), 413, 'sent')
    assert.equal(await post(url, { 'transfer-encoding': 'chunked' }, body), 413, 'sent in chunks')
    const { status } = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    assert.equal(status, 413, 'fetched')
  }
})

test('a batch that is too long', async () => {
  const body = `[${Array(20_000).fill('{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}').join()}]`
  for (const url of nodes()) {
    const { answer } = await send(url, body)
    checkError(Array.isArray(answer) ? answer[0] : answer, -32600, /batch too large/, 'batch')
  }
})

test('malformed transactions', async () => {
  for (const raw of ['0x', '0x00', '0xc0', '0xdeadbeef', '0x02', '0x02c0', '0x7f01', `0x${'ff'.repeat(1000)}`, '0xf8ffffffffffffffffff', '0x02f8ff']) {
    await checkCall(-32000, /./, 'eth_sendRawTransaction', raw)
    await checkCall(-32000, /./, 'eth_sendRawTransactionSync', raw)
  }
})

// transfer is a valid transaction of nonce 0 but for the fields given.
const transfer = (fields) => ({ chainId: 1337, type: 'eip1559', nonce: 0, to: bob.address, value: 1n, gas: 21_000n, maxFeePerGas: parseGwei('50'), maxPriorityFeePerGas: 1n, ...fields })

// refuse signs the transaction and wants both nodes to refuse it.
const refuse = async (text, fields, signer = bob) =>
  checkCall(-32000, text, 'eth_sendRawTransaction', await signer.signTransaction(transfer(fields)))

// signUnchecked signs an EIP-1559 transaction that viem would not.
async function signUnchecked(signer, tx) {
  const quantity = (n) => (n ? numberToHex(n) : '0x')
  const fields = [...[tx.chainId, tx.nonce, tx.maxPriorityFeePerGas, tx.maxFeePerGas, tx.gas].map(quantity), tx.to, quantity(tx.value), '0x', []]
  const { r, s, yParity } = parseSignature(await signer.sign({ hash: keccak256(concat(['0x02', toRlp(fields)])) }))
  return concat(['0x02', toRlp([...fields, quantity(yParity), trim(r), trim(s)])])
}

test('transactions that cannot be valid', async () => {
  await refuse(/invalid sender|invalid chain id/, { chainId: 1 })
  await refuse(/intrinsic gas too low/, { gas: 20_999n })
  await refuse(/exceeds block gas limit|transaction gas limit too high/, { gas: 2n ** 31n, maxFeePerGas: parseGwei('0.1') })
  await checkCall(-32000, /max priority fee per gas higher than max fee per gas/, 'eth_sendRawTransaction', await signUnchecked(bob, transfer({ maxPriorityFeePerGas: parseGwei('51') })))
  await refuse(/insufficient funds for gas \* price \+ value/, { value: 2n ** 100n })
  await refuse(/insufficient funds for gas \* price \+ value/, {}, privateKeyToAccount(generatePrivateKey()))
  await refuse(/nonce too low/, {}, alice) // alice has deployed the contract
  await refuse(/max initcode size exceeded/, { to: undefined, data: `0x${'00'.repeat(100_000)}`, gas: 15_000_000n })
})

test('bad signatures', async () => {
  const { r, s, yParity, ...unsigned } = parseTransaction(await bob.signTransaction(transfer()))
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  for (const bad of [
    { r: numberToHex(0, { size: 32 }), s, yParity },
    { r, s: numberToHex(0, { size: 32 }), yParity },
    { r, s: toHex(order - BigInt(s), { size: 32 }), yParity: 1 - yParity }, // the same point, refused since Homestead
    { r: toHex(order, { size: 32 }), s, yParity },
  ]) {
    await checkCall(-32000, /invalid sender|invalid transaction v, r, s values/, 'eth_sendRawTransaction', serializeTransaction(unsigned, bad))
  }
  // A signature of something else belongs to somebody without funds.
  await checkCall(-32000, /insufficient funds|invalid sender/, 'eth_sendRawTransaction', serializeTransaction(unsigned, { r: keccak256(r), s, yParity }))
})

test('blob transactions are refused', async () => {
  const blobVersionedHashes = [`0x01${'00'.repeat(31)}`]
  await refuse(/blob|type not supported/i, { type: 'eip4844', blobVersionedHashes, maxFeePerBlobGas: 1n })
})

test('a nonce gap waits until it is filled', async () => {
  const raw = async (nonce) => carol.signTransaction(transfer({ nonce }))
  const later = await raw(1)
  const hash = await call(network.http, 'eth_sendRawTransaction', later)
  assert.equal(await call(network.http, 'eth_getTransactionReceipt', hash), null)
  assert.equal((await call(network.http, 'eth_getTransactionByHash', hash)).blockNumber, null)
  checkError(await request(network.http, 'eth_sendRawTransaction', later), -32000, /already known/, 'again')
  const dearer = await carol.signTransaction(transfer({ nonce: 1, maxFeePerGas: parseGwei('51') }))
  checkError(await request(network.http, 'eth_sendRawTransaction', dearer), -32000, /replacement transaction underpriced/, 'replacement')
  await call(network.http, 'eth_sendRawTransaction', await raw(0))
  for (const url of nodes()) await until('the receipt of the waiting transaction', () => call(url, 'eth_getTransactionReceipt', hash))
})

const hostileCall = (functionName, ...args) => ({ to: contract, data: encodeFunctionData({ abi: hostile.abi, functionName, args }) })

test('deep recursion', async () => {
  for (const url of nodes()) {
    const { result } = await request(url, 'eth_call', hostileCall('recurse', 2000n), 'latest')
    assert.ok(Number(result) > 100, `recursion reached ${result}`)
  }
  const hash = await viemWallet(network, alice).sendTransaction({ ...hostileCall('recurse', 2000n), gas: 10_000_000n })
  assert.equal((await viemReader(network).waitForTransactionReceipt({ hash })).status, 'success')
})

test('giant memory', async () => {
  for (const offset of [2n ** 31n, 2n ** 40n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 256n - 33n]) {
    await checkCall(-32000, /out of gas|gas uint64 overflow/, 'eth_call', hostileCall('grow', offset), 'latest')
  }
  for (const url of nodes()) {
    const answer = await request(url, 'eth_call', hostileCall('flood', 2n ** 20n), 'latest')
    assert.equal(answer.result?.length, 2 + 2 * 2 ** 20)
  }
})

test('a call that never ends by itself', async () => {
  await checkCall(-32000, /out of gas|timeout/, 'eth_call', hostileCall('spin'), 'latest')
  await checkCall(-32000, /gas required exceeds|out of gas|timeout/, 'eth_estimateGas', hostileCall('spin'), 'latest')
  const hash = await viemWallet(network, alice).sendTransaction({ ...hostileCall('spin'), gas: 1_000_000n })
  const receipt = await viemReader(network).waitForTransactionReceipt({ hash })
  assert.deepEqual([receipt.status, receipt.gasUsed], ['reverted', 1_000_000n])
})

test('logs of an absurd range', async () => {
  for (const url of nodes()) {
    const { error, result } = await request(url, 'eth_getLogs', { fromBlock: '0x0', toBlock: '0xffffffffffff' })
    assert.ok(error || Array.isArray(result))
    checkError(await request(url, 'eth_getLogs', { fromBlock: '0x5', toBlock: '0x1' }), -32602, /invalid block range/, 'backwards')
  }
})

test('other HTTP methods and content', async () => {
  for (const url of nodes()) {
    const get = await fetch(url)
    assert.ok(get.status < 500, `GET: got HTTP ${get.status}`)
    const text = await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } })
    assert.ok(text.status < 500, `text: got HTTP ${text.status}`)
    assert.equal((await fetch(`${url}/no/such/path`, { method: 'DELETE' })).status >= 400, true)
  }
})

test('garbage over WebSocket', async () => {
  for (const [text, code, message] of [
    ['{', -32700, /./],
    ['{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["nothing"]}', -32601, /no "nothing" subscription/],
    ['x'.repeat(1 << 20), -32700, /./],
  ]) {
    const answer = await askSocket(text)
    if (answer) checkError(answer, code, message, text) // to close is an answer as well
  }
})

// askSocket sends a message on a connection of its own and returns the answer,
// or nothing when the server closes the connection.
function askSocket(text) {
  const socket = new WebSocket(network.ws)
  return new Promise((resolve, reject) => {
    socket.on('open', () => socket.send(text))
    socket.on('message', (data) => resolve(JSON.parse(data)))
    socket.on('close', () => resolve(undefined))
    socket.on('error', reject)
  }).finally(() => socket.terminate())
}

test('memory stays bounded', { skip: process.env.REDLINE_HTTP ? 'the chain is not ours' : process.platform !== 'linux' && 'needs /proc' }, async () => {
  for (const pid of network.pids) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    const residentBytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) * 1024
    assert.ok(residentBytes < memoryBytesMax, `process ${pid} has ${residentBytes} bytes`)
  }
})

// post sends a request, and perhaps only the beginning of its body. It returns the
// HTTP status, or the code of the error that ended the request.
function post(url, headers, body) {
  return new Promise((resolve) => {
    const outgoing = http.request(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers } }, (incoming) => {
      resolve(incoming.statusCode)
      outgoing.destroy()
    })
    outgoing.on('error', (error) => resolve(error.code))
    outgoing.write(body)
    if (headers['content-length'] === undefined) outgoing.end()
  })
}
