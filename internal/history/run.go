package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/redline-evm/redline/internal/vfs"
)

// A run is a file of the hashes of some EVM blocks, sorted, in pages of 4,096
// bytes that each end with a checksum:
//
//	page 0      | magic 8 | first EVM block 8 | EVM block after the last 8 | count 8 | zeros | crc32c 4 |
//	others      | prefix 8, place 8 |  255 times | zeros | crc32c 4 |
//
// Hashes are spread evenly, so that where one stands can be guessed: a lookup
// reads two or three pages.
const (
	runMagic    = "RLRUNS01"
	runSuffix   = ".run"
	pageSize    = 4096
	pageEntries = (pageSize - crcSize) / entrySize
)

type run struct {
	fs          vfs.FS
	path        string
	first, next uint64 // EVM blocks, from first on, before next
	count       uint64 // of hashes
	file        vfs.File
}

func newRun(fs vfs.FS, dir string, first, next uint64) *run {
	return &run{fs: fs, path: filepath.Join(dir, fmt.Sprintf("%016d-%016d%s", first, next, runSuffix)), first: first, next: next}
}

func runOfName(fs vfs.FS, dir, name string) (*run, bool) {
	span, ok := strings.CutSuffix(name, runSuffix)
	from, to, dash := strings.Cut(span, "-")
	first, firstErr := strconv.ParseUint(from, 10, 64)
	next, nextErr := strconv.ParseUint(to, 10, 64)
	if !ok || !dash || firstErr != nil || nextErr != nil {
		return nil, false
	}
	return newRun(fs, dir, first, next), true
}

func (r *run) open() (err error) {
	if r.file, err = r.fs.Open(r.path, vfs.Read); err != nil {
		return err
	}
	page, err := r.page(0)
	if err != nil {
		return errors.Join(err, r.close())
	}
	header := page[len(runMagic):]
	if string(page[:len(runMagic)]) != runMagic || binary.BigEndian.Uint64(header) != r.first || binary.BigEndian.Uint64(header[8:]) != r.next {
		return errors.Join(fmt.Errorf("%w: %q: wrong header", ErrCorrupt, r.path), r.close())
	}
	r.count = binary.BigEndian.Uint64(header[16:])
	return nil
}

func (r *run) close() error {
	file := r.file
	r.file = nil
	if file == nil {
		return nil
	}
	return file.Close()
}

func (r *run) remove() error { return r.fs.Remove(r.path) }

// pages is how many hold entries; the first of them is page 1.
func (r *run) pages() uint64 { return (r.count + pageEntries - 1) / pageEntries }

// page reads a page and checks it.
func (r *run) page(number uint64) ([]byte, error) {
	page := make([]byte, pageSize)
	if _, err := r.file.ReadAt(page, int64(number*pageSize)); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot read %q: %w", r.path, err)
	}
	end := pageSize - crcSize
	if crc32.Checksum(page[:end], castagnoli) != binary.BigEndian.Uint32(page[end:]) {
		return nil, fmt.Errorf("%w: %q: page %d has a wrong checksum", ErrCorrupt, r.path, number)
	}
	return page, nil
}

// entriesOf reads the entries with numbers from i*pageEntries on.
func (r *run) entriesOf(i uint64) ([]hashEntry, error) {
	page, err := r.page(i + 1)
	if err != nil {
		return nil, err
	}
	entries := make([]hashEntry, min(pageEntries, r.count-i*pageEntries))
	for j := range entries {
		e := page[j*entrySize:]
		entries[j] = hashEntry{binary.BigEndian.Uint64(e), binary.BigEndian.Uint64(e[8:])}
	}
	return entries, nil
}

// find returns the packed places of a prefix, ascending.
func (r *run) find(prefix uint64) (places []uint64, err error) {
	i, err := r.search(prefix)
	if err != nil {
		return nil, err
	}
	for ; i < r.pages(); i++ {
		entries, err := r.entriesOf(i)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.prefix == prefix {
				places = append(places, e.place)
			}
		}
		if entries[len(entries)-1].prefix > prefix {
			break
		}
	}
	return places, nil
}

// search returns the first page of entries whose last prefix is not below.
func (r *run) search(prefix uint64) (uint64, error) {
	const guesses = 4 // then halves: whoever makes hashes uneven gains nothing
	low, high := uint64(0), r.pages()
	lowest, highest := uint64(0), ^uint64(0) // prefixes from page low on and before page high
	for tries := 0; low < high; tries++ {
		middle := low + (high-low)/2
		if tries < guesses {
			middle = low + share(high-low, prefix-lowest, highest-lowest)
		}
		entries, err := r.entriesOf(middle)
		if err != nil {
			return 0, err
		}
		first, last := entries[0].prefix, entries[len(entries)-1].prefix
		switch {
		case last < prefix:
			low, lowest = middle+1, last
		case first < prefix:
			return middle, nil
		default:
			high, highest = middle, first
		}
	}
	return low, nil
}

// share is part/whole of count, below count.
func share(count, part, whole uint64) uint64 {
	if part >= whole {
		return count - 1
	}
	high, low := bits.Mul64(count, part)
	quotient, _ := bits.Div64(high, low, whole)
	return quotient
}

// write makes the run of sorted entries, and opens it.
func (r *run) write(entries func(yield func(hashEntry) bool) error) error {
	temporary := r.path + vfs.TemporarySuffix
	file, err := r.fs.Open(temporary, vfs.Create)
	if err != nil {
		return err
	}
	w := runWriter{file: file, offset: pageSize}
	err = entries(func(e hashEntry) bool {
		w.add(e)
		return w.err == nil
	})
	err = errors.Join(err, w.end(r))
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, r.fs.Remove(temporary))
	}
	if err := vfs.Publish(r.fs, temporary, r.path); err != nil {
		return err
	}
	return r.open()
}

// runWriter writes entries in pages.
type runWriter struct {
	file   vfs.File
	offset int64
	buf    []byte // whole pages and one that is not
	count  uint64
	err    error
}

const writeSize = 256 * pageSize

func (w *runWriter) add(e hashEntry) {
	w.buf = binary.BigEndian.AppendUint64(w.buf, e.prefix)
	w.buf = binary.BigEndian.AppendUint64(w.buf, e.place)
	if w.count++; w.count%pageEntries == 0 {
		w.buf = closePage(w.buf)
	}
	if len(w.buf) == writeSize {
		w.flush()
	}
}

// closePage fills up the last page.
func closePage(buf []byte) []byte {
	start := len(buf) / pageSize * pageSize
	buf = append(buf, make([]byte, start+pageSize-crcSize-len(buf))...)
	return binary.BigEndian.AppendUint32(buf, crc32.Checksum(buf[start:], castagnoli))
}

func (w *runWriter) flush() {
	if w.err == nil {
		_, w.err = w.file.WriteAt(w.buf, w.offset)
	}
	w.offset += int64(len(w.buf))
	w.buf = w.buf[:0]
}

// end writes what is left, and the header.
func (w *runWriter) end(r *run) error {
	if w.count%pageEntries != 0 {
		w.buf = closePage(w.buf)
	}
	w.flush()
	header := []byte(runMagic)
	for _, v := range [...]uint64{r.first, r.next, w.count} {
		header = binary.BigEndian.AppendUint64(header, v)
	}
	if w.err == nil {
		_, w.err = w.file.WriteAt(closePage(header), 0)
	}
	return w.err
}

// mergeOf yields the entries of runs in order.
func mergeOf(runs []*run) func(yield func(hashEntry) bool) error {
	return func(yield func(hashEntry) bool) error {
		cursors := make([]cursor, len(runs))
		for i, r := range runs {
			cursors[i].run = r
			if err := cursors[i].fill(); err != nil {
				return err
			}
		}
		for {
			least := -1
			for i := range cursors {
				if len(cursors[i].entries) > 0 && (least < 0 || compareEntries(cursors[i].entries[0], cursors[least].entries[0]) < 0) {
					least = i
				}
			}
			if least < 0 || !yield(cursors[least].entries[0]) {
				return nil
			}
			if err := cursors[least].advance(); err != nil {
				return err
			}
		}
	}
}

// cursor is the place of a merge in a run.
type cursor struct {
	run     *run
	next    uint64 // page
	entries []hashEntry
}

func (c *cursor) advance() error {
	if c.entries = c.entries[1:]; len(c.entries) > 0 {
		return nil
	}
	return c.fill()
}

func (c *cursor) fill() (err error) {
	if c.next < c.run.pages() {
		c.entries, err = c.run.entriesOf(c.next)
		c.next++
	}
	return err
}
