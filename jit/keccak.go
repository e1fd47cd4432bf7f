package jit

import words "github.com/redline-evm/redline/jit/word"

// hasher computes Keccak-256 without allocation. It remembers hashes of 64
// bytes: contracts hash the same keys of mappings over and over.
type hasher struct {
	out  [32]byte
	memo []memoEntry // direct-mapped
}

// memoEntry is valid when used; comparing the whole key makes a collision
// harmless.
type memoEntry struct {
	key  [memoKeySize]byte
	hash word
	used bool
}

const (
	memoKeySize = 64
	memoBits    = 11
)

// sum sets out to the hash of data.
func (h *hasher) sum(data []byte, out *word) {
	if len(data) != memoKeySize {
		h.digest(data, out)
		return
	}
	if h.memo == nil {
		h.memo = make([]memoEntry, 1<<memoBits)
	}
	key := (*[memoKeySize]byte)(data)
	entry := &h.memo[memoIndex(key)]
	if !entry.used || entry.key != *key {
		h.digest(data, &entry.hash)
		entry.key, entry.used = *key, true
	}
	copyWord(out, &entry.hash)
}

// memoIndex mixes the low ends of both words of the key: they are where the keys
// and the slots of mappings differ.
func memoIndex(key *[memoKeySize]byte) uint64 {
	var a, b word
	loadWord(&a, key[:32])
	loadWord(&b, key[32:])
	mixed := (a[0]^a[1]<<1)*0x9e3779b97f4a7c15 ^ (b[0]^b[3]<<1)*0xc2b2ae3d27d4eb4f
	return mixed * 0x9e3779b97f4a7c15 >> (64 - memoBits)
}

func (h *hasher) digest(data []byte, out *word) {
	words.Sum256(&h.out, data)
	out.SetBytes32(h.out[:])
}
