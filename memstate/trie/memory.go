package trie

import (
	"sync"
	"unsafe"
)

// Sizes are bytes of memory by what they are for.
type Sizes struct {
	Levels      uint64 // digests of upper levels
	Directories uint64 // places of buckets
	Blocks      uint64 // leaves, and what is free between them
	Free        uint64 // that part of Blocks that waits to be used again
}

// Sum is all memory of the trie.
func (s Sizes) Sum() uint64 { return s.Levels + s.Directories + s.Blocks }

// memory hands out what the trie is made of, from slabs that hold no pointers.
// Any worker may ask.
type memory struct {
	mu struct {
		sync.Mutex
		slab []byte            // what is left of the newest one
		next int               // size of the next one
		dirs map[int][][]place // given back, by length
		used Sizes
	}
}

const (
	slabBytesMin = 1 << 20
	slabBytesMax = 64 << 20
	slabAlign    = 64
)

func newMemory() *memory {
	m := new(memory)
	m.mu.next = slabBytesMin
	m.mu.dirs = make(map[int][][]place)
	return m
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
	size = (size + slabAlign - 1) &^ (slabAlign - 1)
	if size > len(m.mu.slab) {
		m.mu.slab = newSlab(max(m.mu.next, size))
		m.mu.next = min(2*m.mu.next, slabBytesMax)
	}
	p := unsafe.Pointer(unsafe.SliceData(m.mu.slab))
	m.mu.slab = m.mu.slab[size:]
	return p
}

func newSlab(size int) []byte { return make([]byte, size) }

// Sizes says how much memory the trie holds.
func (t *Trie) Sizes() Sizes {
	t.memory.mu.Lock()
	sizes := t.memory.mu.used
	t.memory.mu.Unlock()
	for i := range t.pools {
		sizes.Free += t.pools[i].freeBytes()
	}
	return sizes
}
