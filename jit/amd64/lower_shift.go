package amd64

import "github.com/redline-evm/redline/jit/ir"

// lowerShift lowers SHL, SHR and SAR. A constant shift picks limbs and shifts
// them by pairs. A variable one goes through memory: the word is stored with
// zeros or signs beside it, and loaded from where the shifted limbs begin.
func (c *Compiler) lowerShift(i int) {
	in := &c.program.Instrs[i]
	dst := c.define(i)
	limbs := int(c.alloc.of(i).limbs)
	count, x := c.operand(in.Args[0]), c.operand(in.Args[1])
	switch {
	case count.kind != inConstant:
		c.shiftVariable(in.Op, dst[:limbs], &x, &count)
	case in.Op != ir.SAR && c.limbwise(in, constantShift(&count)):
		c.shiftLimbs(in.Op, dst[:limbs], &x, constantShift(&count))
	case in.Op == ir.SHL:
		c.shiftLeft(dst[:limbs], &x, constantShift(&count))
	case in.Op == ir.SAR && x.limbs == 4:
		c.shiftSigned(dst[:limbs], &x, constantShift(&count))
	default:
		c.shiftRight(dst[:limbs], &x, constantShift(&count))
	}
	c.settle(i, dst)
}

// constantShift is the shift in bits; all of 256 and more are alike.
func constantShift(o *operand) int { return int(constantUpTo(o, 256)) }

// constantUpTo is the constant o; all above most are like most.
func constantUpTo(o *operand, most uint64) uint64 {
	if o.limbs > 1 {
		return most
	}
	return min(o.words[0], most)
}

// limbwise reports whether the shift in moves no bit from one limb to another: what
// it shifts has been masked, as code does that turns the order of bytes around.
func (c *Compiler) limbwise(in *ir.Instr, count int) bool {
	i, ok := in.Args[1].Result()
	if !ok || c.program.Instrs[i].Op != ir.AND || count%64 == 0 || count >= 256 {
		return false
	}
	mask, ok := c.program.Const(c.program.Instrs[i].Args[1])
	moved := uint64(1)<<(count%64) - 1 // bits of a limb that would move
	if in.Op == ir.SHL {
		moved = ^(^uint64(0) >> (count % 64))
	}
	return ok && (mask[0]|mask[1]|mask[2]|mask[3])&moved == 0
}

// shiftLimbs shifts each limb by itself.
func (c *Compiler) shiftLimbs(op ir.Op, dst []reg, x *operand, count int) {
	shift, from := opShr, count/64
	if op == ir.SHL {
		shift, from = opShl, -count/64
	}
	for k, r := range dst {
		if k+from < 0 || x.isZero(k+from) {
			c.asm.movI(r, 0)
			continue
		}
		c.loadLimb(r, x, k+from)
		c.asm.ri(shift, r, uint8(count%64))
	}
}

func (c *Compiler) shiftLeft(dst []reg, x *operand, count int) {
	limbs, bits := count/64, uint8(count%64)
	for k, r := range dst {
		if k < limbs {
			c.asm.movI(r, 0)
		} else {
			c.loadLimb(r, x, k-limbs)
		}
	}
	if bits == 0 {
		return
	}
	for k := len(dst) - 1; k > limbs; k-- {
		c.asm.rri(opShld, dst[k-1], dst[k], bits)
	}
	if limbs < len(dst) {
		c.asm.ri(opShl, dst[limbs], bits)
	}
}

func (c *Compiler) shiftRight(dst []reg, x *operand, count int) {
	limbs, bits := count/64, uint8(count%64)
	for k, r := range dst {
		c.loadLimb(r, x, k+limbs)
	}
	if bits == 0 {
		return
	}
	for k, r := range dst {
		switch {
		case x.isZero(k + limbs + 1):
			c.asm.ri(opShr, r, bits)
		case k+1 < len(dst):
			c.asm.rri(opShrd, dst[k+1], r, bits)
		default:
			c.loadLimb(rax, x, k+limbs+1)
			c.asm.rri(opShrd, rax, r, bits)
		}
	}
}

// shiftSigned shifts a word of four limbs, so that dst has four too.
func (c *Compiler) shiftSigned(dst []reg, x *operand, count int) {
	limbs, bits := count/64, uint8(count%64)
	c.loadLimb(rax, x, 3)
	c.asm.ri(opSar, rax, 63)
	for k, r := range dst {
		if k+limbs < 4 {
			c.loadLimb(r, x, k+limbs)
		} else {
			c.asm.mov(r, rax)
		}
	}
	if bits == 0 {
		return
	}
	for k, r := range dst {
		if k+1 < len(dst) {
			c.asm.rri(opShrd, dst[k+1], r, bits)
		} else {
			c.asm.rri(opShrd, rax, r, bits)
		}
	}
}

// shiftLimb is limb k of the context's room for shifts.
func shiftLimb(k int) mem { return at(rdi, int32(ctxShift+8*k)) }

func (c *Compiler) shiftVariable(op ir.Op, dst []reg, x, count *operand) {
	c.loadSaturated(count, 256)
	word, beside := 0, 4
	if op == ir.SHL {
		word, beside = 4, 0
	}
	for k := range 4 {
		c.storeLimb(shiftLimb(word+k), x, k, rax)
	}
	fill := operand{}
	if op == ir.SAR && x.limbs == 4 {
		c.loadLimb(rax, x, 3)
		c.asm.ri(opSar, rax, 63)
		fill = inRegs([4]reg{rax, rax, rax, rax}, 4)
	}
	for k := range 4 {
		c.storeLimb(shiftLimb(beside+k), &fill, k, rax)
	}
	c.asm.mov(rdx, rcx)
	c.asm.ri(opShr, rdx, 6)
	if op == ir.SHL {
		c.asm.r(opNeg, rdx)
		c.shiftLeftLoaded(dst)
	} else {
		c.shiftRightLoaded(dst)
	}
}

// loadSaturated loads a value that is not constant into RCX; all above most are
// like most.
func (c *Compiler) loadSaturated(count *operand, most uint64) {
	c.loadLimb(rcx, count, 0)
	c.asm.movI(rax, most)
	c.asm.alu(cmp, rcx, rax)
	c.asm.cmov(ifAbove, rcx, rax)
	if count.limbs > 1 {
		c.loadLimb(rdx, count, 1)
		for k := 2; k < count.limbs; k++ {
			c.applyLimb(or, rdx, count, k, rax)
		}
		c.asm.rr(opTest, rdx, rdx)
		c.asm.cmov(ifNotEqual, rcx, rax)
	}
}

// shiftRightLoaded shifts by RCX what lies in the room for shifts; RDX is the
// number of whole limbs.
func (c *Compiler) shiftRightLoaded(dst []reg) {
	from := indexed(rdi, rdx, 8, ctxShift)
	for k, r := range dst {
		c.asm.load(r, from.plus(int32(8*k)))
	}
	c.asm.load(rax, indexed(rdi, rdx, 8, int32(ctxShift+8*len(dst))))
	for k, r := range dst {
		if k+1 < len(dst) {
			c.asm.rr(opShrdCL, dst[k+1], r)
		} else {
			c.asm.rr(opShrdCL, rax, r)
		}
	}
}

// shiftLeftLoaded is shiftRightLoaded to the left; RDX is the negative number of
// whole limbs.
func (c *Compiler) shiftLeftLoaded(dst []reg) {
	from := indexed(rdi, rdx, 8, ctxShift+4*8)
	for k, r := range dst {
		c.asm.load(r, from.plus(int32(8*k)))
	}
	for k := len(dst) - 1; k > 0; k-- {
		c.asm.rr(opShldCL, dst[k-1], dst[k])
	}
	if len(dst) > 0 {
		c.asm.r(opShlCL, dst[0])
	}
}

// lowerByte lowers BYTE, which counts from the highest.
func (c *Compiler) lowerByte(i int) {
	in := &c.program.Instrs[i]
	index := c.operand(in.Args[0])
	if index.kind != inConstant {
		c.byteVariable(i)
		return
	}
	dst := c.define(i)
	x := c.operand(in.Args[1])
	place := wordBytes - 1 - int(constantUpTo(&index, wordBytes-1))
	c.loadLimb(rax, &x, place/8)
	switch {
	case index.limbs > 1 || index.words[0] >= wordBytes:
		c.asm.movI(rax, 0)
	case place%8 > 0:
		c.asm.ri(opShr, rax, uint8(place%8*8))
	}
	c.settleByte(i, dst)
}

// byteVariable lowers BYTE through memory: the byte behind the last is zero.
func (c *Compiler) byteVariable(i int) {
	dst := c.define(i)
	index, x := c.operand(c.program.Instrs[i].Args[0]), c.operand(c.program.Instrs[i].Args[1])
	c.asm.storeI(shiftLimb(0), 0)
	for k := range 4 {
		c.storeLimb(shiftLimb(1+k), &x, k, rax)
	}
	c.loadSaturated(&index, wordBytes)
	c.asm.r(opNeg, rcx)
	c.asm.rm(opMovzx8, rax, indexed(rdi, rcx, 1, ctxShift+8+wordBytes-1))
	c.settleByte(i, dst)
}

// lowerSignExtend lowers SIGNEXTEND: from a constant byte in registers.
func (c *Compiler) lowerSignExtend(i int) {
	in := &c.program.Instrs[i]
	o := c.operand(in.Args[0])
	if o.kind != inConstant {
		c.signExtendVariable(i)
		return
	}
	dst := c.define(i)
	x := c.operand(in.Args[1])
	index := constantUpTo(&o, wordBytes-1)
	limb, unused := int(index/8), uint8(56-index%8*8)
	for k, r := range dst[:c.alloc.of(i).limbs] {
		switch {
		case k < limb:
			c.loadLimb(r, &x, k)
		case k == limb:
			c.loadLimb(r, &x, k)
			c.asm.ri(opShl, r, unused)
			c.asm.ri(opSar, r, unused)
			c.asm.mov(rax, r)
			c.asm.ri(opSar, rax, 63)
		default:
			c.asm.mov(r, rax)
		}
	}
	c.settle(i, dst)
}

// signExtendVariable lowers SIGNEXTEND through memory: the limb with the sign is
// shifted to and fro, and its sign stored over those above.
func (c *Compiler) signExtendVariable(i int) {
	dst := c.define(i)
	index, x := c.operand(c.program.Instrs[i].Args[0]), c.operand(c.program.Instrs[i].Args[1])
	for k := range 4 {
		c.storeLimb(shiftLimb(k), &x, k, rax)
	}
	c.loadSaturated(&index, wordBytes-1)
	c.asm.mov(rdx, rcx)
	c.asm.ri(opShr, rdx, 3)
	limb := indexed(rdi, rdx, 8, ctxShift)
	c.asm.load(rax, limb)
	c.asm.r(opNot, rcx)
	c.asm.ri(opShl, rcx, 3) // modulo 64, the bits above the sign
	c.asm.r(opShlCL, rax)
	c.asm.r(opSarCL, rax)
	c.asm.store(limb, rax)
	c.asm.ri(opSar, rax, 63)
	for k := range int32(3) {
		c.asm.store(limb.plus(8*(k+1)), rax)
	}
	for k, r := range dst[:c.alloc.of(i).limbs] {
		c.asm.load(r, shiftLimb(k))
	}
	c.settle(i, dst)
}
