package amd64

// The place of the last value that can be spilled keeps what a counted loop has
// to know when it is left: for how many rounds it has paid, and what gas it had
// left.
const (
	ctxRounds    = ctxSpill + (spillWords-1)*wordBytes
	ctxRoundsGas = ctxRounds + 8
)

// enterCounted computes in R15 how many rounds there are and pays for them. If there
// are none it goes to generic. All registers are free.
func (c *Compiler) enterCounted(generic label) {
	l := &c.loop
	count := &l.loop.Count
	bound := c.operand(count.Bound)
	c.asm.load(rax, slot(-int(count.Depth)))
	if count.After {
		c.asm.aluI(add, rax, count.Step)
		if count.Step < 0 {
			c.asm.jcc(ifNotBelow, generic) // no carry: it was zero
		}
	}
	c.loadLimb(rcx, &bound, 0)
	if count.Step > 0 {
		c.asm.alu(sub, rcx, rax)
	} else {
		c.asm.alu(sub, rax, rcx)
		c.asm.mov(rcx, rax)
	}
	c.asm.jcc(ifBelow, generic)
	if count.Step > 1 {
		c.asm.mov(rax, rcx)
		if !count.Inclusive {
			c.asm.aluI(add, rax, count.Step-1)
		}
		c.divideRAX(uint64(count.Step))
		c.asm.mov(rcx, rax)
	}
	if count.Inclusive {
		c.asm.aluI(add, rcx, 1)
	}
	c.asm.mov(rax, r15)
	c.divideRAX(uint64(l.loop.Gas))
	c.asm.alu(cmp, rax, rcx)
	c.asm.cmov(ifAbove, rax, rcx)
	c.asm.aluI(and, rax, int32(-l.rounds))
	c.asm.jcc(ifEqual, generic)
	c.asm.store(at(rdi, ctxRounds), rax)
	c.asm.movI(rcx, uint64(l.loop.Gas))
	c.asm.rr(opImul, rcx, rax)
	c.asm.alu(sub, r15, rcx)
	c.asm.store(at(rdi, ctxRoundsGas), r15)
	c.asm.mov(r15, rax)
}

// divideRAX divides RAX by a constant. It uses RDX and RBX.
func (c *Compiler) divideRAX(by uint64) {
	c.asm.movI(rbx, by)
	c.asm.movI(rdx, 0)
	c.asm.r(opDiv, rbx)
}

// settleCount makes of the number of rounds in R15, as it was in the given round
// of the code, the gas after all rounds but that one, and brings the word that was
// counted up to date if no round has done so. It uses RAX and RCX.
func (c *Compiler) settleCount(round int) {
	loop := c.loop.loop
	if round > 0 {
		c.asm.aluI(sub, r15, int32(round))
	}
	if count := &loop.Count; count.Dropped {
		c.asm.load(rax, at(rdi, ctxRounds))
		c.asm.alu(sub, rax, r15)
		if count.Step != 1 {
			c.asm.movI(rcx, uint64(int64(count.Step)))
			c.asm.rr(opImul, rax, rcx)
		}
		c.asm.mr(add.to(), slot(-int(count.Depth)), rax)
	}
	c.asm.movI(rax, uint64(loop.Gas))
	c.asm.rr(opImul, r15, rax)
	c.asm.aluM(add, r15, at(rdi, ctxRoundsGas))
	c.asm.alu(sub, r15, rax)
}
