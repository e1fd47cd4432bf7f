package amd64

import (
	"math/bits"

	"github.com/redline-evm/redline/jit/ir"
)

// operand is where a word is, limb by limb. The limbs that it does not have are
// zero.
type operand struct {
	kind  operandKind
	limbs int
	words [4]uint64
	regs  [4]reg
	mem   mem
}

type operandKind uint8

const (
	inConstant operandKind = iota
	inRegisters
	inMemory
)

// inRegs is a word in registers.
func inRegs(regs [4]reg, limbs int) operand {
	return operand{kind: inRegisters, limbs: limbs, regs: regs}
}

// operand returns where v is now. It is valid until a register is taken.
func (c *Compiler) operand(v ir.Value) (o operand) {
	depth, onStack := v.EntrySlot()
	if val := c.alloc.find(v); val != nil {
		o.limbs = int(val.limbs)
		switch {
		case val.inRegs || o.limbs == 0:
			o.kind, o.regs = inRegisters, val.regs
		case onStack:
			o.kind, o.mem = inMemory, slot(-depth)
		default:
			o.kind, o.mem = inMemory, at(rdi, spillOffset(int(val.spill), 0))
		}
		return o
	}
	if onStack {
		o.kind, o.limbs, o.mem = inMemory, limbCount(c.program.EntryBits(c.block, depth)), slot(-depth)
		return o
	}
	if small, ok := v.Small(); ok {
		o.words[0], o.limbs = uint64(small), limbCount(bits.Len32(small))
		return o
	}
	word, _ := c.program.Const(v)
	o.words, o.limbs = word, limbCount(word.BitLen())
	return o
}

// slot is the word at a distance from the top of the stack, upwards.
func slot(at32 int) mem { return at(r12, int32(at32*wordBytes)) }

// isZero reports whether limb k is known to be zero.
func (o *operand) isZero(k int) bool {
	return k >= o.limbs || o.kind == inConstant && o.words[k] == 0
}

// limbMem is where limb k is; the operand is in memory.
func (o *operand) limbMem(k int) mem { return o.mem.plus(int32(8 * k)) }

// loadLimb loads limb k of o. It leaves the flags alone.
func (c *Compiler) loadLimb(dst reg, o *operand, k int) {
	switch {
	case o.isZero(k):
		c.asm.movI(dst, 0)
	case o.kind == inConstant:
		c.asm.movI(dst, o.words[k])
	case o.kind == inMemory:
		c.asm.load(dst, o.limbMem(k))
	case o.regs[k] != dst:
		c.asm.mov(dst, o.regs[k])
	}
}

// storeLimb stores limb k of o. It may use scratch, and leaves the flags alone.
func (c *Compiler) storeLimb(m mem, o *operand, k int, scratch reg) {
	switch {
	case o.isZero(k):
		c.asm.storeI(m, 0)
	case o.kind == inRegisters:
		c.asm.store(m, o.regs[k])
	case o.kind == inConstant && fits32(o.words[k]):
		c.asm.storeI(m, int32(o.words[k]))
	default:
		c.loadLimb(scratch, o, k)
		c.asm.store(m, scratch)
	}
}

// applyLimb does dst = dst op limb k of o. It may use scratch.
func (c *Compiler) applyLimb(op alu, dst reg, o *operand, k int, scratch reg) {
	switch {
	case o.isZero(k):
		c.asm.aluI(op, dst, 0)
	case o.kind == inRegisters:
		c.asm.alu(op, dst, o.regs[k])
	case o.kind == inMemory:
		c.asm.aluM(op, dst, o.limbMem(k))
	case fits32(o.words[k]):
		c.asm.aluI(op, dst, int32(o.words[k]))
	default:
		c.asm.movI(scratch, o.words[k])
		c.asm.alu(op, dst, scratch)
	}
}

// fits32 reports whether x is the sign extension of its lower half.
func fits32(x uint64) bool { return x == uint64(int64(int32(x))) }

// limbReg returns a register with limb k of o: the one that it is in, else
// scratch.
func (c *Compiler) limbReg(o *operand, k int, scratch reg) reg {
	if o.kind == inRegisters && k < o.limbs {
		return o.regs[k]
	}
	c.loadLimb(scratch, o, k)
	return scratch
}

// takeOver returns registers for the result of instruction i that hold the
// limbs of v: those of v itself if this is its last use.
func (c *Compiler) takeOver(i int, v ir.Value) (dst [4]reg) {
	limbs := int(c.alloc.of(i).limbs)
	have := 0
	if c.dies(v, i) {
		have = c.alloc.rob(i, c.alloc.find(v), &dst)
	}
	for k := have; k < limbs; k++ {
		dst[k] = c.take(i)
	}
	x := c.operand(v)
	for k := have; k < limbs; k++ {
		if have > 0 { // v has no such limb
			c.asm.movI(dst[k], 0)
		} else {
			c.loadLimb(dst[k], &x, k)
		}
	}
	return dst
}

// rob takes from's registers for instruction i and returns their number; from
// must not be used again.
func (a *allocator) rob(i int, from *value, dst *[4]reg) int {
	limbs := min(from.limbs, a.of(i).limbs)
	for k, r := range from.regs[:from.limbs] {
		if k < int(limbs) {
			dst[k] = r
			a.owner[r] = int32(i)
		} else {
			a.free |= 1 << r
		}
	}
	from.inRegs = false
	return int(limbs)
}
