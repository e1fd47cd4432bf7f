package ledger

import (
	"errors"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/mpt"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/memstate/wal"
	"github.com/redline-evm/redline/netio/wire"
)

// Appender is the end of the ledger at which records are added. What it says of
// the chain includes the newest record, which the ledger's readers may not see
// yet. It belongs to one goroutine.
type Appender struct {
	ledger *Ledger
	head   *head
	trie   *mpt.Trie
	sizes  int // of the newest record, for the buffer of the next
}

// ErrOutOfSequence says that a record does not continue the chain.
var ErrOutOfSequence = errors.New("out of sequence")

var appendSeconds = metrics.NewHistogram("redline_ledger_append_seconds")

// Appender is the one appender of the ledger.
func (l *Ledger) Appender() *Appender { return l.appender }

// Append adds a record to the chain: to the queue of the log, the state and the
// index. Readers see it, and observers are told, when Durability says so. The
// receipts need the fields that chain.DeriveReceipts sets; Append sets block hash
// and contract address. The record is the ledger's afterwards: nobody may change
// it.
//
// Append waits while the queue of the log is full. After an error, which is
// ErrOutOfSequence or one of the log, the chain is as before.
func (a *Appender) Append(rec wire.Record) error {
	if err := a.head.check(rec); err != nil {
		return err
	}
	payload := wire.AppendRecord(make([]byte, 0, a.sizes), rec)
	a.sizes = len(payload) + len(payload)/8
	seq, err := a.ledger.log.Append(payload)
	if err != nil {
		return fmt.Errorf("cannot append record %d: %w", a.head.nextSeq, err)
	}
	if seq != a.head.nextSeq {
		panic(fmt.Sprintf("BUG: record %d has number %d in the log", a.head.nextSeq, seq))
	}
	start := time.Now()
	event := a.apply(rec)
	a.ledger.publication.applied(a.head, event)
	appendSeconds.UpdateDuration(start)
	return nil
}

// apply makes a record part of the chain in memory.
func (a *Appender) apply(rec wire.Record) Event {
	if rec.Seal != nil {
		return a.applySeal(rec.Seal)
	}
	return a.applyMiniBlock(rec.MiniBlock)
}

func (a *Appender) applyMiniBlock(m *chain.MiniBlock) Event {
	l, hash := a.ledger, m.Header.Hash()
	l.setPlace(m, hash)
	l.state.Commit(m.Header.Number, m.Header.BlockNumber, m.Diff)
	a.trie.Update(m.Diff)
	l.index.addMiniBlock(m, hash)
	a.head = a.head.withMiniBlock(m, hash, a.openHeader(&m.Header), l.state.Latest())
	return Event{MiniBlock: m}
}

func (a *Appender) applySeal(s *chain.Seal) Event {
	l, h := a.ledger, a.head
	block := &chain.EVMBlock{
		Header:    s.Header,
		Hash:      s.Header.Hash(),
		Sealed:    true,
		FirstMini: h.open.FirstMini,
		LastMini:  h.open.LastMini,
	}
	l.index.addSeal(block)
	first, count := miniSeq(h.open.FirstMini, h.headNumber()), h.open.LastMini-h.open.FirstMini+2
	l.blocks.add(h.headNumber(), l.log.SizeBytes(first, count), func() (*chain.EVMBlock, error) {
		full := *block
		full.Txs, full.Receipts = h.open.Txs, withBlockHash(h.open.Receipts, block.Hash)
		return &full, nil
	})
	a.head = h.withSeal(block)
	return Event{Sealed: block}
}

// openHeader is the open header of the EVM block that a mini-block continues or
// begins.
func (a *Appender) openHeader(h *chain.MiniBlockHeader) *types.Header {
	if a.head.open != nil {
		return a.head.open.Header
	}
	return chain.NextHeader(a.ledger.genesis.Config, a.head.sealed, h.BlockTimestamp)
}

// NextSeq is the sequence number that the next record will get.
func (a *Appender) NextSeq() uint64 { return a.head.nextSeq }

// Expect is the beginning of the next mini-block's header: number, parent hash
// and place in its EVM block. The block's timestamp is 0 when the mini-block
// will begin it.
func (a *Appender) Expect() chain.MiniBlockHeader { return a.head.expect() }

// Sealed is the header of the newest sealed EVM block.
func (a *Appender) Sealed() *types.Header { return a.head.sealed }

// Open is the open EVM block as of its newest mini-block; nil between a seal
// and the next mini-block.
func (a *Appender) Open() *chain.EVMBlock { return a.head.open }

// State is the world state, up to the newest record.
func (a *Appender) State() *memstate.State { return a.ledger.state }

// StateRoot is the root of the newest state.
func (a *Appender) StateRoot() common.Hash { return a.trie.Root() }

// BlockHash is the hash of a recent sealed EVM block; zero if there is none.
func (a *Appender) BlockHash(number uint64) common.Hash {
	hash, _ := a.ledger.index.blockHash(number)
	return hash
}

// Record is the encoding of a record.
func (a *Appender) Record(seq uint64) ([]byte, error) {
	if seq >= a.head.nextSeq {
		return nil, fmt.Errorf("cannot read record %d: there are %d", seq, a.head.nextSeq)
	}
	if b := a.ledger.base; b.seal != nil && seq == b.nextSeq-1 {
		return wire.AppendRecord(nil, wire.Record{Seal: b.seal}), nil
	}
	records, err := a.ledger.log.Read(seq, 0)
	if errors.Is(err, wal.ErrPruned) {
		records, err = a.ledger.archivedRecords(seq, 0)
	}
	if err != nil {
		return nil, err
	}
	return records[0], nil
}

// MiniBlock is a mini-block that the ledger's readers see; see Ledger.MiniBlock.
func (a *Appender) MiniBlock(number uint64) (*chain.MiniBlock, error) {
	return a.ledger.MiniBlock(number)
}
