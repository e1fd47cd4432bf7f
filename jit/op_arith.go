package jit

import "github.com/redline-evm/redline/jit/ir"

// Gas of EXP for each byte of the exponent.
const gasExpByte = 50

func opExp(f *frame, _ *instr, sp *word) *word {
	base, exponent := sp, below(sp, 1)
	if !f.charge(gasExpByte * uint64(exponent.ByteLen())) {
		return f.end(OutOfGas)
	}
	exponent.Exp(base, exponent)
	return exponent
}

// signExtendTo sets z to x with the sign of its byte index, of 31, extended.
func signExtendTo(z, x *word, index uint64) {
	copyWord(z, x)
	if index < ir.WordSize-1 {
		fillSign(z, index/8, 56-index%8*8)
	}
}

// fillSign extends the sign of a limb, of which the highest bits do not count.
func fillSign(z *word, limb, unused uint64) {
	extended := int64(z[limb%4]<<(unused%64)) >> (unused % 64)
	z[limb%4] = uint64(extended)
	for limb++; limb < 4; limb++ {
		z[limb] = uint64(extended >> 63)
	}
}

// byteTo sets z to byte index of x, where byte 0 is the highest.
func byteTo(z, x *word, index uint64) {
	b := uint64(0)
	if index < ir.WordSize {
		b = x[3-index/8] >> (56 - index%8*8) & 0xff
	}
	setUint64(z, b)
}

// saturated is x, or the greatest number if x is too large.
func saturated(x *word) uint64 {
	if x[1]|x[2]|x[3] != 0 {
		return 1<<64 - 1
	}
	return x[0]
}

func opCLZ(_ *frame, _ *instr, sp *word) *word {
	setUint64(sp, uint64(256-sp.BitLen()))
	return sp
}

// shiftLeft sets z to x << count; count is below 256.
func shiftLeft(z, x *word, count uint32) {
	a, b, c, d := wordsLeft(x, count)
	bitsLeft(z, a, b, c, d, count)
}

// wordsLeft shifts by the whole limbs of count.
func wordsLeft(x *word, count uint32) (a, b, c, d uint64) {
	a, b, c, d = x[0], x[1], x[2], x[3]
	if count&128 != 0 {
		a, b, c, d = 0, 0, a, b
	}
	if count&64 != 0 {
		a, b, c, d = 0, a, b, c
	}
	return a, b, c, d
}

// bitsLeft shifts by what count has beside whole limbs.
func bitsLeft(z *word, a, b, c, d uint64, count uint32) {
	n := count % 64
	z[3] = d<<n | c>>1>>(63-n)
	z[2] = c<<n | b>>1>>(63-n)
	z[1] = b<<n | a>>1>>(63-n)
	z[0] = a << n
}

// shiftRight sets z to x >> count, filled with bits of fill, which is 0 or all
// ones; count is below 256.
func shiftRight(z, x *word, count uint32, fill uint64) {
	a, b, c, d := wordsRight(x, count, fill)
	bitsRight(z, a, b, c, d, count, fill)
}

// wordsRight shifts by the whole limbs of count.
func wordsRight(x *word, count uint32, fill uint64) (a, b, c, d uint64) {
	a, b, c, d = x[0], x[1], x[2], x[3]
	if count&128 != 0 {
		a, b, c, d = c, d, fill, fill
	}
	if count&64 != 0 {
		a, b, c, d = b, c, d, fill
	}
	return a, b, c, d
}

// bitsRight shifts by what count has beside whole limbs.
func bitsRight(z *word, a, b, c, d uint64, count uint32, fill uint64) {
	n := count % 64
	z[0] = a>>n | b<<1<<(63-n)
	z[1] = b>>n | c<<1<<(63-n)
	z[2] = c>>n | d<<1<<(63-n)
	z[3] = d>>n | fill<<1<<(63-n)
}

// signOf is all ones if x is negative, else 0.
func signOf(x *word) uint64 { return uint64(int64(x[3]) >> 63) }

func setBool(x *word, b bool) {
	setUint64(x, 0)
	if b {
		x[0] = 1
	}
}
