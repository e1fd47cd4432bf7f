// Uniswap v2 from the artifacts of its npm packages: factory, router, wrapped
// ether, two tokens; liquidity, a swap of tokens and one of ether.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseEther, parseEventLogs } from 'viem'
import { account } from './accounts.js'
import { compile, uniswapV2 } from './contracts.js'
import { start, viemReader, viemWallet } from './network.js'
import { assertSameChain, executedTransactions } from './samechain.js'

const [owner, trader] = [0, 1].map(account)
const token = compile('Token')
const uniswap = uniswapV2()
const supply = 10n ** 27n
const deadline = 2n ** 63n

let network, reader, factory, weth, router, tokenA, tokenB, pair

before(async () => {
  network = await start()
  reader = viemReader(network)
})
after(() => network?.stop())

async function deploy(artifact, ...args) {
  const hash = await viemWallet(network, owner).deployContract({ ...artifact, args })
  const receipt = await reader.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'success')
  return { address: receipt.contractAddress, abi: artifact.abi }
}

async function write(from, contract, functionName, args, value) {
  const hash = await viemWallet(network, from).writeContract({ ...contract, functionName, args, value })
  const receipt = await reader.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'success', functionName)
  return receipt
}

const read = (contract, functionName, ...args) => reader.readContract({ ...contract, functionName, args })

test('deployment', async () => {
  factory = await deploy(uniswap.factory, owner.address)
  weth = await deploy(uniswap.weth)
  router = await deploy(uniswap.router, factory.address, weth.address)
  tokenA = await deploy(token, 'Token A', 'A', supply)
  tokenB = await deploy(token, 'Token B', 'B', supply)
  assert.equal((await read(router, 'factory')).toLowerCase(), factory.address)
  assert.equal((await read(router, 'WETH')).toLowerCase(), weth.address)
})

test('liquidity creates the pair', async () => {
  for (const t of [tokenA, tokenB]) await write(owner, t, 'approve', [router.address, supply])
  const amounts = [10n ** 24n, 2n * 10n ** 24n]
  await write(owner, router, 'addLiquidity', [tokenA.address, tokenB.address, ...amounts, 0n, 0n, owner.address, deadline])
  pair = { address: await read(factory, 'getPair', tokenA.address, tokenB.address), abi: uniswap.pair.abi }
  const [reserve0, reserve1] = await read(pair, 'getReserves')
  const aIsFirst = (await read(pair, 'token0')).toLowerCase() === tokenA.address
  assert.deepEqual(aIsFirst ? [reserve0, reserve1] : [reserve1, reserve0], amounts)
  assert.ok((await read(pair, 'balanceOf', owner.address)) > 0n)
})

test('a swap pays what the router quoted', async () => {
  const amountIn = 10n ** 20n
  const path = [tokenA.address, tokenB.address]
  await write(owner, tokenA, 'transfer', [trader.address, amountIn])
  await write(trader, tokenA, 'approve', [router.address, amountIn])
  const [, quoted] = await read(router, 'getAmountsOut', amountIn, path)
  const receipt = await write(trader, router, 'swapExactTokensForTokens', [amountIn, quoted, path, trader.address, deadline])
  assert.equal(await read(tokenB, 'balanceOf', trader.address), quoted)
  assert.equal(parseEventLogs({ abi: pair.abi, logs: receipt.logs, eventName: 'Swap' }).length, 1)
})

test('a swap of ether', async () => {
  const value = parseEther('1')
  const path = [weth.address, tokenA.address]
  await write(owner, router, 'addLiquidityETH', [tokenA.address, 10n ** 24n, 0n, 0n, owner.address, deadline], parseEther('100'))
  const [, quoted] = await read(router, 'getAmountsOut', value, path)
  const before = await read(tokenA, 'balanceOf', trader.address)
  await write(trader, router, 'swapExactETHForTokens', [quoted, path, trader.address, deadline], value)
  assert.equal(await read(tokenA, 'balanceOf', trader.address), before + quoted)
})

test('many swaps with estimated gas', async () => {
  const path = [tokenA.address, tokenB.address]
  await write(trader, tokenA, 'approve', [router.address, supply])
  for (let i = 0; i < 10; i++) {
    await write(trader, router, 'swapExactTokensForTokens', [10n ** 18n, 0n, path, trader.address, deadline])
  }
})

test('liquidity is taken out again', async () => {
  const liquidity = await read(pair, 'balanceOf', owner.address)
  await write(owner, pair, 'approve', [router.address, liquidity])
  await write(owner, router, 'removeLiquidity', [tokenA.address, tokenB.address, liquidity, 0n, 0n, owner.address, deadline])
  assert.equal(await read(pair, 'balanceOf', owner.address), 0n)
})

test('the full node says what the sequencer says and has executed nothing', async () => {
  const { transactionCount, logCount } = await assertSameChain(network.http, network.fullnode)
  assert.ok(transactionCount >= 25 && logCount >= 60, `got ${transactionCount} transactions, ${logCount} logs`)
  const other = viemReader(network, network.fullnode)
  for (const t of [tokenA, tokenB, weth, pair]) {
    for (const holder of [owner.address, trader.address, pair.address, router.address]) {
      assert.equal(await other.readContract({ ...t, functionName: 'balanceOf', args: [holder] }), await read(t, 'balanceOf', holder))
    }
  }
  if (network.fullnodeMetrics) assert.equal(await executedTransactions(network.fullnodeMetrics), 0)
})
