package word

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// TestMemoSum256 hashes keys that meet in the memo, of both sizes and others.
func TestMemoSum256(t *testing.T) {
	var m Memo
	data := make([]byte, memoKeyMax)
	for round := range 2 {
		for i := range 5000 {
			binary.BigEndian.PutUint64(data[24:], uint64(i))
			data[63] = byte(i % 7)
			key := data[:[]int{memoKeyMax, memoKeyMax / 2, memoKeyMax - 1}[i%3]]
			var got uint256.Int
			m.Sum256(&got, key)
			if want := crypto.Keccak256(key); *new(uint256.Int).SetBytes(want) != got {
				t.Fatalf("round %d, key %d: got %x; want %x", round, i, got, want)
			}
		}
	}
}

func TestMemoMulMod(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		var m Memo
		words := edges()
		for _, modulus := range words {
			for range 3 {
				x, y := words[r.IntN(len(words))], randomWord(r)
				var got uint256.Int
				m.MulMod(&got, &x, &y, &modulus)
				if want := new(uint256.Int).MulMod(&x, &y, &modulus); got != *want {
					t.Fatalf("%x * %x mod %x: got %x; want %x", x, y, modulus, got, *want)
				}
			}
		}
	})
}
