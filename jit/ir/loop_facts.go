package ir

import "github.com/holiman/uint256"

// fact is a condition that holds, or does not, in the round behind where it was
// found out.
type fact struct {
	op    Op // LT, SLT, EQ or ISZERO
	holds bool
	x, y  Value
}

// factsMax bounds the facts that are kept of a round.
const factsMax = 16

// learn keeps that the condition of t has decided on its jump, or against it.
func (b *Builder) learn(t *Term, jumps bool) {
	if len(b.loop.facts) < factsMax {
		b.loop.facts = append(b.loop.facts, fact{t.Op, jumps != t.Negated, t.X, t.Y})
	}
}

// holds reports whether the condition of t is known to hold, or not to.
func (b *Builder) holds(t *Term) (holds, ok bool) {
	if holds, ok := b.decided(t); ok {
		return holds, true
	}
	if t.Op == ISZERO && b.isNonZero(t.X) {
		return t.Negated, true
	}
	if t.Op == LT {
		switch {
		case b.neverBelow(t.X, t.Y):
			return t.Negated, true
		case b.isBelow(t.X, b.limit(t.Y)):
			return !t.Negated, true
		}
	}
	return b.recall(t.Op, t.X, t.Y, t.Negated)
}

// limit is the constant v, or nil.
func (b *Builder) limit(v Value) *uint256.Int {
	if c, ok := b.out.Const(v); ok {
		return &c
	}
	return nil
}

// isBelow reports whether x, no constant, is known to be below limit.
func (b *Builder) isBelow(x Value, limit *uint256.Int) bool {
	if limit == nil || x.IsConst() {
		return false
	}
	if b.bits(x) < limit.BitLen() {
		return true
	}
	for _, f := range b.loop.facts {
		if f.op == LT && f.holds && f.x == x {
			if most := b.limit(f.y); most != nil && !limit.Lt(most) {
				return true
			}
		}
	}
	return false
}

// neverBelow reports whether x is y plus something, without a carry, or a constant
// that y is not above.
func (b *Builder) neverBelow(x, y Value) bool {
	if c := b.limit(x); c != nil {
		_, overflow := c.AddOverflow(c, uint256.NewInt(1))
		return !overflow && b.isBelow(y, c)
	}
	i, ok := x.Result()
	if !ok || b.out.Instrs[i].Op != ADD {
		return false
	}
	p, q := b.out.Instrs[i].Args[0], b.out.Instrs[i].Args[1]
	return (y == p || y == q) && max(b.bits(p), b.bits(q)) < 256
}

// recall looks the condition up among the facts.
func (b *Builder) recall(op Op, x, y Value, negated bool) (holds, ok bool) {
	if b.loop.open {
		for _, f := range b.loop.facts {
			if f.op == op && f.x == x && f.y == y {
				return f.holds != negated, true
			}
		}
	}
	return false, false
}

// isNonZero reports whether v is known not to be zero.
func (b *Builder) isNonZero(v Value) bool {
	if !b.loop.open {
		return false
	}
	if depth, ok := v.EntrySlot(); ok && b.loop.nonZero[depth] {
		b.rely(v)
		return true
	}
	for _, f := range b.loop.facts {
		if f.op == ISZERO && f.x == v && !f.holds || f.op == LT && f.y == v && f.holds {
			return true
		}
	}
	return false
}

// loopBits is an upper bound of the width of v by all that is known in the round.
func (b *Builder) loopBits(v Value) int {
	width := b.plainBits(v)
	for _, f := range b.loop.facts {
		if f.holds && f.x == v && (f.op == LT || f.op == EQ) {
			width = min(width, b.factBits(&f))
		}
	}
	return width
}

// factBits is an upper bound of the width of x in the fact that it is below y, or
// equal.
func (b *Builder) factBits(f *fact) int {
	if limit := b.limit(f.y); limit != nil && f.op == LT {
		return limit.SubUint64(limit, 1).BitLen()
	}
	return b.plainBits(f.y)
}

// plainBits is loopBits without what comparisons tell.
func (b *Builder) plainBits(v Value) int {
	if depth, ok := v.EntrySlot(); ok {
		b.rely(v)
		return int(b.loop.widths[depth])
	}
	return b.out.Bits(v)
}

// increment is a tighter bound of the width of x+y, if facts give one.
func (b *Builder) increment(x, y Value) int {
	if b.loop.open && y == Small(1) {
		for _, f := range b.loop.facts {
			if f.op == LT && f.holds && f.x == x {
				return b.plainBits(f.y)
			}
		}
	}
	return 256
}

// noBorrow reports whether y is known not to be above x.
func (b *Builder) noBorrow(x, y Value) bool {
	if !b.loop.open {
		return false
	}
	if y == Small(1) && (b.isNonZero(x) || b.counts(x)) {
		return true
	}
	for _, f := range b.loop.facts {
		if f.op == LT && (f.x == x && f.y == y && !f.holds || f.x == y && f.y == x && f.holds) {
			return true
		}
	}
	return false
}

// counts reports whether v is the word that counts the rounds down, before its
// step.
func (b *Builder) counts(v Value) bool {
	depth, ok := v.EntrySlot()
	return ok && b.loop.counted >= 0 && b.loop.count.Step < 0 && depth == int(b.loop.count.Depth)
}
