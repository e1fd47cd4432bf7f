package jit

import (
	"math/bits"

	"github.com/ethereum/go-ethereum/common"

	words "github.com/redline-evm/redline/jit/word"
)

// Operations on words for the interpreter's arms. Each works limb by limb and is
// small enough to be inlined; operands may be the same word.

// copyWord copies limb by limb. An assignment of the whole array would become
// two 16-byte moves, which stall on a word just written in 8-byte stores.
func copyWord(dst, src *word) { words.Copy(dst, src) }

// copyAddress copies an address as words.CopyAddress does.
func copyAddress(dst, src *common.Address) {
	words.CopyAddress((*[words.AddressSize]byte)(dst), (*[words.AddressSize]byte)(src))
}

// setAddress sets dst to the address that x is.
func setAddress(dst *common.Address, x *word) {
	words.SetAddress((*[words.AddressSize]byte)(dst), x)
}

// swapWords exchanges two words limb by limb.
func swapWords(x, y *word) {
	x[0], y[0] = y[0], x[0]
	x[1], y[1] = y[1], x[1]
	x[2], y[2] = y[2], x[2]
	x[3], y[3] = y[3], x[3]
}

// setUint64 sets a word limb by limb.
func setUint64(dst *word, x uint64) {
	dst[0], dst[1], dst[2], dst[3] = x, 0, 0, 0
}

// add sets z to x + y.
func add(z, x, y *word) {
	var carry uint64
	z[0], carry = bits.Add64(x[0], y[0], 0)
	z[1], carry = bits.Add64(x[1], y[1], carry)
	z[2], carry = bits.Add64(x[2], y[2], carry)
	z[3], _ = bits.Add64(x[3], y[3], carry)
}

// sub sets z to x - y.
func sub(z, x, y *word) {
	var borrow uint64
	z[0], borrow = bits.Sub64(x[0], y[0], 0)
	z[1], borrow = bits.Sub64(x[1], y[1], borrow)
	z[2], borrow = bits.Sub64(x[2], y[2], borrow)
	z[3], _ = bits.Sub64(x[3], y[3], borrow)
}

// subUint64 sets z to x - y.
func subUint64(z, x *word, y uint64) {
	var borrow uint64
	z[0], borrow = bits.Sub64(x[0], y, 0)
	z[1], borrow = bits.Sub64(x[1], 0, borrow)
	z[2], borrow = bits.Sub64(x[2], 0, borrow)
	z[3], _ = bits.Sub64(x[3], 0, borrow)
}

// subFromUint64 sets z to x - y.
func subFromUint64(z *word, x uint64, y *word) {
	var borrow uint64
	z[0], borrow = bits.Sub64(x, y[0], 0)
	z[1], borrow = bits.Sub64(0, y[1], borrow)
	z[2], borrow = bits.Sub64(0, y[2], borrow)
	z[3], _ = bits.Sub64(0, y[3], borrow)
}

// setProduct sets z to x * y.
func setProduct(z *word, x, y uint64) {
	z[1], z[0] = bits.Mul64(x, y)
	z[2], z[3] = 0, 0
}

// and sets z to x & y.
func and(z, x, y *word) {
	z[0], z[1], z[2], z[3] = x[0]&y[0], x[1]&y[1], x[2]&y[2], x[3]&y[3]
}

// or sets z to x | y.
func or(z, x, y *word) {
	z[0], z[1], z[2], z[3] = x[0]|y[0], x[1]|y[1], x[2]|y[2], x[3]|y[3]
}

// xor sets z to x ^ y.
func xor(z, x, y *word) {
	z[0], z[1], z[2], z[3] = x[0]^y[0], x[1]^y[1], x[2]^y[2], x[3]^y[3]
}

// not sets z to ^x.
func not(z, x *word) {
	z[0], z[1], z[2], z[3] = ^x[0], ^x[1], ^x[2], ^x[3]
}

// anyBit is zero if x is zero.
func anyBit(x *word) uint64 { return x[0] | x[1] | x[2] | x[3] }

// addUint64 sets z to x + y.
func addUint64(z, x *word, y uint64) {
	var carry uint64
	z[0], carry = bits.Add64(x[0], y, 0)
	z[1], carry = bits.Add64(x[1], 0, carry)
	z[2], carry = bits.Add64(x[2], 0, carry)
	z[3], _ = bits.Add64(x[3], 0, carry)
}

// difference is zero if x == y.
func difference(x, y *word) uint64 {
	return (x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3])
}

// differenceUint64 is zero if x == y.
func differenceUint64(x *word, y uint64) uint64 { return (x[0] ^ y) | x[1] | x[2] | x[3] }

// less is 1 if x < y, else 0.
func less(x, y *word) uint64 {
	_, borrow := bits.Sub64(x[0], y[0], 0)
	_, borrow = bits.Sub64(x[1], y[1], borrow)
	_, borrow = bits.Sub64(x[2], y[2], borrow)
	_, borrow = bits.Sub64(x[3], y[3], borrow)
	return borrow
}

// lessUint64 is 1 if x < y, else 0.
func lessUint64(x *word, y uint64) uint64 {
	_, borrow := bits.Sub64(x[0], y, 0)
	_, borrow = bits.Sub64(x[1]|x[2]|x[3], 0, borrow)
	return borrow
}

// lessSigned is 1 if x < y as signed numbers, else 0. Turning the sign bits over
// makes signed order that of unsigned numbers.
func lessSigned(x, y *word) uint64 {
	const sign = 1 << 63
	_, borrow := bits.Sub64(x[0], y[0], 0)
	_, borrow = bits.Sub64(x[1], y[1], borrow)
	_, borrow = bits.Sub64(x[2], y[2], borrow)
	_, borrow = bits.Sub64(x[3]^sign, y[3]^sign, borrow)
	return borrow
}

// isZero is 1 if x is zero, else 0.
func isZero(x uint64) uint64 {
	_, borrow := bits.Sub64(x, 1, 0)
	return borrow
}
