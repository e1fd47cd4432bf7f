package memstate

import (
	"fmt"
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// This file finds a record's id by the hash of its key. It is extendible hashing
// (Fagin et al., 1979) over small leaves of open addressing.
//
// A leaf is 128 buckets of one cache line. A bucket holds eight entries, each
// an id and a tag of the hash in one word, so that a reader sees an entry whole or
// not at all. A full bucket marks itself as overflowed and lends from the next;
// a key that is not there therefore costs one line, as does one that is.
//
// The directory says which leaf a hash belongs to. A leaf of depth d holds
// the hashes whose lowest d directory bits are the same. When it is nearly full,
// two leaves of depth d+1 take its place. That is all that growth ever does: an
// insertion rehashes one leaf at most, and there is never a second table.
//
// Would all bits be fair coins, all leaves would fill up at the same time and
// the index be half empty right after. The lowest three are not: they are one
// with the odds 2^(1/2), 2^(1/4) and 2^(1/8). Thus the fill of leaves is spread
// evenly over the stretch between half and full at every size of the index
// (spiral storage, Martin 1979, in eight steps), and with it the memory for an
// entry is the same at every size, 1/ln 2 of that of a full leaf.
//
// Memory order: one goroutine writes, and all words are atomic. An entry is
// stored after its record is complete. A split fills two leaves that no reader
// knows, then changes the directory, and only the next split writes to the
// leaf that was split. A reader that has found nothing therefore looks whether
// a split has begun meanwhile, and if so looks again.

const (
	bucketEntries = 8
	leafBuckets   = 1 << bucketBits
	leafEntries   = leafBuckets * bucketEntries
	leafBytes     = leafEntries * 8
	leafMost      = leafEntries * 15 / 16 // entries after which a leaf is split

	// Of the hash: a bucket's number, the tag, the bytes that the three uneven
	// directory bits are drawn from, which the tag shares, and the even bits.
	bucketBits  = 7
	bucketShift = 24
	tagBits     = 23
	evenShift   = bucketShift + bucketBits
	depthMax    = 64 - evenShift + len(unevenBits)
)

// unevenBits are thresholds of a byte: below it, the directory bit is one.
var unevenBits = [...]uint64{150, 139, 133}

// directoryBits are the bits of a hash that choose the leaf, first one lowest.
func directoryBits(hash uint64) uint64 {
	first := (hash&0xFF - unevenBits[0]) >> 63
	second := (hash>>8&0xFF - unevenBits[1]) >> 63
	third := (hash>>16&0xFF - unevenBits[2]) >> 63
	return hash>>evenShift<<3 | third<<2 | second<<1 | first
}

// An entry:
//
//	63         62 ... 40  39 ... 0
//	overflowed tag        id
//
// The id is zero in an empty entry. The overflow mark stands in the first entry
// of a bucket and speaks of the whole bucket.
const (
	idBits     = 40
	idMask     = 1<<idBits - 1
	overflowed = 1 << 63
)

func entryTag(hash uint64) uint64 { return hash << (64 - tagBits) >> 1 }

// index finds ids by hashes.
type index struct {
	leaves    arena
	directory arena         // 1<<depth leaf numbers
	depth     atomic.Uint64 // of the directory
	splits    atomic.Uint64 // that have begun

	// hashes sets hashes to those of the keys of records.
	hashes func(ids []uint64, hashes []uint64)

	// The writer's.
	meta     []leafMeta
	spare    []uint64 // leaves that are in no use
	mirrored uint64   // the directory's upper half-to-be is filled this far

	ids, idHashes []uint64 // of a leaf that is split
}

// leafMeta is what the writer knows of a leaf.
type leafMeta struct {
	count uint16 // entries
	depth uint8
}

type bucket [bucketEntries]uint64

func (x *index) init(m *memory, hashes func(ids, hashes []uint64)) {
	x.leaves = newArena(m, leafBytes)
	x.directory = newArena(m, 8)
	x.hashes = hashes
	x.directory.grow(1)
	x.emptyLeaf(0) // number 0, for all hashes
}

func (x *index) emptyLeaf(depth uint8) (number uint64) {
	if n := len(x.spare); n > 0 {
		number = x.spare[n-1]
		x.spare = x.spare[:n-1]
		x.clear(number)
	} else {
		number = uint64(len(x.meta))
		x.leaves.grow(number + 1)
		x.meta = append(x.meta, leafMeta{})
	}
	x.meta[number] = leafMeta{depth: depth}
	return number
}

func (x *index) slot(i uint64) *uint64 { return (*uint64)(x.directory.at(i)) }

// leafOf is the number of the leaf that a hash belongs to.
func (x *index) leafOf(hash uint64) uint64 {
	i := directoryBits(hash) & (1<<x.depth.Load() - 1)
	return atomic.LoadUint64(x.slot(i))
}

// bucket returns bucket i of a leaf, counted on from the last to the first.
func (x *index) bucket(leaf, i uint64) *bucket {
	base := x.leaves.at(leaf)
	return (*bucket)(unsafe.Add(base, uintptr(i%leafBuckets)*unsafe.Sizeof(bucket{})))
}

// home is the bucket that a hash belongs to.
func home(hash uint64) uint64 { return hash >> bucketShift % leafBuckets }

// first is the bucket where a search for a hash begins.
func (x *index) first(hash uint64) *bucket { return x.bucket(x.leafOf(hash), home(hash)) }

// tagged are the entries of a bucket that have a tag, as bits. It does not branch:
// which one it is cannot be predicted.
func (b *bucket) tagged(tag uint64) uint64 {
	return sameTag(&b[0], tag) | sameTag(&b[1], tag)<<1 | sameTag(&b[2], tag)<<2 | sameTag(&b[3], tag)<<3 |
		sameTag(&b[4], tag)<<4 | sameTag(&b[5], tag)<<5 | sameTag(&b[6], tag)<<6 | sameTag(&b[7], tag)<<7
}

// sameTag is one if an entry has a tag, else zero.
func sameTag(entry *uint64, tag uint64) uint64 {
	differs := (atomic.LoadUint64(entry) ^ tag) &^ (overflowed | idMask)
	return (differs - 1) >> 63
}

// firstID is the id of the first of some entries, which are given as bits and at
// least one; zero if it is empty.
func (b *bucket) firstID(entries uint64) uint64 {
	return atomic.LoadUint64(&b[bits.TrailingZeros64(entries)%bucketEntries]) & idMask
}

// guess is the id that the key with a hash most likely has, in the first bucket of
// a search; zero if there is none.
func (b *bucket) guess(hash uint64) uint64 {
	if entries := b.tagged(entryTag(hash)); entries != 0 {
		return b.firstID(entries)
	}
	return 0
}

func (b *bucket) isOverflowed() bool { return atomic.LoadUint64(&b[0])&overflowed != 0 }

// insert adds an id. Its key is not in the index.
func (x *index) insert(hash, id uint64) {
	leaf := x.leafOf(hash)
	for x.meta[leaf].count >= leafMost {
		x.split(leaf, directoryBits(hash))
		leaf = x.leafOf(hash)
	}
	x.put(leaf, hash, id)
}

// put stores an entry in a leaf that has room.
func (x *index) put(leaf, hash, id uint64) {
	entry := entryTag(hash) | id
	for i := home(hash); ; i++ {
		b := x.bucket(leaf, i)
		for j := range b {
			if old := b[j]; old&idMask == 0 {
				atomic.StoreUint64(&b[j], entry|old&overflowed)
				x.meta[leaf].count++
				return
			}
		}
		if b[0]&overflowed == 0 {
			atomic.StoreUint64(&b[0], b[0]|overflowed)
		}
	}
}

// remove takes an id out.
func (x *index) remove(hash, id uint64) {
	leaf := x.leafOf(hash)
	for i := range uint64(leafBuckets) {
		b := x.bucket(leaf, home(hash)+i)
		for j := range b {
			if b[j]&idMask == id {
				atomic.StoreUint64(&b[j], b[j]&overflowed)
				x.meta[leaf].count--
				return
			}
		}
	}
	panic(fmt.Sprintf("BUG: id %d is not in the index", id))
}

// split puts two leaves in the place of one. directoryBits are of a hash that
// belongs to it.
func (x *index) split(leaf, directoryBits uint64) {
	depth := uint64(x.meta[leaf].depth)
	if depth == uint64(depthMax) {
		panic("BUG: the hash of the index does not tell keys apart")
	}
	x.splits.Add(1)
	if x.meta[leaf].depth == uint8(x.depth.Load()) {
		x.deepen()
	}
	var halves [2]uint64
	for i := range halves {
		halves[i] = x.emptyLeaf(uint8(depth + 1))
	}
	x.distribute(leaf, halves, depth)
	x.point(directoryBits&(1<<depth-1), depth, halves)
	x.spare = append(x.spare, leaf)
	x.mirror(mirrorStep)
}

// distribute copies the entries of a leaf to two others by directory bit
// number depth.
func (x *index) distribute(leaf uint64, halves [2]uint64, depth uint64) {
	if x.ids == nil {
		x.ids, x.idHashes = make([]uint64, 0, leafEntries), make([]uint64, leafEntries)
	}
	ids := x.ids
	for i := range uint64(leafBuckets) {
		for _, e := range x.bucket(leaf, i) {
			if e&idMask != 0 {
				ids = append(ids, e&idMask)
			}
		}
	}
	hashes := x.idHashes[:len(ids)]
	x.hashes(ids, hashes)
	for i, hash := range hashes {
		x.put(halves[directoryBits(hash)>>depth&1], hash, ids[i])
	}
}

func (x *index) clear(leaf uint64) {
	for i := range uint64(leafBuckets) {
		b := x.bucket(leaf, i)
		for j := range b {
			atomic.StoreUint64(&b[j], 0)
		}
	}
}

// point directs the hashes whose lowest depth directory bits are low to halves,
// by the bit above.
func (x *index) point(low, depth uint64, halves [2]uint64) {
	half := uint64(1) << x.depth.Load()
	for i := low; i < half; i += 1 << depth {
		number := halves[i>>depth&1]
		atomic.StoreUint64(x.slot(i), number)
		if i < x.mirrored {
			atomic.StoreUint64(x.slot(half+i), number)
		}
	}
}

// mirrorStep is how many slots of the directory's next half a split prepares.
// Between two doublings there is a split for about three slots: nothing is left
// to do when the directory doubles.
const mirrorStep = 8

// mirror prepares the directory for doubling, by so many slots.
func (x *index) mirror(count uint64) {
	half := uint64(1) << x.depth.Load()
	for range min(count, half-x.mirrored) {
		x.directory.grow(half + x.mirrored + 1)
		atomic.StoreUint64(x.slot(half+x.mirrored), atomic.LoadUint64(x.slot(x.mirrored)))
		x.mirrored++
	}
}

// deepen doubles the directory.
func (x *index) deepen() {
	x.mirror(1 << x.depth.Load())
	x.depth.Add(1)
	x.mirrored = 0
}
