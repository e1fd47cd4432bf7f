package amd64

// What a frame knows of its call lies in the context, or where that points to.

// lowerField lowers what is a number in the context.
func (c *Compiler) lowerField(i int, offset int32) {
	dst := c.define(i)
	o := operand{kind: inMemory, limbs: 1, mem: at(rdi, offset)}
	for k := range int(c.alloc.of(i).limbs) {
		c.loadLimb(dst[k], &o, k)
	}
	c.settle(i, dst)
}

// lowerAddress lowers an address that a field of the context points to. Its
// bytes are in the order of a word, the highest first; those of the third limb
// are the upper half of 8.
func (c *Compiler) lowerAddress(i int, offset int32) {
	dst := c.define(i)
	c.asm.load(rax, at(rdi, offset))
	for k, place := range []int32{12, 4, 0} {
		c.asm.rm(opMovbe, dst[k], at(rax, place))
	}
	c.asm.ri(opShr, dst[2], 32)
	c.settle(i, dst)
}

func (c *Compiler) lowerCallValue(i int) {
	dst := c.define(i)
	c.asm.load(rax, at(rdi, ctxValue))
	for k, r := range dst {
		c.asm.load(r, at(rax, int32(8*k)))
	}
	c.settle(i, dst)
}

// lowerGas lowers GAS: what is left of the slice, what the frame has beside it,
// and what is charged for the rest of the block already.
func (c *Compiler) lowerGas(i int) {
	dst := c.define(i)
	c.asm.movI(rax, uint64(c.program.Instrs[i].Rest))
	c.asm.alu(add, rax, r15)
	c.asm.aluM(add, rax, at(rdi, ctxReserve))
	c.asm.mov(dst[0], rax)
	c.settle(i, dst)
}
