package replica

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
)

// replay executes what the sequencer says it executed and compares receipts and
// diffs. It runs one mini-block ahead of the chain.
type replay struct {
	genesis *chain.Genesis
	chain   Chain
	engine  *jit.Engine
	journal *exec.Journal

	// Of the open EVM block.
	block        *exec.Block // nil between two
	signer       types.Signer
	ended        bool // the calls of the block's end were made
	requestsHash *common.Hash
}

func newReplay(cfg Config) *replay {
	return &replay{
		genesis: cfg.Genesis,
		chain:   cfg.Chain,
		engine:  cfg.Engine,
		journal: exec.NewJournal(cfg.Chain.State().Latest()),
	}
}

// resume executes the open EVM block again, so that it can be continued.
func (x *replay) resume() error {
	open := x.chain.Open()
	if open == nil {
		return nil
	}
	state, err := x.chain.State().At(x.chain.Sealed().Number.Uint64())
	if err != nil {
		return fmt.Errorf("cannot resume EVM block %d: %w", open.Header.Number, err)
	}
	x.begin(state, open.Header)
	for number := open.FirstMini; number <= open.LastMini; number++ {
		m, err := x.chain.MiniBlock(number)
		if err != nil {
			return fmt.Errorf("cannot resume EVM block %d: %w", open.Header.Number, err)
		}
		if fault := x.execute(m); fault != nil {
			return fmt.Errorf("cannot resume EVM block %d: mini-block %d: %w: %s", open.Header.Number, number, fault.Err, fault.Detail)
		}
	}
	return nil
}

// begin starts to execute an EVM block on the state that the one before left.
func (x *replay) begin(state exec.StateView, open *types.Header) {
	x.journal.Reset(state)
	x.block = exec.NewBlock(x.genesis.Config, open, x.engine, x.journal, x.chain.BlockHash)
	x.block.SetLimits(x.genesis.Limits)
	x.block.Begin()
	x.signer = types.MakeSigner(x.genesis.Config, open.Number, open.Time)
	x.ended, x.requestsHash = false, nil
}

func (x *replay) miniBlock(m *chain.MiniBlock, open *types.Header) *Error {
	if m.Header.Index == 0 {
		x.begin(x.chain.State().Latest(), open)
	}
	return x.execute(m)
}

// execute runs a mini-block of the open EVM block. One without transactions
// that is not the first holds the effects of the calls of the block's end.
func (x *replay) execute(m *chain.MiniBlock) *Error {
	if x.ended {
		return fault(ErrExecution, "got a mini-block after the calls of the block's end")
	}
	before := len(x.block.Receipts())
	for i, tx := range m.Txs {
		sender, err := types.Sender(x.signer, tx)
		if err == nil {
			_, err = x.block.Apply(tx, sender)
		}
		if err != nil {
			return fault(ErrExecution, "transaction %d, %s, cannot be executed: %v", i, tx.Hash(), err)
		}
		executedTxs.Inc()
	}
	if m.Header.Index > 0 && len(m.Txs) == 0 {
		if fault := x.end(); fault != nil {
			return fault
		}
	}
	receipts := x.block.Receipts()[before:]
	if _, root := chain.ListRoots(m.Txs, receipts); root != m.Header.ReceiptRoot {
		return fault(ErrExecution, "%s", firstDifference(receipts, m.Receipts))
	}
	if got := x.journal.Diff().Hash(); got != m.Header.DiffHash {
		return fault(ErrExecution, "got diff hash %s; want %s", got, m.Header.DiffHash)
	}
	return nil
}

// end makes the system calls of the block's end.
func (x *replay) end() *Error {
	requests, err := x.block.End()
	if err != nil {
		return fault(ErrExecution, "the block cannot end: %v", err)
	}
	x.ended = true
	if x.block.Fork() >= jit.Prague {
		x.requestsHash = new(types.CalcRequestsHash(requests))
	}
	return nil
}

// seal checks what only execution can tell of a header: the requests, and that
// nothing was left out.
func (x *replay) seal(s *chain.Seal) *Error {
	if !x.ended {
		if fault := x.end(); fault != nil {
			return fault
		}
		if diff := x.journal.Diff(); !diff.Empty() {
			return fault(ErrExecution, "the calls of the block's end change the state; no mini-block holds that")
		}
	}
	if got, want := x.requestsHash, s.Header.RequestsHash; got != nil && *got != *want {
		return fault(ErrExecution, "got requests hash %s; want %s", got, want)
	}
	return nil
}

// firstDifference says which transaction did something else.
func firstDifference(got, want []*types.Receipt) string {
	for i := range got {
		g, w := got[i], want[i]
		if g.Status != w.Status || g.GasUsed != w.GasUsed || g.Bloom != w.Bloom || len(g.Logs) != len(w.Logs) {
			return fmt.Sprintf("transaction %s: got status %d, gas %d and %d logs; want status %d, gas %d and %d logs",
				w.TxHash, g.Status, g.GasUsed, len(g.Logs), w.Status, w.GasUsed, len(w.Logs))
		}
	}
	return "the data of a log differs"
}
