package amd64

// lowerMul multiplies limb by limb. Each limb x[i] in RDX adds a row to the
// result: the low halves of x[i]*y[j] in one chain of carries (CF, by ADCX), the
// high halves, one limb up, in another (OF, by ADOX).
func (c *Compiler) lowerMul(i int) {
	xv, yv := c.program.Instrs[i].Args[0], c.program.Instrs[i].Args[1]
	if yv.IsConst() { // MULX takes no constant, RDX does
		xv, yv = yv, xv
	}
	dst := c.define(i)
	limbs := int(c.alloc.of(i).limbs)
	x, y := c.operand(xv), c.operand(yv)
	if limbs == 1 {
		c.loadLimb(dst[0], &x, 0)
		c.applyImul(dst[0], &y)
		c.settle(i, dst)
		return
	}
	for _, r := range dst[:limbs] {
		c.asm.movI(r, 0)
	}
	for row := range min(x.limbs, limbs) {
		if !x.isZero(row) {
			c.mulRow(dst[:limbs], &x, &y, row)
		}
	}
	c.settle(i, dst)
}

// applyImul does dst = dst * limb 0 of y, which is not constant.
func (c *Compiler) applyImul(dst reg, y *operand) {
	switch {
	case y.isZero(0):
		c.asm.movI(dst, 0)
	case y.kind == inMemory:
		c.asm.rm(opImul, dst, y.limbMem(0))
	default:
		c.asm.rr(opImul, dst, y.regs[0])
	}
}

// mulRow adds x[row]*y to dst from limb row on.
func (c *Compiler) mulRow(dst []reg, x, y *operand, row int) {
	c.loadLimb(rdx, x, row)
	c.asm.zero(rax) // clears both carries
	last := row
	for j := 0; j < y.limbs && row+j < len(dst); j++ {
		last = row + j
		if y.kind == inMemory {
			c.asm.vrm(opMulx, rcx, rax, y.limbMem(j))
		} else {
			c.asm.vrr(opMulx, rcx, rax, y.regs[j])
		}
		c.asm.rr(opAdcx, dst[last], rax)
		if last+1 < len(dst) {
			c.asm.rr(opAdox, dst[last+1], rcx)
		}
	}
	if last+1 < len(dst) {
		// The carry of the low halves goes where the last high half went; what
		// is there cannot overflow, for it is the product's highest limb.
		c.asm.movI(rax, 0)
		c.asm.rr(opAdcx, dst[last+1], rax)
	}
}
