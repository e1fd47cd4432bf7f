package amd64

import "github.com/redline-evm/redline/jit/word"

// stub is code that is seldom run, to be put behind all blocks.
type stub struct {
	kind   stubKind
	at     label
	resume label
	exit   uint64 // unless of stubGas
	gas    uint64 // of stubGas

	// Of stubInstr: where operands and result are.
	instr    int32
	operands int32 // the first in Compiler.operands
	dst      [4]reg

	// Of stubInstr, if memory that is growBytes long at the first operand would
	// help: where to try again with it, and where to go if it cannot be had.
	growBytes int32
	retry     label
	refused   label

	routine word.Routine // of stubInstr: does it instead of Go
}

type stubKind uint8

const (
	stubExit  stubKind = iota // leave
	stubGas                   // leave for more gas
	stubInstr                 // have Go run an instruction, then go on
	stubGrow                  // grow the memory for RCX bytes that end at RDX, then try again
)

func (c *Compiler) addStub(s stub) label {
	s.at = c.asm.newLabel()
	c.stubs = append(c.stubs, s)
	return s.at
}

func (c *Compiler) dropStubs() { c.stubs, c.operands = c.stubs[:0], c.operands[:0] }

func (c *Compiler) emitStubs() {
	for i := range c.stubs {
		c.emitStub(&c.stubs[i])
	}
}

func (c *Compiler) emitStub(s *stub) {
	c.asm.bind(s.at)
	switch s.kind {
	case stubGas:
		c.asm.movI(rax, s.gas)
		c.asm.leaLabel(rcx, s.resume)
		c.asm.jmp(c.gasExit)
	case stubExit:
		c.leave(s.exit, s.resume)
	case stubGrow:
		c.asm.rr(opTest, rcx, rcx)
		c.asm.jcc(ifEqual, s.refused) // no bytes need no memory
		c.asm.mov(rax, rdx)
		c.asm.call(c.grow)
		c.asm.jcc(ifNotBelow, s.retry)
		c.asm.jmp(s.refused)
	case stubInstr:
		instr := int(s.instr)
		operands := c.operands[s.operands:][:len(c.program.Operands(instr))]
		if s.growBytes > 0 {
			c.growMemory(s, &operands[0])
		}
		for k := range operands {
			c.storeOperand(k, &operands[k])
		}
		if s.routine != word.NoRoutine {
			c.callRoutine(s.routine)
		} else {
			back := c.asm.newLabel()
			c.leave(s.exit, back)
			c.asm.bind(back)
		}
		c.loadResult(instr, s.dst)
		c.asm.jmp(s.resume)
	}
}

// slowWay returns a label for the case that Go must run instruction i, whose
// result belongs to dst. The place to go on is to be bound by the caller.
func (c *Compiler) slowWay(i int, dst [4]reg) (slow, resume label) {
	s := c.slowStub(i, dst)
	return c.addStub(s), s.resume
}

func (c *Compiler) slowStub(i int, dst [4]reg) stub {
	s := stub{
		kind: stubInstr, exit: exitWord(ExitInstr, i), resume: c.asm.newLabel(),
		instr: int32(i), operands: int32(len(c.operands)), dst: dst,
	}
	for _, v := range c.program.Operands(i) {
		c.operands = append(c.operands, c.operand(v))
	}
	return s
}

// leave returns to Go, which comes back to resume.
func (c *Compiler) leave(exit uint64, resume label) {
	c.asm.leaLabel(rax, resume)
	c.asm.movI(rcx, exit)
	c.asm.ret()
}

// storeOperand hands operand k to Go.
func (c *Compiler) storeOperand(k int, o *operand) {
	for limb := range 4 {
		c.storeLimb(at(rdi, operandOffset(topOperand-k, limb)), o, limb, rax)
	}
}

// loadResult loads into dst what Go made of instruction i.
func (c *Compiler) loadResult(i int, dst [4]reg) {
	if !c.program.Instrs[i].Op.Pushes() {
		return
	}
	place := topOperand + 1 - len(c.program.Operands(i))
	for k := range limbCount(int(c.program.Instrs[i].Bits)) {
		c.asm.load(dst[k], at(rdi, operandOffset(place, k)))
	}
}

func operandOffset(i, limb int) int32 { return int32(ctxOperands + i*wordBytes + 8*limb) }

// lowerExit has Go run instruction i.
func (c *Compiler) lowerExit(i int) {
	for k, v := range c.program.Operands(i) {
		o := c.operand(v)
		c.storeOperand(k, &o)
	}
	resume := c.asm.newLabel()
	c.leave(exitWord(ExitInstr, i), resume)
	c.asm.bind(resume)
	if c.alloc.of(i).last != unused {
		dst := c.define(i)
		c.loadResult(i, dst)
		c.settle(i, dst)
	}
}
