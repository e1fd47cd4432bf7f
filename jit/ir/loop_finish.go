package ir

// finishLoop completes the loop of which the round that was built keeps to all
// that it assumes.
func (b *Builder) finishLoop() {
	l := &b.loop
	b.checkWidths()
	l.back = b.stack.appendWrites(l.back[:0])
	b.dropCounter()
	block := &b.block
	block.FirstWrite = uint32(l.start.writes) // of all, for dropDead
	back := uint32(len(b.out.Writes))
	b.out.Writes = append(b.out.Writes, l.back...)
	block.EndWrite = uint32(len(b.out.Writes))
	block.Need = uint16(-b.lowest)
	block.Term = newTerm(Jump, int(block.PC))
	block.Term.Target = block.PC
	b.dropDead()
	block.End = uint32(len(b.out.Instrs))
	block.FirstWrite = back
	b.chargeLoop()
	b.guard()
	loop := Loop{Block: *block, FirstGuard: uint32(l.start.guards), EndGuard: uint32(len(b.out.Guards)), Count: l.count}
	loop.Sums = b.out.onlySums(&loop)
	b.out.Loops = append(b.out.Loops, loop)
}

// chargeLoop splits the gas of the round: the head charges up to the first side
// exit behind an instruction that sees gas or charges more, that exit up to the
// next such one, and so on.
func (b *Builder) chargeLoop() {
	total := b.block.Gas
	charge := &b.block.Gas
	start, first, exact := uint32(0), int(b.block.First), false
	for i := first; i < int(b.block.End); i++ {
		in := &b.out.Instrs[i]
		if props := table[in.Op].Props; props.DynamicGas() || props.SeesGas() {
			exact = true
		}
		if in.Op != JUMPI || !exact {
			continue
		}
		e := b.out.SideExit(i)
		end := e.Back
		*charge = end - start
		b.turnAround(first, i+1, end)
		charge, start, first, exact = &e.Charge, end, i+1, false
	}
	*charge = total - start
	b.turnAround(first, int(b.block.End), total)
}

// turnAround makes of the gas used up to each of the instructions that which lies
// behind it, of what is charged up to end.
func (b *Builder) turnAround(first, last int, end uint32) {
	for i := first; i < last; i++ {
		switch in := &b.out.Instrs[i]; {
		case in.Op == JUMPI:
			e := b.out.SideExit(i)
			e.Back = end - e.Back
		case table[in.Op].Props.SeesGas():
			in.Rest = end - in.Rest
		}
	}
}

// guard appends the guards for what the round relies on, also where nothing is left
// of what it did so for: a condition that it decided.
func (b *Builder) guard() {
	l := &b.loop
	if l.count.Step != 0 {
		b.rely(EntrySlot(int(l.count.Depth)))
		b.rely(l.count.Bound)
	}
	for i := b.block.First; i < b.block.End; i++ {
		for _, v := range b.out.Operands(int(i)) {
			b.rely(v)
		}
	}
	for _, w := range b.out.Writes[l.start.writes:] {
		b.rely(w.Value)
	}
	for depth := range int(b.block.Need) {
		if l.relied[depth] && (int(l.widths[depth]) < b.out.EntryBits(&b.block, depth) || l.nonZero[depth]) {
			b.out.Guards = append(b.out.Guards, Guard{Depth: uint16(depth), Bits: l.widths[depth], NonZero: l.nonZero[depth]})
		}
	}
}

// rely notes that the round relies on the width of v.
func (b *Builder) rely(v Value) {
	if depth, ok := v.EntrySlot(); ok {
		b.loop.relied[depth] = true
	}
}
