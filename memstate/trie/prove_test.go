package trie

import (
	"errors"
	"slices"
	"testing"

	"github.com/redline-evm/redline/memstate/trie/proof"
	"github.com/redline-evm/redline/memstate/trie/sha64"
)

// provenWorlds are states of all sizes and of keys that share bits.
func provenWorlds(t *testing.T, check func(t *testing.T, w *world, trie *Trie)) {
	for _, keys := range []int{0, 1, 2, 5, 100, 20_000} {
		for _, shared := range []int{0, 13, 66, 250} {
			w := newWorld(uint64(keys + shared))
			trie := New(w, 1)
			fresh := w.near(shared)
			if keys > 1000 && shared > 20 {
				keys = 1000
			}
			var changes []Change
			for range keys {
				key := fresh()
				if _, known := w.refs[key]; !known {
					changes = append(changes, w.set(key, w.hash()))
				}
			}
			trie.Update(changes)
			check(t, w, trie)
		}
	}
}

// someKeys are keys that are there and keys that are not, some of them near.
func (w *world) someKeys(count int) (keys, values []Hash) {
	chosen := map[Hash]bool{}
	for range count {
		key := w.hash()
		if len(w.keys) > 0 {
			switch near := w.keys[w.rng.IntN(len(w.keys))]; w.rng.IntN(3) {
			case 0:
				key = near
			case 1:
				bit := w.rng.IntN(256)
				near[bit/8] ^= 1 << (bit % 8)
				key = near
			}
		}
		if !chosen[key] {
			chosen[key] = true
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(x, y Hash) int { return compare(&x, &y) })
	for _, key := range keys {
		values = append(values, w.values[key])
	}
	return keys, values
}

func TestProve(t *testing.T) {
	provenWorlds(t, func(t *testing.T, w *world, trie *Trie) {
		root := trie.Root()
		keys, values := w.someKeys(40)
		for i, key := range keys {
			encoded := proof.AppendSingle(nil, trie.Prove(key))
			p, err := proof.ParseSingle(encoded)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Verify(root, key, values[i]); err != nil {
				t.Fatalf("%d keys, key %x of value %x: %v", len(w.keys), key, values[i], err)
			}
			if values[i] != (Hash{}) {
				mustFail(t, p.Verify(root, key, Hash{}))
			}
			mustFail(t, p.Verify(root, key, w.hash()))
			mustFail(t, p.Verify(w.hash(), key, values[i]))
		}
	})
}

func mustFail(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, proof.ErrInvalid) {
		t.Fatalf("got error %v; want %v", err, proof.ErrInvalid)
	}
}

// TestProveEachBit changes each bit of proofs.
func TestProveEachBit(t *testing.T) {
	provenWorlds(t, func(t *testing.T, w *world, trie *Trie) {
		if len(w.keys) > 100 {
			return
		}
		keys, values := w.someKeys(3)
		for i, key := range keys {
			encoded := proof.AppendSingle(nil, trie.Prove(key))
			for bit := range 8 * len(encoded) {
				encoded[bit/8] ^= 1 << (bit % 8)
				if p, err := proof.ParseSingle(encoded); err == nil {
					mustFail(t, p.Verify(trie.Root(), key, values[i]))
				}
				encoded[bit/8] ^= 1 << (bit % 8)
			}
		}
	})
}

// TestForgedAbsence puts a key's own leaf beside an empty sub-trie in which the
// key would lie: both together have the digest of the leaf.
func TestForgedAbsence(t *testing.T) {
	w := newWorld(1)
	trie := New(w, 1)
	key := w.hash()
	trie.Update([]Change{w.set(key, w.hash())})
	forged := &proof.Single{Siblings: []Hash{trie.Root()}}
	mustFail(t, forged.Verify(trie.Root(), key, Hash{}))

	left := []bool{true, false, false, true} // inner: the key's side, empty; the other side, a sibling
	right := []bool{true, true, false, false}
	for _, bits := range [][]bool{left, right} {
		multi := &proof.Multi{Siblings: []Hash{trie.Root()}}
		for _, bit := range bits {
			multi.Shape.Append(bit)
		}
		_, err := multi.Open(trie.Root(), []Hash{key}, []Hash{{}}, proof.Standard)
		mustFail(t, err)
	}
}

func TestProveAll(t *testing.T) {
	provenWorlds(t, func(t *testing.T, w *world, trie *Trie) {
		for _, count := range []int{0, 1, 10, 1000, 6000} {
			keys, values := w.someKeys(count)
			p := trie.ProveAll(keys)
			partial, err := p.Open(trie.Root(), keys, values, sha64.Sum)
			if err != nil {
				t.Fatalf("%d of %d keys: %v", count, len(w.keys), err)
			}
			if len(keys) == 0 {
				continue
			}
			i := w.rng.IntN(len(keys))
			wrong := slices.Clone(values)
			wrong[i] = w.hash()
			_, err = p.Open(trie.Root(), keys, wrong, sha64.Sum)
			mustFail(t, err)
			if values[i] != (Hash{}) {
				wrong[i] = Hash{}
				_, err = p.Open(trie.Root(), keys, wrong, sha64.Sum)
				mustFail(t, err)
			}
			checkAfter(t, w, partial, keys, values)
		}
	})
}

// checkAfter changes values of the proven keys, and compares the root that the
// proof gives with that of a trie with these changes.
func checkAfter(t *testing.T, w *world, partial *proof.Partial, keys, values []Hash) {
	t.Helper()
	after := slices.Clone(values)
	all := map[Hash]Hash{}
	for key, value := range w.values {
		all[key] = value
	}
	for i := range after {
		switch w.rng.IntN(3) {
		case 0:
			after[i] = w.hash()
		case 1:
			after[i] = Hash{}
		}
		all[keys[i]] = after[i]
		if after[i] == (Hash{}) {
			delete(all, keys[i])
		}
	}
	if got, want := partial.Root(after), naiveRoot(all, 0); got != want {
		t.Fatalf("after changes: got root %x; want %x", got, want)
	}
}

// TestProveAllEachBit changes each bit of a proof of some keys.
func TestProveAllEachBit(t *testing.T) {
	provenWorlds(t, func(t *testing.T, w *world, trie *Trie) {
		if len(w.keys) > 100 {
			return
		}
		keys, values := w.someKeys(5)
		encoded := proof.AppendMulti(nil, trie.ProveAll(keys))
		for bit := range 8 * len(encoded) {
			encoded[bit/8] ^= 1 << (bit % 8)
			if p, err := proof.ParseMulti(encoded); err == nil {
				_, err := p.Open(trie.Root(), keys, values, proof.Standard)
				mustFail(t, err)
			}
			encoded[bit/8] ^= 1 << (bit % 8)
		}
		p, err := proof.ParseMulti(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Open(trie.Root(), keys, values, proof.Standard); err != nil {
			t.Fatal(err)
		}
	})
}
