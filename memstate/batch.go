package memstate

import "unsafe"

// batchSize is how many keys are looked up together: as many reads of memory as a
// core keeps under way. Each lookup waits for memory twice, at a random place,
// several times as long as all else takes; those of a batch wait together.
const batchSize = 16

// batch is a lookup of many keys.
type batch struct {
	keys   [batchSize]tableKey
	hashes [batchSize]uint64
	ids    [batchSize]uint64 // zero for a key that is not there

	lines [2 * batchSize]unsafe.Pointer
}

// find sets hashes and ids for the first n keys.
func (b *batch) find(t *table, n int) {
	b.prefetch(t, n)
	for i := range n {
		if id := b.ids[i]; id == 0 || !t.matches(id, &b.keys[i]) {
			b.ids[i] = t.findHashed(&b.keys[i], b.hashes[i])
		}
	}
}

// prefetch asks for the records that the first n keys have most likely, and sets
// hashes, and ids to them.
func (b *batch) prefetch(t *table, n int) {
	lines := b.lines[:0]
	for i := range n {
		b.hashes[i] = t.hash(&b.keys[i])
		lines = append(lines, unsafe.Pointer(t.index.first(b.hashes[i])))
	}
	prefetch(lines)
	lines = b.lines[:0]
	for i := range n {
		b.ids[i] = t.index.guess(b.hashes[i])
		rec, key := t.at(b.ids[i])
		lines = append(lines, unsafe.Pointer(key), unsafe.Pointer(rec))
	}
	prefetch(lines)
}
