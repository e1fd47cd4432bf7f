package ledger

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/netio/wire"
)

// tip is the end of the chain: everything that the next record continues. A tip
// is never changed; each record makes a new one. Transactions and receipts of
// the open EVM block are shared between tips: a later one only has more.
type tip struct {
	nextSeq    uint64
	sealed     *types.Header // of the newest sealed EVM block
	sealedHash common.Hash
	mini       uint64          // number of the newest mini-block; 0 before the first
	miniHash   common.Hash     // its hash; the chain's identity before the first
	open       *chain.EVMBlock // nil between a seal and the next mini-block
	openLogs   uint64          // logs in the open EVM block
}

// expect is the beginning of the next mini-block's header: all that follows
// from the chain before it. The timestamp of an EVM block that does not exist
// yet is 0, because it is not known.
func (t *tip) expect() chain.MiniBlockHeader {
	h := chain.MiniBlockHeader{
		Number:      t.mini + 1,
		ParentHash:  t.miniHash,
		BlockNumber: t.sealed.Number.Uint64() + 1,
	}
	if t.open != nil {
		h.BlockTimestamp = t.open.Header.Time
		h.Index = t.open.LastMini - t.open.FirstMini + 1
		h.FirstTxIndex = uint64(len(t.open.Txs))
		h.FirstLogIndex = t.openLogs
		h.CumulativeGas = t.open.Header.GasUsed
	}
	return h
}

// check reports whether a record continues the chain.
func (t *tip) check(rec wire.Record) error {
	want := t.expect()
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
	case t.open == nil:
		return fmt.Errorf("%w: got the seal of EVM block %d; want mini-block %s", ErrOutOfSequence, number, describe(&want))
	case !number.IsUint64() || number.Uint64() != want.BlockNumber || parent != t.sealedHash:
		return fmt.Errorf("%w: got the seal of EVM block %d on %s; want %d on %s", ErrOutOfSequence, number, parent, want.BlockNumber, t.sealedHash)
	}
	return nil
}

func describe(h *chain.MiniBlockHeader) string {
	return fmt.Sprintf("%d on %s, index %d in EVM block %d", h.Number, h.ParentHash, h.Index, h.BlockNumber)
}

// withMiniBlock is the tip after m. The open header is that of m's EVM block;
// its gas grows with the mini-blocks.
func (t *tip) withMiniBlock(m *chain.MiniBlock, hash common.Hash, header *types.Header) *tip {
	next := *t
	next.nextSeq++
	next.mini, next.miniHash = m.Header.Number, hash
	open := chain.EVMBlock{FirstMini: m.Header.Number}
	if t.open != nil {
		open = *t.open
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

// withSeal is the tip after the open EVM block was sealed as block.
func (t *tip) withSeal(block *chain.EVMBlock) *tip {
	return &tip{
		nextSeq:    t.nextSeq + 1,
		sealed:     block.Header,
		sealedHash: block.Hash,
		mini:       t.mini,
		miniHash:   t.miniHash,
	}
}

// NextSeq is the sequence number that the next record will get.
func (l *Ledger) NextSeq() uint64 { return l.tip.Load().nextSeq }

// Expect is the beginning of the next mini-block's header: number, parent hash
// and place in its EVM block. The block's timestamp is 0 when the mini-block
// will begin it.
func (l *Ledger) Expect() chain.MiniBlockHeader { return l.tip.Load().expect() }

// Sealed is the header of the newest sealed EVM block.
func (l *Ledger) Sealed() *types.Header { return l.tip.Load().sealed }

// Open is the open EVM block as of its newest mini-block; nil between a seal
// and the next mini-block.
func (l *Ledger) Open() *chain.EVMBlock { return l.tip.Load().open }

// HeadNumber is the number of the open EVM block, else of the newest sealed one.
func (l *Ledger) HeadNumber() uint64 { return l.tip.Load().headNumber() }

func (t *tip) headNumber() uint64 {
	number := t.sealed.Number.Uint64()
	if t.open != nil {
		number++
	}
	return number
}
