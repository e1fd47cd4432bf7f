package history

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/redline-evm/redline/internal/vfs"
)

// hashes finds places by hash. It keeps the first 8 bytes of a hash: a place
// found is a likely one, to be compared with what stands there.
type hashes struct {
	fs      vfs.FS
	dir     string
	waitMax int // so many hashes make a run

	first, next uint64      // EVM blocks whose hashes wait, from first on, before next
	waiting     []hashEntry // in the order of the chain
	older       []int32     // for each one, that of the same prefix before it; -1 for none
	newest      map[uint64]int32
	runs        []*run // ascending by EVM blocks, without gaps
}

// hashEntry is a hash's first 8 bytes and its packed place.
type hashEntry struct{ prefix, place uint64 }

func compareEntries(a, b hashEntry) int {
	return cmp.Or(cmp.Compare(a.prefix, b.prefix), cmp.Compare(a.place, b.place))
}

// place is a mini-block and what is meant of it: a transaction's index, or one of
// the two below.
type place struct {
	mini  uint64
	index uint64
}

const (
	indexBits  = 24
	indexMini  = 1<<indexBits - 1 // the mini-block itself
	indexBlock = 1<<indexBits - 2 // the EVM block that begins with it
	txCountMax = indexBlock       // of a mini-block
)

func pack(mini, index uint64) uint64 { return mini<<indexBits | index }

func unpack(packed uint64) place { return place{packed >> indexBits, packed & (1<<indexBits - 1)} }

const waitingBlocksMax = 8192 // so many EVM blocks make a run, too: they are read at each start

func prefixOf(hash common.Hash) uint64 { return binary.BigEndian.Uint64(hash[:]) }

// add takes the hashes of the next block.
func (h *hashes) add(b *block) {
	for _, m := range b.parsed {
		h.put(m.Header.Hash(), pack(m.Header.Number, indexMini))
		for i, tx := range m.Txs {
			h.put(tx.Hash(), pack(m.Header.Number, uint64(i)))
		}
	}
	h.put(b.hash, pack(b.firstMini, indexBlock))
	if h.next == h.first {
		h.first = b.number
	}
	h.next = b.number + 1
}

func (h *hashes) put(hash common.Hash, packed uint64) {
	prefix := prefixOf(hash)
	before, ok := h.newest[prefix]
	if !ok {
		before = -1
	}
	h.newest[prefix] = int32(len(h.waiting))
	h.waiting = append(h.waiting, hashEntry{prefix, packed})
	h.older = append(h.older, before)
}

// clear forgets what waits.
func (h *hashes) clear() {
	h.first, h.waiting, h.older, h.newest = h.next, nil, nil, map[uint64]int32{}
}

// find returns where a hash can be, the newest places first.
func (h *hashes) find(hash common.Hash) (places []place, err error) {
	prefix := prefixOf(hash)
	if i, ok := h.newest[prefix]; ok {
		for ; i >= 0; i = h.older[i] {
			places = append(places, unpack(h.waiting[i].place))
		}
	}
	for _, r := range slices.Backward(h.runs) {
		found, err := r.find(prefix)
		if err != nil {
			return nil, err
		}
		for _, packed := range slices.Backward(found) {
			places = append(places, unpack(packed))
		}
	}
	return places, nil
}

// open opens the runs of a history of EVM blocks. What the runs do not have is to
// be added from block next on.
func (h *hashes) open(fs vfs.FS, dir string, waitMax int, first, next uint64) error {
	h.fs, h.dir, h.waitMax, h.next = fs, dir, waitMax, first
	h.clear()
	names, err := fs.List(dir)
	if err != nil {
		return err
	}
	var found []*run
	for _, name := range names {
		if r, ok := runOfName(fs, dir, name); ok {
			found = append(found, r)
		}
	}
	// Of runs that begin with the same block, the widest is that which the others
	// were merged into.
	slices.SortFunc(found, func(a, b *run) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(b.next, a.next)) })
	for _, r := range found {
		begins := r.first == h.next || len(h.runs) == 0 && r.first < first
		if begins && r.next > h.next && r.next <= next && r.open() == nil {
			h.runs = append(h.runs, r)
			h.next = r.next
			continue
		}
		if err := r.remove(); err != nil { // what it said is read again
			return err
		}
	}
	h.first = h.next
	return nil
}

func (h *hashes) close() (err error) {
	for _, r := range h.runs {
		err = errors.Join(err, r.close())
	}
	return err
}

// forget drops the runs that say nothing about EVM blocks from oldest on. Their
// files are closed and still there.
func (h *hashes) forget(oldest uint64) (dropped []*run) {
	for len(h.runs) > 0 && h.runs[0].next <= oldest {
		dropped = append(dropped, h.runs[0])
		_ = h.runs[0].close() // it was only read
		h.runs = h.runs[1:]
	}
	return dropped
}

// flushHashes makes a run of what waits, if it is enough, and one run of many.
func (s *Store) flushHashes() error {
	h := &s.hashes
	if len(h.waiting) < h.waitMax && h.next-h.first < waitingBlocksMax {
		return nil
	}
	sorted := slices.Clone(h.waiting)
	slices.SortFunc(sorted, compareEntries)
	r := newRun(h.fs, h.dir, h.first, h.next)
	if err := r.write(func(yield func(hashEntry) bool) error {
		for _, e := range sorted {
			yield(e)
		}
		return nil
	}); err != nil {
		return fmt.Errorf("cannot keep the hashes: %w", err)
	}
	s.mu.Lock()
	h.runs = append(h.runs, r)
	h.clear()
	s.mu.Unlock()
	return s.mergeRuns()
}

const (
	mergeWidth    = 8       // so many runs of a level make one of the next
	runHashesMost = 1 << 28 // a run that is larger is not merged any more
)

// level is how many merges a run of so many hashes is worth.
func (h *hashes) level(count uint64) (level int) {
	for ; count >= mergeWidth*uint64(h.waitMax); count /= mergeWidth {
		level++
	}
	return level
}

// worthMerging reports whether runs, all but the last of which are older than it,
// have its level or a lower one, and make one that is not too large.
func (h *hashes) worthMerging(runs []*run) bool {
	level, sum := h.level(runs[len(runs)-1].count), uint64(0)
	for _, r := range runs {
		if sum += r.count; h.level(r.count) > level {
			return false
		}
	}
	return sum <= runHashesMost
}

// mergeRuns merges the newest runs as long as there are enough of a level.
func (s *Store) mergeRuns() error {
	h := &s.hashes
	for len(h.runs) >= mergeWidth {
		at := len(h.runs) - mergeWidth
		newest := h.runs[at:]
		if !h.worthMerging(newest) {
			return nil
		}
		merged := newRun(h.fs, h.dir, newest[0].first, h.next)
		if err := merged.write(mergeOf(newest)); err != nil {
			return fmt.Errorf("cannot merge the hashes: %w", err)
		}
		s.mu.Lock()
		old := slices.Clone(newest)
		h.runs = append(h.runs[:at:at], merged)
		var err error
		for _, r := range old {
			err = errors.Join(err, r.close())
		}
		s.mu.Unlock()
		for _, r := range old {
			err = errors.Join(err, r.remove())
		}
		if err != nil {
			return fmt.Errorf("cannot remove merged hashes: %w", err)
		}
	}
	return nil
}
