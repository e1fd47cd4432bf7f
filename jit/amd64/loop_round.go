package amd64

import (
	"math/bits"

	"github.com/redline-evm/redline/jit/ir"
)

// closeRound does the writes at the end of a round. All happen at the same time:
// first words for registers are loaded from the stack, then the stack's other
// words are stored, and then come the words that are made of what is in registers
// anyway, or of constants.
func (c *Compiler) closeRound() {
	l := &c.loop
	writes := c.program.Writes[l.loop.FirstWrite:l.loop.EndWrite]
	first := len(l.stores)
	free := uint16(allRegs)
	for i := range l.words {
		w := &l.words[i]
		w.value = next(writes, w.depth)
		w.from = c.operand(w.value)
		w.claimed = w.from.kind == inRegisters && w.from.limbs > 0 && free>>w.from.regs[0]&1 != 0
		if w.claimed {
			w.next = w.from.regs
			for _, r := range w.from.regs[:min(w.from.limbs, w.limbs)] {
				free &^= 1 << r
			}
		}
	}
	c.loadWords()
	for _, write := range writes {
		if _, ok := l.word(-int(write.At)); !ok {
			l.stores = append(l.stores, store{at: int(write.At), limbs: 4, value: write.Value, from: c.operand(write.Value)})
		}
	}
	c.storeWords(l.stores[first:])
	l.stores = l.stores[:first]
	c.makeWords()
}

// next is the word that is at depth after the writes.
func next(writes []ir.Write, depth int) ir.Value {
	for _, w := range writes {
		if int(w.At) == -depth {
			return w.Value
		}
	}
	return ir.EntrySlot(depth)
}

// word returns the word at depth if it stays in registers.
func (l *loopState) word(depth int) (w *loopWord, ok bool) {
	for i := range l.words {
		if l.words[i].depth == depth {
			return &l.words[i], true
		}
	}
	return nil, false
}

// loadWords loads the words whose next value lies on the stack, of which the
// stores change what lies there.
func (c *Compiler) loadWords() {
	l := &c.loop
	for i := range l.words {
		w := &l.words[i]
		if _, slot := w.value.EntrySlot(); !slot || w.from.kind != inMemory {
			continue
		}
		for k := range w.limbs {
			w.next[k] = c.fresh(c.alloc.free, w.regs[k])
			c.alloc.free &^= 1 << w.next[k]
			c.loadLimb(w.next[k], &w.from, k)
		}
		w.claimed, w.from.limbs = true, w.limbs
	}
}

// makeWords makes the words that have no registers yet, and the limbs that others
// lack. What is in no word's registers is not needed any more.
func (c *Compiler) makeWords() {
	l := &c.loop
	free := uint16(allRegs)
	for i := range l.words {
		switch w := &l.words[i]; {
		case w.claimed:
			for _, r := range w.next[:min(w.limbs, w.from.limbs)] {
				free &^= 1 << r
			}
		case w.from.kind == inRegisters: // those of another word, too
			for _, r := range w.from.regs[:w.from.limbs] {
				free &^= 1 << r
			}
		}
	}
	for i := range l.words {
		w := &l.words[i]
		have := 0
		if w.claimed {
			have = min(w.limbs, w.from.limbs)
		}
		for k := have; k < w.limbs; k++ {
			w.next[k] = c.fresh(free, w.regs[k])
			free &^= 1 << w.next[k]
			c.loadLimb(w.next[k], &w.from, k)
		}
	}
}

// fresh returns one of the free registers, the wanted one if it is among them.
func (c *Compiler) fresh(free uint16, wanted reg) reg {
	if free == 0 {
		c.loop.failed = true
		return rax // the code is thrown away
	}
	if free>>wanted&1 != 0 {
		return wanted
	}
	return reg(bits.TrailingZeros16(free))
}

// exchanged reports whether the words are in the registers of words, but not each
// in its own.
func (l *loopState) exchanged() bool {
	var before, after uint16
	moved := false
	for i := range l.words {
		w := &l.words[i]
		for k := range w.limbs {
			before |= 1 << w.regs[k]
			after |= 1 << w.next[k]
			moved = moved || w.regs[k] != w.next[k]
		}
	}
	return moved && before == after
}

// moveWordsBack moves the words to the registers where the first round finds
// them. It uses RAX.
func (c *Compiler) moveWordsBack() {
	l := &c.loop
	var from [16]reg // by register that is to be written
	var pending, read uint16
	for i := range l.words {
		w := &l.words[i]
		for k := range w.limbs {
			if w.next[k] != w.regs[k] {
				from[w.regs[k]] = w.next[k]
				pending |= 1 << w.regs[k]
			}
		}
		w.next = w.regs
	}
	for pending != 0 {
		read = 0
		for rest := pending; rest != 0; rest &= rest - 1 {
			read |= 1 << from[bits.TrailingZeros16(rest)]
		}
		to := reg(bits.TrailingZeros16(pending &^ read))
		if pending&^read == 0 { // cycles: open one
			to = reg(bits.TrailingZeros16(pending))
			c.asm.mov(rax, to)
			for rest := pending; rest != 0; rest &= rest - 1 {
				if r := bits.TrailingZeros16(rest); from[r] == to {
					from[r] = rax
				}
			}
		}
		c.asm.mov(to, from[to])
		pending &^= 1 << to
	}
}
