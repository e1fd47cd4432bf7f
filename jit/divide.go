package jit

import "math/bits"

// Division by a number of 64 bits, which most divisors are, limb by limb with
// the machine's own division. All other divisors are left to package uint256.

// divide sets z to x / y.
func divide(z, x, y *word) {
	if y[1]|y[2]|y[3] != 0 || y[0] == 0 {
		z.Div(x, y)
		return
	}
	divideUint64(z, x, y[0])
}

// divideSigned sets z to x / y as signed numbers.
func divideSigned(z, x, y *word) {
	var dividend, divisor word
	sign := signOf(x) ^ signOf(y)
	negateIf(&dividend, x, signOf(x))
	negateIf(&divisor, y, signOf(y))
	divide(z, &dividend, &divisor)
	negateIf(z, z, sign)
}

// modulo sets z to x % y.
func modulo(z, x, y *word) {
	if y[1]|y[2]|y[3] != 0 || y[0] == 0 {
		z.Mod(x, y)
		return
	}
	var quotient word
	setUint64(z, divideUint64(&quotient, x, y[0]))
}

// divideUint64 sets z to x / y and returns the remainder; y is not zero.
func divideUint64(z, x *word, y uint64) (remainder uint64) {
	if x[1]|x[2]|x[3] == 0 {
		quotient := x[0] / y
		remainder = x[0] - quotient*y
		setUint64(z, quotient)
		return remainder
	}
	z[3], remainder = x[3]/y, x[3]%y
	z[2], remainder = bits.Div64(remainder, x[2], y)
	z[1], remainder = bits.Div64(remainder, x[1], y)
	z[0], remainder = bits.Div64(remainder, x[0], y)
	return remainder
}

// negateIf sets z to -x if sign is all ones, to x if it is 0.
func negateIf(z, x *word, sign uint64) {
	var borrow uint64
	z[0], borrow = bits.Sub64(x[0]^sign, sign, 0)
	z[1], borrow = bits.Sub64(x[1]^sign, sign, borrow)
	z[2], borrow = bits.Sub64(x[2]^sign, sign, borrow)
	z[3], _ = bits.Sub64(x[3]^sign, sign, borrow)
}
