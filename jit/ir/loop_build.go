package ir

import "slices"

// loopBuilder is what a Builder knows of the loop that it builds.
type loopBuilder struct {
	open    bool
	work    int // what is left of it
	heads   []int32
	spans   []uint32 // by head: how far the last jump back to it is from there, plus one
	hasLoop []bool   // by block: it is the head of a loop
	way     []int32  // blocks of the way
	choices []choice
	widths  [HeightMax + 1]uint16 // assumed, by depth
	nonZero [HeightMax + 1]bool   // assumed, by depth
	relied  [HeightMax + 1]bool   // by depth: the round relies on what is assumed
	facts   []fact
	count   Count
	counted int // step of the way behind which the side exit is left out, or -1
	start   loopStart
	back    []Write // what the stack holds at the end of the round and did not at its start
	checked []Value // of those, what side exits check the width of

	taken   int     // choices, so far in the round
	first   uint32  // of the instructions of the block that is copied
	results []Value // of its instructions
	written []Value
	term    Term // its terminator

	same      sameTable
	exitSteps []int32 // by side exit of the loop: step of the way
}

// loopStart is where the parts of a loop begin.
type loopStart struct{ instrs, args, writes, consts, exits, guards int }

// choice is a branch of the way: the block that comes next, and the other one,
// or -1 if that was tried.
type choice struct{ next, other int32 }

// addLoops is a pass that finds loops, inner ones first, and adds them to the
// program.
func (b *Builder) addLoops() {
	l := &b.loop
	l.work = loopWorkBase + loopWork*len(b.code)
	l.hasLoop = append(l.hasLoop[:0], make([]bool, len(b.out.Blocks))...)
	for _, head := range b.findHeads() {
		if l.work <= 0 {
			break
		}
		l.start = loopStart{
			len(b.out.Instrs), len(b.out.Args), len(b.out.Writes), len(b.out.Consts), len(b.out.Exits), len(b.out.Guards),
		}
		l.open = true
		l.hasLoop[head] = b.buildLoop(int(head))
		l.open = false
		if !l.hasLoop[head] {
			b.rewind()
		}
	}
}

// findHeads returns the blocks to which a static jump goes back, those first that
// it goes back to from least far.
func (b *Builder) findHeads() []int32 {
	l := &b.loop
	l.spans = slices.Grow(l.spans[:0], len(b.out.Blocks))[:len(b.out.Blocks)]
	clear(l.spans)
	heads, spans := l.heads[:0], l.spans
	for i := range b.out.Blocks {
		t := &b.out.Blocks[i].Term
		if t.Kind != Jump && t.Kind != Branch || t.Target > t.PC {
			continue
		}
		head, _ := b.out.BlockAt(uint64(t.Target))
		if spans[head] == 0 {
			heads = append(heads, int32(head))
		}
		spans[head] = t.PC - t.Target + 1
	}
	slices.SortStableFunc(heads, func(x, y int32) int { return int(spans[x]) - int(spans[y]) })
	l.heads = heads
	return heads
}

// buildLoop builds the loop of a head; false if there is none.
func (b *Builder) buildLoop(head int) bool {
	b.assumeNothing(head)
	if !b.findWay(head) {
		return false
	}
	b.findCount()
	b.assumeWidths()
	for range loopWidthTries {
		if !b.buildRound(head, false) {
			return false
		}
		if b.widen() {
			b.finishLoop()
			return true
		}
	}
	return false
}

// findWay builds a round along each of a few ways until one leads back to the
// head.
func (b *Builder) findWay(head int) bool {
	b.loop.choices = b.loop.choices[:0]
	for range loopWaysMax {
		if b.buildRound(head, true) {
			return true
		}
		if !b.turn() {
			return false
		}
	}
	return false
}

// turn takes the other way at the last branch where it was not tried.
func (b *Builder) turn() bool {
	for choices := b.loop.choices; len(choices) > 0; choices = choices[:len(choices)-1] {
		last := &choices[len(choices)-1]
		if last.other >= 0 {
			last.next, last.other = last.other, -1
			b.loop.choices = choices
			return true
		}
	}
	return false
}

// rewind takes out what was built of the loop.
func (b *Builder) rewind() {
	start := &b.loop.start
	b.out.Instrs = b.out.Instrs[:start.instrs]
	b.out.Args = b.out.Args[:start.args]
	b.out.Writes = b.out.Writes[:start.writes]
	b.out.Consts = b.out.Consts[:start.consts]
	b.out.Exits = b.out.Exits[:start.exits]
	b.out.Guards = b.out.Guards[:start.guards]
}

// buildRound builds a round along the way, which it finds if search is true;
// false if that does not lead back to the head.
func (b *Builder) buildRound(head int, search bool) bool {
	b.rewind()
	l := &b.loop
	block := &b.out.Blocks[head]
	b.block = Block{
		PC: block.PC, First: uint32(l.start.instrs), FirstWrite: uint32(l.start.writes),
		FirstFact: block.FirstFact, EndFact: block.EndFact,
	}
	b.stack.reset()
	b.lowest = 0
	l.same, l.relied = sameTable{}, [HeightMax + 1]bool{}
	l.facts, l.exitSteps, l.taken = l.facts[:0], l.exitSteps[:0], 0
	if search {
		l.way = l.way[:0]
	}
	for at, step := head, 0; step < loopBlocksMax && b.inline(at); step++ {
		next := head
		switch {
		case search:
			l.way = append(l.way, int32(at))
			next = b.find(at, head)
		case step+1 < len(l.way):
			next = int(l.way[step+1])
		}
		if next < 0 || !b.goOn(at, next, step) {
			return false
		}
		if next == head {
			return b.stack.height() == 0 && b.out.Blocks[at].PC >= b.block.PC
		}
		at = next
	}
	return false
}

// inline appends what block i does to the round and leaves its terminator in
// l.term. False if the round becomes too large.
func (b *Builder) inline(i int) bool {
	l := &b.loop
	block := b.out.Blocks[i]
	base := b.stack.height()
	count := int(block.End - block.First)
	l.work -= 1 + count
	if l.work < 0 || len(b.out.Instrs)-l.start.instrs+count > loopInstrsMax || b.block.Gas+block.Gas > blockGasMax ||
		base+int(block.Peak) > blockReach || base-int(block.Need) < -blockReach {
		return false
	}
	b.lowest = min(b.lowest, base-int(block.Need))
	b.block.Peak = max(b.block.Peak, uint16(max(base+int(block.Peak), 0)))
	l.first, l.results = block.First, l.results[:0]
	for j := block.First; j < block.End; j++ {
		l.results = append(l.results, b.repeat(int(j), &block))
	}
	l.term = block.Term
	l.term.Dest, l.term.X, l.term.Y = b.inRound(l.term.Dest), b.inRound(l.term.X), b.inRound(l.term.Y)
	l.written = l.written[:0]
	for _, w := range b.out.Writes[block.FirstWrite:block.EndWrite] {
		l.written = append(l.written, b.inRound(w.Value))
	}
	for k, v := range l.written {
		*b.stack.slot(base + int(b.out.Writes[int(block.FirstWrite)+k].At)) = v
	}
	b.stack.top = base + int(block.Height)
	b.stack.slot(b.stack.top + 1)
	b.block.Gas += block.Gas
	return true
}

// inRound is the value in the round that v has in the block that is being
// copied.
func (b *Builder) inRound(v Value) Value {
	if i, ok := v.Result(); ok {
		return b.loop.results[i-int(b.loop.first)]
	}
	if depth, ok := v.EntrySlot(); ok {
		return *b.stack.slot(b.stack.height() - depth)
	}
	return v
}

// repeat appends instruction j of the block to the round and returns its result.
func (b *Builder) repeat(j int, block *Block) Value {
	in := b.out.Instrs[j]
	operands := b.out.Operands(j)
	if len(operands) > len(in.Args) {
		in.Args[0] = Value(len(b.out.Args))
	}
	for k, v := range operands {
		if len(operands) > len(in.Args) {
			b.out.Args = append(b.out.Args, b.inRound(v))
		} else {
			in.Args[k] = b.inRound(v)
		}
	}
	if table[in.Op].Props.SeesGas() {
		in.Rest = b.block.Gas + block.Gas - in.Rest // used since the head; chargeLoop turns it around
	}
	if !in.Op.Pushes() {
		return b.emit(&in)
	}
	count, width := len(b.out.Instrs), in.Bits
	v := b.simplify(&in)
	if len(b.out.Instrs) > count { // else it may be wider where it comes from
		last := &b.out.Instrs[count]
		last.Bits = min(last.Bits, width)
	}
	return v
}

// find returns the block with which a search goes on behind block i, or -1.
func (b *Builder) find(i, head int) int {
	l := &b.loop
	b.settleTerm()
	target, ok := b.out.BlockAt(uint64(l.term.Target))
	next := i + 1
	switch t := &l.term; {
	case t.Kind == Fallthrough:
	case t.Kind == Jump && ok:
		next = target
	case t.Kind == Branch && ok:
		next = b.choose(i, target, head)
	default:
		return -1
	}
	if l.hasLoop[next] { // that of an inner loop
		return -1
	}
	return next
}

// choose returns the block with which a search goes on at the branch behind block
// i.
func (b *Builder) choose(i, target, head int) int {
	l := &b.loop
	if holds, ok := b.holds(&l.term); ok {
		if holds {
			return target
		}
		return i + 1
	}
	if l.taken == len(l.choices) {
		first := choice{int32(i + 1), int32(target)}
		if target == head || b.out.Blocks[i+1].Term.Kind == Halt {
			first = choice{int32(target), int32(i + 1)}
		}
		l.choices = append(l.choices, first)
	}
	l.taken++
	return int(l.choices[l.taken-1].next)
}

// settleTerm makes a jump to a constant of the terminator of the block that was
// copied last, and takes in the comparison that decides it.
func (b *Builder) settleTerm() {
	t := &b.loop.term
	if t.Kind == JumpTo && t.Dest.IsConst() {
		t.Kind, t.Target = Jump, b.target(t.Dest)
	}
	if t.Kind == BranchTo && t.Dest.IsConst() {
		t.Kind, t.Target = Branch, b.target(t.Dest)
	}
	if t.Kind == Branch && t.Op == ISZERO {
		whenZero := !t.Negated
		b.condition(t, t.X)
		t.Negated = t.Negated != whenZero
	}
}

// goOn goes on from block i to block next; false if the round never goes that
// way.
func (b *Builder) goOn(i, next, step int) bool {
	b.settleTerm()
	t := &b.loop.term
	if t.Kind != Branch {
		return true // what a search has found once
	}
	target, _ := b.out.BlockAt(uint64(t.Target))
	if target == i+1 {
		return true
	}
	jumps := next == target
	if holds, ok := b.holds(t); ok {
		return holds == jumps
	}
	leave := i + 1
	if !jumps {
		leave = target
	}
	if step != b.loop.counted {
		b.loop.exitSteps = append(b.loop.exitSteps, int32(step))
		b.sideExit(t, jumps, leave, next)
	}
	b.learn(t, jumps)
	return true
}

// sideExit appends a side exit that leaves if the condition of t is not as it
// should be. Its Back is the gas used up to it, which chargeLoop turns around.
func (b *Builder) sideExit(t *Term, stays bool, target, stay int) {
	e := SideExit{
		Op: t.Op, Negated: t.Negated != stays, Height: int16(b.stack.height()), Target: uint32(target), Stay: uint32(stay),
		Back: b.block.Gas, FirstWrite: uint32(len(b.out.Writes)),
	}
	b.out.Writes = b.stack.appendWrites(b.out.Writes)
	e.EndWrite = uint32(len(b.out.Writes))
	b.emit(&Instr{Op: JUMPI, Bits: 256, Args: [3]Value{t.X, t.Y, Value(len(b.out.Exits))}, PC: t.PC})
	b.out.Exits = append(b.out.Exits, e)
}
