package exec

import (
	"bytes"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit"
)

// blockFixture is a development chain with one EVM block after genesis.
type blockFixture struct {
	genesis *chain.Genesis
	parent  *types.Header
	header  *types.Header
	body    types.Body
	diff    *chain.StateDiff
}

func (f *blockFixture) view() *mapView {
	view := newMapView()
	view.apply(f.genesis.Diff())
	return view
}

// newBlockFixture builds a block as the sequencer does.
func newBlockFixture(t *testing.T) *blockFixture {
	f := &blockFixture{genesis: chain.DevGenesis(coinbase)}
	f.genesis.Alloc[richAddr] = types.Account{Balance: ether}
	f.genesis.Alloc[storeAddr] = types.Account{Balance: new(big.Int), Nonce: 1, Code: storeCode}
	f.parent = f.genesis.Header(common.Hash{1})
	open := chain.NextHeader(f.genesis.Config, f.parent, 1000)
	journal := NewJournal(f.view())
	block := NewBlock(f.genesis.Config, open, jit.New(jit.Config{}), journal, noBlockHash)
	block.Begin()
	signer := types.LatestSignerForChainID(f.genesis.Config.ChainID)
	for nonce := range uint64(3) {
		tx := types.MustSignNewTx(richKey, signer, &types.LegacyTx{
			Nonce: nonce, Gas: 100_000, GasPrice: big.NewInt(2 * params.GWei), To: &storeAddr, Data: store(byte(nonce), 7),
		})
		if _, err := block.Apply(tx, richAddr); err != nil {
			t.Fatal(err)
		}
		f.body.Transactions = append(f.body.Transactions, tx)
	}
	requests, err := block.End()
	if err != nil {
		t.Fatal(err)
	}
	f.diff = journal.Diff()
	requestsHash := types.CalcRequestsHash(requests)
	f.header = chain.CloseHeader(open, &chain.BlockBody{Txs: f.body.Transactions, Receipts: block.Receipts(), RequestsHash: &requestsHash})
	f.body.Withdrawals = []*types.Withdrawal{}
	return f
}

func (f *blockFixture) execute(header *types.Header, body types.Body) (*chain.StateDiff, error) {
	block := types.NewBlockWithHeader(header).WithBody(body)
	journal := NewJournal(f.view())
	_, err := ExecuteBlock(f.genesis.Config, f.parent, block, jit.New(jit.Config{}), journal, noBlockHash)
	return journal.Diff(), err
}

func TestExecuteBlockAsBuilt(t *testing.T) {
	f := newBlockFixture(t)
	diff, err := f.execute(f.header, f.body)
	if err != nil {
		t.Fatal(err)
	}
	if diff.Hash() != f.diff.Hash() {
		t.Errorf("diff is %+v; want %+v", diff, f.diff)
	}
	// The start of the block stored the parent's hash (EIP-2935).
	view := f.view()
	view.apply(diff)
	stored := view.Storage(params.HistoryStorageAddress, *uint256.NewInt(f.parent.Number.Uint64()))
	if hash := f.parent.Hash(); stored.Bytes32() != hash {
		t.Errorf("stored parent hash is %s; want %s", stored.Hex(), hash)
	}
}

func TestExecuteBlockRefusesWrongHeaders(t *testing.T) {
	f := newBlockFixture(t)
	check := func(want string, change func(*types.Header)) {
		t.Helper()
		header := types.CopyHeader(f.header)
		change(header)
		if _, err := f.execute(header, f.body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v; want %q", err, want)
		}
	}
	other := common.Hash{9}
	check("invalid block number", func(h *types.Header) { h.Number = big.NewInt(2) })
	check("unknown ancestor", func(h *types.Header) { h.ParentHash = other })
	check("invalid timestamp", func(h *types.Header) { h.Time = f.parent.Time })
	check("extra-data longer", func(h *types.Header) { h.Extra = make([]byte, 33) })
	check("invalid nonce", func(h *types.Header) { h.Nonce[0] = 1 })
	check("invalid uncle hash", func(h *types.Header) { h.UncleHash = other })
	check("invalid difficulty", func(h *types.Header) { h.Difficulty = big.NewInt(1) })
	check("invalid gasLimit", func(h *types.Header) { h.GasLimit = params.MaxGasLimit + 1 })
	check("invalid gas limit", func(h *types.Header) { h.GasLimit *= 2 })
	check("invalid gasUsed", func(h *types.Header) { h.GasUsed = h.GasLimit + 1 })
	check("invalid baseFee", func(h *types.Header) { h.BaseFee = big.NewInt(1) })
	check("missing baseFee", func(h *types.Header) { h.BaseFee = nil })
	check("missing withdrawalsHash", func(h *types.Header) { h.WithdrawalsHash = nil })
	check("missing beaconRoot", func(h *types.Header) { h.ParentBeaconRoot = nil })
	check("missing requestsHash", func(h *types.Header) { h.RequestsHash = nil })
	check("invalid block access list hash", func(h *types.Header) { h.BlockAccessListHash = &other })
	check("invalid slotNumber", func(h *types.Header) { h.SlotNumber = new(uint64) })
	check("missing excessBlobGas", func(h *types.Header) { h.ExcessBlobGas = nil })
	check("invalid excessBlobGas", func(h *types.Header) { *h.ExcessBlobGas = 1 << 17 })
	check("blob gas used", func(h *types.Header) { *h.BlobGasUsed = 1 << 17 })
	check("invalid gas used", func(h *types.Header) { h.GasUsed-- })
	check("invalid bloom", func(h *types.Header) { h.Bloom[0] ^= 1 })
	check("transaction root", func(h *types.Header) { h.TxHash = other })
	check("invalid receipt root", func(h *types.Header) { h.ReceiptHash = other })
	check("invalid requests hash", func(h *types.Header) { h.RequestsHash = &other })
}

func TestExecuteBlockRefusesWrongBodies(t *testing.T) {
	f := newBlockFixture(t)
	check := func(want string, change func(*types.Body)) {
		t.Helper()
		body := f.body
		change(&body)
		if _, err := f.execute(f.header, body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v; want %q", err, want)
		}
	}
	txs := f.body.Transactions
	check("nonce too high", func(b *types.Body) { b.Transactions = txs[1:] })
	check("invalid gas used", func(b *types.Body) { b.Transactions = txs[:2] })
	check("missing withdrawals", func(b *types.Body) { b.Withdrawals = nil })
	check("too many uncles", func(b *types.Body) { b.Uncles = []*types.Header{f.parent} })
	check(ErrBlockOversized.Error(), func(b *types.Body) {
		b.Transactions = append(txs[:3:3], types.NewTx(&types.LegacyTx{Data: make([]byte, params.MaxBlockSize)}))
	})
}

func TestEndNeedsSystemContracts(t *testing.T) {
	journal := NewJournal(allocView(testAlloc()))
	block := NewBlock(testConfig(jit.Prague), testHeader(), jit.New(jit.Config{}), journal, noBlockHash)
	block.Begin() // without contracts nothing happens
	if diff := journal.Diff(); !diff.Empty() {
		t.Errorf("diff is %+v; want empty", diff)
	}
	if _, err := block.End(); err == nil || !strings.Contains(err.Error(), "empty system contract") {
		t.Errorf("error is %v; want an empty system contract", err)
	}
	before := NewBlock(testConfig(jit.Cancun), testHeader(), jit.New(jit.Config{}), journal, noBlockHash)
	if requests, err := before.End(); err != nil || requests != nil {
		t.Errorf("requests before Prague are %v, %v; want nil", requests, err)
	}
}

func TestRequestsOfTheQueues(t *testing.T) {
	genesis := chain.DevGenesis(coinbase)
	// Contracts that return one byte stand for queues that hold something.
	oneByte := common.FromHex("60aa5f5360015ff3")
	genesis.Alloc[params.WithdrawalQueueAddress] = types.Account{Balance: new(big.Int), Nonce: 1, Code: oneByte}
	view := newMapView()
	view.apply(genesis.Diff())
	header := chain.NextHeader(genesis.Config, genesis.Header(common.Hash{}), 1000)
	block := NewBlock(genesis.Config, header, jit.New(jit.Config{}), NewJournal(view), noBlockHash)
	requests, err := block.End()
	if err != nil || len(requests) != 1 || !bytes.Equal(requests[0], []byte{0x01, 0xaa}) {
		t.Errorf("requests are %x, %v; want 01aa", requests, err)
	}
}

func TestWithdraw(t *testing.T) {
	journal := NewJournal(newMapView())
	block := NewBlock(testConfig(jit.Cancun), testHeader(), jit.New(jit.Config{}), journal, noBlockHash)
	block.Withdraw([]*types.Withdrawal{{Address: addr(1), Amount: 3}, {Address: addr(2)}, {Address: addr(1), Amount: 4}})
	diff := journal.Diff()
	if len(diff.Accounts) != 1 || diff.Accounts[0].Account.Balance != *uint256.NewInt(7 * params.GWei) {
		t.Errorf("diff is %+v; want 7 gwei for %s", diff, addr(1))
	}
}
