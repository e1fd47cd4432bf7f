package trie

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/redline-evm/redline/tuning"
)

// Sizes are bytes of memory by what they are for.
type Sizes struct {
	Levels      uint64 // digests of upper levels
	Directories uint64 // places of buckets
	Blocks      uint64 // leaves, and what is free between them
	Free        uint64 // that part of Blocks that waits to be used again

	Memory tuning.PageBytes // all that was taken from the system
}

// Sum is all memory that the trie uses.
func (s Sizes) Sum() uint64 { return s.Levels + s.Directories + s.Blocks }

// memory hands out what the trie is made of, none of which holds pointers: small
// pieces of the Go heap as long as the trie is small, then regions outside of it,
// each twice as large as the one before. Any worker may ask.
type memory struct {
	mu struct {
		sync.Mutex
		start  unsafe.Pointer    // of the newest slab
		size   uintptr           // of the newest slab, in bytes
		taken  uintptr           // of the newest slab, in bytes
		region *tuning.Region    // of the newest slab; nil if it is on the Go heap
		all    []*tuning.Region  // to be given back
		pages  tuning.PageBytes  // on the Go heap
		dirs   map[int][][]place // given back, by length
		used   Sizes
	}
}

const (
	slabBytesMin = 1 << 20
	heapSlabMax  = 4 << 20 // larger ones are regions
	slabAlign    = 64
)

// newMemory returns memory that is given back once owner is garbage.
func newMemory(owner *Trie) *memory {
	m := new(memory)
	m.mu.dirs = make(map[int][][]place)
	runtime.AddCleanup(owner, (*memory).release, m)
	return m
}

func (m *memory) release() {
	for _, r := range m.mu.all {
		if err := r.Release(); err != nil {
			panic("BUG: " + err.Error())
		}
	}
}

// hashes returns digests that are zero.
func (m *memory) hashes(count int) []Hash {
	m.mu.Lock()
	defer m.mu.Unlock()
	size := count * len(Hash{})
	m.mu.used.Levels += uint64(size)
	return unsafe.Slice((*Hash)(m.takeLocked(size)), count)
}

// places returns a directory; what is in it is not said.
func (m *memory) places(count int) []place {
	m.mu.Lock()
	defer m.mu.Unlock()
	if free := m.mu.dirs[count]; len(free) > 0 {
		m.mu.dirs[count] = free[:len(free)-1]
		return free[len(free)-1]
	}
	size := count * int(unsafe.Sizeof(place(0)))
	m.mu.used.Directories += uint64(size)
	return unsafe.Slice((*place)(m.takeLocked(size)), count)
}

// freePlaces gives a directory back.
func (m *memory) freePlaces(dir []place) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.dirs[len(dir)] = append(m.mu.dirs[len(dir)], dir)
}

// chunk returns chunkBytes of memory for blocks.
func (m *memory) chunk() unsafe.Pointer {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.used.Blocks += chunkBytes
	return m.takeLocked(chunkBytes)
}

// takeLocked cuts memory off the slab.
func (m *memory) takeLocked(size int) unsafe.Pointer {
	bytes := (uintptr(size) + slabAlign - 1) &^ (slabAlign - 1)
	if m.mu.taken+bytes > m.mu.size {
		m.newSlabLocked(max(2*m.mu.size, bytes, slabBytesMin))
	}
	p := unsafe.Add(m.mu.start, m.mu.taken)
	m.mu.taken += bytes
	if m.mu.region != nil {
		// Without memory there is no trie: to fail is the end, as it is for Go's
		// own heap.
		if err := m.mu.region.Grow(m.mu.taken); err != nil {
			panic(fmt.Sprintf("cannot grow the trie: %v", err))
		}
	}
	return p
}

// newSlabLocked begins a slab. Where there are no regions, the Go heap has it.
func (m *memory) newSlabLocked(size uintptr) {
	m.mu.size, m.mu.taken, m.mu.region = size, 0, nil
	if size > heapSlabMax {
		if region, err := tuning.Reserve(size, nil); err == nil {
			m.mu.all = append(m.mu.all, region)
			m.mu.start, m.mu.region = region.Base(), region
			return
		}
	}
	m.mu.start = unsafe.Pointer(unsafe.SliceData(make([]Hash, size/uintptr(len(Hash{})))))
	m.mu.pages[tuning.HeapPages] += uint64(size)
}

// Sizes says how much memory the trie holds.
func (t *Trie) Sizes() Sizes {
	t.memory.mu.Lock()
	sizes := t.memory.mu.used
	sizes.Memory = t.memory.mu.pages
	for _, r := range t.memory.mu.all {
		sizes.Memory.Add(r.Usage().Pages)
	}
	t.memory.mu.Unlock()
	for i := range t.pools {
		sizes.Free += t.pools[i].freeBytes()
	}
	return sizes
}
