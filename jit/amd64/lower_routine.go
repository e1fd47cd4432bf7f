package amd64

import (
	"github.com/redline-evm/redline/jit/ir"
	"github.com/redline-evm/redline/jit/word"
)

// Long operations on words are done by routines in assembly that generated code
// calls in place (see word.Routine): that costs a quarter of an exit. They find
// their operands where those of an exit are, and leave the result there.

// routines do all of these operations.
var routines = [256]word.Routine{
	ir.DIV:    word.RoutineDiv,
	ir.SDIV:   word.RoutineSDiv,
	ir.MOD:    word.RoutineMod,
	ir.SMOD:   word.RoutineSMod,
	ir.ADDMOD: word.RoutineAddMod,
	ir.MULMOD: word.RoutineMulMod,
}

// lowerRoutine has a routine do instruction i that does it for all operands.
func (c *Compiler) lowerRoutine(i int) {
	for k, v := range c.program.Operands(i) {
		o := c.operand(v)
		c.storeOperand(k, &o)
	}
	c.callRoutine(routines[c.program.Instrs[i].Op])
	dst := c.define(i)
	c.loadResult(i, dst)
	c.settle(i, dst)
}

// callRoutine calls a routine. It changes RAX, RCX and RDX.
func (c *Compiler) callRoutine(r word.Routine) {
	c.asm.load(rax, at(rdi, ctxRoutines))
	c.asm.lea(rdx, at(rdi, operandOffset(topOperand, 0)))
	c.asm.load(rcx, at(rdi, ctxMemo))
	c.asm.callM(at(rax, 8*int32(r)))
}

// lowerMulMod lowers MULMOD. Its routine leaves to Go what needs the reciprocal of
// a modulus that it does not have yet.
func (c *Compiler) lowerMulMod(i int) {
	dst := c.define(i)
	slow, resume := c.slowWay(i, dst)
	for k, v := range c.program.Operands(i) {
		o := c.operand(v)
		c.storeOperand(k, &o)
	}
	c.callRoutine(word.RoutineMulMod)
	c.asm.rr(opTest, rax, rax)
	c.asm.jcc(ifNotEqual, slow)
	c.loadResult(i, dst)
	c.asm.bind(resume)
	c.settle(i, dst)
}

// lowerKeccak lowers KECCAK256 of memory that is there already, charging for its
// words; all else is left to Go.
func (c *Compiler) lowerKeccak(i int) {
	in := &c.program.Instrs[i]
	if size, ok := c.program.Const(in.Args[1]); ok && (!size.IsUint64() || size[0] > word.KeccakMax) {
		c.lowerExit(i)
		return
	}
	dst := c.define(i)
	slow, resume := c.slowWay(i, dst)
	c.memoryRange(in.Args[0], in.Args[1], word.KeccakMax, slow)
	c.asm.store(at(rdi, operandOffset(topOperand, 0)), rax)
	c.asm.store(at(rdi, operandOffset(topOperand, 1)), rcx)
	c.asm.lea(rdx, at(rcx, wordBytes-1))
	c.asm.ri(opShr, rdx, 5)
	c.asm.rm(opLea, rdx, indexed(rdx, rdx, 2, 0))
	c.asm.alu(add, rdx, rdx) // gas
	c.asm.alu(cmp, r15, rdx)
	c.asm.jcc(ifBelow, slow)
	c.asm.store(at(rdi, operandOffset(topOperand, 2)), rdx)
	c.callRoutine(word.RoutineKeccak)
	c.asm.rr(opTest, rax, rax)
	c.asm.jcc(ifNotEqual, slow)
	c.asm.aluM(sub, r15, at(rdi, operandOffset(topOperand, 2)))
	c.loadResult(i, dst)
	c.asm.bind(resume)
	c.settle(i, dst)
}

// memoryRange loads the address of memory at offset into RAX and size into RCX. It
// grows the memory if need be, and goes to slow if it cannot, or if size is larger
// than sizeMax. It uses RDX.
func (c *Compiler) memoryRange(offset, size ir.Value, sizeMax int32, slow label) {
	retry := c.asm.here()
	o, s := c.operand(offset), c.operand(size)
	c.oneLimb(&o, rdx, slow)
	c.oneLimb(&s, rdx, slow)
	c.loadLimb(rax, &o, 0)
	c.loadLimb(rcx, &s, 0)
	if s.kind != inConstant {
		c.asm.aluI(cmp, rcx, sizeMax)
		c.asm.jcc(ifAbove, slow)
	}
	known := o.kind == inConstant && s.kind == inConstant && o.words[0] < offsetMax && s.words[0] > 0 &&
		c.reached(o.words[0]+s.words[0])
	if !known {
		c.asm.mov(rdx, rax)
		c.asm.alu(add, rdx, rcx)
		c.asm.jcc(ifBelow, slow) // the end is beyond all numbers
		c.asm.aluM(cmp, rdx, at(rdi, ctxMemoryBytes))
		c.asm.jcc(ifAbove, c.addStub(stub{kind: stubGrow, retry: retry, refused: slow}))
	}
	c.asm.aluM(add, rax, at(rdi, ctxMemory))
}

// lowerCopy lowers a copy to memory of bytes that lie elsewhere, with zeros behind
// their end; base and count are the fields of the context with the first of them
// and with their number. What has to be charged more than there is is left to Go.
func (c *Compiler) lowerCopy(i int, base, count int32) {
	c.copyRange(i, func(slow label) {
		from := c.program.Instrs[i].Args[1]
		o := c.operand(from)
		c.asm.load(rax, at(rdi, count))
		c.oneLimb(&o, rdx, slow)
		c.loadLimb(rdx, &o, 0)
		c.asm.alu(cmp, rdx, rax)
		c.asm.cmov(ifAbove, rdx, rax)
		c.asm.alu(sub, rax, rdx)
		c.asm.aluM(add, rdx, at(rdi, base))
		c.asm.store(at(rdi, operandOffset(topOperand, 3)), rax)
	})
}

// lowerCopyInside is lowerCopy for bytes that must all be there; and which may be
// memory: what overlaps is left to Go.
func (c *Compiler) lowerCopyInside(i int, base, count int32) {
	c.copyRange(i, func(slow label) {
		from := c.program.Instrs[i].Args[1]
		o := c.operand(from)
		c.oneLimb(&o, rdx, slow)
		c.loadLimb(rdx, &o, 0)
		c.asm.mov(rax, rdx)
		c.asm.alu(add, rax, rcx)
		c.asm.jcc(ifBelow, slow) // the end is beyond all numbers
		c.asm.aluM(cmp, rax, at(rdi, count))
		c.asm.jcc(ifAbove, slow)
		c.asm.aluM(add, rdx, at(rdi, base))
		c.asm.store(at(rdi, operandOffset(topOperand, 3)), rcx)
		c.overlap(slow)
	})
}

// copyRange lowers a copy to memory. Source loads into RDX where the bytes lie, and
// stores their number for the routine; it finds in RCX how many are to be written,
// and may use RAX.
func (c *Compiler) copyRange(i int, source func(slow label)) {
	in := &c.program.Instrs[i]
	if size, ok := c.program.Const(in.Args[2]); ok && (!size.IsUint64() || size[0] > word.CopyMax) {
		c.lowerExit(i)
		return
	}
	slow, resume := c.slowWay(i, [4]reg{})
	c.memoryRange(in.Args[0], in.Args[2], word.CopyMax, slow)
	c.asm.store(at(rdi, operandOffset(topOperand, 0)), rax)
	c.asm.store(at(rdi, operandOffset(topOperand, 1)), rcx)
	source(slow)
	c.asm.store(at(rdi, operandOffset(topOperand, 2)), rdx)
	c.asm.lea(rax, at(rcx, wordBytes-1))
	c.asm.ri(opShr, rax, 5)
	c.asm.rm(opLea, rax, indexed(rax, rax, 2, 0)) // gas
	c.asm.alu(cmp, r15, rax)
	c.asm.jcc(ifBelow, slow)
	c.asm.alu(sub, r15, rax)
	c.callRoutine(word.RoutineCopy)
	c.asm.bind(resume)
}

// overlap goes to slow if RCX bytes at RDX overlap as many at the address that is
// stored for the routine. It uses RAX.
func (c *Compiler) overlap(slow label) {
	c.asm.load(rax, at(rdi, operandOffset(topOperand, 0)))
	c.asm.alu(sub, rax, rdx)
	c.asm.alu(cmp, rax, rcx)
	c.asm.jcc(ifBelow, slow)
	c.asm.r(opNeg, rax)
	c.asm.alu(cmp, rax, rcx)
	c.asm.jcc(ifBelow, slow)
}
