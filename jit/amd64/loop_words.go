package amd64

import (
	"math/bits"
	"slices"

	"github.com/redline-evm/redline/jit/ir"
)

// chooseWords chooses the words that stay in registers: of those that rounds
// change and use, the small ones and those that are used most, as long as a round
// has enough registers for what it computes.
func (c *Compiler) chooseWords() {
	l := &c.loop
	l.words = l.words[:0]
	c.alloc.beginLoop(c.program, l)
	for _, w := range c.program.Writes[l.loop.FirstWrite:l.loop.EndWrite] {
		if depth := -int(w.At); depth >= 0 && c.alloc.slots[depth].last != unused {
			l.words = append(l.words, loopWord{depth: depth, limbs: int(c.alloc.slots[depth].limbs)})
		}
	}
	c.countUses()
	slices.SortStableFunc(l.words, func(x, y loopWord) int {
		if x.limbs != y.limbs {
			return x.limbs - y.limbs
		}
		return y.uses - x.uses
	})
	chosen := l.words[:0]
	for _, w := range l.words {
		c.alloc.slots[w.depth].inRegs = true
		if c.pressure() > len(allocatable) {
			c.alloc.slots[w.depth].inRegs = false
			continue
		}
		chosen = append(chosen, w)
	}
	l.words = chosen
	free := uint16(allRegs)
	for i := range l.words {
		for k := range l.words[i].limbs {
			r := reg(bits.TrailingZeros16(free))
			free &^= 1 << r
			l.words[i].regs[k] = r
		}
	}
}

// countUses counts how often instructions use each of the words.
func (c *Compiler) countUses() {
	l := &c.loop
	for i := l.loop.First; i < l.loop.End; i++ {
		for _, v := range c.program.Operands(int(i)) {
			if depth, ok := v.EntrySlot(); ok {
				if w, ok := l.word(depth); ok {
					w.uses++
				}
			}
		}
	}
}

// pressure is the largest number of limbs that have to be in registers at a time.
func (c *Compiler) pressure() int {
	loop, a := c.loop.loop, &c.alloc
	a.useUpTo(&loop.Block)
	live := 0
	for i := range a.slots {
		if a.slots[i].inRegs {
			live += int(a.slots[i].limbs)
		}
	}
	most := live
	for i := int(loop.First); i < int(loop.End); i++ {
		in := &c.program.Instrs[i]
		made := 0
		if in.Op.Pushes() {
			made = int(a.of(i).limbs)
		}
		dying := c.dyingLimbs(c.program.Operands(i), i)
		if inPlace[in.Op] {
			most = max(most, live+made-min(made, dying))
		} else {
			most = max(most, live+made)
		}
		if in.Op == ir.JUMPI {
			e := c.program.SideExit(i)
			for _, w := range c.program.Writes[e.FirstWrite:e.EndWrite] {
				dying += c.dyingLimbs([]ir.Value{w.Value}, i)
			}
		}
		live += made - dying
	}
	return most
}

// inPlace are the operations that are computed in the registers of an operand
// which is not used any more.
var inPlace = [256]bool{ir.ADD: true, ir.SUB: true, ir.AND: true, ir.OR: true, ir.XOR: true, ir.NOT: true}

// dyingLimbs counts the limbs in registers of those values that instruction i uses
// last.
func (c *Compiler) dyingLimbs(values []ir.Value, i int) (limbs int) {
	for k, v := range values {
		from := c.alloc.find(v)
		if from == nil || int(from.last) != i || slices.Contains(values[:k], v) {
			continue
		}
		if _, slot := v.EntrySlot(); !slot || from.inRegs {
			limbs += int(from.limbs)
		}
	}
	return limbs
}
