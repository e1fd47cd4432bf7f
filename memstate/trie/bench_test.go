package trie

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"
)

// numbered is a source whose keys are the hashes of their refs.
type numbered struct{}

func (numbered) Leaf(ref uint64) (key, value Hash) { return numberedKey(ref), value }

func numberedKey(ref uint64) Hash {
	var m [8]byte
	binary.LittleEndian.PutUint64(m[:], ref)
	return sha256.Sum256(m[:])
}

// BenchmarkUpdate updates random keys of a state.
func BenchmarkUpdate(b *testing.B) {
	const keys = 2_000_000
	trie := New(numbered{}, 1)
	all := make([]Change, keys)
	for i := range all {
		all[i] = Change{Key: numberedKey(uint64(i)), Value: Hash{1}, Ref: uint64(i)}
	}
	for i := 0; i < keys; i += 100_000 {
		trie.Update(all[i : i+100_000])
	}
	for _, size := range []int{3_000, 300_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			changes := make([]Change, size)
			next := 0
			for b.Loop() {
				b.StopTimer()
				for i := range changes {
					next = (next + 1_000_003) % keys
					changes[i] = all[next]
					binary.BigEndian.PutUint64(changes[i].Value[:], uint64(b.N+i+1))
				}
				b.StartTimer()
				trie.Update(changes)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/key")
		})
	}
	sizes := trie.Sizes()
	b.Logf("%.1f bytes a key: %+v", float64(sizes.Sum())/keys, sizes)
}
