package trie

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/redline-evm/redline/memstate/trie/proof"
)

// naiveRoot is the root by its definition: the digest of the keys that share the
// bits before bit.
func naiveRoot(values map[Hash]Hash, bit int) Hash {
	if len(values) <= 1 {
		for key, value := range values {
			return proof.Leaf(key, value)
		}
		return Hash{}
	}
	var sides [2]map[Hash]Hash
	sides[0], sides[1] = map[Hash]Hash{}, map[Hash]Hash{}
	for key, value := range values {
		sides[proof.Bit(&key, bit)][key] = value
	}
	return proof.Node(naiveRoot(sides[0], bit+1), naiveRoot(sides[1], bit+1))
}

// world is a state as a plain map, with the refs of its keys.
type world struct {
	rng    *rand.Rand
	values map[Hash]Hash
	refs   map[Hash]uint64
	keys   []Hash // by ref
}

func newWorld(seed uint64) *world {
	return &world{rng: rand.New(rand.NewPCG(seed, 0)), values: map[Hash]Hash{}, refs: map[Hash]uint64{}}
}

func (w *world) Leaf(ref uint64) (key, value Hash) {
	key = w.keys[ref]
	return key, w.values[key]
}

func (w *world) hash() (h Hash) {
	for i := 0; i < len(h); i += 8 {
		binary.BigEndian.PutUint64(h[i:], w.rng.Uint64())
	}
	return h
}

// set is a change of a key to a value, zero to delete it.
func (w *world) set(key, value Hash) Change {
	ref, known := w.refs[key]
	if !known {
		ref = uint64(len(w.keys))
		w.refs[key] = ref
		w.keys = append(w.keys, key)
	}
	if value == (Hash{}) {
		delete(w.values, key)
	} else {
		w.values[key] = value
	}
	return Change{Key: key, Value: value, Ref: ref}
}

// batch is a number of random changes: of new keys made by fresh, and of those
// that were there, which it updates and deletes.
func (w *world) batch(count int, fresh func() Hash) []Change {
	chosen := map[Hash]bool{}
	var changes []Change
	for range count {
		key := fresh()
		if len(w.keys) > 0 && w.rng.IntN(2) == 0 {
			key = w.keys[w.rng.IntN(len(w.keys))]
		}
		if chosen[key] {
			continue
		}
		chosen[key] = true
		value := w.hash()
		if w.rng.IntN(3) == 0 {
			value = Hash{}
		}
		changes = append(changes, w.set(key, value))
	}
	return changes
}

// near returns keys that share a number of bits with a few others.
func (w *world) near(shared int) func() Hash {
	var roots [3]Hash
	for i := range roots {
		roots[i] = w.hash()
	}
	return func() Hash {
		key, root := w.hash(), roots[w.rng.IntN(len(roots))]
		copy(key[:shared/8], root[:])
		if rest := shared % 8; rest > 0 {
			mask := byte(0xff) << (8 - rest)
			key[shared/8] = root[shared/8]&mask | key[shared/8]&^mask
		}
		return key
	}
}

// TestRootIsTheDefinition drives tries through random batches of all kinds of
// keys and compares with the definition after each.
func TestRootIsTheDefinition(t *testing.T) {
	kinds := map[string]func(w *world) func() Hash{
		"random":             func(w *world) func() Hash { return w.hash },
		"12 bits shared":     func(w *world) func() Hash { return w.near(12) },
		"30 bits shared":     func(w *world) func() Hash { return w.near(30) },
		"64 bits shared":     func(w *world) func() Hash { return w.near(64) },
		"70 bits shared":     func(w *world) func() Hash { return w.near(70) },
		"250 bits shared":    func(w *world) func() Hash { return w.near(250) },
		"255 bits, 64 tied":  func(w *world) func() Hash { return w.near(255) },
		"all lengths shared": func(w *world) func() Hash { return func() Hash { return w.near(w.rng.IntN(200))() } },
	}
	for name, kind := range kinds {
		for _, workers := range []int{1, 3} {
			w := newWorld(7)
			fresh := kind(w)
			trie := New(w, workers)
			for round := range 8 {
				changes := w.batch(1+w.rng.IntN(700), fresh)
				trie.Update(changes)
				if got, want := trie.Root(), naiveRoot(w.values, 0); got != want {
					t.Fatalf("%s, %d workers, batch %d: got %x; want %x", name, workers, round, got, want)
				}
				if got := trie.Len(); got != len(w.values) {
					t.Fatalf("%s: got %d keys; want %d", name, got, len(w.values))
				}
			}
		}
	}
}

// TestRootDependsOnTheSetAlone builds the same state in different orders, batches
// and numbers of workers, and by way of keys that are deleted again.
func TestRootDependsOnTheSetAlone(t *testing.T) {
	w := newWorld(3)
	for range 10_000 {
		w.set(w.hash(), w.hash())
	}
	var roots []Hash
	for _, size := range []int{1, 77, 4096, 10_000} {
		for _, workers := range []int{1, 2, 4} {
			trie := New(w, workers)
			changes := make([]Change, 0, len(w.values))
			for key, value := range w.values {
				changes = append(changes, Change{Key: key, Value: value, Ref: w.refs[key]})
			}
			if size == 1 {
				changes = changes[:0]
				for _, key := range w.keys[:500] {
					changes = append(changes, Change{Key: key, Value: w.values[key], Ref: w.refs[key]})
				}
			}
			for batch := range slices.Chunk(changes, size) {
				trie.Update(batch)
			}
			if size == 1 {
				rest := make([]Change, 0, len(w.keys))
				for _, key := range w.keys[500:] {
					rest = append(rest, Change{Key: key, Value: w.values[key], Ref: w.refs[key]})
				}
				trie.Update(rest)
			}
			roots = append(roots, trie.Root())
		}
	}
	if want := naiveRoot(w.values, 0); slices.ContainsFunc(roots, func(h Hash) bool { return h != want }) {
		t.Errorf("got roots %x; want all to be %x", roots, want)
	}
}

// TestDeleteEverything leaves no key and no memory in use but free blocks.
func TestDeleteEverything(t *testing.T) {
	for _, shared := range []int{0, 40} {
		w := newWorld(5)
		trie := New(w, 1)
		trie.Update(w.batch(5000, w.near(shared)))
		var all []Change
		for _, key := range slices.Collect(maps.Keys(w.values)) {
			all = append(all, w.set(key, Hash{}))
		}
		trie.Update(all)
		if trie.Root() != (Hash{}) || trie.Len() != 0 {
			t.Fatalf("got root %x of %d keys; want zero of none", trie.Root(), trie.Len())
		}
		for i := range trie.subtrees {
			for _, at := range trie.subtrees[i].dir {
				if at != 0 {
					t.Fatalf("a bucket is left at %x", at)
				}
			}
		}
	}
}

// TestLevelsDoNotShow gives subtrees levels that they do not need, and goes on.
func TestLevelsDoNotShow(t *testing.T) {
	for _, shared := range []int{0, 14, 70} {
		w := newWorld(uint64(shared))
		trie, fresh := New(w, 1), w.near(shared)
		for round := range 6 {
			trie.Update(w.batch(300, fresh))
			for range 200 {
				subtree := w.rng.IntN(len(trie.subtrees))
				if len(w.keys) > 0 && w.rng.IntN(2) == 0 {
					subtree = int(prefixOf(&w.keys[w.rng.IntN(len(w.keys))]) >> (64 - fixedDepth))
				}
				if len(trie.subtrees[subtree].levels) < 8 {
					trie.workers[0].addLevel(subtree)
				}
			}
			if got, want := trie.Root(), naiveRoot(w.values, 0); got != want {
				t.Fatalf("%d bits shared, batch %d: got root %x; want %x", shared, round, got, want)
			}
		}
	}
}

// TestFreeBlocksAreUsed grows and shrinks a trie: blocks that splits and deletes
// leave are used for others.
func TestFreeBlocksAreUsed(t *testing.T) {
	w := newWorld(13)
	trie := New(w, 1)
	for range 30 {
		trie.Update(w.batch(4000, w.hash))
	}
	sizes := trie.Sizes()
	if sizes.Free > sizes.Blocks/3 {
		t.Errorf("got %d bytes free of %d; want a third at most", sizes.Free, sizes.Blocks)
	}
	for i := range trie.pools {
		for c, count := range trie.pools[i].frees {
			length := 0
			for first := trie.pools[i].free[c]; first != 0; length++ {
				first = *trie.pools[i].blockAt(newPlace(first-1, classCapacity(c), 0)).prefix(0)
			}
			if length != count {
				t.Fatalf("pool %d has %d free blocks of class %d; want %d", i, length, c, count)
			}
		}
	}
}

// TestGrows adds levels without changing the root.
func TestGrows(t *testing.T) {
	w := newWorld(11)
	trie := New(w, 2)
	for range 40 {
		trie.Update(w.batch(5000, w.hash))
	}
	levels := 0
	for i := range trie.subtrees {
		levels = max(levels, len(trie.subtrees[i].levels))
	}
	if levels < 2 {
		t.Errorf("got %d levels below the roots of subtrees; want at least 2", levels)
	}
	if got, want := trie.Root(), naiveRoot(w.values, 0); got != want {
		t.Errorf("got root %x; want %x", got, want)
	}
}
