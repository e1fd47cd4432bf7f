package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/vfs"
)

// ReadOptions say how a snapshot is read.
type ReadOptions struct {
	Workers  int                      // that read and verify at once; 0 stands for 1
	Progress func(storedBytes uint64) // told after each chunk, one call at a time; nil: nobody
}

// Sink takes the state of a snapshot: diffs to be applied to the empty state in
// the order in which they come.
type Sink interface {
	// Base takes a part of the copy, in which nothing is deleted. No part counts
	// on another one.
	Base(d *chain.StateDiff)
	// Tail takes a diff of the time of the copy. They come after the base.
	Tail(d *chain.StateDiff)
}

// Load hands the state of a snapshot to a sink. Each chunk is verified before
// anything of it is handed over; one that is not what the manifest names ends the
// load with an error that names it and wraps ErrCorrupt. Many chunks are read at
// once; the sink is called from one goroutine.
func (s *Store) Load(ctx context.Context, m *Manifest, opts ReadOptions, sink Sink) error {
	take := sink.Base
	chunks := 0
	err := s.read(ctx, m, opts, func(diffs []*chain.StateDiff, err error) error {
		if chunks == len(m.Base) {
			take = sink.Tail
		}
		chunks++
		for _, d := range diffs {
			take(d)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot load the snapshot of EVM block %d: %w", m.Block(), err)
	}
	return nil
}

// Verify reads a snapshot as Load does and returns what is wrong with it, all
// that is corrupt in one error that wraps ErrCorrupt.
func (s *Store) Verify(ctx context.Context, m *Manifest, opts ReadOptions) error {
	var corrupt error
	err := s.read(ctx, m, opts, func(_ []*chain.StateDiff, err error) error {
		if errors.Is(err, ErrCorrupt) {
			corrupt = errors.Join(corrupt, err)
			return nil
		}
		return err
	})
	return errors.Join(err, corrupt)
}

// part is a chunk that was read.
type part struct {
	diffs []*chain.StateDiff
	err   error
}

// read reads all chunks and hands them to use in their order, each with what is
// wrong with it. An error of use ends it. Not more than twice as many chunks as
// there are workers are in memory.
func (s *Store) read(ctx context.Context, m *Manifest, opts ReadOptions, use func([]*chain.StateDiff, error) error) error {
	workers, chunks := max(opts.Workers, 1), m.chunks()
	decoders := sync.Pool{New: func() any {
		decoder, err := newDecoder()
		if err != nil {
			panic(fmt.Sprintf("BUG: cannot make a decoder: %v", err))
		}
		return decoder
	}}
	group, ctx := errgroup.WithContext(ctx)
	parts := make(chan chan part, workers)
	group.Go(func() error {
		defer close(parts)
		var readers errgroup.Group
		readers.SetLimit(workers)
		defer func() { _ = readers.Wait() }() // they report through their results
		for i, c := range chunks {
			result := make(chan part, 1)
			select {
			case parts <- result:
			case <-ctx.Done():
				return ctx.Err()
			}
			readers.Go(func() error {
				decoder := decoders.Get().(*zstd.Decoder)
				defer decoders.Put(decoder)
				diffs, err := s.readChunk(decoder, c)
				if err != nil {
					err = fmt.Errorf("chunk %d of %d: %w", i+1, len(chunks), err)
				}
				result <- part{diffs, err}
				return nil
			})
		}
		return nil
	})
	group.Go(func() error {
		done := uint64(0)
		for i := 0; ; i++ {
			result, more := <-parts
			if !more {
				return nil
			}
			got := <-result
			if err := use(got.diffs, got.err); err != nil {
				return err
			}
			if done += chunks[i].StoredBytes; opts.Progress != nil {
				opts.Progress(done)
			}
		}
	})
	return group.Wait()
}

// readChunk reads a chunk and checks that it is the one that c names.
func (s *Store) readChunk(decoder *zstd.Decoder, c Chunk) ([]*chain.StateDiff, error) {
	path := s.chunkPath(c)
	stored, err := vfs.ReadFile(s.fs, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", path, err)
	}
	diffs, err := unpack(decoder, c, stored)
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", path, err)
	}
	return diffs, nil
}

// Import copies a snapshot from another store. Each chunk is verified before it is
// written; the manifest comes last, as it is.
func (s *Store) Import(ctx context.Context, from *Store, m *Manifest, opts ReadOptions) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(opts.Workers, 1))
	var mu sync.Mutex
	done := uint64(0)
	for i, c := range m.chunks() {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			stored, err := vfs.ReadFile(from.fs, from.chunkPath(c))
			if err == nil {
				err = c.verify(stored)
			}
			if err != nil {
				return fmt.Errorf("cannot import chunk %d, %q: %w", i+1, from.chunkPath(c), err)
			}
			if _, err := s.writeChunk(c, stored); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if done += c.StoredBytes; opts.Progress != nil {
				opts.Progress(done)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	file, err := vfs.ReadFile(from.fs, from.Path(m.Block()))
	if err != nil {
		return fmt.Errorf("cannot import %q: %w", from.Path(m.Block()), err)
	}
	return vfs.WriteFile(s.fs, s.Path(m.Block()), file)
}
