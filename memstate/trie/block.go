package trie

import "unsafe"

// The leaves of a bucket lie in a block, in the order of their keys, one column
// behind the other so that a search touches one cache line:
//
//	+----------------+-------------+--------------------+
//	| prefix 8 x cap | ref 8 x cap | leaf digest 32 x cap |
//	+----------------+-------------+--------------------+
//
// The prefix is the first 64 bits of the key hash. Capacities are even up to 8
// and multiples of 4 above.

// place says where the leaves of a bucket are; zero is an empty bucket.
//
//	offset in the pool 40 | capacity 12 | count 12
//
// The capacity nestedCapacity says that they are in a nested directory, whose
// number is the offset.
type place uint64

const (
	countBits      = 12
	capacityBits   = 12
	nestedCapacity = 1<<capacityBits - 1

	blockKeys   = 64 // a bucket of more is nested
	leafBytes   = 8 + 8 + 32
	offsetUnit  = 16 // bytes
	chunkShift  = 10
	chunkUnits  = 1 << chunkShift // a pool takes so much at a time
	chunkBytes  = chunkUnits * offsetUnit
	blockUnits  = leafBytes / offsetUnit // for each leaf
	classCount  = 4 + (blockKeys-8)/4
	smallBlocks = 8 // capacities up to here are even
)

func newPlace(offset uint64, capacity, count int) place {
	return place(offset<<(capacityBits+countBits) | uint64(capacity)<<countBits | uint64(count))
}

func (p place) offset() uint64 { return uint64(p) >> (capacityBits + countBits) }
func (p place) capacity() int  { return int(p >> countBits & (1<<capacityBits - 1)) }
func (p place) count() int     { return int(p & (1<<countBits - 1)) }
func (p place) nested() bool   { return p.capacity() == nestedCapacity }

// withCount is the place with another number of leaves.
func (p place) withCount(count int) place { return p&^(1<<countBits-1) | place(count) }

// capacityFor is the least capacity for a number of leaves.
func capacityFor(count int) int {
	if count <= smallBlocks {
		return max(count+count&1, 2)
	}
	return (count + 3) &^ 3
}

// class numbers the capacities.
func class(capacity int) int {
	if capacity <= smallBlocks {
		return capacity/2 - 1
	}
	return capacity/4 + 1
}

// classCapacity is the capacity of a class.
func classCapacity(c int) int {
	if capacity := 2 * (c + 1); capacity <= smallBlocks {
		return capacity
	}
	return 4 * (c - 1)
}

// block is the memory at a place.
type block struct {
	at       unsafe.Pointer
	capacity int
}

func (b block) prefix(i int) *uint64 { return (*uint64)(unsafe.Add(b.at, 8*i)) }
func (b block) ref(i int) *uint64    { return (*uint64)(unsafe.Add(b.at, 8*b.capacity+8*i)) }
func (b block) leaf(i int) *Hash     { return (*Hash)(unsafe.Add(b.at, 16*b.capacity+32*i)) }

// copyTo copies count leaves from i to another block from j on; both may be the
// same.
func (b block) copyTo(i int, to block, j, count int) {
	copy(unsafe.Slice(to.prefix(j), count), unsafe.Slice(b.prefix(i), count))
	copy(unsafe.Slice(to.ref(j), count), unsafe.Slice(b.ref(i), count))
	copy(unsafe.Slice(to.leaf(j), count), unsafe.Slice(b.leaf(i), count))
}

// set writes leaf i.
func (b block) set(i int, e *entry) {
	*b.prefix(i), *b.ref(i), *b.leaf(i) = e.prefix, e.ref, e.leaf
}

// entry is a leaf outside a block.
type entry struct {
	prefix, ref uint64
	leaf        Hash
}

// The keys of the trie are spread over pools by their first bits, so that
// goroutines that update different parts of it share none.
const poolBits = 8

// pool is memory for blocks. One goroutine uses it at a time.
type pool struct {
	memory *memory
	chunks []unsafe.Pointer
	used   int                // units of the last chunk
	free   [classCount]uint64 // by class: one more than the offset of the first free block, or 0
	frees  [classCount]int    // how many there are

	nested     []*nested // by number
	nestedFree []int
}

// blockAt is the block at a place that is not empty and not nested.
func (p *pool) blockAt(at place) block {
	offset := at.offset()
	return block{unsafe.Add(p.chunks[offset>>chunkShift], offset%chunkUnits*offsetUnit), at.capacity()}
}

// alloc returns a place for count leaves, none of which is written: a free block,
// else a part of one that is larger, else of the newest chunk.
func (p *pool) alloc(count int) place {
	capacity := capacityFor(count)
	for c := class(capacity); c < min(class(capacity)+carveClasses, classCount); c++ {
		if p.free[c] != 0 {
			found := p.takeFree(c)
			p.releaseUnits(found+uint64(blockUnits*capacity), classCapacity(c)-capacity)
			return newPlace(found, capacity, count)
		}
	}
	if p.left() < capacity {
		p.releaseUnits(uint64(len(p.chunks)-1)<<chunkShift+uint64(p.used), p.left())
		p.chunks = append(p.chunks, p.memory.chunk())
		p.used = 0
	}
	offset := uint64(len(p.chunks)-1)<<chunkShift + uint64(p.used)
	p.used += blockUnits * capacity
	return newPlace(offset, capacity, count)
}

// left is for how many leaves there is room in the newest chunk.
func (p *pool) left() int {
	if len(p.chunks) == 0 {
		return 0
	}
	return (chunkUnits - p.used) / blockUnits &^ 1
}

// carveClasses is how many classes alloc looks at. Buckets that are split in two
// leave blocks somewhat larger than those that their halves need.
const carveClasses = 8

// takeFree returns the offset of a free block.
func (p *pool) takeFree(c int) (offset uint64) {
	offset = p.free[c] - 1
	p.free[c] = *p.blockAt(newPlace(offset, classCapacity(c), 0)).prefix(0)
	p.frees[c]--
	return offset
}

// release gives a block back. The list of free blocks goes through their first
// words.
func (p *pool) release(at place) {
	c := class(at.capacity())
	*p.blockAt(at).prefix(0) = p.free[c]
	p.free[c] = at.offset() + 1
	p.frees[c]++
}

// releaseUnits gives the memory for a number of leaves back, as blocks.
func (p *pool) releaseUnits(offset uint64, leaves int) {
	for leaves > 0 {
		capacity := leaves
		if capacity > smallBlocks {
			capacity &^= 3
		}
		p.release(newPlace(offset, capacity, 0))
		offset += uint64(blockUnits * capacity)
		leaves -= capacity
	}
}

// resize moves the leaves of a block to one for another number of them, of which
// the lesser is kept.
func (p *pool) resize(at place, count int) place {
	to := p.alloc(count)
	p.blockAt(at).copyTo(0, p.blockAt(to), 0, min(at.count(), count))
	p.release(at)
	return to
}

func (p *pool) freeBytes() (sum uint64) {
	for c, count := range p.frees {
		sum += uint64(count * classCapacity(c) * leafBytes)
	}
	return sum
}

// addNested returns an empty nested directory and its place.
func (p *pool) addNested() (place, *nested) {
	n := new(nested)
	number := len(p.nested)
	if last := len(p.nestedFree) - 1; last >= 0 {
		number = p.nestedFree[last]
		p.nestedFree = p.nestedFree[:last]
		p.nested[number] = n
	} else {
		p.nested = append(p.nested, n)
	}
	return newPlace(uint64(number), nestedCapacity, 0), n
}

func (p *pool) nestedAt(at place) *nested { return p.nested[at.offset()] }

func (p *pool) removeNested(at place) {
	p.nested[at.offset()] = nil
	p.nestedFree = append(p.nestedFree, int(at.offset()))
}
