package amd64

import (
	"math/bits"

	"github.com/redline-evm/redline/jit/ir"
)

// allocatable are the registers that hold limbs, in the order in which the
// context keeps them across an exit.
var allocatable = [savedCount]reg{rbx, rbp, rsi, r8, r9, r10, r11, r13, r14}

const allRegs = 1<<rbx | 1<<rbp | 1<<rsi | 1<<r8 | 1<<r9 | 1<<r10 | 1<<r11 | 1<<r13 | 1<<r14

// value is where the result of an instruction is. The limbs that it does not
// have are zero.
type value struct {
	last   int32 // instruction that uses it last, the block's end, or unused
	limbs  uint8
	inRegs bool
	regs   [4]reg
	spill  int16 // slot in the context that has a copy, or noSpill
}

const (
	unused  = -1
	noSpill = -1
)

// allocator gives registers to the values of one block. When there are too few,
// the value whose last use is farthest goes to memory.
type allocator struct {
	program  *ir.Program
	first    int
	values   []value // of instruction first and on
	free     uint16  // set of registers
	owner    [16]int32
	spills   uint64 // set of slots in use
	overflow bool   // more values than slots
}

const _ = uint(64 - spillWords) // they fit in a set

// begin gets ready for a block: no value is anywhere, and the last use of each
// is known.
func (a *allocator) begin(program *ir.Program, b *ir.Block) {
	a.program, a.first = program, int(b.First)
	count := int(b.End - b.First)
	if cap(a.values) < count {
		a.values = make([]value, 2*count)
	}
	a.values = a.values[:count]
	a.free, a.spills, a.overflow = allRegs, 0, false
	for i := range a.values {
		limbs := uint8(limbCount(int(program.Instrs[a.first+i].Bits)))
		a.values[i] = value{last: unused, limbs: limbs, spill: noSpill}
	}
	for i := range a.values {
		for _, v := range program.Operands(a.first + i) {
			a.use(v, a.first+i)
		}
	}
	for _, w := range program.Writes[b.FirstWrite:b.EndWrite] {
		a.use(w.Value, int(b.End))
	}
	for _, v := range termOperands(&b.Term) {
		a.use(v, int(b.End))
	}
}

// termOperands are the values that a terminator uses; some may be NoValue.
func termOperands(t *ir.Term) [3]ir.Value { return [3]ir.Value{t.X, t.Y, t.Dest} }

func limbCount(bitLen int) int { return (bitLen + 63) / 64 }

func (a *allocator) use(v ir.Value, at int) {
	if i, ok := v.Result(); ok {
		a.values[i-a.first].last = int32(at)
	}
}

// of returns the value of instruction i.
func (a *allocator) of(i int) *value { return &a.values[i-a.first] }

// expire gives back what the values hold that instruction at used last, and the
// result of at if nothing uses it.
func (a *allocator) expire(at int) {
	for _, v := range a.program.Operands(at) {
		if i, ok := v.Result(); ok && int(a.of(i).last) <= at {
			a.drop(a.of(i))
		}
	}
	if a.of(at).last == unused {
		a.drop(a.of(at))
	}
}

// drop gives back what the value holds.
func (a *allocator) drop(v *value) {
	a.dropRegs(v)
	if v.spill != noSpill {
		a.spills &^= 1 << v.spill
		v.spill = noSpill
	}
}

func (a *allocator) dropRegs(v *value) {
	if v.inRegs {
		for _, r := range v.regs[:v.limbs] {
			a.free |= 1 << r
		}
		v.inRegs = false
	}
}

// take returns a free register, after making one free if need be.
func (c *Compiler) take(owner int) reg {
	a := &c.alloc
	if a.free == 0 {
		c.spillFarthest()
	}
	r := reg(bits.TrailingZeros16(a.free))
	a.free &^= 1 << r
	a.owner[r] = int32(owner)
	return r
}

// spillFarthest moves the value whose last use is farthest to memory.
func (c *Compiler) spillFarthest() {
	a := &c.alloc
	var victim *value
	for _, r := range allocatable {
		v := a.of(int(a.owner[r]))
		if v.inRegs && (victim == nil || v.last > victim.last) {
			victim = v
		}
	}
	if victim == nil {
		panic("BUG: an instruction holds all registers")
	}
	if victim.spill == noSpill {
		slot := bits.TrailingZeros64(^a.spills)
		if slot >= spillWords {
			a.overflow = true
			slot = 0 // the code is thrown away
		}
		a.spills |= 1 << slot
		victim.spill = int16(slot)
		for k, r := range victim.regs[:victim.limbs] {
			c.asm.store(at(rdi, spillOffset(slot, k)), r)
		}
	}
	a.dropRegs(victim)
}

func spillOffset(slot, limb int) int32 { return int32(ctxSpill + slot*wordBytes + 8*limb) }

// define gives registers to the result of instruction i. They count as the
// result's when it is settled; until then other values may be spilled for them,
// the operands among them.
func (c *Compiler) define(i int) (dst [4]reg) {
	for k := range int(c.alloc.of(i).limbs) {
		dst[k] = c.take(i)
	}
	return dst
}

// settle makes dst the result of instruction i.
func (c *Compiler) settle(i int, dst [4]reg) {
	v := c.alloc.of(i)
	v.regs, v.inRegs = dst, true
}
