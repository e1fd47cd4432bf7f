// Package ledger is the chain as a node keeps it: an append-only log of records
// on disk, an index of it in memory, and the state that the records lead to. A
// sequencer appends what it produced, a full node what it verified; both serve
// their readers from here.
//
// The ledger believes what is appended: it checks that a record continues the
// chain, not that it is true. It must not know who made a record, nor the
// network, nor how transactions are executed.
//
// Append, StateRoot and Close belong to one goroutine, the appender; everything
// else may be called from any. Readers never wait for the disk writes of the
// appender, and see a record in all places at once or not at all.
//
// In memory a transaction costs about 24 bytes of index for ever. Bodies are
// read from the log when they are asked for; those of the open EVM block and of
// recently used ones are held decoded.
package ledger

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/memstate/trie"
	"github.com/redline-evm/redline/netio/wire"
)

// Options say where the ledger is and how it starts.
type Options struct {
	Dir        string         // the node's data directory; the ledger lives in its folder "ledger"
	Genesis    *chain.Genesis // nil: the one that the directory was made with
	Chain      common.Hash    // the identity that the chain must have; zero: any
	CacheBytes int            // of decoded EVM blocks, measured by their encoding; 0 stands for 16 MiB
	// StateBlocks is how many EVM blocks before the open one keep their state; 0
	// stands for all.
	StateBlocks uint64
	Log         *slog.Logger
}

const folder = "ledger" // in the data directory

// Ledger is an open ledger.
type Ledger struct {
	genesis       *chain.Genesis
	identity      common.Hash
	genesisHeader *types.Header
	signer        types.Signer
	state         *memstate.State
	log           *recordLog
	index         *index
	blocks        *blockCache
	logger        *slog.Logger

	observers observers

	head atomic.Pointer[head] // written by the appender

	trie    *trie.Trie // the appender's
	scratch []byte     // the appender's
}

// ErrOutOfSequence says that a record does not continue the chain.
var ErrOutOfSequence = errors.New("out of sequence")

var appendSeconds = metrics.NewHistogram("redline_ledger_append_seconds")

// Open opens the ledger in opts.Dir, creates it if there is none, and replays
// its log. Nobody else may have it open: the programs lock the directory. A
// record that was being written when the node died is cut off with
// a warning; damage before the end of the log is an error.
func Open(opts Options) (*Ledger, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.CacheBytes == 0 {
		opts.CacheBytes = 16 << 20
	}
	dir := filepath.Join(opts.Dir, folder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot open ledger: %w", err)
	}
	from, err := settleOrigin(dir, opts.Genesis, opts.Chain)
	if err != nil {
		return nil, fmt.Errorf("cannot open ledger in %q: %w", dir, err)
	}
	l := newLedger(from, opts)
	l.log, err = openLog(filepath.Join(dir, "records.log"), l.Identity())
	if err != nil {
		return nil, fmt.Errorf("cannot open ledger: %w", err)
	}
	if err := l.replay(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open ledger: %w", err), l.log.close())
	}
	return l, nil
}

// newLedger returns a ledger at its genesis, without a log.
func newLedger(from *origin, opts Options) *Ledger {
	hash := from.header.Hash()
	l := &Ledger{
		genesis:       from.genesis,
		identity:      from.identity,
		genesisHeader: from.header,
		signer:        types.LatestSigner(from.genesis.Config),
		state:         from.state,
		trie:          from.trie,
		index:         newIndex(hash),
		blocks:        newBlockCache(opts.CacheBytes),
		logger:        opts.Log,
	}
	l.state.Keep(opts.StateBlocks)
	l.head.Store(&head{sealed: from.header, sealedHash: hash, miniHash: from.identity})
	return l
}

// replay applies the records of the log.
func (l *Ledger) replay() error {
	const progressEvery = 5 * time.Second
	spoken := time.Now()
	return l.log.replay(l.logger, func(rec wire.Record, offset, size int64) error {
		if err := l.head.Load().check(rec); err != nil {
			return err
		}
		if m := rec.MiniBlock; m != nil {
			chain.DeriveReceipts(&m.Header, m.Txs, m.Receipts, l.openHeader(&m.Header))
		}
		l.apply(rec)
		if time.Since(spoken) > progressEvery {
			spoken = time.Now()
			l.logger.Info("replaying the ledger", "block", l.HeadNumber(), "percent", 100*offset/size)
		}
		return nil
	})
}

// Append adds a record to the chain: to the log, the state and the index, in
// this order, and then tells the observers. The receipts need the fields that
// chain.DeriveReceipts sets; Append sets block hash and contract address. The
// record is the ledger's afterwards: nobody may change it.
//
// The record is in the hands of the operating system when Append returns, so
// that it survives the end of the process. Soon after each seal the log is
// synced to disk.
//
// After an error, which is ErrOutOfSequence or one of the disk, the ledger is
// as before.
func (l *Ledger) Append(rec wire.Record) error {
	start := time.Now()
	if err := l.head.Load().check(rec); err != nil {
		return err
	}
	l.scratch = wire.AppendRecord(l.scratch[:0], rec)
	if err := l.log.append(l.scratch); err != nil {
		return fmt.Errorf("cannot append record %d: %w", l.NextSeq(), err)
	}
	event := l.apply(rec)
	if rec.Seal != nil {
		l.log.syncSoon()
	}
	l.observers.tell(event)
	appendSeconds.UpdateDuration(start)
	return nil
}

// apply makes a record part of the chain in memory. The head comes last: what it
// says is in the state and in the index already.
func (l *Ledger) apply(rec wire.Record) Event {
	h := l.head.Load()
	if rec.Seal != nil {
		return l.applySeal(h, rec.Seal)
	}
	return l.applyMiniBlock(h, rec.MiniBlock)
}

func (l *Ledger) applyMiniBlock(h *head, m *chain.MiniBlock) Event {
	hash := m.Header.Hash()
	l.setPlace(m, hash)
	l.state.Commit(m.Header.Number, m.Header.BlockNumber, m.Diff)
	l.trie.Update(m.Diff)
	l.index.addMiniBlock(m, hash)
	l.head.Store(h.withMiniBlock(m, hash, l.openHeader(&m.Header)))
	return Event{MiniBlock: m}
}

func (l *Ledger) applySeal(h *head, s *chain.Seal) Event {
	block := &chain.EVMBlock{
		Header:    s.Header,
		Hash:      s.Header.Hash(),
		Sealed:    true,
		FirstMini: h.open.FirstMini,
		LastMini:  h.open.LastMini,
	}
	l.index.addSeal(block)
	first, count := miniSeq(h.open.FirstMini, h.headNumber()), h.open.LastMini-h.open.FirstMini+2
	l.blocks.add(h.headNumber(), l.log.sizeBytes(first, count), func() (*chain.EVMBlock, error) {
		full := *block
		full.Txs, full.Receipts = h.open.Txs, withBlockHash(h.open.Receipts, block.Hash)
		return &full, nil
	})
	l.head.Store(h.withSeal(block))
	return Event{Sealed: block}
}

// openHeader is the open header of the EVM block that a mini-block continues or
// begins.
func (l *Ledger) openHeader(h *chain.MiniBlockHeader) *types.Header {
	head := l.head.Load()
	if head.open != nil {
		return head.open.Header
	}
	return chain.NextHeader(l.genesis.Config, head.sealed, h.BlockTimestamp)
}

// Observe makes the appender call observer with each record that it appends,
// after the readers can see it. observer must not block.
func (l *Ledger) Observe(observer func(Event)) { l.observers.add(observer) }

// StateRoot is the root of the newest state. It belongs to the appender.
func (l *Ledger) StateRoot() common.Hash { return l.trie.Root() }

// Close syncs the log and closes it.
func (l *Ledger) Close() error { return l.log.close() }
