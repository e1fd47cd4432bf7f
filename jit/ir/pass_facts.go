package ir

import "slices"

// applyFacts uses what holds across blocks: entry slots that are known to be
// constants become constants, others get widths; what can be computed then is;
// jumps get the places where they can go; what no execution reaches is taken out.
//
// It writes the program over itself: no block becomes longer.
func (b *Builder) applyFacts() {
	if !b.flow.run(&b.out) {
		return
	}
	instrs, writes := b.out.Instrs, b.out.Writes
	b.out.Instrs, b.out.Writes = instrs[:0], writes[:0]
	for i := range b.out.Blocks {
		block := &b.out.Blocks[i]
		b.state = &b.flow.states[i]
		switch {
		case !b.flow.reached[i]:
			b.takeOut(block)
		case b.knowsNothing(block):
			b.move(block, instrs, writes)
		default:
			b.rewrite(block, instrs, writes)
		}
	}
	b.state = nil
}

// takeOut leaves of a block that no execution reaches only where it is.
func (b *Builder) takeOut(block *Block) {
	t := newTerm(Halt, int(block.PC))
	t.Op = INVALID
	first, firstWrite := uint32(len(b.out.Instrs)), uint32(len(b.out.Writes))
	*block = Block{PC: block.PC, First: first, End: first, FirstWrite: firstWrite, EndWrite: firstWrite, Term: t}
}

// knowsNothing reports whether nothing is known of the words that the block
// reads.
func (b *Builder) knowsNothing(block *Block) bool {
	for _, w := range b.state[:min(int(block.Need), flowDepth)] {
		if w != unknown {
			return false
		}
	}
	return true
}

// move moves the block down to where the one before ends.
func (b *Builder) move(block *Block, instrs []Instr, writes []Write) {
	first, firstWrite := uint32(len(b.out.Instrs)), uint32(len(b.out.Writes))
	b.out.Instrs = append(b.out.Instrs, instrs[block.First:block.End]...)
	b.out.Writes = append(b.out.Writes, writes[block.FirstWrite:block.EndWrite]...)
	by := block.First - first
	block.First, block.End = first, uint32(len(b.out.Instrs))
	block.FirstWrite, block.EndWrite = firstWrite, uint32(len(b.out.Writes))
	if by == 0 {
		return
	}
	moved := func(v Value) Value {
		if i, ok := v.Result(); ok {
			return Result(i - int(by))
		}
		return v
	}
	for i := block.First; i < block.End; i++ {
		operands := b.out.Operands(int(i))
		for k, v := range operands {
			operands[k] = moved(v)
		}
	}
	for i := block.FirstWrite; i < block.EndWrite; i++ {
		w := &b.out.Writes[i]
		w.Value = moved(w.Value)
	}
	t := &block.Term
	t.X, t.Y, t.Dest = moved(t.X), moved(t.Y), moved(t.Dest)
}

// rewrite makes the block anew, down where the one before ends.
func (b *Builder) rewrite(block *Block, instrs []Instr, writes []Write) {
	old := *block
	first := int(old.First)
	b.block = old
	b.block.First, b.block.FirstWrite = uint32(len(b.out.Instrs)), uint32(len(b.out.Writes))
	b.appendFacts()
	b.replaced = slices.Grow(b.replaced[:0], int(old.End-old.First))
	for _, in := range instrs[old.First:old.End] {
		b.replaceAll(&in, first)
		if !in.Op.Pushes() {
			b.out.Instrs = append(b.out.Instrs, in)
			b.replaced = append(b.replaced, NoValue)
			continue
		}
		b.replaced = append(b.replaced, b.simplify(&in))
	}
	for _, w := range writes[old.FirstWrite:old.EndWrite] {
		w.Value = b.replace(w.Value, first)
		if !b.holdsAlready(w) {
			b.out.Writes = append(b.out.Writes, w)
		}
	}
	b.block.EndWrite = uint32(len(b.out.Writes))
	b.rewriteTerm(first)
	b.dropDead()
	b.block.End = uint32(len(b.out.Instrs))
	*block = b.block
}

// appendFacts keeps the widths that are known of the words that the open block
// may read, and that are not constants.
func (b *Builder) appendFacts() {
	b.block.FirstFact = uint32(len(b.out.Facts))
	for depth := range min(int(b.block.Need), flowDepth) {
		_, isConst := b.state[depth].constant()
		if bits := b.flow.bits(b.state[depth]); !isConst && bits < 256 {
			b.out.Facts = append(b.out.Facts, Fact{Depth: uint16(depth), Bits: uint16(bits)})
		}
	}
	b.block.EndFact = uint32(len(b.out.Facts))
}

// replaceAll replaces the operands of an instruction that is not in the program
// yet.
func (b *Builder) replaceAll(in *Instr, first int) {
	operands := in.Args[:]
	if count := int(table[in.Op].Pops); count > len(in.Args) {
		operands = b.out.Args[in.Args[0]:][:count]
	} else {
		operands = operands[:count]
	}
	for i, v := range operands {
		operands[i] = b.replace(v, first)
	}
}

// replace is what v has become.
func (b *Builder) replace(v Value, first int) Value {
	if i, ok := v.Result(); ok {
		return b.replaced[i-first]
	}
	if depth, ok := v.EntrySlot(); ok && depth < flowDepth {
		if c, ok := b.state[depth].constant(); ok {
			return c
		}
	}
	return v
}

// holdsAlready reports whether a write changes nothing.
func (b *Builder) holdsAlready(w Write) bool {
	depth := int(-w.At)
	if depth < 0 {
		return false
	}
	return w.Value == EntrySlot(depth) || depth < flowDepth && w.Value.IsConst() && b.state[depth] == word(w.Value)
}

// rewriteTerm makes the terminator of the open block anew.
func (b *Builder) rewriteTerm(first int) {
	t := &b.block.Term
	dest := t.Dest // by what it was, the flow knows it
	for _, v := range []*Value{&t.X, &t.Y, &t.Dest} {
		if *v != NoValue {
			*v = b.replace(*v, first)
		}
	}
	if t.IsDynamic() {
		b.resolve(t, dest)
	}
	if t.Kind == Branch || t.Kind == BranchTo {
		if holds, ok := b.decided(t); ok {
			b.decide(t, holds)
		}
	}
}

// resolve makes a dynamic jump static, or gives it the places where it can go.
func (b *Builder) resolve(t *Term, dest Value) {
	if t.Dest.IsConst() {
		t.Target, t.Dest = b.target(t.Dest), NoValue
		if t.Kind == JumpTo {
			t.Kind = Jump
		} else {
			t.Kind = Branch
		}
		return
	}
	if depth, ok := dest.EntrySlot(); ok && depth < flowDepth {
		if i, ok := b.state[depth].set(); ok {
			t.FirstPlace = uint32(len(b.out.Places))
			b.out.Places = append(b.out.Places, b.flow.sets[i]...)
			t.EndPlace = uint32(len(b.out.Places))
		}
	}
}
