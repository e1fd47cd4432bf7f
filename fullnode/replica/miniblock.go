package replica

import (
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
)

// checkMiniBlock checks a mini-block against its signed header, and the header
// against the chain. It derives the receipts on the way.
func (r *Replica) checkMiniBlock(m *chain.MiniBlock) *Error {
	h := &m.Header
	if fault := r.checkSigner(h.Signer()); fault != nil {
		return fault
	}
	if fault := r.checkPlace(h); fault != nil {
		return fault
	}
	if got := m.Diff.Hash(); got != h.DiffHash {
		return mismatch(ErrDiffHash, got, h.DiffHash)
	}
	if err := m.Diff.Check(); err != nil {
		return fault(ErrDiff, "%v", err)
	}
	open := r.openHeader(h)
	chain.DeriveReceipts(h, m.Txs, m.Receipts, open)
	if fault := checkGas(m, open); fault != nil {
		return fault
	}
	switch txRoot, receiptRoot := chain.ListRoots(m.Txs, m.Receipts); {
	case txRoot != h.TxRoot:
		return mismatch(ErrTxRoot, txRoot, h.TxRoot)
	case receiptRoot != h.ReceiptRoot:
		return mismatch(ErrReceiptRoot, receiptRoot, h.ReceiptRoot)
	}
	if r.replay != nil {
		return r.replay.miniBlock(m, open)
	}
	return nil
}

// checkPlace checks all of a header that follows from the chain before it.
func (r *Replica) checkPlace(h *chain.MiniBlockHeader) *Error {
	want := r.chain.Expect()
	if want.BlockTimestamp == 0 {
		if last := r.chain.Sealed().Time; h.BlockTimestamp <= last {
			return fault(ErrLink, "got block timestamp %d; want more than %d", h.BlockTimestamp, last)
		}
		want.BlockTimestamp = h.BlockTimestamp
	}
	for _, field := range []struct {
		name      string
		got, want any
	}{
		{"number", h.Number, want.Number},
		{"parent hash", h.ParentHash, want.ParentHash},
		{"EVM block", h.BlockNumber, want.BlockNumber},
		{"block timestamp", h.BlockTimestamp, want.BlockTimestamp},
		{"index", h.Index, want.Index},
		{"first transaction index", h.FirstTxIndex, want.FirstTxIndex},
		{"first log index", h.FirstLogIndex, want.FirstLogIndex},
		{"cumulative gas", h.CumulativeGas, want.CumulativeGas},
	} {
		if field.got != field.want {
			return fault(ErrLink, "got %s %v; want %v", field.name, field.got, field.want)
		}
	}
	return nil
}

// openHeader is the open header of the EVM block that h belongs to.
func (r *Replica) openHeader(h *chain.MiniBlockHeader) *types.Header {
	if open := r.chain.Open(); open != nil {
		return open.Header
	}
	return chain.NextHeader(r.genesis.Config, r.chain.Sealed(), h.BlockTimestamp)
}

// checkGas checks that the header's gas is what the transactions used, and that
// the EVM block has that much.
func checkGas(m *chain.MiniBlock, open *types.Header) *Error {
	h := &m.Header
	used := uint64(0)
	if n := len(m.Receipts); n > 0 {
		used = m.Receipts[n-1].CumulativeGasUsed - h.CumulativeGas
	}
	if used != h.GasUsed {
		return fault(ErrGas, "the transactions used %d; the header says %d", used, h.GasUsed)
	}
	if left := open.GasLimit - h.CumulativeGas; used > left {
		return fault(ErrGas, "the transactions used %d; the EVM block has %d left", used, left)
	}
	return nil
}
