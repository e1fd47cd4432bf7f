package jit

import (
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// Gas of EXP for each byte of the exponent.
const gasExpByte = 50

func opDiv(_ *frame, _ *ir.Packed, sp *word) *word {
	x, y := sp, below(sp, 1)
	y.Div(x, y)
	return y
}

func opSDiv(_ *frame, _ *ir.Packed, sp *word) *word {
	x, y := sp, below(sp, 1)
	y.SDiv(x, y)
	return y
}

func opMod(_ *frame, _ *ir.Packed, sp *word) *word {
	x, y := sp, below(sp, 1)
	y.Mod(x, y)
	return y
}

func opSMod(_ *frame, _ *ir.Packed, sp *word) *word {
	x, y := sp, below(sp, 1)
	y.SMod(x, y)
	return y
}

func opAddMod(_ *frame, _ *ir.Packed, sp *word) *word {
	x, y, m := sp, below(sp, 1), below(sp, 2)
	m.AddMod(x, y, m)
	return m
}

func opMulMod(f *frame, _ *ir.Packed, sp *word) *word {
	x, y, m := sp, below(sp, 1), below(sp, 2)
	f.evm.mulMod.mulMod(x, y, m)
	return m
}

// reciprocal remembers the reciprocal of the last modulus: contracts multiply
// by the same modulus again and again, and most of the time of a modular
// multiplication goes into its reciprocal.
type reciprocal struct {
	modulus word
	value   [5]uint64
}

// mulMod sets m to x*y mod m.
func (r *reciprocal) mulMod(x, y, m *word) {
	if m[3] == 0 { // too small for a reciprocal
		m.MulMod(x, y, m)
		return
	}
	if !r.modulus.Eq(m) {
		copyWord(&r.modulus, m)
		r.value = uint256.Reciprocal(m)
	}
	m.MulModWithReciprocal(x, y, m, &r.value)
}

func opExp(f *frame, _ *ir.Packed, sp *word) *word {
	base, exponent := sp, below(sp, 1)
	if !f.charge(gasExpByte * uint64(exponent.ByteLen())) {
		return f.end(OutOfGas)
	}
	exponent.Exp(base, exponent)
	return exponent
}

// opSignExtend extends the sign of the number whose highest byte the top word
// names.
func opSignExtend(sp *word) *word {
	size, x := sp, below(sp, 1)
	if size[1]|size[2]|size[3] != 0 || size[0] > 30 {
		return x
	}
	limb, shift := size[0]/8, 56-size[0]%8*8
	extended := int64(x[limb]<<shift) >> shift
	x[limb] = uint64(extended)
	for i := limb + 1; i < 4; i++ {
		x[i] = uint64(extended >> 63)
	}
	return x
}

func opByte(_ *frame, _ *ir.Packed, sp *word) *word {
	i, x := sp, below(sp, 1)
	x.Byte(i)
	return x
}

func opSHL(sp *word) *word {
	shift, x := sp, below(sp, 1)
	if count := shiftCount(shift); count < 256 {
		shiftLeft(x, count)
	} else {
		setUint64(x, 0)
	}
	return x
}

func opSHR(sp *word) *word {
	shift, x := sp, below(sp, 1)
	if count := shiftCount(shift); count < 256 {
		shiftRight(x, count)
	} else {
		setUint64(x, 0)
	}
	return x
}

func opSAR(_ *frame, _ *ir.Packed, sp *word) *word {
	shift, x := sp, below(sp, 1)
	x.SRsh(x, shiftCount(shift))
	return x
}

func opCLZ(_ *frame, _ *ir.Packed, sp *word) *word {
	setUint64(sp, uint64(256-sp.BitLen()))
	return sp
}

// shiftLeft shifts by less than 256 bits.
func shiftLeft(x *word, count uint) {
	a, b, c, d := x[0], x[1], x[2], x[3]
	if count&128 != 0 {
		a, b, c, d = 0, 0, a, b
	}
	if count&64 != 0 {
		a, b, c, d = 0, a, b, c
	}
	n := count % 64
	x[3] = d<<n | c>>1>>(63-n)
	x[2] = c<<n | b>>1>>(63-n)
	x[1] = b<<n | a>>1>>(63-n)
	x[0] = a << n
}

// shiftRight shifts by less than 256 bits.
func shiftRight(x *word, count uint) {
	a, b, c, d := x[0], x[1], x[2], x[3]
	if count&128 != 0 {
		a, b, c, d = c, d, 0, 0
	}
	if count&64 != 0 {
		a, b, c, d = b, c, d, 0
	}
	n := count % 64
	x[0] = a>>n | b<<1<<(63-n)
	x[1] = b>>n | c<<1<<(63-n)
	x[2] = c>>n | d<<1<<(63-n)
	x[3] = d >> n
}

// shiftCount is the shift in bits; all of 256 and more are alike.
func shiftCount(x *word) uint {
	if x[1]|x[2]|x[3] != 0 || x[0] > 256 {
		return 256
	}
	return uint(x[0])
}

func setBool(x *word, b bool) {
	setUint64(x, 0)
	if b {
		x[0] = 1
	}
}
