package memstate

import "unsafe"

// batchSize is how many keys are looked up together. Each lookup waits for memory
// twice, at a random place, for several times as long as all else takes; those of a
// batch wait together. It is about twice as many as a core has reads under way.
const batchSize = 32

// batch is a lookup of many keys.
type batch struct {
	keys   [batchSize]tableKey
	hashes [batchSize]uint64
	ids    [batchSize]uint64 // zero for a key that is not there

	// The cache lines that the lookup needs: buckets first, then of each id the
	// record and, at the same place of the second half, the key.
	lines [2 * batchSize]unsafe.Pointer
}

// find sets hashes and ids for the first n keys.
func (b *batch) find(t *table, n int) {
	b.prefetch(t, n)
	for i := range n {
		rec, words := (*record)(b.lines[i]), (*[keyWords]uint64)(b.lines[n+i])
		if b.ids[i] == 0 || !t.matches(rec, words, &b.keys[i]) {
			b.ids[i] = t.findHashed(&b.keys[i], b.hashes[i])
		}
	}
}

// prefetch asks for the records that the first n keys have most likely, and sets
// hashes, and ids to them.
func (b *batch) prefetch(t *table, n int) {
	for i := range n {
		b.hashes[i] = t.hash(&b.keys[i])
		b.lines[i] = unsafe.Pointer(t.index.first(b.hashes[i]))
	}
	prefetch(b.lines[:n])
	for i := range n {
		b.ids[i] = (*bucket)(b.lines[i]).guess(b.hashes[i])
		rec, words := t.at(b.ids[i])
		b.lines[i], b.lines[n+i] = unsafe.Pointer(rec), unsafe.Pointer(words)
	}
	prefetch(b.lines[:2*n])
}
