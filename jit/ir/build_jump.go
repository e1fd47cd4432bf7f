package ir

// jump ends the block by a JUMP.
func (b *Builder) jump(pc int) {
	t := newTerm(JumpTo, pc)
	t.Dest = b.stack.pop()
	if t.Dest.IsConst() {
		t.Kind, t.Target, t.Dest = Jump, b.target(t.Dest), NoValue
	}
	b.block.Term = t
}

// branch ends the block by a JUMPI.
func (b *Builder) branch(pc int) {
	t := newTerm(BranchTo, pc)
	t.Dest, t.Next = b.stack.pop(), uint32(pc+1)
	b.condition(&t, b.stack.pop())
	if t.Dest.IsConst() {
		t.Kind, t.Target, t.Dest = Branch, b.target(t.Dest), NoValue
	}
	if holds, ok := b.decided(&t); ok {
		b.decide(&t, holds)
	}
	b.block.Term = t
}

// target is the bytecode offset that a constant names, if a JUMPDEST is there.
func (b *Builder) target(v Value) uint32 {
	if pc, ok := v.Small(); ok && b.IsDest(uint64(pc)) {
		return pc
	}
	return BadTarget
}

// condition makes the terminator's condition that cond is not zero. It takes in
// the comparison that made cond.
func (b *Builder) condition(t *Term, cond Value) {
	t.Op, t.Negated, t.X, t.Y = ISZERO, true, cond, NoValue
	for {
		i, ok := t.X.Result()
		if !ok {
			return
		}
		in := &b.out.Instrs[i]
		switch in.Op {
		case ISZERO:
			t.X = in.Args[0]
			t.Negated = !t.Negated
			continue // never often: simplify leaves no long chains
		case LT, SLT, EQ:
			t.Op, t.Negated = in.Op, !t.Negated
			t.X, t.Y = in.Args[0], in.Args[1]
		case SUB, XOR:
			if b.stack.holds(t.X) {
				return // it is there anyway
			}
			t.Op = EQ
			t.X, t.Y = in.Args[0], in.Args[1]
		}
		return
	}
}

// decided reports whether the condition is known to hold or not to hold.
func (b *Builder) decided(t *Term) (holds, ok bool) {
	if !t.X.IsConst() || t.Y != NoValue && !t.Y.IsConst() {
		return false, false
	}
	z := b.folder.compute(&b.out, t.Op, t.X, t.Y)
	return z.IsZero() == t.Negated, true
}

// decide replaces a branch by what it always does.
func (b *Builder) decide(t *Term, jumps bool) {
	switch {
	case !jumps:
		t.Kind, t.Target, t.Dest = Fallthrough, 0, NoValue
		t.FirstPlace, t.EndPlace = 0, 0
	case t.Kind == Branch:
		t.Kind, t.Next = Jump, 0
	default:
		t.Kind, t.Next = JumpTo, 0
	}
	t.Op, t.Negated, t.X, t.Y = 0, false, NoValue, NoValue
}
