package history

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sort"

	"github.com/ethereum/go-ethereum/common"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/netio/wire"
)

// Seal is the record of an EVM block's seal; nil if the block is not there. It
// costs a small read or two.
func (s *Store) Seal(number uint64) (record []byte, err error) {
	err = s.readBlock(number, func(_ io.ReaderAt, _ int64, f *front) error {
		record = f.seal
		return nil
	})
	return record, err
}

// Logs says what the logs of an EVM block can be about; ok is false if the block
// is not there.
func (s *Store) Logs(number uint64) (filter LogFilter, ok bool, err error) {
	err = s.readBlock(number, func(r io.ReaderAt, offset int64, f *front) error {
		ok = true
		filter, err = f.readFilter(r, offset)
		return err
	})
	return filter, ok, err
}

// Records are all records of an EVM block, the seal last; nil if the block is not
// there.
func (s *Store) Records(number uint64) (records [][]byte, err error) {
	err = s.readBlock(number, func(r io.ReaderAt, offset int64, f *front) error {
		for i := range f.parts {
			part, err := f.readPart(r, offset, i)
			if err != nil {
				return err
			}
			records = append(records, part...)
		}
		records = append(records, f.seal)
		return nil
	})
	return records, err
}

// ReadFrom returns consecutive records from a sequence number on: at least one if
// it is there, then as many of the same EVM block as fit in sizeMax bytes. Nil
// means that it is not there.
func (s *Store) ReadFrom(seq uint64, sizeMax int) (records [][]byte, err error) {
	number, ok, err := s.search(seq, firstSeq)
	if !ok || err != nil {
		return nil, err
	}
	err = s.readBlock(number, func(r io.ReaderAt, offset int64, f *front) error {
		skip, size := seq-firstSeq(f.number, f.firstMini), 0
		fits := func(record []byte) bool {
			size += len(record)
			return len(records) == 0 || size <= sizeMax
		}
		for i, p := range f.parts {
			if skip >= uint64(p.minis) {
				skip -= uint64(p.minis)
				continue
			}
			part, err := f.readPart(r, offset, i)
			if err != nil {
				return err
			}
			for _, record := range part[skip:] {
				if !fits(record) {
					return nil
				}
				records = append(records, record)
			}
			skip = 0
		}
		if skip == 0 && fits(f.seal) {
			records = append(records, f.seal)
		}
		return nil
	})
	return records, err
}

// MiniBlock is the record of a mini-block; nil if it is not there.
func (s *Store) MiniBlock(mini uint64) (record []byte, err error) {
	number, ok, err := s.search(mini, func(_, firstMini uint64) uint64 { return firstMini })
	if !ok || err != nil {
		return nil, err
	}
	err = s.readBlock(number, func(r io.ReaderAt, offset int64, f *front) error {
		skip := mini - f.firstMini
		for i, p := range f.parts {
			if skip >= uint64(p.minis) {
				skip -= uint64(p.minis)
				continue
			}
			part, err := f.readPart(r, offset, i)
			if err == nil {
				record = part[skip]
			}
			return err
		}
		return nil
	})
	return record, err
}

// Transaction finds a transaction: the mini-block that holds it, as it was
// published, and its index there; nil if there is none.
func (s *Store) Transaction(hash common.Hash) (m *chain.MiniBlock, i int, err error) {
	places, err := s.candidates(hash)
	for _, place := range places {
		if place.index >= txCountMax {
			continue
		}
		m, err := s.parsedMiniBlock(place.mini)
		if err != nil {
			return nil, 0, err
		}
		if m != nil && int(place.index) < len(m.Txs) && m.Txs[place.index].Hash() == hash {
			return m, int(place.index), nil
		}
	}
	return nil, 0, err
}

// Block finds an EVM block by its own hash or that of one of its mini-blocks.
func (s *Store) Block(hash common.Hash) (number uint64, ok bool, err error) {
	places, err := s.candidates(hash)
	for _, place := range places {
		var got common.Hash
		switch place.index {
		case indexMini:
			m, err := s.parsedMiniBlock(place.mini)
			if m == nil || err != nil {
				return 0, false, err
			}
			number, got = m.Header.BlockNumber, m.Header.Hash()
		case indexBlock:
			found, ok, err := s.search(place.mini, func(_, firstMini uint64) uint64 { return firstMini })
			if !ok || err != nil {
				return 0, false, err
			}
			number = found
			if err := s.readBlock(number, func(_ io.ReaderAt, _ int64, f *front) error {
				got = f.hash
				return nil
			}); err != nil {
				return 0, false, err
			}
		default:
			continue
		}
		if got == hash {
			return number, true, nil
		}
	}
	return 0, false, err
}

func (s *Store) candidates(hash common.Hash) ([]place, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	places, err := s.hashes.find(hash)
	if err != nil {
		err = fmt.Errorf("cannot look up %s in the history: %w", hash, err)
	}
	return places, err
}

func (s *Store) parsedMiniBlock(mini uint64) (*chain.MiniBlock, error) {
	record, err := s.MiniBlock(mini)
	if record == nil || err != nil {
		return nil, err
	}
	rec, err := wire.ParseRecord(record)
	if err != nil || rec.MiniBlock == nil {
		return nil, fmt.Errorf("%w: mini-block %d in %q: %w", ErrCorrupt, mini, s.opts.Dir, errors.Join(err, errFrame))
	}
	return rec.MiniBlock, nil
}

// readBlock reads the front of an EVM block's frame and hands it to use with the
// file and the frame's offset there. It does nothing if the block is not there.
func (s *Store) readBlock(number uint64, use func(r io.ReaderAt, offset int64, f *front) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.segmentOf(func(g *segment) bool { return g.first <= number })
	if g == nil || number >= g.next {
		return nil
	}
	err := g.readBlock(number, use)
	switch {
	case errors.Is(err, errFrame):
		return s.corrupt(number, err)
	case err != nil:
		return fmt.Errorf("cannot read EVM block %d from the history in %q: %w", number, s.opts.Dir, err)
	}
	return nil
}

func (g *segment) readBlock(number uint64, use func(r io.ReaderAt, offset int64, f *front) error) error {
	at, err := g.entry(number)
	if err != nil {
		return err
	}
	file, err := g.fs.Open(g.path+segmentSuffix, vfs.Read)
	if err != nil {
		return err
	}
	defer file.Close()
	f, err := readFront(file, int64(at.offset))
	if err != nil {
		return err
	}
	if f.number != number {
		return fmt.Errorf("%w: got EVM block %d", errFrame, f.number)
	}
	return use(file, int64(at.offset), f)
}

// segmentOf returns the last segment that begins before something; nil if there
// is none.
func (s *Store) segmentOf(before func(*segment) bool) *segment {
	i := sort.Search(len(s.segments), func(i int) bool { return !before(s.segments[i]) })
	if i == 0 {
		return nil
	}
	return s.segments[i-1]
}

// search finds the EVM block that holds the item with a number, where begin says
// the number of a block's first.
func (s *Store) search(item uint64, begin func(number, firstMini uint64) uint64) (number uint64, ok bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.segmentOf(func(g *segment) bool { return begin(g.first, g.firstMini) <= item })
	if g == nil || item >= begin(g.next, g.nextMini) {
		return 0, false, nil
	}
	entries, err := g.table()
	if err != nil {
		return 0, false, fmt.Errorf("cannot read the table of %q: %w", g.path, err)
	}
	defer entries.close()
	count := int(g.next - g.first)
	next := sort.Search(count, func(i int) bool {
		var e entry
		if err == nil {
			e, err = entries.at(i)
		}
		return begin(g.first+uint64(i), e.firstMini) > item
	})
	if err != nil {
		return 0, false, fmt.Errorf("cannot read the table of %q: %w", g.path, err)
	}
	return g.first + uint64(next) - 1, next > 0, nil
}

// entry is where an EVM block of the segment begins.
func (g *segment) entry(number uint64) (entry, error) {
	entries, err := g.table()
	if err != nil {
		return entry{}, err
	}
	defer entries.close()
	return entries.at(int(number - g.first))
}

// table reads entries: of the open segment from memory, of others from the file.
type table struct {
	entries []entry
	file    vfs.File
}

func (g *segment) table() (table, error) {
	if g.entries != nil {
		return table{entries: g.entries}, nil
	}
	file, err := g.fs.Open(g.path+tableSuffix, vfs.Read)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %w; it is made again at the next start", ErrCorrupt, err)
	}
	return table{file: file}, err
}

func (t table) at(i int) (entry, error) {
	if t.file == nil {
		return t.entries[i], nil
	}
	var b [entrySize]byte
	_, err := t.file.ReadAt(b[:], int64(i)*entrySize)
	return parseEntry(b[:]), err
}

func (t table) close() {
	if t.file != nil {
		t.file.Close()
	}
}
