package word

import "github.com/holiman/uint256"

// A Modulus multiplies modulo one number after another and remembers the last:
// contracts multiply by the same modulus again and again. With its reciprocal a
// product is reduced by multiplications alone. The reciprocal costs about as
// much as a division, so it is computed when a modulus comes for the second time.
// The zero Modulus is ready for use.
type Modulus struct {
	value      uint256.Int
	reciprocal [5]uint64
	known      bool // reciprocal is that of value
}

// MulMod is MulMod for a modulus m that may be the one of the call before.
func (r *Modulus) MulMod(z, x, y, m *uint256.Int) {
	switch {
	case m[3] == 0, !r.remembers(m): // a reciprocal has room for four limbs only
		MulMod(z, x, y, m)
	case fast:
		mulModReciprocal(z, x, y, m, &r.reciprocal)
	default:
		z.MulModWithReciprocal(x, y, m, &r.reciprocal)
	}
}

// remembers reports whether m is the modulus of the call before, and then has
// its reciprocal ready. If it is not, m is remembered for the next.
func (r *Modulus) remembers(m *uint256.Int) bool {
	if (r.value[0]^m[0])|(r.value[1]^m[1])|(r.value[2]^m[2])|(r.value[3]^m[3]) != 0 {
		set(&r.value, m[0], m[1], m[2], m[3])
		r.known = false
		return false
	}
	if !r.known {
		r.reciprocal, r.known = uint256.Reciprocal(m), true
	}
	return true
}
