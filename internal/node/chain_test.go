package node

import (
	"crypto/ecdsa"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/netio/wire"
)

var testEngine = jit.New(jit.Config{})

// testChain grows a ledger by executing transactions. Nothing is signed but
// they: the ledger does not look.
type testChain struct {
	t      *testing.T
	ledger *ledger.Ledger
	block  *exec.Block // open
	state  *exec.Journal
}

func newTestChain(t *testing.T) *testChain {
	t.Helper()
	return newTestChainKeeping(t, memstate.Horizon)
}

func newTestChainKeeping(t *testing.T, stateBlocks uint64) *testChain {
	t.Helper()
	l, err := ledger.Open(ledger.Options{Dir: t.TempDir(), Genesis: chain.DevGenesis(common.Address{0xc0}), StateBlocks: stateBlocks, Durability: ledger.Async})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return &testChain{t: t, ledger: l, state: exec.NewJournal(l.State().Latest())}
}

// mini appends a mini-block of transactions.
func (c *testChain) mini(txs ...*types.Transaction) *chain.MiniBlock {
	c.t.Helper()
	m := &chain.MiniBlock{Header: c.ledger.Appender().Expect(), Txs: txs}
	h := &m.Header
	if h.BlockTimestamp == 0 {
		h.BlockTimestamp = c.ledger.Sealed().Time + 1
		header := chain.NextHeader(c.ledger.Config(), c.ledger.Sealed(), h.BlockTimestamp)
		c.state.Reset(c.ledger.State().Latest())
		c.block = exec.NewBlock(c.ledger.Config(), header, testEngine, c.state, c.ledger.BlockHash)
		c.block.Begin()
	}
	for _, tx := range txs {
		sender, err := types.Sender(types.LatestSigner(c.ledger.Config()), tx)
		if err != nil {
			c.t.Fatal(err)
		}
		receipt, err := c.block.Apply(tx, sender)
		if err != nil {
			c.t.Fatal(err)
		}
		m.Receipts = append(m.Receipts, receipt)
		h.GasUsed += receipt.GasUsed
	}
	m.Diff = c.state.Diff()
	h.TxRoot, h.ReceiptRoot = chain.ListRoots(m.Txs, m.Receipts)
	h.DiffHash = m.Diff.Hash()
	c.append(wire.Record{MiniBlock: m})
	return m
}

// seal closes the open EVM block.
func (c *testChain) seal() {
	c.t.Helper()
	open := c.ledger.Open()
	c.append(wire.Record{Seal: &chain.Seal{Header: chain.CloseHeader(open.Header, &chain.BlockBody{
		Txs: open.Txs, Receipts: open.Receipts, StateRoot: c.ledger.Appender().StateRoot(),
		RequestsHash: &types.EmptyRequestsHash, FirstMini: open.FirstMini, LastMini: open.LastMini,
	})}})
}

func (c *testChain) append(rec wire.Record) {
	c.t.Helper()
	if err := c.ledger.Appender().Append(rec); err != nil {
		c.t.Fatal(err)
	}
}

func devKey(i int) *ecdsa.PrivateKey { return chain.DevAccounts[i].PrivateKey() }

// transfer is a signed transfer of 1 wei to an address of its own.
func transfer(from int, nonce uint64) *types.Transaction { return transferWithTip(from, nonce, 1) }

func transferWithTip(from int, nonce uint64, tip int64) *types.Transaction {
	return types.MustSignNewTx(devKey(from), types.LatestSignerForChainID(big.NewInt(chain.DevChainID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(chain.DevChainID), Nonce: nonce, To: &receiver, Value: big.NewInt(1), Gas: 21_000,
		GasFeeCap: big.NewInt(100 * params.GWei), GasTipCap: big.NewInt(tip),
	})
}

var receiver = common.Address{0x77}
