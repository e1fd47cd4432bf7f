package amd64

import "github.com/redline-evm/redline/jit/ir"

// terminate ends block i: it computes where to go, stores the words that
// changed, which leaves the flags alone, and goes.
func (c *Compiler) terminate(i int) {
	b := &c.program.Blocks[i]
	switch t := &b.Term; t.Kind {
	case ir.Fallthrough:
		c.flush(b)
	case ir.Jump:
		c.flush(b)
		c.asm.jmp(c.targetLabel(i))
	case ir.Branch:
		holds := c.condition(t)
		c.flush(b)
		c.asm.jcc(holds, c.targetLabel(i))
	case ir.JumpTo:
		c.loadDest(t.Dest)
		c.flush(b)
		c.dispatch(i)
	case ir.BranchTo:
		c.loadDest(t.Dest)
		c.asm.store(at(rdi, ctxTarget), rdx)
		holds := c.condition(t)
		c.flush(b)
		c.asm.jcc(holds.not(), c.entry(i+1))
		c.asm.load(rdx, at(rdi, ctxTarget))
		c.dispatch(i)
	case ir.Halt:
		for k, v := range []ir.Value{t.X, t.Y} {
			if v != ir.NoValue {
				o := c.operand(v)
				c.storeOperand(k, &o)
			}
		}
		c.leave(exitWord(ExitHalt, i), c.blocks[i].entry)
	}
}

// condition sets the flags by a terminator's condition.
func (c *Compiler) condition(t *ir.Term) cond {
	holds := c.compare(t.Op, t.X, t.Y)
	if t.Negated {
		return holds.not()
	}
	return holds
}

// targetLabel is where the static jump of block i goes to.
func (c *Compiler) targetLabel(i int) label {
	j, ok := c.program.BlockAt(uint64(c.program.Blocks[i].Term.Target))
	switch {
	case !ok:
		return c.badJump(i)
	case j <= i && c.blocks[j].loop != noLoop:
		return c.blocks[j].loop
	}
	return c.entry(j)
}

func (c *Compiler) badJump(i int) label {
	return c.addStub(stub{kind: stubExit, exit: exitWord(ExitBadJump, i), resume: c.blocks[i].entry})
}

// loadDest loads the offset that v is into RDX; what has more than one limb
// becomes the largest number, which is no offset.
func (c *Compiler) loadDest(v ir.Value) {
	o := c.operand(v)
	c.loadLimb(rdx, &o, 0)
	if o.limbs < 2 {
		return
	}
	c.loadLimb(rcx, &o, 1)
	for k := 2; k < o.limbs; k++ {
		c.applyLimb(or, rcx, &o, k, rax)
	}
	c.asm.r(opNeg, rcx) // carry if not zero
	c.asm.alu(sbb, rcx, rcx)
	c.asm.alu(or, rdx, rcx)
}

// dispatch jumps to the JUMPDEST at the offset in RDX, for block i.
func (c *Compiler) dispatch(i int) {
	t := &c.program.Blocks[i].Term
	if t.FirstPlace < t.EndPlace {
		c.selectPlace(c.program.Places[t.FirstPlace:t.EndPlace])
		return
	}
	bad := c.badJump(i)
	c.asm.aluI(cmp, rdx, int32(len(c.program.Dests)))
	c.asm.jcc(ifNotBelow, bad)
	c.asm.leaLabel(rax, c.jumps)
	c.asm.rm(opMov32, rcx, indexed(rax, rdx, jumpBytes, 0))
	c.asm.rr(opTest, rcx, rcx)
	c.asm.jcc(ifEqual, bad)
	c.asm.alu(add, rax, rcx)
	c.asm.r(opJmp, rax)
}

// selectPlace jumps to that of the JUMPDESTs at places whose offset is in RDX.
func (c *Compiler) selectPlace(places []uint32) {
	last := len(places) - 1
	for _, pc := range places[:last] {
		c.asm.aluI(cmp, rdx, int32(pc))
		c.asm.jcc(ifEqual, c.entryAt(pc))
	}
	c.asm.jmp(c.entryAt(places[last]))
}

// entryAt is where to go from here for the JUMPDEST at pc.
func (c *Compiler) entryAt(pc uint32) label {
	i, _ := c.program.BlockAt(uint64(pc))
	return c.entry(i)
}
