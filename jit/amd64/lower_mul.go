package amd64

// lowerMul multiplies limb by limb. Each limb x[i] in RDX adds a row to the
// result: the low halves of x[i]*y[j] in one chain of carries (CF, by ADCX), the
// high halves, one limb up, in another (OF, by ADOX). The first row is the result
// itself, so that one chain is enough.
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
	row := 0
	for row < min(x.limbs, limbs) && x.isZero(row) {
		row++
	}
	c.firstRow(dst[:limbs], &x, &y, row)
	for row++; row < min(x.limbs, limbs); row++ {
		if !x.isZero(row) {
			c.mulRow(dst[:limbs], &x, &y, row)
		}
	}
	c.settle(i, dst)
}

// firstRow sets dst to x[row]*y, shifted by row limbs.
func (c *Compiler) firstRow(dst []reg, x, y *operand, row int) {
	columns := min(y.limbs, len(dst)-row)
	for k, r := range dst {
		if k < row || k > row+columns {
			c.asm.movI(r, 0)
		}
	}
	high := func(j int) reg { // of column j
		if row+j+1 < len(dst) {
			return dst[row+j+1]
		}
		return rcx
	}
	c.loadLimb(rdx, x, row)
	for j := range columns {
		switch j {
		case 0:
			c.mulx(high(0), dst[row], y, 0)
		default:
			c.mulx(high(j), rax, y, j)
			c.asm.alu(carrying(j > 1), dst[row+j], rax)
		}
	}
	switch {
	case columns <= 0 && row < len(dst):
		c.asm.movI(dst[row], 0)
	case columns > 1 && row+columns < len(dst):
		c.asm.aluI(adc, dst[row+columns], 0)
	}
}

// carrying is the addition with a carry or without.
func carrying(carry bool) alu {
	if carry {
		return adc
	}
	return add
}

// mulx does high, low = RDX * y[j].
func (c *Compiler) mulx(high, low reg, y *operand, j int) {
	if y.kind == inMemory {
		c.asm.vrm(opMulx, high, low, y.limbMem(j))
	} else {
		c.asm.vrr(opMulx, high, low, y.regs[j])
	}
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
		c.mulx(rcx, rax, y, j)
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
