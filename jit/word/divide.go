package word

import (
	"math/bits"

	"github.com/holiman/uint256"
)

// Div sets z to x / y, and to zero if y is zero.
func Div(z, x, y *uint256.Int) {
	var rest uint256.Int
	DivMod(z, &rest, x, y)
}

// Mod sets z to x mod y, and to zero if y is zero.
func Mod(z, x, y *uint256.Int) {
	var quotient uint256.Int
	DivMod(&quotient, z, x, y)
}

// DivMod sets quotient to x / y and rest to x mod y, both to zero if y is zero.
// They are two words.
func DivMod(quotient, rest, x, y *uint256.Int) {
	switch {
	case y[0]|y[1]|y[2]|y[3] == 0:
		set(quotient, 0, 0, 0, 0)
		set(rest, 0, 0, 0, 0)
	case x[1]|x[2]|x[3]|y[1]|y[2]|y[3] == 0:
		a, b := x[0], y[0]
		set(quotient, a/b, 0, 0, 0)
		set(rest, a%b, 0, 0, 0)
	case less(x, y):
		r0, r1, r2, r3 := x[0], x[1], x[2], x[3]
		set(quotient, 0, 0, 0, 0)
		set(rest, r0, r1, r2, r3)
	case fast:
		divMod(quotient, rest, x, y)
	default:
		quotient.DivMod(x, y, rest)
	}
}

// SDiv sets z to x / y as signed numbers, rounded towards zero, and to zero if y
// is zero. The smallest number divided by -1 is itself.
func SDiv(z, x, y *uint256.Int) {
	var quotient, a, b uint256.Int
	signX, signY := signOf(x), signOf(y)
	negateIf(&a, x, signX)
	negateIf(&b, y, signY)
	Div(&quotient, &a, &b)
	negateIf(z, &quotient, signX^signY)
}

// SMod sets z to what SDiv leaves over, with the sign of x, and to zero if y is
// zero.
func SMod(z, x, y *uint256.Int) {
	var rest, a, b uint256.Int
	signX := signOf(x)
	negateIf(&a, x, signX)
	negateIf(&b, y, signOf(y))
	Mod(&rest, &a, &b)
	negateIf(z, &rest, signX)
}

// AddMod sets z to x+y mod m, without loss of the carry, and to zero if m is
// zero.
func AddMod(z, x, y, m *uint256.Int) {
	var a, b uint256.Int
	if !less(x, m) {
		Mod(&a, x, m)
		x = &a
	}
	if !less(y, m) {
		Mod(&b, y, m)
		y = &b
	}
	// Both are smaller than m, or zero as m is: one subtraction reduces the sum.
	s0, carry := bits.Add64(x[0], y[0], 0)
	s1, carry := bits.Add64(x[1], y[1], carry)
	s2, carry := bits.Add64(x[2], y[2], carry)
	s3, carry := bits.Add64(x[3], y[3], carry)
	d0, borrow := bits.Sub64(s0, m[0], 0)
	d1, borrow := bits.Sub64(s1, m[1], borrow)
	d2, borrow := bits.Sub64(s2, m[2], borrow)
	d3, borrow := bits.Sub64(s3, m[3], borrow)
	if carry < borrow {
		d0, d1, d2, d3 = s0, s1, s2, s3
	}
	set(z, d0, d1, d2, d3)
}

// MulMod sets z to x*y mod m, of the whole product of 512 bits, and to zero if m
// is zero.
func MulMod(z, x, y, m *uint256.Int) {
	switch {
	case m[0]|m[1]|m[2]|m[3] == 0:
		set(z, 0, 0, 0, 0)
	case fast:
		mulMod(z, x, y, m)
	default:
		z.MulMod(x, y, m)
	}
}

// set writes a word limb by limb.
func set(z *uint256.Int, a, b, c, d uint64) { z[0], z[1], z[2], z[3] = a, b, c, d }

// signOf is all ones if x is negative, else zero.
func signOf(x *uint256.Int) uint64 { return uint64(int64(x[3]) >> 63) }

// negateIf sets z to -x if sign is all ones, and to x if it is zero.
func negateIf(z, x *uint256.Int, sign uint64) {
	a, borrow := bits.Sub64(x[0]^sign, sign, 0)
	b, borrow := bits.Sub64(x[1]^sign, sign, borrow)
	c, borrow := bits.Sub64(x[2]^sign, sign, borrow)
	d, _ := bits.Sub64(x[3]^sign, sign, borrow)
	set(z, a, b, c, d)
}

// less reports whether x < y.
func less(x, y *uint256.Int) bool {
	_, borrow := bits.Sub64(x[0], y[0], 0)
	_, borrow = bits.Sub64(x[1], y[1], borrow)
	_, borrow = bits.Sub64(x[2], y[2], borrow)
	_, borrow = bits.Sub64(x[3], y[3], borrow)
	return borrow != 0
}
