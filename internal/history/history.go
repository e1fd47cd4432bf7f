// Package history keeps the old part of the chain on disk: the records of sealed
// EVM blocks, compressed, to be found by EVM block, by mini-block, by sequence
// number, by the hash of an EVM block, a mini-block or a transaction, and by what
// their logs are about. Its memory does not grow with the chain.
//
// It believes what is appended. It must not know how records come about, the
// state, or who asks; and it derives nothing: mini-blocks come back as they were
// published.
//
// # How it works
//
// Blocks stand one after the other in segments, append-only files; each block is
// a frame that can be read on its own and in parts (frame.go). A segment that is
// full gets a table of where its blocks begin. Hashes are found by runs, sorted
// files of hash prefixes that are merged as they become many (run.go); the newest
// hashes wait in memory until they fill a run, and are read from the segments
// again after a restart. docs/formats/history.md draws the files.
//
// Append, Prune and Close belong to one goroutine; everything else may be called
// from any.
package history

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/ethereum/go-ethereum/common"

	"github.com/redline-evm/redline/internal/vfs"
)

// Options say where a store is.
type Options struct {
	FS    vfs.FS
	Dir   string
	Chain common.Hash // identity of the chain
	Log   *slog.Logger

	SegmentBytes int64 // a segment is closed when it has so many; 0 stands for 256 MiB
	RunHashes    int   // so many hashes wait in memory; 0 stands for 131,072
}

// Store is an open history.
type Store struct {
	opts Options

	mu       sync.RWMutex // held to read while files are read, to write while they are replaced
	segments []*segment   // ascending and contiguous; the last one is open
	hashes   hashes
}

// ErrCorrupt is in all errors that say that a file is not what was written.
var ErrCorrupt = errors.New("corrupt history")

// Open opens the history in opts.Dir, and makes the folder if there is none. What
// was being appended when the node died is cut off with a warning.
func Open(opts Options) (*Store, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.SegmentBytes == 0 {
		opts.SegmentBytes = 256 << 20
	}
	if opts.RunHashes == 0 {
		opts.RunHashes = 1 << 17
	}
	s := &Store{opts: opts}
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the history in %q: %w", opts.Dir, err), s.Close())
	}
	return s, nil
}

func (s *Store) open() error {
	if err := s.opts.FS.MkdirAll(s.opts.Dir); err != nil {
		return err
	}
	if err := removeTemporary(s.opts.FS, s.opts.Dir); err != nil {
		return err
	}
	if err := s.openSegments(); err != nil {
		return err
	}
	first, next := s.Range()
	if err := s.hashes.open(s.opts.FS, s.opts.Dir, s.opts.RunHashes, first, next); err != nil {
		return err
	}
	return s.remember()
}

// remember reads the hashes that no run has.
func (s *Store) remember() error {
	first, next := s.Range()
	for number := max(first, s.hashes.next); number < next; number++ {
		records, err := s.Records(number)
		if err != nil {
			return err
		}
		block, err := parseBlock(records)
		if err != nil {
			return s.corrupt(number, err)
		}
		s.hashes.add(block)
		if err := s.flushHashes(); err != nil {
			return err
		}
	}
	return nil
}

// Range says which EVM blocks are there: from first on, all before next. Without
// any, both are 0.
func (s *Store) Range() (first, next uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.rangeLocked()
}

func (s *Store) rangeLocked() (first, next uint64) {
	if len(s.segments) == 0 {
		return 0, 0
	}
	return s.segments[0].first, s.segments[len(s.segments)-1].next
}

// NextSeq is the sequence number after that of the newest record; 0 if there is
// none.
func (s *Store) NextSeq() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.segments) == 0 {
		return 0
	}
	tail := s.segments[len(s.segments)-1]
	return firstSeq(tail.next, tail.nextMini)
}

// Append adds a sealed EVM block: the encodings of its mini-blocks and its seal.
// It follows the newest one; the first may have any number. It is on the disk
// when Append returns; after an error Range says whether it is there.
func (s *Store) Append(records [][]byte) error {
	block, err := parseBlock(records)
	if err != nil {
		return fmt.Errorf("cannot append to the history: %w", err)
	}
	if err := s.append(block); err != nil {
		return fmt.Errorf("cannot append EVM block %d to the history: %w", block.number, err)
	}
	return nil
}

func (s *Store) append(block *block) error {
	if err := s.checkNext(block); err != nil {
		return err
	}
	encoded, err := appendFrame(nil, block)
	if err != nil {
		return err
	}
	tail, err := s.tail(block, int64(len(encoded)))
	if err != nil {
		return err
	}
	if err := tail.write(encoded); err != nil {
		return err
	}
	s.mu.Lock()
	tail.add(block, int64(len(encoded)))
	s.hashes.add(block)
	s.mu.Unlock()
	return s.flushHashes()
}

// checkNext reports whether a block follows the newest one.
func (s *Store) checkNext(b *block) error {
	if len(s.segments) == 0 {
		return nil
	}
	tail := s.segments[len(s.segments)-1]
	if b.number != tail.next || b.firstMini != tail.nextMini {
		return fmt.Errorf("it begins with mini-block %d; want EVM block %d with mini-block %d", b.firstMini, tail.next, tail.nextMini)
	}
	return nil
}

// Prune removes the EVM blocks before a number, as far as whole segments hold no
// others.
func (s *Store) Prune(before uint64) error {
	s.mu.Lock()
	var old []*segment
	for len(s.segments) > 1 && s.segments[0].next <= before {
		old = append(old, s.segments[0])
		s.segments = s.segments[1:]
	}
	first, _ := s.rangeLocked()
	runs := s.hashes.forget(first)
	s.mu.Unlock()
	var err error
	for _, segment := range old {
		err = errors.Join(err, segment.remove())
	}
	for _, run := range runs {
		err = errors.Join(err, run.remove())
	}
	if err != nil {
		return fmt.Errorf("cannot prune the history: %w", err)
	}
	return nil
}

// Close closes the files.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.hashes.close()
	if n := len(s.segments); n > 0 {
		err = errors.Join(err, s.segments[n-1].close())
	}
	return err
}

func (s *Store) corrupt(number uint64, cause error) error {
	return fmt.Errorf("%w: EVM block %d in %q: %w", ErrCorrupt, number, s.opts.Dir, cause)
}

// removeTemporary removes what was being written when the node died.
func removeTemporary(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	for _, name := range names {
		if filepath.Ext(name) == vfs.TemporarySuffix {
			err = errors.Join(err, fs.Remove(filepath.Join(dir, name)))
		}
	}
	return err
}
