package memstate

import (
	"fmt"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/redline-evm/redline/tuning"
)

// memory owns what the arenas of a state take from the system.
type memory struct {
	policy *tuning.MemoryPolicy

	mu      sync.Mutex
	regions []*tuning.Region
	pages   tuning.PageBytes // of chunks on the Go heap
}

// newMemory returns memory that is given back once owner is garbage: views may
// outlive everybody who could close it.
func newMemory[T any](owner *T, policy *tuning.MemoryPolicy) *memory {
	m := &memory{policy: policy}
	runtime.AddCleanup(owner, func(m *memory) { m.release() }, m)
	return m
}

func (m *memory) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.regions {
		if err := r.Release(); err != nil {
			panic("BUG: " + err.Error())
		}
	}
	m.regions = nil
}

// usage says how much memory there is.
func (m *memory) usage() tuning.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := tuning.Usage{Pages: m.pages}
	for _, r := range m.regions {
		sum.Add(r.Usage())
	}
	return sum
}

// heapChunkMax is the largest chunk, in bytes, that is taken from the Go heap:
// smaller ones would waste most of a huge page. They hold no pointers, so that
// the collector passes over them.
const heapChunkMax = 1 << 20

// newChunk returns size bytes of address space for a chunk, and the region that
// has to grow before they are used; nil if they are usable at once.
func (m *memory) newChunk(size uintptr) (unsafe.Pointer, *tuning.Region) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if size > heapChunkMax && !onHeap {
		// A system that refuses address space has no regions, or a limit on it.
		if region, err := tuning.Reserve(size, m.policy); err == nil {
			m.regions = append(m.regions, region)
			return region.Base(), region
		}
	}
	m.pages[tuning.HeapPages] += uint64(size)
	return unsafe.Pointer(unsafe.SliceData(make([]uint64, size/8))), nil
}

// mustGrow makes the first size bytes of a region usable. There is no state
// without memory for it: to fail is the end, as it is for Go's own heap.
func (m *memory) mustGrow(region *tuning.Region, size uintptr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := region.Grow(size); err != nil {
		panic(fmt.Sprintf("cannot grow the state: %v", err))
	}
}

// growResident is like mustGrow, but the memory is resident when it returns.
func (m *memory) growResident(region *tuning.Region, size uintptr, progress func(uint64)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return region.GrowResident(size, runtime.GOMAXPROCS(0), progress)
}

// arena is an array of equal units without pointers that grows in place. Chunk
// c holds arenaFirst<<c units, so that a few dozen chunks hold whatever there
// may be and a unit's number says where it is.
//
// One goroutine grows it. Units that are there may be read by all, and nothing
// but their own words has to be atomic: a unit's number reaches a reader only
// through an atomic store that follows the growth.
type arena struct {
	memory    *memory
	unitBytes uintptr
	chunks    [arenaChunks]unsafe.Pointer

	// The grower's.
	count  uint64         // units that may be used
	region *tuning.Region // of the last chunk; nil if it is on the Go heap
}

const (
	arenaFirstBits = 4 // the first chunk holds this many units, as a power of two
	arenaChunks    = 44
	arenaStep      = 256 // a region grows by so many units or more
)

func newArena(m *memory, unitBytes uintptr) arena { return arena{memory: m, unitBytes: unitBytes} }

// place says where a unit is: in which chunk, and how many units into it.
func (*arena) place(unit uint64) (chunk int, offset uint64) {
	chunk = bits.Len64(unit>>arenaFirstBits+1) - 1
	return chunk, unit - (1<<chunk-1)<<arenaFirstBits
}

// at returns where a unit is.
func (a *arena) at(unit uint64) unsafe.Pointer {
	chunk, offset := a.place(unit)
	return unsafe.Add(atomic.LoadPointer(&a.chunks[chunk]), uintptr(offset)*a.unitBytes)
}

// grow makes the units below count usable.
func (a *arena) grow(count uint64) {
	for a.count < count {
		units := a.next()
		if a.region != nil {
			units = min(units, max(count-a.count, arenaStep))
			a.memory.mustGrow(a.region, a.sizeWith(units))
		}
		a.count += units
	}
}

// growResident is like grow, but the memory is resident when it returns. progress
// is told how many bytes have become so.
func (a *arena) growResident(count uint64, progress func(bytes uint64)) error {
	for a.count < count {
		units := a.next()
		if a.region != nil {
			units = min(units, count-a.count)
			told := uint64(0)
			if err := a.memory.growResident(a.region, a.sizeWith(units), func(done uint64) {
				progress(done - told)
				told = done
			}); err != nil {
				return err
			}
		}
		a.count += units
	}
	return nil
}

// next is how many units the last chunk has left, or a new one if it is full.
func (a *arena) next() uint64 {
	chunk, offset := a.place(a.count)
	capacity := uint64(1) << (chunk + arenaFirstBits)
	if offset == 0 {
		var base unsafe.Pointer
		base, a.region = a.memory.newChunk(uintptr(capacity) * a.unitBytes)
		atomic.StorePointer(&a.chunks[chunk], base)
	}
	return capacity - offset
}

// sizeWith is how large the last chunk is with so many units more, in bytes.
func (a *arena) sizeWith(units uint64) uintptr {
	_, offset := a.place(a.count)
	return uintptr(offset+units) * a.unitBytes
}
