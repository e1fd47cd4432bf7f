package amd64

import "github.com/redline-evm/redline/jit/ir"

// wayOut is code behind a loop that brings all words to the EVM stack and goes on
// at a block.
type wayOut struct {
	at         label
	target     label
	first, end int // stores[first:end] are to be made
	height     int // by which the stack grows
	back       int32
	round      int // of the code, in which it leaves
}

// store puts a word on the stack, at a place counted upwards from the top.
type store struct {
	at    int
	limbs int // the higher ones are zero there already
	value ir.Value
	from  operand
}

// lowerSideExit lowers JUMPI i of a loop.
func (c *Compiler) lowerSideExit(i int) {
	l := &c.loop
	in, e := &c.program.Instrs[i], c.program.SideExit(i)
	leaves := c.compare(e.Op, in.Args[0], in.Args[1])
	if e.Negated {
		leaves = leaves.not()
	}
	out := wayOut{target: c.blocks[e.Target].entry, height: int(e.Height), back: int32(e.Back), round: l.round}
	out.first, out.end = c.capture(e)
	c.asm.jcc(leaves, c.addLeave(out))
	if e.Charge > 0 {
		out.target, out.back = c.blocks[e.Stay].entry, int32(e.Charge)
		c.asm.aluI(sub, r15, int32(e.Charge))
		c.asm.jcc(ifBelow, c.addLeave(out))
	}
	for _, w := range c.program.Writes[e.FirstWrite:e.EndWrite] {
		if v := c.alloc.find(w.Value); v != nil && int(v.last) <= i {
			c.alloc.drop(v)
		}
	}
}

func (c *Compiler) addLeave(out wayOut) label {
	out.at = c.asm.newLabel()
	c.loop.leaves = append(c.loop.leaves, out)
	return out.at
}

// capture notes the stores that bring all words to the stack when a side exit
// leaves.
func (c *Compiler) capture(e *ir.SideExit) (first, end int) {
	l := &c.loop
	first = len(l.stores)
	writes := c.program.Writes[e.FirstWrite:e.EndWrite]
	for _, w := range writes {
		l.stores = append(l.stores, store{at: int(w.At), limbs: 4, value: w.Value, from: c.operand(w.Value)})
	}
	for _, w := range l.words {
		if v := &c.alloc.slots[w.depth]; v.inRegs && !overwrites(writes, w.depth) {
			l.stores = append(l.stores, store{at: -w.depth, limbs: w.limbs, value: ir.NoValue, from: inRegs(v.regs, w.limbs)})
		}
	}
	return first, len(l.stores)
}

// overwrites reports whether one of the writes goes to depth.
func overwrites(writes []ir.Write, depth int) bool {
	for _, w := range writes {
		if int(w.At) == -depth {
			return true
		}
	}
	return false
}

// leaveRound is how to leave between two rounds, with the gas of one back.
func (c *Compiler) leaveRound() wayOut {
	l := &c.loop
	out := wayOut{target: c.blocks[l.head].entry, first: len(l.stores), back: int32(l.loop.Gas)}
	for _, w := range l.words {
		l.stores = append(l.stores, store{at: -w.depth, limbs: w.limbs, value: ir.NoValue, from: inRegs(w.next, w.limbs)})
	}
	out.end = len(l.stores)
	return out
}

func (c *Compiler) emitLeave(out *wayOut) {
	if c.loop.counted() {
		c.settleCount(out.round)
	}
	c.storeWords(c.loop.stores[out.first:out.end])
	if out.back != 0 {
		c.asm.aluI(add, r15, out.back)
	}
	if out.height != 0 {
		c.asm.lea(r12, slot(out.height))
	}
	c.asm.jmp(out.target)
}

// storeWords makes stores, all at the same time as flush does. It uses RAX and
// RCX.
func (c *Compiler) storeWords(stores []store) {
	c.loop.moved = c.loop.moved[:0]
	for i := range stores {
		if s := &stores[i]; s.onStack() {
			c.loop.moved = append(c.loop.moved, ir.Write{At: int32(s.at), Value: s.value})
		}
	}
	steps := c.moves.order(c.loop.moved)
	for k := range 4 {
		for _, s := range steps {
			c.moveLimb(s, int32(8*k))
		}
	}
	for i := range stores {
		s := &stores[i]
		if s.onStack() {
			continue
		}
		for k := range s.limbs {
			c.storeLimb(slot(s.at).plus(int32(8*k)), &s.from, k, rax)
		}
	}
}

// onStack reports whether the word comes from its place on the stack.
func (s *store) onStack() bool {
	_, entry := s.value.EntrySlot()
	return entry && s.from.kind == inMemory
}
