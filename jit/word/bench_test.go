package word

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// ring is how many random operands a benchmark cycles through, so that branches
// on their values are not learned.
const ring = 1 << 10

// operandsOfWidth returns words with exactly so many bits.
func operandsOfWidth(r *rand.Rand, width int) *[ring]uint256.Int {
	var words [ring]uint256.Int
	for i := range words {
		for j := range words[i] {
			words[i][j] = r.Uint64()
		}
		words[i][3] |= 1 << 63
		words[i].Rsh(&words[i], uint(256-width))
	}
	return &words
}

func BenchmarkDiv(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	var z uint256.Int
	for _, width := range [][2]int{{64, 64}, {128, 64}, {128, 128}, {192, 64}, {256, 64}, {256, 128}, {256, 192}, {256, 226}, {256, 256}} {
		xs, ys := operandsOfWidth(r, width[0]), operandsOfWidth(r, width[1])
		name := fmt.Sprintf("%d_%d", width[0], width[1])
		b.Run(name+"/redline", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				Div(&z, &xs[i%ring], &ys[i%ring])
			}
		})
		b.Run(name+"/uint256", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				z.Div(&xs[i%ring], &ys[i%ring])
			}
		})
	}
}

func BenchmarkAddMod(b *testing.B) {
	benchmarkModular(b, AddMod, func(z, x, y, m *uint256.Int) { z.AddMod(x, y, m) })
}

func BenchmarkMulMod(b *testing.B) {
	benchmarkModular(b, MulMod, func(z, x, y, m *uint256.Int) { z.MulMod(x, y, m) })
}

func BenchmarkModulus(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	var z uint256.Int
	var modulus Modulus
	xs, ys, m := operandsOfWidth(r, 256), operandsOfWidth(r, 256), operandsOfWidth(r, 254)[0]
	reciprocal := uint256.Reciprocal(&m)
	b.Run("redline", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			modulus.MulMod(&z, &xs[i%ring], &ys[i%ring], &m)
		}
	})
	b.Run("uint256", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			z.MulModWithReciprocal(&xs[i%ring], &ys[i%ring], &m, &reciprocal)
		}
	})
}

func benchmarkModular(b *testing.B, ours, theirs func(z, x, y, m *uint256.Int)) {
	r := rand.New(rand.NewPCG(1, 1))
	var z uint256.Int
	xs, ys := operandsOfWidth(r, 256), operandsOfWidth(r, 256)
	for _, width := range []int{64, 128, 192, 256} {
		ms := operandsOfWidth(r, width)
		for _, side := range []struct {
			name string
			f    func(z, x, y, m *uint256.Int)
		}{{"redline", ours}, {"uint256", theirs}} {
			b.Run(fmt.Sprintf("%d/%s", width, side.name), func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					side.f(&z, &xs[i%ring], &ys[i%ring], &ms[i%ring])
				}
			})
		}
	}
}

func BenchmarkSum256(b *testing.B) {
	state := crypto.NewKeccakState()
	var out [32]byte
	for _, size := range []int{0, 32, 64, 135, 136, 1024, 24576} {
		data := make([]byte, size)
		b.Run(fmt.Sprintf("%d/redline", size), func(b *testing.B) {
			for b.Loop() {
				Sum256(&out, data)
			}
		})
		b.Run(fmt.Sprintf("%d/geth", size), func(b *testing.B) {
			for b.Loop() {
				state.Reset()
				state.Write(data)
				state.Read(out[:])
			}
		})
	}
}

func BenchmarkPermutation(b *testing.B) {
	var state [lanes]uint64
	b.Run("go", func(b *testing.B) {
		for b.Loop() {
			permuteGeneric(&state)
		}
	})
	if fast {
		b.Run("assembly", func(b *testing.B) {
			for b.Loop() {
				permuteBMI2(&state)
			}
		})
	}
}
