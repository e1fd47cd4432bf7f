// Package ledger is the chain as a node keeps it: a log of records on disk, an
// index of it in memory, and the state that the records lead to. A sequencer
// appends what it produced, a full node what it verified; both serve their
// readers from here.
//
// The ledger believes what is appended: it checks that a record continues the
// chain, not that it is true. It must not know who made a record, nor the
// network, nor how transactions are executed.
//
// The chain has two ends. The Appender's is the newest record, on which the next
// one is made at once. The readers' is the newest published one, which is on the
// disk already if Durability says so; the few records between the two are
// nobody's but the appender's. Readers may be of any goroutine, never wait for
// the disk writes of the appender, and see a record in all places at once or not
// at all.
//
// The index knows the newest part of the chain; older EVM blocks are moved to the
// history, and the log is pruned up to what a restart from a snapshot needs.
// Bodies are read when they are asked for; those of the open EVM block and of
// recently used ones are held decoded.
package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/history"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/memstate/snapshot"
	"github.com/redline-evm/redline/memstate/wal"
	"github.com/redline-evm/redline/tuning"
)

// Options say where the ledger is and how it starts.
type Options struct {
	Dir        string         // the node's data directory; the ledger lives in its folder "ledger"
	Genesis    *chain.Genesis // nil: the one that the directory was made with
	Chain      common.Hash    // the identity that the chain must have; zero: any
	CacheBytes int            // of decoded EVM blocks, measured by their encoding; 0 stands for 16 MiB
	// StateBlocks is how many EVM blocks before the open one keep their state; 0
	// stands for all. After a start from a snapshot there is none from before it; so
	// with all the log is replayed from its begin and never pruned.
	StateBlocks uint64
	Durability  Durability
	// Memory is how the memory of the state is taken; nil leaves it to the kernel.
	// PrefaultBytes of it are ready for state to come when the ledger is open.
	Memory        *tuning.MemoryPolicy
	PrefaultBytes uint64
	FS            vfs.FS // nil: the operating system's
	Log           *slog.Logger
}

const (
	folder        = "ledger"  // in the data directory
	logFolder     = "wal"     // in the folder of the ledger
	historyFolder = "history" // in the data directory
)

// Ledger is an open ledger.
type Ledger struct {
	genesis       *chain.Genesis
	identity      common.Hash
	genesisHeader *types.Header
	signer        types.Signer
	state         *memstate.State
	base          *base
	log           *wal.Log
	history       *history.Store
	snapshots     *snapshot.Store
	index         *index
	blocks        *blockCache
	allStates     bool // the state of every EVM block is wanted
	logger        *slog.Logger

	appender    *Appender
	publication publication
	observers   observers
	head        atomic.Pointer[head] // that the readers see
}

// queueDepthAsync is how many records may wait for the disk when nobody waits
// for them: a node that catches up writes many at a time.
const queueDepthAsync = 64

// Open opens the ledger in opts.Dir, creates it if there is none, and replays
// its log. Nobody else may have it open: the programs lock the directory. What
// was being written when the node died is cut off with a warning; damage before
// the end of the log is an error that names the place.
func Open(opts Options) (*Ledger, error) {
	opts = opts.withDefaults()
	dir := filepath.Join(opts.Dir, folder)
	if err := opts.FS.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("cannot open ledger: %w", err)
	}
	if err := refuseOld(opts.FS, dir); err != nil {
		return nil, fmt.Errorf("cannot open ledger: %w", err)
	}
	from, err := settleOrigin(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("cannot open ledger in %q: %w", dir, err)
	}
	l := newLedger(from, opts)
	if err := l.start(from, dir, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open ledger: %w", explainCorrupt(err)), l.closeFiles())
	}
	return l, nil
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.FS == nil {
		o.FS = vfs.OS
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 16 << 20
	}
	return o
}

// oldLog is what the log was called when it was a single file.
const oldLog = "records.log"

// refuseOld reports a ledger of the format before this one.
func refuseOld(f vfs.FS, dir string) error {
	file, err := f.Open(filepath.Join(dir, oldLog), vfs.Read)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return errors.Join(fmt.Errorf("%q holds a chain in a format that is no longer read (%s); remove the folder to follow or begin the chain anew, or choose another data folder", dir, oldLog), file.Close())
}

// newLedger returns a ledger without files and state.
func newLedger(from *origin, opts Options) *Ledger {
	l := &Ledger{
		genesis:       from.genesis,
		identity:      from.identity,
		genesisHeader: from.header,
		signer:        types.LatestSigner(from.genesis.Config),
		blocks:        newBlockCache(opts.CacheBytes),
		allStates:     opts.StateBlocks == 0,
		logger:        opts.Log,
	}
	l.publication.ledger = l
	return l
}

// start opens the files, loads the state and replays the log.
func (l *Ledger) start(from *origin, dir string, opts Options) (err error) {
	if l.snapshots, err = OpenSnapshots(opts.FS, opts.Dir); err != nil {
		return err
	}
	if l.history, err = history.Open(history.Options{
		FS: opts.FS, Dir: filepath.Join(opts.Dir, historyFolder), Chain: l.identity, Log: opts.Log,
	}); err != nil {
		return err
	}
	if err := l.openLog(filepath.Join(dir, logFolder), opts); err != nil {
		return err
	}
	b, err := l.findBase(from, opts)
	if err != nil {
		return err
	}
	l.begin(b)
	if err := l.replay(); err != nil {
		return err
	}
	for moved := true; moved && l.archived() < b.nextSeq; { // the index does not have it
		if moved, err = l.Archive(); err != nil {
			return err
		}
	}
	if err := l.prefault(opts); err != nil {
		return err
	}
	l.publication.start(l.log.Next(), opts.Durability)
	return nil
}

func (l *Ledger) openLog(dir string, opts Options) (err error) {
	walOptions := wal.Options{FS: opts.FS, Dir: dir, Identity: wal.Hash(l.identity), First: l.firstRecord(), Log: opts.Log}
	if opts.Durability == Async {
		walOptions.QueueDepth = queueDepthAsync
	} else {
		walOptions.Durable = l.publication.setDurable
	}
	l.log, err = wal.Open(walOptions)
	return err
}

// begin makes the chain that of its base.
func (l *Ledger) begin(b *base) {
	l.base, l.state = b, b.state
	l.index = newIndex(b.sealed.Number.Uint64(), b.mini, b.hashes)
	l.appender = &Appender{ledger: l, trie: b.trie, head: b.head()}
	b.trie = nil // the appender's
}

// Observe makes the ledger call observer with each record, after the readers can
// see it. observer must not block.
func (l *Ledger) Observe(observer func(Event)) { l.observers.add(observer) }

// Err is what keeps the ledger from writing its log, such as a full disk; nil if
// nothing does. Readers go on meanwhile, while the appender waits; the ledger
// goes on by itself.
func (l *Ledger) Err() error {
	err := l.log.Err()
	if err == nil {
		return nil
	}
	if cause := syscall.Errno(0); errors.As(err, &cause) { // clients learn why, but not where; the node's log says both
		err = cause
	}
	return fmt.Errorf("the log cannot be written: %w", err)
}

// StopWaiting comes before an orderly stop: Append no longer waits for a log that
// cannot be written, but fails.
func (l *Ledger) StopWaiting() { l.log.StopWaiting() }

// Close writes what is queued for the log and closes it. Nobody may append any
// more.
func (l *Ledger) Close() error { return l.closeFiles() }

func (l *Ledger) closeFiles() (err error) {
	if l.log != nil {
		err = l.log.Close()
	}
	if l.history != nil {
		err = errors.Join(err, l.history.Close())
	}
	return err
}
