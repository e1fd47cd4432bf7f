package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/redline-evm/redline/internal/vfs"
)

// A segment is a file of frames after a header; its table, written when the
// segment is closed, says where each begins:
//
//	0000000000001234.segment   | magic 8 | identity 32 | first EVM block 8 | crc32c 4 | frames
//	0000000000001234.table     | offset 8, first mini-block 8 |  for each frame, and for the end
//	                           | crc32c 4 |
const (
	segmentMagic      = "RLHIST01"
	segmentHeaderSize = len(segmentMagic) + common.HashLength + 8 + crcSize
	segmentBlocksMax  = 1 << 16
	segmentSuffix     = ".segment"
	tableSuffix       = ".table"
	entrySize         = 16
)

// entry is where a frame begins.
type entry struct{ offset, firstMini uint64 }

// segment is some consecutive EVM blocks.
type segment struct {
	fs        vfs.FS
	path      string // without suffix
	first     uint64 // EVM blocks, from first on, before next
	next      uint64
	firstMini uint64 // mini-blocks, likewise
	nextMini  uint64
	size      int64
	file      vfs.File // nil once it is closed
	entries   []entry  // of the open one
}

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016d", first))
}

func segmentHeader(chain common.Hash, first uint64) []byte {
	header := append([]byte(segmentMagic), chain[:]...)
	header = binary.BigEndian.AppendUint64(header, first)
	return binary.BigEndian.AppendUint32(header, crc32.Checksum(header, castagnoli))
}

// createSegment makes the segment that begins with a block.
func (s *Store) createSegment(b *block) (*segment, error) {
	g := &segment{fs: s.opts.FS, path: segmentPath(s.opts.Dir, b.number), first: b.number, next: b.number, firstMini: b.firstMini, nextMini: b.firstMini}
	var err error
	if g.file, err = g.fs.Open(g.path+segmentSuffix, vfs.Create); err != nil {
		return nil, err
	}
	header := segmentHeader(s.opts.Chain, g.first)
	g.size = int64(len(header))
	_, err = g.file.WriteAt(header, 0)
	if err == nil {
		err = g.file.Sync()
	}
	if err == nil {
		err = g.fs.SyncDir(s.opts.Dir)
	}
	if err != nil {
		return nil, errors.Join(err, g.file.Close())
	}
	return g, nil
}

// tail is the segment that a frame of a block goes to.
func (s *Store) tail(b *block, size int64) (*segment, error) {
	if n := len(s.segments); n > 0 {
		tail := s.segments[n-1]
		if len(tail.entries) == 0 || tail.size+size <= s.opts.SegmentBytes && len(tail.entries) < segmentBlocksMax {
			return tail, nil
		}
		if err := tail.writeTable(); err != nil {
			return nil, err
		}
	}
	next, err := s.createSegment(b)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.segments); n > 0 {
		tail := s.segments[n-1]
		err, tail.entries = tail.close(), nil
	}
	s.segments = append(s.segments, next)
	return next, err
}

// write brings a frame to the disk, after the last one.
func (g *segment) write(frame []byte) error {
	if _, err := g.file.WriteAt(frame, g.size); err != nil {
		return err
	}
	return g.file.Sync()
}

// add takes note of a frame that was written.
func (g *segment) add(b *block, size int64) {
	g.entries = append(g.entries, entry{uint64(g.size), b.firstMini})
	g.size += size
	g.next, g.nextMini = b.number+1, b.firstMini+uint64(len(b.minis))
}

func (g *segment) close() error {
	if g.file == nil {
		return nil
	}
	file := g.file
	g.file = nil
	return file.Close()
}

// remove removes the files, the table first: one can be made again.
func (g *segment) remove() error {
	return errors.Join(g.fs.Remove(g.path+tableSuffix), g.fs.Remove(g.path+segmentSuffix))
}

func (g *segment) writeTable() error {
	var table []byte
	for _, e := range append(slices.Clone(g.entries), entry{uint64(g.size), g.nextMini}) {
		table = binary.BigEndian.AppendUint64(table, e.offset)
		table = binary.BigEndian.AppendUint64(table, e.firstMini)
	}
	table = binary.BigEndian.AppendUint32(table, crc32.Checksum(table, castagnoli))
	return vfs.WriteFile(g.fs, g.path+tableSuffix, table)
}

// readTable takes the ranges of a closed segment from its table, and returns the
// entries; ok is false when there is none that is whole.
func (g *segment) readTable() (entries []entry, ok bool) {
	table, err := vfs.ReadFile(g.fs, g.path+tableSuffix)
	end := len(table) - crcSize
	if err != nil || end < 2*entrySize || end%entrySize != 0 || crc32.Checksum(table[:end], castagnoli) != binary.BigEndian.Uint32(table[end:]) {
		return nil, false
	}
	for ; end > 0; end -= entrySize {
		entries = append(entries, parseEntry(table[len(entries)*entrySize:]))
	}
	last := len(entries) - 1
	g.next = g.first + uint64(last)
	g.firstMini, g.nextMini, g.size = entries[0].firstMini, entries[last].firstMini, int64(entries[last].offset)
	return entries[:last], true
}

func parseEntry(b []byte) entry {
	return entry{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// openSegments opens what is in the folder.
func (s *Store) openSegments() error {
	names, err := s.opts.FS.List(s.opts.Dir)
	if err != nil {
		return err
	}
	var firsts []uint64
	for _, name := range names {
		digits, ok := strings.CutSuffix(name, segmentSuffix)
		if first, err := strconv.ParseUint(digits, 10, 64); ok && err == nil {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	for i, first := range firsts {
		last := i == len(firsts)-1
		g := &segment{fs: s.opts.FS, path: segmentPath(s.opts.Dir, first), first: first, next: first}
		whole, err := s.openSegment(g, last)
		if err != nil {
			return errors.Join(err, g.close())
		}
		if !whole { // it was being created
			if err := g.fs.Remove(g.path + segmentSuffix); err != nil {
				return err
			}
			break
		}
		if n := len(s.segments); n > 0 && (s.segments[n-1].next != g.first || s.segments[n-1].nextMini != g.firstMini) {
			return fmt.Errorf("%w: %q ends with EVM block %d and mini-block %d, but %q begins with %d and %d", ErrCorrupt,
				s.segments[n-1].path, s.segments[n-1].next-1, s.segments[n-1].nextMini-1, g.path, g.first, g.firstMini)
		}
		s.segments = append(s.segments, g)
	}
	return s.reopenTail()
}

// openSegment finds out what a segment holds. whole is false for the last one
// when it holds no frame.
func (s *Store) openSegment(g *segment, last bool) (whole bool, err error) {
	file, err := g.fs.Open(g.path+segmentSuffix, vfs.Read)
	if err != nil {
		return false, err
	}
	defer file.Close()
	header := make([]byte, segmentHeaderSize)
	if n, err := file.ReadAt(header, 0); err != nil && !(errors.Is(err, io.EOF) && n == len(header)) {
		if last && errors.Is(err, io.EOF) {
			return false, nil
		}
		return false, fmt.Errorf("cannot read %q: %w", g.path+segmentSuffix, err)
	}
	if want := segmentHeader(s.opts.Chain, g.first); string(header) != string(want) {
		if last && !s.hasFrame(file) {
			return false, nil
		}
		return false, fmt.Errorf("%w: %q: got header %x; want %x", ErrCorrupt, g.path+segmentSuffix, header, want)
	}
	if !last {
		if _, ok := g.readTable(); ok {
			return true, nil
		}
	}
	if err := s.scan(g, file, last); err != nil {
		return false, err
	}
	if !last {
		err = g.writeTable()
		g.entries = nil
	}
	return g.next > g.first, err
}

// hasFrame reports whether anything in a file is a frame.
func (s *Store) hasFrame(file vfs.File) bool {
	size, err := file.Size()
	if err != nil {
		return true
	}
	_, found := findFrame(file, 0, size)
	return found
}

// scan reads all frames of a segment. It cuts off what a dying node left after
// the last whole one, which can only be at the end of the last segment.
func (s *Store) scan(g *segment, file vfs.File, last bool) error {
	size, err := file.Size()
	if err != nil {
		return err
	}
	g.size = int64(segmentHeaderSize)
	for g.size < size {
		f, length, err := verifyFrame(file, g.size)
		if err == nil && (f.number != g.next || g.next > g.first && f.firstMini != g.nextMini) {
			return fmt.Errorf("%w: %q: at byte %d: got EVM block %d from mini-block %d on; want %d from %d", ErrCorrupt,
				g.path+segmentSuffix, g.size, f.number, f.firstMini, g.next, g.nextMini)
		}
		if errors.Is(err, errFrame) {
			return s.cut(g, file, size, last, err)
		}
		if err != nil {
			return fmt.Errorf("cannot read %q: %w", g.path+segmentSuffix, err)
		}
		if g.next == g.first {
			g.firstMini = f.firstMini
		}
		g.entries = append(g.entries, entry{uint64(g.size), f.firstMini})
		g.next, g.nextMini = f.number+1, f.firstMini+f.minis()
		g.size += length
	}
	return nil
}

// verifyFrame reads a frame with all its checksums.
func verifyFrame(r io.ReaderAt, offset int64) (f *front, size int64, err error) {
	if f, err = readFront(r, offset); err != nil {
		return nil, 0, err
	}
	if _, err := f.readFilter(r, offset); err != nil {
		return nil, 0, err
	}
	for i, p := range f.parts {
		if err := readChecked(r, offset+f.partStart(i), make([]byte, p.size), p.sum); err != nil {
			return nil, 0, err
		}
	}
	return f, f.partStart(len(f.parts)), nil
}

// cut ends the last segment where the damage begins, unless a frame follows.
func (s *Store) cut(g *segment, file vfs.File, size int64, last bool, damage error) error {
	next, found := findFrame(file, g.size+1, size)
	if found || !last {
		err := fmt.Errorf("%w: %q: at byte %d, EVM block %d: %w", ErrCorrupt, g.path+segmentSuffix, g.size, g.next, damage)
		if found {
			err = fmt.Errorf("%w; the next whole frame begins at byte %d", err, next)
		}
		return err
	}
	s.opts.Log.Warn("cut off an EVM block that was not written to its end", "file", g.path+segmentSuffix, "block", g.next, "offset", g.size, "bytes", size-g.size, "reason", damage)
	writable, err := g.fs.Open(g.path+segmentSuffix, vfs.Write)
	if err != nil {
		return err
	}
	err = writable.Truncate(g.size)
	if err == nil {
		err = writable.Sync()
	}
	return errors.Join(err, writable.Close())
}

// findFrame looks for the front of a frame that begins at or after an offset.
func findFrame(r io.ReaderAt, from, size int64) (offset int64, found bool) {
	const window = 1 << 20
	buf := make([]byte, window+3)
	for ; from < size; from += window {
		n, _ := r.ReadAt(buf, from) // what cannot be read is not there
		for i := 0; i+4 <= n; i++ {
			if binary.BigEndian.Uint32(buf[i:]) != frameMagic {
				continue
			}
			if _, err := readFront(r, from+int64(i)); err == nil {
				return from + int64(i), true
			}
		}
	}
	return 0, false
}

// reopenTail makes the last segment writable.
func (s *Store) reopenTail() (err error) {
	if len(s.segments) == 0 {
		return nil
	}
	tail := s.segments[len(s.segments)-1]
	if len(tail.entries) == 0 { // one that was to follow was not begun
		tail.entries, _ = tail.readTable()
	}
	tail.file, err = tail.fs.Open(tail.path+segmentSuffix, vfs.Write)
	return err
}
