package word

import (
	"math/rand/v2"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
)

// checkHash compares a hash with go-ethereum's.
func checkHash(t *testing.T, data []byte) {
	t.Helper()
	var got [32]byte
	Sum256(&got, data)
	if want := crypto.Keccak256Hash(data); got != want {
		t.Errorf("%d bytes %x: got %x; want %x", len(data), data, got, want)
	}
}

func randomBytes(r *rand.Rand, size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

func TestSum256(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for size := range 601 {
			checkHash(t, randomBytes(r, size))
		}
		for range 50 {
			checkHash(t, randomBytes(r, r.IntN(50_000)))
		}
		// Not aligned, in a larger array.
		data := randomBytes(r, 400)
		for i := range 8 {
			checkHash(t, data[i:300+i])
		}
	})
}

// TestPermutation compares the two permutations on states that hashes do not
// reach in a test: every lane counts.
func TestPermutation(t *testing.T) {
	if !fast {
		t.Skip("no assembly for this processor")
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		var got, want [lanes]uint64
		for i := range got {
			got[i] = r.Uint64()
		}
		want = got
		permuteBMI2(&got)
		permuteGeneric(&want)
		if got != want {
			t.Fatalf("got %x; want %x", got, want)
		}
	}
}

func FuzzSum256(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(make([]byte, rate-1))
	f.Add(make([]byte, rate))
	f.Fuzz(checkHash)
}
