// Package wal is a write-ahead log: records with consecutive sequence numbers,
// in the order in which they were appended, each known to be on the disk once
// the log says so. A record is bytes; the package must not know what they mean,
// and has nothing to do with the state beside it.
//
// The log is a folder of segments, files that are filled with zeros before they
// are used, so that a write changes nothing but data and costs one trip to the
// disk. One goroutine on its own thread writes; what waits while it does is
// written together next. Where the file system allows, it writes past the
// operating system's cache (O_DIRECT|O_DSYNC), else it writes and syncs. The
// method is that of databases: see docs/formats/wal.md.
//
// When the disk is full or broken, the log keeps what it has taken, says so by
// Err, and tries again until it succeeds or is closed; Append then waits as soon
// as the queue is full. So nothing is lost silently, and the log goes on by
// itself.
//
// All methods may be called from any goroutine.
package wal

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redline-evm/redline/internal/vfs"
)

// Options say where a log is and how it works.
type Options struct {
	FS       vfs.FS // nil: the operating system's
	Dir      string // a folder of its own
	Identity Hash   // of what the log belongs to; a log of another identity is refused
	First    uint64 // sequence number of the first record, where a log is begun

	Buffered     bool          // write through the operating system's cache and sync
	QueueDepth   int           // records that wait or are being written; 0 stands for 4
	SegmentBytes int64         // size of large segments, a multiple of vfs.BlockSize; 0 stands for 64 MiB
	RetryWait    time.Duration // between two attempts at a failing write; 0 stands for 250 ms

	// Durable is called by the writing goroutine after each write: the records
	// below next are on the disk. It delays the next write and must not call
	// Close.
	Durable func(next uint64)
	Log     *slog.Logger
}

const (
	queueDepthDefault   = 4
	segmentBytesDefault = 64 << 20
	retryWaitDefault    = 250 * time.Millisecond
)

// Log is an open log.
type Log struct {
	opts   Options
	closed chan struct{} // Close was called
	done   sync.WaitGroup

	buffered atomic.Bool
	writer   writer // the writing goroutine's

	mu struct {
		sync.Mutex
		room, work, spares sync.Cond // something changed for: Append; the writer; the one who waits for a spare or makes it

		segments []*segment // in use, oldest first; the last is written to
		pending  [][]byte   // payloads that are not durable, oldest first
		durable  uint64     // the sequence number of the first of them
		spare    *segment   // prepared; nil while it is being made
		spareErr error      // why it cannot be made
		stalled  error      // why the newest write failed

		impatient bool // StopWaiting was called
		closing   bool // Close was called
		written   bool // nothing is written any more
	}
}

// Errors that callers tell apart.
var (
	ErrClosed  = errors.New("the log is closed")
	ErrCorrupt = errors.New("the log is corrupt")
	ErrPruned  = errors.New("the record is pruned")
	ErrOther   = errors.New("the log is another one's")
)

// CorruptError says that the log is damaged at a place where no crash can have
// damaged it. It is an ErrCorrupt.
type CorruptError struct {
	Path   string // of the segment
	Offset int64  // in it
	Seq    uint64 // sequence number of the record that is or should be there
	Err    error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%q is corrupt at byte %d, record %d: %v", e.Path, e.Offset, e.Seq, e.Err)
}

// Unwrap makes the error an ErrCorrupt.
func (e *CorruptError) Unwrap() []error { return []error{ErrCorrupt, e.Err} }

// Open opens the log in opts.Dir, or begins one. Nobody else may have it open.
// What a crash left after the last whole record is cut off with a warning;
// damage before that is a CorruptError. Only the newest segment is read whole:
// damage in the payloads of others shows when they are read.
func Open(opts Options) (*Log, error) {
	l := &Log{opts: opts.withDefaults(), closed: make(chan struct{})}
	for _, cond := range []*sync.Cond{&l.mu.room, &l.mu.work, &l.mu.spares} {
		cond.L = &l.mu
	}
	l.buffered.Store(opts.Buffered)
	if err := l.recover(); err != nil {
		return nil, fmt.Errorf("cannot open the log in %q: %w", opts.Dir, err)
	}
	l.done.Go(l.spareLoop)
	l.done.Go(l.writeLoop)
	return l, nil
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.OS
	}
	if o.QueueDepth == 0 {
		o.QueueDepth = queueDepthDefault
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = segmentBytesDefault
	}
	if o.RetryWait == 0 {
		o.RetryWait = retryWaitDefault
	}
	if o.Durable == nil {
		o.Durable = func(uint64) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Append queues a record and returns its sequence number. It waits while the
// queue is full. The payload is the log's afterwards: nobody may change it. After
// an error, which is ErrClosed, about the record's size or what StopWaiting says,
// nothing was queued.
func (l *Log) Append(payload []byte) (seq uint64, err error) {
	if len(payload) > RecordSizeMax {
		return 0, fmt.Errorf("cannot append a record of %d bytes; want at most %d", len(payload), RecordSizeMax)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.mu.pending) >= l.opts.QueueDepth && !l.mu.closing {
		if l.mu.impatient && l.mu.stalled != nil {
			return 0, l.mu.stalled
		}
		l.mu.room.Wait()
	}
	if l.mu.closing {
		return 0, ErrClosed
	}
	l.mu.pending = append(l.mu.pending, payload)
	l.mu.work.Signal()
	return l.nextLocked() - 1, nil
}

// First is the sequence number of the oldest record that is kept, or of the one
// that will be the first.
func (l *Log) First() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.firstLocked()
}

func (l *Log) firstLocked() uint64 {
	if len(l.mu.segments) == 0 {
		return l.mu.durable
	}
	return l.mu.segments[0].first
}

// Next is the sequence number that the next record will get.
func (l *Log) Next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nextLocked()
}

func (l *Log) nextLocked() uint64 { return l.mu.durable + uint64(len(l.mu.pending)) }

// Durable is the sequence number below which all records are on the disk.
func (l *Log) Durable() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.durable
}

// Err is what keeps the log from writing; nil if nothing does.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.stalled
}

// StopWaiting makes Append return what keeps the log from writing, if something
// does and the queue is full, instead of waiting for better times.
func (l *Log) StopWaiting() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.impatient = true
	l.mu.room.Broadcast()
}

// Mode names how the log writes: "direct" or "buffered".
func (l *Log) Mode() string {
	if l.buffered.Load() {
		return "buffered"
	}
	return "direct"
}

// Close writes what is queued and closes the log. If that cannot be written, the
// error says how many records are lost.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.mu.closing {
		l.mu.Unlock()
		return ErrClosed
	}
	l.mu.closing = true
	close(l.closed)
	for _, cond := range []*sync.Cond{&l.mu.room, &l.mu.work, &l.mu.spares} {
		cond.Broadcast()
	}
	l.mu.Unlock()
	l.done.Wait()
	err := l.writer.close()
	if lost := len(l.mu.pending); lost > 0 {
		return errors.Join(fmt.Errorf("records from %d on are not on the disk, %d in all: %w", l.mu.durable, lost, l.mu.stalled), err)
	}
	return err
}
