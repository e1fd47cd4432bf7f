package word

import (
	"math/rand/v2"
	"testing"

	"github.com/holiman/uint256"
)

func TestCopyAndEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := uint256.Int{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
	for bit := range uint(256) {
		var y uint256.Int
		Copy(&y, &x)
		if !Equal(&x, &y) || x != y {
			t.Fatalf("got %x; want %x", y, x)
		}
		y.Xor(&y, new(uint256.Int).Lsh(uint256.NewInt(1), bit))
		if Equal(&x, &y) {
			t.Fatalf("%x equals %x", x, y)
		}
	}
}

func TestAddresses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := uint256.Int{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
	var a, b [AddressSize]byte
	SetAddress(&a, &x)
	if a != x.Bytes20() {
		t.Errorf("got %x; want %x", a, x.Bytes20())
	}
	for i := range a {
		CopyAddress(&b, &a)
		if !EqualAddresses(&a, &b) || a != b {
			t.Fatalf("got %x; want %x", b, a)
		}
		b[i] ^= 1 << (i % 8)
		if EqualAddresses(&a, &b) {
			t.Fatalf("%x equals %x", a, b)
		}
	}
}
