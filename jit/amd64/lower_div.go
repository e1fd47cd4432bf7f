package amd64

import (
	"math/bits"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// lowerDivide lowers DIV, MOD, SDIV and SMOD: without signs by a power of two as
// a shift or a mask; by what fits in a limb as a chain of divisions of 128 bits by
// 64, the remainder of each limb going into the next. A signed dividend is made
// positive before and gives its sign to the result. Other divisors, zero and
// negative ones among them, are for a routine.
func (c *Compiler) lowerDivide(i int) {
	in := &c.program.Instrs[i]
	y, constant := c.program.Const(in.Args[1])
	x := c.operand(in.Args[0])
	signed := (in.Op == ir.SDIV || in.Op == ir.SMOD) && x.limbs == 4
	switch {
	case constant && isPowerOfTwo(&y) && !signed && y.BitLen() < 256:
		c.dividePowerOfTwo(i, &y)
	case constant && (y.IsZero() || !y.IsUint64()), signed && c.alloc.of(i).limbs < 4:
		c.lowerRoutine(i)
	default:
		c.divideByLimb(i, signed)
	}
}

func isPowerOfTwo(x *uint256.Int) bool {
	return bits.OnesCount64(x[0])+bits.OnesCount64(x[1])+bits.OnesCount64(x[2])+bits.OnesCount64(x[3]) == 1
}

// quotient reports whether the operation divides, else it takes the remainder.
func quotient(op ir.Op) bool { return op == ir.DIV || op == ir.SDIV }

func (c *Compiler) dividePowerOfTwo(i int, y *uint256.Int) {
	in := &c.program.Instrs[i]
	dst := c.define(i)
	x := c.operand(in.Args[0])
	limbs := dst[:c.alloc.of(i).limbs]
	if quotient(in.Op) {
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
func (c *Compiler) divideByLimb(i int, signed bool) {
	in := &c.program.Instrs[i]
	dst := c.define(i)
	limbs := dst[:c.alloc.of(i).limbs]
	s := c.slowStub(i, dst)
	s.routine = routines[in.Op]
	slow, resume := c.addStub(s), s.resume
	x, y := c.operand(in.Args[0]), c.operand(in.Args[1])
	c.loadDivisor(&y, slow)
	if signed {
		c.loadLimb(rax, &x, 3)
		c.asm.ri(opSar, rax, 63)
		c.asm.store(at(rdi, ctxSign), rax)
		for k, r := range limbs {
			c.loadLimb(r, &x, k)
		}
		c.negateIf(limbs)
		x = inRegs(dst, 4)
	}
	c.divideLimbs(limbs, &x, quotient(in.Op))
	if signed {
		c.asm.load(rax, at(rdi, ctxSign))
		c.negateIf(limbs)
	}
	c.asm.bind(resume)
	c.settle(i, dst)
}

// divideLimbs sets dst to the quotient of x by RCX, or else to the remainder. dst
// may be where x is. Most numbers are small: limbs above the lowest are divided
// only if they are not all zero.
func (c *Compiler) divideLimbs(dst []reg, x *operand, quotient bool) {
	inPlace := func(k int) bool { return x.kind == inRegisters && k < x.limbs && x.regs[k] == dst[k] }
	for k := 1; k < len(dst); k++ {
		if !inPlace(k) {
			c.asm.movI(dst[k], 0)
		}
	}
	lowest := c.asm.newLabel()
	if x.limbs > 1 {
		c.orLimbs(rdx, x, 1)
		if x.limbs == 2 {
			c.asm.rr(opTest, rdx, rdx)
		}
		c.asm.jccShort(ifEqual, lowest)
	}
	c.asm.movI(rdx, 0)
	for k := max(x.limbs, 1) - 1; k >= 0; k-- {
		if k == 0 {
			c.asm.bind(lowest) // RDX is zero if it was jumped to
		}
		c.loadLimb(rax, x, k)
		c.asm.r(opDiv, rcx) // cannot overflow: RDX is below RCX
		switch {
		case k >= len(dst):
		case quotient:
			c.asm.mov(dst[k], rax)
		case k == 0:
			c.asm.mov(dst[0], rdx)
		case inPlace(k):
			c.asm.movI(dst[k], 0)
		}
	}
}

// negateIf negates dst if RAX is all ones, and not if it is zero.
func (c *Compiler) negateIf(dst []reg) {
	for _, r := range dst {
		c.asm.alu(xor, r, rax)
	}
	op := sub
	for _, r := range dst {
		c.asm.alu(op, r, rax)
		op = sbb
	}
}

// loadDivisor loads y into RCX, or goes to slow if it is zero or too large.
func (c *Compiler) loadDivisor(y *operand, slow label) {
	c.oneLimb(y, rax, slow)
	c.loadLimb(rcx, y, 0)
	if y.kind != inConstant {
		c.asm.rr(opTest, rcx, rcx)
		c.asm.jcc(ifEqual, slow)
	}
}

// lowerAddMod lowers ADDMOD by a power of two, which takes the lower bits of a
// sum; other moduli are for a routine.
func (c *Compiler) lowerAddMod(i int) {
	m, constant := c.program.Const(c.program.Instrs[i].Args[2])
	if !constant || !isPowerOfTwo(&m) {
		c.lowerRoutine(i)
		return
	}
	dst := c.chain(i, add, adc)
	limbs := int(c.alloc.of(i).limbs)
	sum := inRegs(dst, limbs)
	c.mask(dst[:limbs], &sum, m.SubUint64(&m, 1))
	c.settle(i, dst)
}
