package trie

import (
	"encoding/binary"
	"slices"

	"github.com/redline-evm/redline/memstate/trie/proof"
)

// nested holds the leaves of a bucket that has too many: a directory of its own
// behind the bits of the bucket, with the digests above it. Key hashes fill no
// bucket by chance; who grinds them to share more bits than others pays for each
// bit with twice the work and makes the way to those keys longer, nobody else's.
type nested struct {
	dir  [1 << nestedBits]place
	keys int
	heap [2 << nestedBits]Hash // 1 is the root, 2i and 2i+1 are below i
}

const nestedBits = 6

// bucketer changes and digests the buckets of one pool.
type bucketer struct {
	trie    *Trie
	pool    *pool
	batch   *proof.Batch
	room    []entry // for leaves that are between two places
	touched uint64  // what touch loaded, for it not to be optimised away
}

// prefixOf is the first 64 bits of a key hash.
func prefixOf(key *Hash) uint64 { return binary.BigEndian.Uint64(key[:8]) }

// item is a change on its way into the trie, with the digest of its leaf.
type item struct {
	prefix uint64
	change *Change
	leaf   Hash
}

func (it *item) deletes() bool { return it.change.Value == Hash{} }

// entryKey is the key hash of a leaf.
func (t *Trie) entryKey(ref uint64) Hash {
	key, _ := t.source.Leaf(ref)
	return key
}

// apply makes changes, which are in the order of their keys, in the bucket at a
// place, whose keys share the bits before bit. It returns where the bucket is
// then and by how many keys it has grown.
func (b *bucketer) apply(at place, items []item, bit int) (place, int) {
	grown := 0
	for i := range items {
		if at.nested() {
			now, more := b.applyNested(at, items[i:], bit)
			return now, grown + more
		}
		it := &items[i]
		j, found := b.find(at, it)
		switch {
		case found && it.deletes():
			at = b.remove(at, j)
			grown--
		case found:
			*b.pool.blockAt(at).leaf(j) = it.leaf
		case it.deletes():
		case at.count() == blockKeys:
			b.room = b.entries(at, b.room[:0])
			b.room = slices.Insert(b.room, j, it.entry())
			b.pool.release(at)
			at = b.build(b.room, bit)
			grown++
		default:
			at = b.insert(at, j, it)
			grown++
		}
	}
	return at, grown
}

func (it *item) entry() entry {
	return entry{prefix: it.prefix, ref: it.change.Ref, leaf: it.leaf}
}

// find returns the index of the key of it in a block, or that at which it
// belongs.
func (b *bucketer) find(at place, it *item) (i int, found bool) {
	if at == 0 {
		return 0, false
	}
	block := b.pool.blockAt(at)
	for count := at.count(); i < count && *block.prefix(i) < it.prefix; i++ {
	}
	for ; i < at.count() && *block.prefix(i) == it.prefix; i++ {
		ref := *block.ref(i)
		if ref == it.change.Ref {
			return i, true
		}
		if key := b.trie.entryKey(ref); compare(&key, &it.change.Key) > 0 {
			break
		}
	}
	return i, false
}

func compare(x, y *Hash) int { return slices.Compare(x[:], y[:]) }

func (b *bucketer) insert(at place, i int, it *item) place {
	count := at.count()
	switch {
	case at == 0:
		at = b.pool.alloc(1)
	case count == at.capacity():
		at = b.pool.resize(at, count+1)
	}
	at = at.withCount(count + 1)
	block := b.pool.blockAt(at)
	block.copyTo(i, block, i+1, count-i)
	e := it.entry()
	block.set(i, &e)
	return at
}

func (b *bucketer) remove(at place, i int) place {
	block, count := b.pool.blockAt(at), at.count()
	block.copyTo(i+1, block, i, count-i-1)
	count--
	at = at.withCount(count)
	switch {
	case count == 0:
		b.pool.release(at)
		return 0
	case capacityFor(count+1) < at.capacity(): // with a little room, not to come and go
		return b.pool.resize(at, count)
	}
	return at
}

// entries appends the leaves at a place to dst.
func (b *bucketer) entries(at place, dst []entry) []entry {
	switch {
	case at == 0:
	case at.nested():
		for _, below := range b.pool.nestedAt(at).dir {
			dst = b.entries(below, dst)
		}
	default:
		block := b.pool.blockAt(at)
		for i := range at.count() {
			dst = append(dst, entry{*block.prefix(i), *block.ref(i), *block.leaf(i)})
		}
	}
	return dst
}

// build puts leaves, which are in order and share the bits before bit, into a
// bucket. All digests in it are computed.
func (b *bucketer) build(entries []entry, bit int) place {
	if len(entries) == 0 {
		return 0
	}
	if len(entries) <= blockKeys {
		at := b.pool.alloc(len(entries))
		block := b.pool.blockAt(at)
		for i := range entries {
			block.set(i, &entries[i])
		}
		return at
	}
	at, n := b.pool.addNested()
	n.keys = len(entries)
	for child := range n.dir {
		end := 0
		for end < len(entries) && b.childOf(&entries[end], bit) == child {
			end++
		}
		n.dir[child] = b.build(entries[:end], bit+nestedBits)
		entries = entries[end:]
		n.heap[len(n.dir)+child] = b.digestNow(n.dir[child], bit+nestedBits)
	}
	for i := len(n.dir) - 1; i > 0; i-- {
		n.heap[i] = proof.Node(n.heap[2*i], n.heap[2*i+1])
	}
	return at
}

// release gives back all that is at a place.
func (b *bucketer) release(at place) {
	switch {
	case at == 0:
	case at.nested():
		for _, below := range b.pool.nestedAt(at).dir {
			b.release(below)
		}
		b.pool.removeNested(at)
	default:
		b.pool.release(at)
	}
}

// childOf is where in a nested directory behind bit a leaf belongs.
func (b *bucketer) childOf(e *entry, bit int) int {
	if bit+nestedBits <= 64 {
		return int(e.prefix << bit >> (64 - nestedBits))
	}
	key := b.trie.entryKey(e.ref)
	return bitsAt(&key, bit, nestedBits)
}

// bitsAt is a number of bits, at most 32, of a key hash from a place on; behind
// its end there are zeros.
func bitsAt(key *Hash, from, count int) int {
	var x uint64
	for i := from / 8; i < from/8+5; i++ {
		x <<= 8
		if i < len(key) {
			x |= uint64(key[i])
		}
	}
	return int(x >> (40 - from%8 - count) & (1<<count - 1))
}

// applyNested is apply for a nested bucket.
func (b *bucketer) applyNested(at place, items []item, bit int) (place, int) {
	n := b.pool.nestedAt(at)
	before := n.keys
	for len(items) > 0 {
		child := bitsAt(&items[0].change.Key, bit, nestedBits)
		end := 1
		for end < len(items) && bitsAt(&items[end].change.Key, bit, nestedBits) == child {
			end++
		}
		now, grown := b.apply(n.dir[child], items[:end], bit+nestedBits)
		n.dir[child] = now
		n.keys += grown
		i := len(n.dir) + child
		n.heap[i] = b.digestNow(now, bit+nestedBits)
		for i >>= 1; i > 0; i >>= 1 {
			n.heap[i] = proof.Node(n.heap[2*i], n.heap[2*i+1])
		}
		items = items[end:]
	}
	grown := n.keys - before
	if n.keys <= blockKeys/2 {
		flat := b.entries(at, nil)
		b.release(at)
		at = b.build(flat, bit)
	}
	return at, grown
}
