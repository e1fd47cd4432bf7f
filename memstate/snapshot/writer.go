package snapshot

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/redline-evm/redline/internal/chain"
)

// WriteOptions say how a snapshot is written.
type WriteOptions struct {
	Workers        int                   // that compress and write at once; 0 stands for 1
	BytesPerSecond uint64                // of uncompressed state; 0: no limit
	Progress       func(rawBytes uint64) // told after each chunk, from any goroutine; nil: nobody
}

// Writer writes one snapshot: the base, then the tail, then Commit. Its memory
// is bounded by a chunk or two for each worker. Nothing of it is a snapshot
// before Commit, and what is left of it after a crash is removed by the next Prune.
type Writer struct {
	store    *Store
	opts     WriteOptions
	limit    limiter
	group    *errgroup.Group
	ctx      context.Context
	encoders chan *zstd.Encoder
	done     atomic.Uint64 // uncompressed bytes

	base, tail []*Chunk // filled in by the workers
	counts     Counts
	open       []byte // the chunk of the tail that is not full yet

	mu    sync.Mutex
	added []Chunk // that were not there before
}

// NewWriter begins a snapshot. It ends with ctx.
func (s *Store) NewWriter(ctx context.Context, opts WriteOptions) (*Writer, error) {
	opts.Workers = max(opts.Workers, 1)
	w := &Writer{store: s, opts: opts, limit: limiter{bytesPerSecond: opts.BytesPerSecond}, encoders: make(chan *zstd.Encoder, opts.Workers)}
	w.group, w.ctx = errgroup.WithContext(ctx)
	w.group.SetLimit(opts.Workers)
	for range opts.Workers {
		encoder, err := newEncoder()
		if err != nil {
			return nil, err
		}
		w.encoders <- encoder
	}
	return w, nil
}

// Base adds a chunk of the copy; it waits for a worker and for the rate limit.
// The chunks decide what snapshots share: the same diff makes the same file.
func (w *Writer) Base(d *chain.StateDiff) error {
	w.counts.add(d)
	return w.chunk(&w.base, appendDiff(nil, d))
}

// Tail adds a diff of the time of the copy, in the order of the chain.
func (w *Writer) Tail(d *chain.StateDiff) error {
	next := appendDiff(nil, d)
	if len(w.open)+len(next) > tailRawFull {
		if err := w.closeTail(); err != nil {
			return err
		}
	}
	w.open = append(w.open, next...)
	return nil
}

func (w *Writer) closeTail() error {
	if len(w.open) == 0 {
		return nil
	}
	raw := w.open
	w.open = nil
	return w.chunk(&w.tail, raw)
}

// chunk has a worker write a chunk.
func (w *Writer) chunk(list *[]*Chunk, raw []byte) error {
	if len(raw) > chunkRawMax {
		return fmt.Errorf("cannot write a chunk of %d bytes; want at most %d", len(raw), chunkRawMax)
	}
	if err := w.pause(w.limit.take(time.Now(), len(raw))); err != nil {
		return err
	}
	chunk := new(Chunk)
	*list = append(*list, chunk)
	w.group.Go(func() error {
		encoder := <-w.encoders
		defer func() { w.encoders <- encoder }()
		if w.ctx.Err() != nil {
			return w.ctx.Err()
		}
		named, stored := pack(encoder, raw)
		*chunk = named
		added, err := w.store.writeChunk(named, stored)
		if added {
			w.mu.Lock()
			w.added = append(w.added, named)
			w.mu.Unlock()
		}
		if err != nil {
			return err
		}
		if done := w.done.Add(uint64(len(raw))); w.opts.Progress != nil {
			w.opts.Progress(done)
		}
		return nil
	})
	return nil
}

func (w *Writer) pause(wait time.Duration) error {
	if wait <= 0 {
		return context.Cause(w.ctx)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	case <-timer.C:
		return nil
	}
}

// Commit makes what was written a snapshot, signed by key. The manifest says
// which; its signer, counts and chunks are set here.
func (w *Writer) Commit(m *Manifest, key *ecdsa.PrivateKey) error {
	if err := w.closeTail(); err != nil {
		return err
	}
	if err := w.group.Wait(); err != nil {
		return err
	}
	if _, err := w.store.Manifest(m.Block()); err == nil {
		return fmt.Errorf("there is a snapshot of EVM block %d already: %q", m.Block(), w.store.Path(m.Block()))
	}
	m.Counts, m.Base, m.Tail = w.counts, values(w.base), values(w.tail)
	err := w.store.writeManifest(m, key)
	if err != nil {
		w.store.undo(w.store.Path(m.Block())) // before its chunks go
	}
	return err
}

// Abort ends a snapshot that is not to be, and gives its room on the disk back. It
// may come after a Commit that failed.
func (w *Writer) Abort() {
	_ = w.group.Wait() // the reason is known to whoever aborts
	for _, c := range w.added {
		w.store.undo(w.store.chunkPath(c))
	}
}

func values(chunks []*Chunk) []Chunk {
	list := make([]Chunk, len(chunks))
	for i, c := range chunks {
		list[i] = *c
	}
	return list
}
