package word

import (
	"encoding/binary"
	"math/bits"

	"github.com/holiman/uint256"
)

// A Memo remembers what contracts compute over and over: the reciprocal of the
// modulus that they multiply by, and the hashes of one word and of two, which are
// the slots of arrays and mappings. The zero Memo is ready for use.
type Memo struct {
	modulus Modulus
	hashes  *[memoCount]hashEntry // direct-mapped; nil until the first hash
}

// hashEntry is a hash; comparing all of the key makes a collision harmless.
type hashEntry struct {
	key  [memoKeyMax]byte
	hash uint256.Int
	size uint64 // of the key in bytes; 0: none
}

const (
	memoBits   = 11
	memoCount  = 1 << memoBits
	memoKeyMax = 64

	memoFactorA = 0x9e3779b97f4a7c15
	memoFactorB = 0xc2b2ae3d27d4eb4f
)

// MulMod is the function of that name.
func (m *Memo) MulMod(z, x, y, modulus *uint256.Int) { m.modulus.MulMod(z, x, y, modulus) }

// Sum256 sets out to the Keccak-256 of data as a word.
func (m *Memo) Sum256(out *uint256.Int, data []byte) {
	if len(data) != memoKeyMax && len(data) != memoKeyMax/2 {
		sumWord(out, data)
		return
	}
	if m.hashes == nil {
		m.hashes = new([memoCount]hashEntry)
	}
	entry := &m.hashes[memoIndex(data)]
	if entry.size != uint64(len(data)) || string(entry.key[:len(data)]) != string(data) {
		sumWord(&entry.hash, data)
		copy(entry.key[:], data)
		entry.size = uint64(len(data))
	}
	Copy(out, &entry.hash)
}

// memoIndex mixes the low ends of the words of a key: they are where the keys and
// the slots of mappings differ.
func memoIndex(key []byte) uint64 {
	limb := func(i int) uint64 { return binary.BigEndian.Uint64(key[8*i:]) }
	mixed := (limb(3) ^ limb(2)<<1) * memoFactorA
	if len(key) == memoKeyMax {
		mixed ^= (limb(7) ^ limb(4)<<1) * memoFactorB
	}
	return mixed * memoFactorA >> (64 - memoBits)
}

// sumWord sets out to the Keccak-256 of data as a word.
func sumWord(out *uint256.Int, data []byte) {
	var state [lanes]uint64
	absorb(&state, data)
	set(out, bits.ReverseBytes64(state[3]), bits.ReverseBytes64(state[2]), bits.ReverseBytes64(state[1]), bits.ReverseBytes64(state[0]))
}
