package ledger

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/netio/wire"
)

// head is an end of the chain: everything that the next record continues, and the
// state there. A head is never changed; each record makes a new one. Transactions
// and receipts of the open EVM block are shared between heads: a later one only
// has more.
type head struct {
	nextSeq    uint64
	sealed     *types.Header // of the newest sealed EVM block
	sealedHash common.Hash
	mini       uint64          // number of the newest mini-block; 0 before the first
	miniHash   common.Hash     // its hash; the chain's identity before the first
	open       *chain.EVMBlock // nil between a seal and the next mini-block
	openLogs   uint64          // logs in the open EVM block
	view       *memstate.View  // of the state after the newest mini-block
}

// expect is the beginning of the next mini-block's header: all that follows
// from the chain before it. The timestamp of an EVM block that does not exist
// yet is 0, because it is not known.
func (h *head) expect() chain.MiniBlockHeader {
	next := chain.MiniBlockHeader{
		Number:      h.mini + 1,
		ParentHash:  h.miniHash,
		BlockNumber: h.sealed.Number.Uint64() + 1,
	}
	if h.open != nil {
		next.BlockTimestamp = h.open.Header.Time
		next.Index = h.open.LastMini - h.open.FirstMini + 1
		next.FirstTxIndex = uint64(len(h.open.Txs))
		next.FirstLogIndex = h.openLogs
		next.CumulativeGas = h.open.Header.GasUsed
	}
	return next
}

// check reports whether a record continues the chain.
func (h *head) check(rec wire.Record) error {
	want := h.expect()
	if m := rec.MiniBlock; m != nil {
		got := chain.MiniBlockHeader{Number: m.Header.Number, ParentHash: m.Header.ParentHash, BlockNumber: m.Header.BlockNumber, Index: m.Header.Index}
		want = chain.MiniBlockHeader{Number: want.Number, ParentHash: want.ParentHash, BlockNumber: want.BlockNumber, Index: want.Index}
		if got != want {
			return fmt.Errorf("%w: got mini-block %s; want %s", ErrOutOfSequence, describe(&got), describe(&want))
		}
		return nil
	}
	number, parent := rec.Seal.Header.Number, rec.Seal.Header.ParentHash
	switch {
	case h.open == nil:
		return fmt.Errorf("%w: got the seal of EVM block %d; want mini-block %s", ErrOutOfSequence, number, describe(&want))
	case !number.IsUint64() || number.Uint64() != want.BlockNumber || parent != h.sealedHash:
		return fmt.Errorf("%w: got the seal of EVM block %d on %s; want %d on %s", ErrOutOfSequence, number, parent, want.BlockNumber, h.sealedHash)
	}
	return nil
}

func describe(h *chain.MiniBlockHeader) string {
	return fmt.Sprintf("%d on %s, index %d in EVM block %d", h.Number, h.ParentHash, h.Index, h.BlockNumber)
}

// withMiniBlock is the head after m. The open header is that of m's EVM block;
// its gas grows with the mini-blocks. The view is of the state after m.
func (h *head) withMiniBlock(m *chain.MiniBlock, hash common.Hash, header *types.Header, view *memstate.View) *head {
	next := *h
	next.nextSeq++
	next.mini, next.miniHash, next.view = m.Header.Number, hash, view
	open := chain.EVMBlock{FirstMini: m.Header.Number}
	if h.open != nil {
		open = *h.open
	} else {
		next.openLogs = 0
	}
	open.Header = new(types.Header)
	*open.Header = *header
	open.Header.GasUsed = m.Header.CumulativeGas + m.Header.GasUsed
	open.Hash = hash
	open.LastMini = m.Header.Number
	open.Txs = append(open.Txs, m.Txs...)
	open.Receipts = append(open.Receipts, m.Receipts...)
	next.open = &open
	for _, receipt := range m.Receipts {
		next.openLogs += uint64(len(receipt.Logs))
	}
	return &next
}

// withSeal is the head after the open EVM block was sealed as block.
func (h *head) withSeal(block *chain.EVMBlock) *head {
	return &head{
		nextSeq:    h.nextSeq + 1,
		sealed:     block.Header,
		sealedHash: block.Hash,
		mini:       h.mini,
		miniHash:   h.miniHash,
		view:       h.view,
	}
}

// NextSeq is the sequence number after that of the newest record.
func (l *Ledger) NextSeq() uint64 { return l.head.Load().nextSeq }

// Sealed is the header of the newest sealed EVM block.
func (l *Ledger) Sealed() *types.Header { return l.head.Load().sealed }

// Open is the open EVM block as of its newest mini-block; nil between a seal
// and the next mini-block.
func (l *Ledger) Open() *chain.EVMBlock { return l.head.Load().open }

// HeadNumber is the number of the open EVM block, else of the newest sealed one.
func (l *Ledger) HeadNumber() uint64 { return l.head.Load().headNumber() }

func (h *head) headNumber() uint64 {
	number := h.sealed.Number.Uint64()
	if h.open != nil {
		number++
	}
	return number
}
