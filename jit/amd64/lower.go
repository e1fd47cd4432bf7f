package amd64

import "github.com/redline-evm/redline/jit/ir"

// lowerings say how each operation is lowered. Go runs those that are not here.
var lowerings = [256]func(c *Compiler, i int){
	ir.ADD:        func(c *Compiler, i int) { c.lowerChain(i, add, adc) },
	ir.SUB:        func(c *Compiler, i int) { c.lowerChain(i, sub, sbb) },
	ir.AND:        func(c *Compiler, i int) { c.lowerChain(i, and, and) },
	ir.OR:         func(c *Compiler, i int) { c.lowerChain(i, or, or) },
	ir.XOR:        func(c *Compiler, i int) { c.lowerChain(i, xor, xor) },
	ir.NOT:        (*Compiler).lowerNot,
	ir.MUL:        (*Compiler).lowerMul,
	ir.DIV:        (*Compiler).lowerDivide,
	ir.MOD:        (*Compiler).lowerDivide,
	ir.SDIV:       (*Compiler).lowerDivide,
	ir.SMOD:       (*Compiler).lowerDivide,
	ir.ADDMOD:     (*Compiler).lowerAddMod,
	ir.MULMOD:     (*Compiler).lowerMulMod,
	ir.LT:         (*Compiler).lowerCompare,
	ir.SLT:        (*Compiler).lowerCompare,
	ir.EQ:         (*Compiler).lowerCompare,
	ir.ISZERO:     (*Compiler).lowerCompare,
	ir.SHL:        (*Compiler).lowerShift,
	ir.SHR:        (*Compiler).lowerShift,
	ir.SAR:        (*Compiler).lowerShift,
	ir.BYTE:       (*Compiler).lowerByte,
	ir.SIGNEXTEND: (*Compiler).lowerSignExtend,

	ir.KECCAK256:      (*Compiler).lowerKeccak,
	ir.CALLDATACOPY:   func(c *Compiler, i int) { c.lowerCopy(i, ctxCallData, ctxCallDataBytes) },
	ir.CODECOPY:       func(c *Compiler, i int) { c.lowerCopy(i, ctxBytecode, ctxBytecodeBytes) },
	ir.RETURNDATACOPY: func(c *Compiler, i int) { c.lowerCopyInside(i, ctxReturnData, ctxReturnBytes) },
	ir.MCOPY:          func(c *Compiler, i int) { c.lowerCopyInside(i, ctxMemory, ctxMemoryBytes) },
	ir.MLOAD:          (*Compiler).lowerMload,
	ir.MSTORE:         (*Compiler).lowerMstore,
	ir.MSTORE8:        (*Compiler).lowerMstore8,
	ir.CALLDATALOAD:   (*Compiler).lowerCallDataLoad,
	ir.MSIZE:          func(c *Compiler, i int) { c.lowerField(i, ctxMemoryBytes) },
	ir.CALLDATASIZE:   func(c *Compiler, i int) { c.lowerField(i, ctxCallDataBytes) },
	ir.JUMPI:          (*Compiler).lowerSideExit,

	ir.ADDRESS:        func(c *Compiler, i int) { c.lowerAddress(i, ctxSelf) },
	ir.CALLER:         func(c *Compiler, i int) { c.lowerAddress(i, ctxCaller) },
	ir.CALLVALUE:      (*Compiler).lowerCallValue,
	ir.RETURNDATASIZE: func(c *Compiler, i int) { c.lowerField(i, ctxReturnBytes) },
	ir.GAS:            (*Compiler).lowerGas,
}

// lower makes code for instruction i.
func (c *Compiler) lower(i int) {
	op := c.program.Instrs[i].Op
	if f := lowerings[op]; f != nil {
		f(c, i)
	} else {
		c.lowerExit(i)
	}
}

// lowerChain lowers an operation that goes limb by limb from the lowest, with a
// carry or without: first for the lowest limb, rest for the others.
func (c *Compiler) lowerChain(i int, first, rest alu) {
	c.settle(i, c.chain(i, first, rest))
}

// chain computes the operation of the first two operands of instruction i.
func (c *Compiler) chain(i int, first, rest alu) (dst [4]reg) {
	x, y := c.program.Instrs[i].Args[0], c.program.Instrs[i].Args[1]
	if first != sub && (x.IsConst() || c.dies(y, i) && !c.dies(x, i)) {
		x, y = y, x
	}
	dst = c.takeOver(i, x)
	limbs := int(c.alloc.of(i).limbs)
	o := c.operand(y)
	if x == y {
		o = inRegs(dst, limbs)
	}
	c.applyLimbs(first, rest, dst[:limbs], &o)
	return dst
}

// applyLimbs does dst = dst op o limb by limb: first for the lowest that it
// changes, rest for the others. It uses RAX.
func (c *Compiler) applyLimbs(first, rest alu, dst []reg, o *operand) {
	op, held := first, uint64(0) // held is the constant in RAX; one that is loaded is not 0
	for k, r := range dst {
		switch {
		case neutral(op, o, k):
			continue
		case op == and && o.isZero(k):
			c.asm.movI(r, 0)
		case op == and && o.kind == inConstant && o.words[k] == 1<<32-1:
			c.asm.rr(opMov32, r, r)
		case o.kind == inConstant && !fits32(o.words[k]):
			if held != o.words[k] {
				held = o.words[k]
				c.asm.movI(rax, held)
			}
			c.asm.alu(op, r, rax)
		default:
			c.applyLimb(op, r, o, k, rax)
		}
		op = rest
	}
}

// neutral reports whether op with limb k of o changes nothing.
func neutral(op alu, o *operand, k int) bool {
	switch op {
	case add, sub, or, xor:
		return o.isZero(k)
	case and:
		return o.kind == inConstant && k < o.limbs && o.words[k] == 1<<64-1
	}
	return false
}

// dies reports whether v is in registers and instruction i uses it last.
func (c *Compiler) dies(v ir.Value, i int) bool {
	val := c.alloc.find(v)
	return val != nil && val.inRegs && int(val.last) == i
}

func (c *Compiler) lowerNot(i int) {
	dst := c.takeOver(i, c.program.Instrs[i].Args[0])
	for _, r := range dst[:c.alloc.of(i).limbs] {
		c.asm.r(opNot, r)
	}
	c.settle(i, dst)
}

func (c *Compiler) lowerCompare(i int) {
	in := &c.program.Instrs[i]
	dst := c.define(i)
	holds := c.compare(in.Op, in.Args[0], in.Args[1])
	c.asm.setcc(holds, rax)
	c.settleByte(i, dst)
}

// settleByte makes dst the result of instruction i: the lowest byte of RAX.
func (c *Compiler) settleByte(i int, dst [4]reg) {
	for k, r := range dst[:c.alloc.of(i).limbs] {
		if k == 0 {
			c.asm.movzx8(r, rax)
		} else {
			c.asm.movI(r, 0)
		}
	}
	c.settle(i, dst)
}

// compare sets the flags by a comparison and returns the condition under which
// it holds. It uses RAX, RCX and RDX.
func (c *Compiler) compare(op ir.Op, xv, yv ir.Value) cond {
	x := c.operand(xv)
	switch op {
	case ir.ISZERO:
		c.compareZero(&x)
		return ifEqual
	case ir.EQ:
		y := c.operand(yv)
		c.compareEqual(&x, &y)
		return ifEqual
	}
	y := c.operand(yv)
	limbs := max(x.limbs, y.limbs, 1)
	c.applyLimb(cmp, c.limbReg(&x, 0, rax), &y, 0, rcx)
	for k := 1; k < limbs; k++ {
		c.loadLimb(rax, &x, k)
		c.applyLimb(sbb, rax, &y, k, rcx)
	}
	if op == ir.SLT && limbs == 4 {
		return ifLess
	}
	return ifBelow
}

// compareZero sets the zero flag if x is zero.
func (c *Compiler) compareZero(x *operand) {
	if x.limbs == 1 && x.kind == inMemory {
		c.asm.aluMI(cmp, x.limbMem(0), 0)
		return
	}
	if x.limbs < 2 {
		r := c.limbReg(x, 0, rax)
		c.asm.rr(opTest, r, r)
		return
	}
	c.loadLimb(rax, x, 0)
	for k := 1; k < x.limbs; k++ {
		c.applyLimb(or, rax, x, k, rcx)
	}
}

// compareEqual sets the zero flag if x equals y.
func (c *Compiler) compareEqual(x, y *operand) {
	limbs := max(x.limbs, y.limbs, 1)
	if limbs == 1 {
		c.applyLimb(cmp, c.limbReg(x, 0, rax), y, 0, rcx)
		return
	}
	if x.limbs < y.limbs {
		x, y = y, x
	}
	acc := rax
	for k := range limbs {
		c.loadLimb(acc, x, k)
		if !y.isZero(k) {
			c.applyLimb(xor, acc, y, k, rdx)
		}
		if k > 0 {
			c.asm.alu(or, rax, rcx)
		}
		acc = rcx
	}
}
