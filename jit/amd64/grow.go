package amd64

// Memory that is too short is grown by generated code itself as long as there is
// room for it and gas in the slice; else Go does it. What is asked for is always
// more than there is.

// growMemory tries to have the memory grown for a stub whose first operand is the
// offset.
func (c *Compiler) growMemory(s *stub, offset *operand) {
	c.loadLimb(rax, offset, 0)
	c.asm.aluI(add, rax, s.growBytes)
	c.asm.jcc(ifBelow, s.refused) // the end is beyond all numbers
	c.asm.call(c.grow)
	c.asm.jcc(ifNotBelow, s.retry)
	c.asm.bind(s.refused)
}

// emitGrow emits a routine that grows the memory to RAX bytes, rounded up to
// words, and charges for it. The carry flag says that it could not. It uses RCX
// and RDX.
func (c *Compiler) emitGrow() {
	refused := c.asm.newLabel()
	c.asm.bind(c.grow)
	c.asm.aluM(cmp, rax, at(rdi, ctxMemoryLimit))
	c.asm.jcc(ifAbove, refused)
	c.asm.aluI(add, rax, wordBytes-1)
	c.asm.ri(opShr, rax, 5)
	c.asm.load(rdx, at(rdi, ctxMemoryBytes))
	c.asm.ri(opShr, rdx, 5)

	// w words have cost 3w + w*w/512 in all.
	c.asm.mov(rcx, rax)
	c.asm.rr(opImul, rcx, rcx)
	c.asm.ri(opShr, rcx, 9)
	c.asm.rm(opLea, rcx, indexed(rcx, rax, 2, 0))
	c.asm.alu(add, rcx, rax)
	for range 3 {
		c.asm.alu(sub, rcx, rdx)
	}
	c.asm.rr(opImul, rdx, rdx)
	c.asm.ri(opShr, rdx, 9)
	c.asm.alu(sub, rcx, rdx)

	c.asm.ri(opShl, rax, 5)
	c.asm.aluM(cmp, rax, at(rdi, ctxMemoryLimit))
	c.asm.jcc(ifAbove, refused)
	c.asm.alu(cmp, r15, rcx)
	c.asm.jcc(ifBelow, refused)
	c.asm.alu(sub, r15, rcx)
	c.asm.load(rdx, at(rdi, ctxMemoryBytes))
	c.asm.store(at(rdi, ctxMemoryBytes), rax)
	c.asm.lea(rcx, at(rax, 1-wordBytes))
	c.asm.store(at(rdi, ctxMemoryLoads), rcx)

	c.asm.load(rcx, at(rdi, ctxMemory))
	loop := c.asm.here()
	for k := range int32(4) {
		c.asm.storeI(indexed(rcx, rdx, 1, 8*k), 0)
	}
	c.asm.aluI(add, rdx, wordBytes)
	c.asm.alu(cmp, rdx, rax)
	c.asm.jcc(ifBelow, loop)
	c.asm.ret() // no carry: they are equal

	c.asm.bind(refused)
	c.asm.movI(rax, 1)
	c.asm.r(opNeg, rax) // carry
	c.asm.ret()
}
