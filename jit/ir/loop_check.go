package ir

import "fmt"

// loop checks that:
//
//   - the head is the block of a JUMPDEST;
//   - guards are of different words that the loop needs, and of one limb if they
//     must not be zero;
//   - what counts the rounds and its bound have guards, and nothing that such a
//     loop does needs gas or Go;
//   - a loop of sums does nothing else;
//   - side exits lie in order and leave to blocks;
//   - their conditions are of values that are there, and so are their writes.
func (c *checker) loop(l *Loop) error {
	c.inLoop = true
	if head, ok := c.p.BlockAt(uint64(l.PC)); !ok || c.p.Blocks[head].PC != l.PC {
		return fmt.Errorf("no block of a JUMPDEST at the head")
	}
	if l.Height != 0 || l.Gas == 0 {
		return fmt.Errorf("height %d, gas %d; want 0 and some", l.Height, l.Gas)
	}
	if err := c.loopGuards(l); err != nil {
		return err
	}
	if err := c.body(&l.Block); err != nil {
		return err
	}
	if err := c.loopCount(l); err != nil {
		return err
	}
	if l.Sums && !c.p.onlySums(l) {
		return fmt.Errorf("not only sums")
	}
	return c.someWrites(l.FirstWrite, l.EndWrite, 0)
}

func (c *checker) loopGuards(l *Loop) error {
	if l.FirstGuard != c.guards || l.EndGuard < l.FirstGuard {
		return fmt.Errorf("got guards %d to %d; want them from %d", l.FirstGuard, l.EndGuard, c.guards)
	}
	c.guards = l.EndGuard
	above := -1
	for _, g := range c.p.Guards[l.FirstGuard:l.EndGuard] {
		if int(g.Depth) <= above || g.Depth >= l.Need || g.Bits == 0 || g.Bits > 256 || g.NonZero && g.Bits > 64 {
			return fmt.Errorf("guard of s%d with %d bits behind that of s%d", g.Depth, g.Bits, above)
		}
		above = int(g.Depth)
	}
	return nil
}

func (c *checker) loopCount(l *Loop) error {
	if l.Count.Step == 0 {
		return nil
	}
	if l.Count.Step < -1 {
		return fmt.Errorf("step %d", l.Count.Step)
	}
	if !c.guarded(l, EntrySlot(int(l.Count.Depth))) || !c.guarded(l, l.Count.Bound) {
		return fmt.Errorf("count s%d to %s without guards", l.Count.Depth, c.p.text(l.Count.Bound))
	}
	for i := l.First; i < l.End; i++ {
		if op := c.p.Instrs[i].Op; !countable[op] {
			return fmt.Errorf("opcode %v where rounds are counted", op)
		}
	}
	return nil
}

// guarded reports whether v is known to be small at the start of each round.
func (c *checker) guarded(l *Loop, v Value) bool {
	depth, ok := v.EntrySlot()
	if !ok {
		return v.IsConst() && c.p.Bits(v) <= narrowBits
	}
	width := c.p.EntryBits(&l.Block, depth)
	for _, g := range c.p.Guards[l.FirstGuard:l.EndGuard] {
		if int(g.Depth) == depth {
			width = min(width, int(g.Bits))
		}
	}
	return width <= narrowBits
}

// sideExit checks instruction i, a JUMPI.
func (c *checker) sideExit(i int) error {
	in := &c.p.Instrs[i]
	if uint32(in.Args[2]) != c.exits || int(c.exits) >= len(c.p.Exits) {
		return fmt.Errorf("side exit %d; want %d", in.Args[2], c.exits)
	}
	c.exits++
	e := c.p.SideExit(i)
	if int(e.Target) >= len(c.p.Blocks) || int(e.Stay) >= len(c.p.Blocks) {
		return fmt.Errorf("no block %d or %d", e.Target, e.Stay)
	}
	if e.Back > blockGasMax || e.Charge > blockGasMax {
		return fmt.Errorf("gas %d back, %d to charge", e.Back, e.Charge)
	}
	operands := in.Args[:2]
	switch e.Op {
	case ISZERO:
		operands = in.Args[:1]
	case LT, SLT, EQ:
	default:
		return fmt.Errorf("condition %v", e.Op)
	}
	for _, v := range operands {
		if err := c.value(v); err != nil {
			return err
		}
	}
	return c.someWrites(e.FirstWrite, e.EndWrite, int(e.Height))
}
