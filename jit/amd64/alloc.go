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
	values   []value   // of instruction first and on
	slots    []value   // of a loop: words on the stack, by depth
	free     uint16    // set of registers
	owner    [16]int32 // instruction, or of a word on the stack -1 less its depth
	spills   uint64    // set of slots in use
	overflow bool      // more values than slots
}

const _ = uint(64 - spillWords) // they fit in a set

// begin gets ready for a block: no value is anywhere, and the last use of each
// is known.
func (a *allocator) begin(program *ir.Program, b *ir.Block) {
	a.slots = a.slots[:0]
	a.beginValues(program, b)
	a.useUpTo(b)
}

// beginLoop gets ready for a round of a loop, with the words of the loop in the
// registers where they are at its start.
func (a *allocator) beginLoop(program *ir.Program, l *loopState) {
	b := &l.loop.Block
	need := int(b.Need)
	if cap(a.slots) < need {
		a.slots = make([]value, 2*need)
	}
	a.slots = a.slots[:need]
	for i := range a.slots {
		limbs := uint8(limbCount(program.EntryBits(b, i)))
		a.slots[i] = value{last: unused, limbs: limbs, spill: noSpill}
	}
	for _, g := range program.Guards[l.loop.FirstGuard:l.loop.EndGuard] {
		a.slots[g.Depth].limbs = uint8(limbCount(int(g.Bits)))
	}
	a.beginValues(program, b)
	for i := range l.words {
		w := &l.words[i]
		a.slots[w.depth].inRegs, a.slots[w.depth].regs = true, w.next
		for _, r := range w.next[:w.limbs] {
			a.free &^= 1 << r
			a.owner[r] = int32(-1 - w.depth)
		}
	}
	a.useUpTo(b)
}

func (a *allocator) beginValues(program *ir.Program, b *ir.Block) {
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
}

// useUpTo finds the last use of each value.
func (a *allocator) useUpTo(b *ir.Block) {
	for i := int(b.First); i < int(b.End); i++ {
		for _, v := range a.program.Operands(i) {
			a.use(v, i)
		}
		if a.program.Instrs[i].Op == ir.JUMPI {
			e := a.program.SideExit(i)
			a.useWrites(a.program.Writes[e.FirstWrite:e.EndWrite], i)
		}
	}
	a.useWrites(a.program.Writes[b.FirstWrite:b.EndWrite], int(b.End))
	for _, v := range termOperands(&b.Term) {
		a.use(v, int(b.End))
	}
}

// useWrites uses what is written, and the words in registers that are not
// overwritten.
func (a *allocator) useWrites(writes []ir.Write, at int) {
	for _, w := range writes {
		a.use(w.Value, at)
	}
	for depth := range a.slots {
		if a.slots[depth].inRegs && !overwrites(writes, depth) {
			a.slots[depth].last = int32(at)
		}
	}
}

// termOperands are the values that a terminator uses; some may be NoValue.
func termOperands(t *ir.Term) [3]ir.Value { return [3]ir.Value{t.X, t.Y, t.Dest} }

func limbCount(bitLen int) int { return (bitLen + 63) / 64 }

func (a *allocator) use(v ir.Value, at int) {
	if val := a.find(v); val != nil {
		val.last = int32(at)
	}
}

// find returns what can be in registers: a result, or in a loop a word on the
// stack; nil for other values.
func (a *allocator) find(v ir.Value) *value {
	if i, ok := v.Result(); ok {
		return a.of(i)
	}
	if depth, ok := v.EntrySlot(); ok && depth < len(a.slots) {
		return &a.slots[depth]
	}
	return nil
}

// of returns the value of instruction i.
func (a *allocator) of(i int) *value { return &a.values[i-a.first] }

// expire gives back what the values hold that instruction at used last, and the
// result of at if nothing uses it.
func (a *allocator) expire(at int) {
	for _, v := range a.program.Operands(at) {
		if val := a.find(v); val != nil && int(val.last) <= at {
			a.drop(val)
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
	var place mem
	for _, r := range allocatable {
		v, home := a.ownerOf(r)
		if v.inRegs && (victim == nil || v.last > victim.last) {
			victim, place = v, home
		}
	}
	if victim == nil {
		panic("BUG: an instruction holds all registers")
	}
	if victim.spill == noSpill {
		if place == (mem{}) {
			place = c.spillPlace(victim)
		}
		for k, r := range victim.regs[:victim.limbs] {
			c.asm.store(place.plus(int32(8*k)), r)
		}
	}
	a.dropRegs(victim)
}

// ownerOf returns the value that register r belongs to, and its place on the stack
// if it is a word from there.
func (a *allocator) ownerOf(r reg) (v *value, home mem) {
	if owner := int(a.owner[r]); owner >= 0 {
		return a.of(owner), mem{}
	}
	depth := -1 - int(a.owner[r])
	return &a.slots[depth], slot(-depth)
}

// spillPlace gives v a place in the context.
func (c *Compiler) spillPlace(v *value) mem {
	a := &c.alloc
	slot := bits.TrailingZeros64(^a.spills)
	if slot >= spillWords-1 { // the last is for loops
		a.overflow = true
		slot = 0 // the code is thrown away
	}
	a.spills |= 1 << slot
	v.spill = int16(slot)
	return at(rdi, spillOffset(slot, 0))
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
