package trie

// The bounds of growing.
const (
	bucketKeys = 4 // a subtree with more keys a bucket gets another level
	growShare  = 2 // keys that a batch moves for each of its changes
	growScan   = 256
	levelsMax  = 32 - fixedDepth
)

// grow gives subtrees that have too many keys a bucket another level. A batch
// looks at some and moves in proportion to its changes, so that none takes long
// and subtrees are there in time; the root is the same before and after.
func (t *Trie) grow(changes int) {
	budget := growShare * changes
	for range max(growScan, min(changes, len(t.subtrees))) {
		i := t.growNext
		t.growNext = (i + 1) % len(t.subtrees)
		s := &t.subtrees[i]
		if s.keys <= bucketKeys*len(s.dir) || len(s.levels) == levelsMax {
			continue
		}
		t.workers[0].addLevel(i)
		if budget -= s.keys; budget <= 0 {
			return
		}
	}
}

// addLevel splits each bucket of a subtree in two.
func (w *worker) addLevel(subtree int) {
	t := w.trie
	s := &t.subtrees[subtree]
	w.pool = &t.pools[subtree>>(fixedDepth-poolBits)]
	bit := fixedDepth + len(s.levels)
	dir, digests := t.memory.places(2*len(s.dir)), t.memory.hashes(2*len(s.dir))
	for i, at := range s.dir {
		dir[2*i], dir[2*i+1] = w.split(at, bit)
	}
	if len(s.levels) > 0 { // the first is not from there
		t.memory.freePlaces(s.dir)
	}
	s.dir, s.levels = dir, append(s.levels, digests)
	for i, at := range dir {
		w.digest(at, bit+1, &digests[i])
		if w.batch.Len() >= chunkChanges {
			w.batch.Run()
		}
	}
	w.batch.Run()
}

// split makes two buckets of one, by a bit of the key hashes.
func (b *bucketer) split(at place, bit int) (left, right place) {
	b.room = b.entries(at, b.room[:0])
	middle := 0
	for middle < len(b.room) && b.room[middle].prefix>>(63-bit)&1 == 0 {
		middle++
	}
	b.release(at)
	return b.build(b.room[:middle], bit+1), b.build(b.room[middle:], bit+1)
}
