package word

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/holiman/uint256"
)

// onEachPath runs a test in plain Go and, where there is some, in assembly.
func onEachPath(t *testing.T, test func(t *testing.T)) {
	assembly := fast
	defer func() { fast = assembly }()
	fast = false
	t.Run("go", test)
	if assembly {
		fast = true
		t.Run("assembly", test)
	}
}

// edges are the numbers around the ends of limbs and of words, and numbers whose
// limbs make an estimated digit too large: the high limbs of dividend and
// divisor equal, the next limb of the divisor large and that of the dividend
// small.
func edges() []uint256.Int {
	const high, all = 1 << 63, 1<<64 - 1
	words := []uint256.Int{
		{},
		{all, all, all, all},
		{0, 0, 0, all},
		{all, 0, all, 0},
		{0, all, 0, all},
		{0, 0, all, high - 1},
		{0, 0, all - 1, high},
		{0, 0, 0, high},
		{all, all, all, high},
		{3, 0, high, 0},
		{0, 0, all - 1, 0},
		{0, all, high, 0},
		{0, all - 1, high, 0},
		{all, high, 0, 0},
		{0, all - 1, 0, 0},
		{1, 0, 0, high},
		{1, 0, high, 0},
		{1, high, 0, 0},
	}
	for _, bit := range []uint{0, 1, 31, 63, 64, 65, 127, 128, 129, 191, 192, 193, 254, 255} {
		var power, below, above uint256.Int
		power.Lsh(uint256.NewInt(1), bit)
		below.SubUint64(&power, 1)
		above.AddUint64(&power, 1)
		words = append(words, power, below, above)
	}
	return words
}

// randomWord has any width and often limbs of one kind of bit.
func randomWord(r *rand.Rand) (x uint256.Int) {
	for i := range r.IntN(5) {
		switch r.IntN(8) {
		case 0:
		case 1:
			x[i] = 1<<64 - 1
		case 2:
			x[i] = 1 << 63
		case 3:
			x[i] = -r.Uint64N(3)
		default:
			x[i] = r.Uint64()
		}
	}
	return *x.Rsh(&x, r.UintN(2)*r.UintN(64))
}

// checkWord compares a result with what big integers give, modulo 2^256.
func checkWord(t *testing.T, name string, got *uint256.Int, want *big.Int, operands ...*uint256.Int) {
	t.Helper()
	wrapped, _ := uint256.FromBig(want)
	if *got == *wrapped {
		return
	}
	t.Errorf("%s: got %#x; want %#x", name, got, wrapped)
	for _, x := range operands {
		t.Errorf("  of %#x", x)
	}
}

// check compares the operations on three words with those of package big.
func check(t *testing.T, x, y, m uint256.Int) {
	t.Helper()
	a, b, n := x.ToBig(), y.ToBig(), m.ToBig()
	signedA, signedB := signed(&x), signed(&y)
	quotient, rest := new(big.Int), new(big.Int)
	signedQuotient, signedRest := new(big.Int), new(big.Int)
	if b.Sign() != 0 {
		quotient.QuoRem(a, b, rest)
		signedQuotient.QuoRem(signedA, signedB, signedRest)
	}
	sum, product := new(big.Int).Add(a, b), new(big.Int).Mul(a, b)
	if n.Sign() != 0 {
		sum.Mod(sum, n)
		product.Mod(product, n)
	} else {
		sum.SetUint64(0)
		product.SetUint64(0)
	}

	binary := func(name string, f func(z, x, y *uint256.Int), want *big.Int) {
		t.Helper()
		z := uint256.Int{5, 6, 7, 8}
		f(&z, &x, &y)
		checkWord(t, name, &z, want, &x, &y)
		z = x
		f(&z, &z, &y)
		checkWord(t, name+" into x", &z, want, &x, &y)
		z = y
		f(&z, &x, &z)
		checkWord(t, name+" into y", &z, want, &x, &y)
	}
	binary("Div", Div, quotient)
	binary("Mod", Mod, rest)
	binary("SDiv", SDiv, signedQuotient)
	binary("SMod", SMod, signedRest)

	q, r := x, y
	DivMod(&q, &r, &q, &r)
	checkWord(t, "quotient of DivMod", &q, quotient, &x, &y)
	checkWord(t, "rest of DivMod", &r, rest, &x, &y)
	q, r = y, x
	DivMod(&q, &r, &r, &q)
	checkWord(t, "quotient of DivMod, crosswise", &q, quotient, &x, &y)
	checkWord(t, "rest of DivMod, crosswise", &r, rest, &x, &y)

	ternary := func(name string, f func(z, x, y, m *uint256.Int), want *big.Int) {
		t.Helper()
		z := uint256.Int{5, 6, 7, 8}
		f(&z, &x, &y, &m)
		checkWord(t, name, &z, want, &x, &y, &m)
		for i, into := range []*uint256.Int{&x, &y, &m} {
			kept := *into
			f(into, &x, &y, &m)
			z, *into = *into, kept
			checkWord(t, name+" into operand "+string(rune('0'+i)), &z, want, &x, &y, &m)
		}
	}
	ternary("AddMod", AddMod, sum)
	ternary("MulMod", MulMod, product)
	var modulus Modulus
	modulus.MulMod(&q, &y, &x, &m)
	checkWord(t, "first MulMod of a modulus", &q, product, &x, &y, &m)
	ternary("MulMod of a modulus", modulus.MulMod, product)
}

// signed is x as a signed number.
func signed(x *uint256.Int) *big.Int {
	b := x.ToBig()
	if x.Sign() < 0 {
		b.Sub(b, new(big.Int).Lsh(big.NewInt(1), 256))
	}
	return b
}

func TestEdges(t *testing.T) {
	words := edges()
	onEachPath(t, func(t *testing.T) {
		for i, x := range words {
			for j, y := range words {
				check(t, x, y, words[(3*i+5*j+1)%len(words)])
			}
		}
	})
}

// TestMulModEdges takes every triple of edges.
func TestMulModEdges(t *testing.T) {
	words := edges()
	onEachPath(t, func(t *testing.T) {
		var modulus Modulus
		for _, m := range words {
			for _, x := range words {
				for _, y := range words {
					var got, want uint256.Int
					MulMod(&got, &x, &y, &m)
					want.MulMod(&x, &y, &m)
					if got != want {
						t.Fatalf("%#x * %#x mod %#x: got %#x; want %#x", &x, &y, &m, &got, &want)
					}
					modulus.MulMod(&got, &x, &y, &m)
					if got != want {
						t.Fatalf("%#x * %#x by the reciprocal of %#x: got %#x; want %#x", &x, &y, &m, &got, &want)
					}
				}
			}
		}
	})
}

func TestRandom(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for range 30_000 {
			check(t, randomWord(r), randomWord(r), randomWord(r))
		}
	})
}

// TestNearMultiples divides numbers that are a multiple of the divisor or just
// below it: there an estimated digit is one too large, and what is left after it
// negative.
func TestNearMultiples(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for range 10_000 {
			divisor, factor := randomWord(r), randomWord(r)
			var x uint256.Int
			x.Mul(&divisor, factor.Rsh(&factor, uint(divisor.BitLen())))
			check(t, x, divisor, factor)
			x.SubUint64(&x, 1)
			check(t, x, divisor, factor)
		}
	})
}

func FuzzArithmetic(f *testing.F) {
	f.Add(make([]byte, 96))
	f.Fuzz(func(t *testing.T, data []byte) {
		var block [96]byte
		copy(block[:], data)
		var x, y, m uint256.Int
		x.SetBytes(block[:32])
		y.SetBytes(block[32:64])
		m.SetBytes(block[64:])
		check(t, x, y, m)
	})
}

func TestAllocations(t *testing.T) {
	x := &uint256.Int{1, 2, 3, 4}
	y := &uint256.Int{5, 6, 7}
	data := make([]byte, 300)
	var z, rest uint256.Int
	var hash [32]byte
	var modulus Modulus
	onEachPath(t, func(t *testing.T) {
		allocs := testing.AllocsPerRun(10, func() {
			DivMod(&z, &rest, x, y)
			SDiv(&z, x, y)
			SMod(&z, x, y)
			AddMod(&z, x, x, y)
			MulMod(&z, x, x, y)
			modulus.MulMod(&z, x, x, x)
			Sum256(&hash, data)
		})
		if allocs != 0 {
			t.Errorf("%v allocations", allocs)
		}
	})
}
