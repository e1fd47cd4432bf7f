package amd64

import (
	"math/bits"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// lowerDivide lowers DIV and MOD: by a power of two as a shift or a mask, by
// what fits in a limb as a chain of divisions of 128 bits by 64, the remainder
// of each limb going into the next. Other divisors, and zero, are left to Go.
func (c *Compiler) lowerDivide(i int) {
	divisor := c.program.Instrs[i].Args[1]
	y, constant := c.program.Const(divisor)
	switch {
	case constant && isPowerOfTwo(&y):
		c.dividePowerOfTwo(i, &y)
	case constant && (y.IsZero() || !y.IsUint64()):
		c.lowerExit(i)
	default:
		c.divideByLimb(i)
	}
}

func isPowerOfTwo(x *uint256.Int) bool {
	return bits.OnesCount64(x[0])+bits.OnesCount64(x[1])+bits.OnesCount64(x[2])+bits.OnesCount64(x[3]) == 1
}

func (c *Compiler) dividePowerOfTwo(i int, y *uint256.Int) {
	in := &c.program.Instrs[i]
	dst := c.define(i)
	x := c.operand(in.Args[0])
	limbs := dst[:c.alloc.of(i).limbs]
	if in.Op == ir.DIV {
		c.shiftRight(limbs, &x, y.BitLen()-1)
	} else {
		c.mask(limbs, &x, new(uint256.Int).SubUint64(y, 1))
	}
	c.settle(i, dst)
}

// mask does dst = x & m.
func (c *Compiler) mask(dst []reg, x *operand, m *uint256.Int) {
	y := operand{kind: inConstant, limbs: limbCount(m.BitLen()), words: *m}
	for k, r := range dst {
		if y.isZero(k) {
			c.asm.movI(r, 0)
			continue
		}
		c.loadLimb(r, x, k)
		if !neutral(and, &y, k) {
			c.applyLimb(and, r, &y, k, rax)
		}
	}
}

// divideByLimb divides by RCX, limb by limb from the highest.
func (c *Compiler) divideByLimb(i int) {
	in := &c.program.Instrs[i]
	dst := c.define(i)
	limbs := dst[:c.alloc.of(i).limbs]
	slow, resume := c.slowWay(i, dst)
	x, y := c.operand(in.Args[0]), c.operand(in.Args[1])
	c.loadDivisor(&y, slow)
	c.asm.movI(rdx, 0)
	for k := max(x.limbs, len(limbs)) - 1; k >= 0; k-- {
		if k < x.limbs {
			c.loadLimb(rax, &x, k)
			c.asm.r(opDiv, rcx) // cannot overflow: RDX is below RCX
		}
		switch {
		case k >= len(limbs):
		case in.Op == ir.MOD && k == 0:
			c.asm.mov(limbs[k], rdx)
		case in.Op == ir.MOD || k >= x.limbs:
			c.asm.movI(limbs[k], 0)
		default:
			c.asm.mov(limbs[k], rax)
		}
	}
	c.asm.bind(resume)
	c.settle(i, dst)
}

// loadDivisor loads y into RCX, or goes to slow if it is zero or too large.
func (c *Compiler) loadDivisor(y *operand, slow label) {
	if y.limbs > 1 {
		c.loadLimb(rax, y, 1)
		for k := 2; k < y.limbs; k++ {
			c.applyLimb(or, rax, y, k, rcx)
		}
		c.asm.rr(opTest, rax, rax)
		c.asm.jcc(ifNotEqual, slow)
	}
	c.loadLimb(rcx, y, 0)
	if y.kind != inConstant {
		c.asm.rr(opTest, rcx, rcx)
		c.asm.jcc(ifEqual, slow)
	}
}
