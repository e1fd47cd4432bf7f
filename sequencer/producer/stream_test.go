package producer

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit/exec"
)

// counterCode adds one to slot 0, logs the new value, and reverts when the call
// data is not empty.
// PUSH0 SLOAD PUSH1 1 ADD DUP1 PUSH0 SSTORE PUSH0 MSTORE PUSH1 32 PUSH0 LOG0 CALLDATASIZE PUSH1 20 JUMPI STOP JUMPDEST PUSH0 PUSH0 REVERT
var counterCode = common.FromHex("5f54600101805f555f5260205fa036601357005b5f5ffd")

// TestStream reads 10 s of a busy chain's records and checks all that they
// claim: links, signatures, places, gas, roots, and that executing the
// transactions anew gives the same diffs.
func TestStream(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	r := newRig(t, testGenesis(), 10*time.Millisecond)
	r.after(10 * time.Millisecond)
	counter := r.deploy(devKey(9), 0, counterCode)
	var nonces [8]uint64
	end := r.now.Add(10 * time.Second)
	for r.now.Before(end) {
		for range random.IntN(4) {
			from := random.IntN(len(nonces))
			to, value, gas, data := &chain.DevAccounts[random.IntN(10)].Address, random.Int64N(1e15), uint64(21000), []byte(nil)
			switch random.IntN(5) {
			case 0:
				to, value, gas = &counter, 0, 100_000
			case 1:
				to, value, gas, data = &counter, 0, 100_000, []byte("revert")
			case 2:
				to, value, gas = &common.Address{1: byte(random.IntN(200)), 19: 77}, random.Int64N(2), 21000
			}
			r.mustAdd(send(devKey(from), nonces[from], to, value, gas, data))
			nonces[from]++
		}
		r.after(time.Duration(random.IntN(40)) * time.Millisecond)
	}
	// A withdrawal request (EIP-7002) makes the end of an EVM block change the state.
	request := append(make([]byte, 48), 0, 0, 0, 0, 0, 0, 0, 1)
	r.mustAdd(send(devKey(9), 1, &params.WithdrawalQueueAddress, 1, 500_000, request))
	r.after(2 * time.Second)

	stats := checkStream(t, r.memChain)
	if stats.txs < 300 || stats.failed == 0 || stats.logs == 0 || stats.blocks < 11 || stats.ends == 0 {
		t.Errorf("the stream is too poor to prove anything: %+v", stats)
	}
	if len(r.dropped) > 0 {
		t.Errorf("dropped %v", r.dropped)
	}
}

// streamStats counts what was met, so that a test can tell that it met enough.
type streamStats struct{ blocks, minis, txs, failed, logs, ends int }

// streamCheck reads records as a distrustful full node would: it keeps a chain
// of its own, to which it adds only what it executed itself.
type streamCheck struct {
	*testing.T
	own     *memChain
	journal *exec.Journal
	stats   streamStats

	previous     chain.MiniBlockHeader
	previousHash common.Hash

	// Of the open EVM block.
	header   *types.Header // nil between two
	block    *exec.Block
	body     chain.BlockBody
	ended    bool
	requests [][]byte
}

// checkStream checks the records of the chain against each other and against an
// independent execution of their transactions.
func checkStream(t *testing.T, c *memChain) streamStats {
	t.Helper()
	own := newMemChain(t, c.genesis)
	s := &streamCheck{T: t, own: own, journal: exec.NewJournal(own.state.Latest()), previousHash: c.genesis.Identity(own.parent.Hash())}
	for _, rec := range c.records {
		if rec.MiniBlock != nil {
			s.miniBlock(rec.MiniBlock)
		} else {
			s.seal(rec.Seal)
		}
	}
	return s.stats
}

func (s *streamCheck) check(ok bool, format string, args ...any) {
	s.Helper()
	if !ok {
		s.Fatalf(format, args...)
	}
}

func (s *streamCheck) miniBlock(m *chain.MiniBlock) {
	s.Helper()
	h := &m.Header
	if s.header == nil {
		s.begin(h)
	}
	s.checkHeader(m)
	s.execute(m)
	s.check(h.GasUsed == s.block.GasUsed()-h.CumulativeGas, "mini-block %d: %d gas; want %d", h.Number, h.GasUsed, s.block.GasUsed()-h.CumulativeGas)
	diff := s.journal.Diff()
	s.check(diff.Hash() == h.DiffHash, "mini-block %d: executing it again gives another diff", h.Number)
	s.own.state.Commit(h.Number, h.BlockNumber, diff)
	s.own.trie.Update(diff)
	s.previous, s.previousHash = *h, h.Hash()
	s.stats.minis++
}

func (s *streamCheck) begin(h *chain.MiniBlockHeader) {
	s.Helper()
	config := s.own.genesis.Config
	s.header = chain.NextHeader(config, s.own.parent, h.BlockTimestamp)
	s.journal.Reset(s.own.state.Latest())
	s.block = exec.NewBlock(config, s.header, testEngine, s.journal, s.own.BlockHash)
	s.block.SetLimits(s.own.genesis.Limits)
	s.block.Begin()
	s.body, s.ended, s.requests = chain.BlockBody{FirstMini: h.Number}, false, nil
	s.check(h.Index == 0, "EVM block %d begins with mini-block index %d", h.BlockNumber, h.Index)
}

func (s *streamCheck) checkHeader(m *chain.MiniBlock) {
	s.Helper()
	h := &m.Header
	signer, err := h.Signer()
	s.check(err == nil && signer == s.own.genesis.Sequencer, "mini-block %d is signed by %s (%v)", h.Number, signer, err)
	s.check(h.Number == s.previous.Number+1 && h.ParentHash == s.previousHash, "mini-block %d does not follow %d", h.Number, s.previous.Number)
	s.check(h.TimestampUs >= s.previous.TimestampUs, "mini-block %d goes back in time", h.Number)
	s.check(h.BlockNumber == s.header.Number.Uint64() && h.BlockTimestamp == s.header.Time, "mini-block %d is in EVM block %d at %d", h.Number, h.BlockNumber, h.BlockTimestamp)
	if h.Index > 0 {
		s.check(h.Index == s.previous.Index+1, "mini-block %d: index %d after %d", h.Number, h.Index, s.previous.Index)
		s.check(len(m.Txs) > 0 || !m.Diff.Empty(), "mini-block %d says nothing", h.Number)
	}
	s.check(h.FirstTxIndex == uint64(len(s.body.Txs)) && h.FirstLogIndex == uint64(s.block.LogCount()),
		"mini-block %d begins at transaction %d, log %d", h.Number, h.FirstTxIndex, h.FirstLogIndex)
	s.check(h.CumulativeGas == s.block.GasUsed(), "mini-block %d: %d gas before it; want %d", h.Number, h.CumulativeGas, s.block.GasUsed())
	for _, r := range m.Receipts {
		r.Bloom = types.CreateBloom(r) // the wire leaves it out
	}
	txRoot, receiptRoot := chain.ListRoots(m.Txs, m.Receipts)
	s.check(h.TxRoot == txRoot && h.ReceiptRoot == receiptRoot, "mini-block %d: wrong roots of its lists", h.Number)
	s.check(m.Diff.Check() == nil && h.DiffHash == m.Diff.Hash(), "mini-block %d: wrong diff hash", h.Number)
}

// execute runs what the mini-block holds. One without transactions that is not
// the first holds the calls of the block's end.
func (s *streamCheck) execute(m *chain.MiniBlock) {
	s.Helper()
	s.check(!s.ended, "mini-block %d comes after the calls of the block's end", m.Header.Number)
	if m.Header.Index > 0 && len(m.Txs) == 0 {
		s.end()
		s.stats.ends++
	}
	for i, tx := range m.Txs {
		sender, err := types.Sender(types.LatestSigner(s.own.genesis.Config), tx)
		s.check(err == nil, "mini-block %d: %v", m.Header.Number, err)
		receipt, err := s.block.Apply(tx, sender)
		s.check(err == nil, "mini-block %d, transaction %d: %v", m.Header.Number, i, err)
		s.check(receipt.Status == m.Receipts[i].Status && receipt.CumulativeGasUsed == m.Receipts[i].CumulativeGasUsed,
			"mini-block %d, transaction %d: wrong receipt", m.Header.Number, i)
		s.body.Txs, s.body.Receipts = append(s.body.Txs, tx), append(s.body.Receipts, receipt)
		s.stats.txs++
		s.stats.logs += len(receipt.Logs)
		if receipt.Status == types.ReceiptStatusFailed {
			s.stats.failed++
		}
	}
}

func (s *streamCheck) end() {
	s.Helper()
	var err error
	s.requests, err = s.block.End()
	s.check(err == nil, "EVM block %d: %v", s.header.Number, err)
	s.ended = true
}

func (s *streamCheck) seal(seal *chain.Seal) {
	s.Helper()
	got := seal.Header
	signer, err := seal.Signer()
	s.check(err == nil && signer == s.own.genesis.Sequencer, "EVM block %d is signed by %s (%v)", got.Number, signer, err)
	if !s.ended {
		s.end()
		s.check(s.journal.Diff().Empty(), "EVM block %d: its end changed the state without a mini-block", got.Number)
	}
	s.body.RequestsHash = new(types.CalcRequestsHash(s.requests))
	s.body.StateRoot, s.body.LastMini = s.own.trie.Root(), s.previous.Number
	want := chain.CloseHeader(s.header, &s.body)
	s.check(got.Hash() == want.Hash(), "EVM block %d: got header %+v; want %+v", got.Number, got, want)
	err = exec.ValidateHeader(s.own.genesis.Config, s.own.parent, got)
	s.check(err == nil, "EVM block %d: %v", got.Number, err)
	s.own.parent, s.header = got, nil
	s.own.hashes[got.Number.Uint64()] = got.Hash()
	s.stats.blocks++
}
