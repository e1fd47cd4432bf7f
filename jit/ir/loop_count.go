package ir

// countable are the operations that a counted loop may have: those that need
// neither gas nor Go.
var countable = [256]bool{
	ADD: true, SUB: true, MUL: true, AND: true, OR: true, XOR: true, NOT: true, SHL: true, SHR: true, SAR: true,
	LT: true, SLT: true, EQ: true, ISZERO: true, JUMPI: true,
}

// findCount looks for a side exit of the round that can be left out.
func (b *Builder) findCount() {
	l := &b.loop
	l.back = b.stack.appendWrites(l.back[:0])
	instrs := b.out.Instrs[l.start.instrs:]
	for i := range instrs {
		if !countable[instrs[i].Op] {
			return
		}
	}
	for i := range instrs {
		if instrs[i].Op != JUMPI {
			continue
		}
		if count, ok := b.countOf(&instrs[i]); ok {
			l.count = count
			l.counted = int(l.exitSteps[instrs[i].Args[2]-Value(l.start.exits)])
			return
		}
	}
}

// onlySums reports whether Sums is true of the loop.
func (p *Program) onlySums(l *Loop) bool {
	for i := l.First; i < l.End; i++ {
		in := &p.Instrs[i]
		if in.Op != ADD && (in.Op != SUB || !in.Args[1].IsConst()) {
			return false
		}
	}
	return l.Count.Step != 0 && l.First < l.End
}

// countOf returns how a side exit counts the rounds.
func (b *Builder) countOf(in *Instr) (c Count, ok bool) {
	e := &b.out.Exits[in.Args[2]]
	stays := e.Negated // what the condition is when the round goes on
	x, y, equal := in.Args[0], in.Args[1], e.Op == EQ
	if e.Op == ISZERO {
		y, equal = Small(0), true
	}
	depth, step, after, ok := b.stepped(x)
	c = Count{Step: int32(step), Depth: uint16(depth), After: after, Bound: y}
	switch {
	case ok && equal && !stays:
		ok = step == 1 || step == -1
	case ok && !equal && stays: // below y
		ok = step > 0
	default:
		depth, step, after, ok = b.stepped(y)
		c = Count{Step: int32(step), Depth: uint16(depth), After: after, Bound: x}
		switch {
		case !ok:
		case equal:
			ok = !stays && (step == 1 || step == -1)
		case stays: // above x
			ok = step == -1
		default: // not above x
			ok = step > 0
			c.Inclusive = true
		}
	}
	return c, ok && b.isBound(c.Bound)
}

// stepped reports whether v is a word that each round steps by a constant, before
// or after that.
func (b *Builder) stepped(v Value) (depth, step int, after, ok bool) {
	depth, ok = v.EntrySlot()
	if !ok {
		depth, step, ok = b.stepOf(v)
		return depth, step, true, ok && b.next(depth) == v
	}
	from, step, ok := b.stepOf(b.next(depth))
	return depth, step, false, ok && from == depth
}

// stepOf reports whether v is a word on the stack plus or less a constant.
func (b *Builder) stepOf(v Value) (depth, step int, ok bool) {
	i, ok := v.Result()
	if !ok || v == NoValue {
		return 0, 0, false
	}
	in := &b.out.Instrs[i]
	size, small := in.Args[1].Small()
	depth, slot := in.Args[0].EntrySlot()
	switch {
	case !small || !slot || size == 0:
		return 0, 0, false
	case in.Op == ADD:
		return depth, int(size), true
	case in.Op == SUB:
		return depth, -int(size), true
	}
	return 0, 0, false
}

// next is the word at depth when the next round begins.
func (b *Builder) next(depth int) Value {
	for _, w := range b.loop.back {
		if int(w.At) == -depth {
			return w.Value
		}
	}
	return NoValue
}

// isBound reports whether v is small or can be assumed to be, and does not
// change.
func (b *Builder) isBound(v Value) bool {
	if depth, ok := v.EntrySlot(); ok {
		return b.next(depth) == NoValue
	}
	return v.IsConst() && b.out.Bits(v) <= narrowBits
}

// dropCounter takes the word that counts out of the writes at the round's end if
// nothing else in the round uses it.
func (b *Builder) dropCounter() {
	l := &b.loop
	if l.counted < 0 {
		return
	}
	slot, next := EntrySlot(int(l.count.Depth)), b.next(int(l.count.Depth))
	uses := 0
	count := func(v Value) {
		if v == slot || v == next {
			uses++
		}
	}
	for i := l.start.instrs; i < len(b.out.Instrs); i++ {
		for _, v := range b.out.Operands(i) {
			count(v)
		}
	}
	for _, w := range b.out.Writes[l.start.writes:] {
		count(w.Value)
	}
	for _, w := range l.back {
		count(w.Value)
	}
	if uses > 2 { // the step, and its write
		return
	}
	l.count.Dropped = true
	for i, w := range l.back {
		if w.Value == next {
			l.back = append(l.back[:i], l.back[i+1:]...)
			return
		}
	}
}
