package ir

import "fmt"

// Check returns an error that names the first broken invariant of the program:
//
//   - blocks, instructions and writes lie one behind the other, in order;
//   - an instruction uses entry slots that the block needs, constants, and
//     results of earlier instructions of its block; so do writes and Term;
//   - only opcodes that are to stay instructions are instructions;
//   - writes go to different places, none above the height at the end;
//   - what falls through falls into the next block;
//   - facts are about different words that the block needs, from the top down;
//   - the places where a dynamic jump can go are blocks of JUMPDESTs, in order;
//   - a static target is the offset of a block of a JUMPDEST, or BadTarget;
//   - loops are like blocks and lie behind them, in order, as do their parts; what
//     they have beside is checked by loop.
func (p *Program) Check() error {
	checker := checker{p: p}
	for i := range p.Blocks {
		if err := checker.block(i); err != nil {
			return fmt.Errorf("BUG: block %d at %#x: %w", i, p.Blocks[i].PC, err)
		}
	}
	for i := range p.Loops {
		if err := checker.loop(&p.Loops[i]); err != nil {
			return fmt.Errorf("BUG: loop %d at %#x: %w", i, p.Loops[i].PC, err)
		}
	}
	if int(checker.instrs) != len(p.Instrs) || int(checker.writes) != len(p.Writes) {
		return fmt.Errorf("BUG: got %d instructions and %d writes in blocks; want %d and %d",
			checker.instrs, checker.writes, len(p.Instrs), len(p.Writes))
	}
	return nil
}

type checker struct {
	p              *Program
	instrs, writes uint32 // of the blocks so far
	exits, guards  uint32 // of the loops so far
	inLoop         bool
	current        *Block
	defined        int // results below this one are there
}

func (c *checker) block(i int) error {
	b := &c.p.Blocks[i]
	if err := c.body(b); err != nil {
		return err
	}
	if err := c.someWrites(b.FirstWrite, b.EndWrite, int(b.Height)); err != nil {
		return err
	}
	return c.term(i)
}

// body checks the instructions of a block or loop.
func (c *checker) body(b *Block) error {
	c.current = b
	if b.First != c.instrs || b.End < b.First || !c.inLoop && b.FirstWrite != c.writes || b.EndWrite < b.FirstWrite {
		return fmt.Errorf("got instructions %d to %d, writes %d to %d; want them from %d and %d",
			b.First, b.End, b.FirstWrite, b.EndWrite, c.instrs, c.writes)
	}
	c.instrs, c.writes = b.End, b.EndWrite
	if b.Need > HeightMax || b.Peak > HeightMax || int(b.Height) > int(b.Peak) || int(b.Height) < -int(b.Need) {
		return fmt.Errorf("need %d, peak %d, height %d", b.Need, b.Peak, b.Height)
	}
	if err := c.facts(); err != nil {
		return err
	}
	for i := b.First; i < b.End; i++ {
		if err := c.instr(int(i)); err != nil {
			return fmt.Errorf("instruction %d: %w", i, err)
		}
	}
	c.defined = int(b.End)
	return nil
}

func (c *checker) instr(i int) error {
	in := &c.p.Instrs[i]
	c.defined = i
	switch op := in.Op; {
	case op == JUMPI && c.inLoop:
		return c.sideExit(i)
	case table[op].Name == "", op >= PUSH0 && op <= SWAP16, op >= JUMP && op <= PC, op == JUMPDEST, op == POP,
		op == CODESIZE, op == GT, op == SGT, table[op].Props.Halts():
		return fmt.Errorf("opcode %v is none", op)
	}
	for _, v := range c.p.Operands(i) {
		if err := c.value(v); err != nil {
			return err
		}
	}
	return nil
}

// value checks that v may be used now.
func (c *checker) value(v Value) error {
	if i, ok := v.Result(); ok {
		if i < int(c.current.First) || i >= c.defined || !c.p.Instrs[i].Op.Pushes() {
			return fmt.Errorf("no result v%d", i)
		}
	} else if depth, ok := v.EntrySlot(); ok {
		if depth >= int(c.current.Need) {
			return fmt.Errorf("slot s%d of %d", depth, c.current.Need)
		}
	} else if _, small := v.Small(); !small && int(v&smallMask) >= len(c.p.Consts) {
		return fmt.Errorf("constant %d of %d", v&smallMask, len(c.p.Consts))
	}
	return nil
}

func (c *checker) facts() error {
	b := c.current
	if b.EndFact < b.FirstFact || int(b.EndFact) > len(c.p.Facts) {
		return fmt.Errorf("got facts %d to %d of %d", b.FirstFact, b.EndFact, len(c.p.Facts))
	}
	next := 0
	for _, fact := range c.p.Facts[b.FirstFact:b.EndFact] {
		if int(fact.Depth) < next || fact.Depth >= b.Need || fact.Bits >= 256 {
			return fmt.Errorf("fact of %d bits about s%d; want one about s%d or below", fact.Bits, fact.Depth, next)
		}
		next = int(fact.Depth) + 1
	}
	return nil
}

// someWrites checks writes after which the stack has grown by height.
func (c *checker) someWrites(first, end uint32, height int) error {
	above := -int32(c.current.Need)
	for _, w := range c.p.Writes[first:end] {
		if w.At <= above || w.At > int32(height) {
			return fmt.Errorf("write to %d: want it above %d, at most %d", w.At, above, height)
		}
		above = w.At
		if err := c.value(w.Value); err != nil {
			return fmt.Errorf("write to %d: %w", w.At, err)
		}
	}
	return nil
}

// term checks the terminator of block i.
func (c *checker) term(i int) error {
	t := &c.current.Term
	for _, v := range []Value{t.Dest, t.X, t.Y} {
		if v == NoValue {
			continue
		}
		if err := c.value(v); err != nil {
			return fmt.Errorf("terminator: %w", err)
		}
	}
	if t.FallsThrough() && (i+1 >= len(c.p.Blocks) || c.p.Blocks[i+1].PC != t.Next) {
		return fmt.Errorf("no block behind, at %#x", t.Next)
	}
	if t.EndPlace < t.FirstPlace || int(t.EndPlace) > len(c.p.Places) || !t.IsDynamic() && t.FirstPlace < t.EndPlace {
		return fmt.Errorf("got places %d to %d of %d", t.FirstPlace, t.EndPlace, len(c.p.Places))
	}
	above := -1
	for _, pc := range c.p.Places[t.FirstPlace:t.EndPlace] {
		if _, ok := c.p.BlockAt(uint64(pc)); !ok || int(pc) <= above {
			return fmt.Errorf("no block at place %#x, or out of order", pc)
		}
		above = int(pc)
	}
	if (t.Kind == Jump || t.Kind == Branch) && t.Target != BadTarget {
		if j, ok := c.p.BlockAt(uint64(t.Target)); !ok || c.p.Blocks[j].PC != t.Target {
			return fmt.Errorf("no block at target %#x", t.Target)
		}
	}
	return nil
}
