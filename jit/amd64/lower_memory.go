package amd64

import "github.com/redline-evm/redline/jit/ir"

// Memory is read and written inline where it is there already. What needs more
// memory than there is, or an offset that is out of the question, is left to Go.

func (c *Compiler) lowerMload(i int) { c.lowerLoad(i, ctxMemory, ctxMemoryLoads) }

func (c *Compiler) lowerCallDataLoad(i int) { c.lowerLoad(i, ctxCallData, ctxCallDataLoads) }

// lowerLoad loads a word from the bytes that base points to in the context;
// count is the number of offsets at which a whole word lies in them.
func (c *Compiler) lowerLoad(i int, base, count int32) {
	offset := c.program.Instrs[i].Args[0]
	if c.unlikely(offset) {
		c.lowerExit(i)
		return
	}
	dst := c.define(i)
	slow, resume := c.slowWay(i, dst)
	m := c.address(offset, base, count, slow)
	for k, r := range dst[:c.alloc.of(i).limbs] {
		c.asm.rm(opMovbe, r, m.plus(int32(8*(3-k))))
	}
	c.asm.bind(resume)
	c.settle(i, dst)
}

func (c *Compiler) lowerMstore(i int) {
	in := &c.program.Instrs[i]
	if c.unlikely(in.Args[0]) {
		c.lowerExit(i)
		return
	}
	slow, resume := c.slowWay(i, [4]reg{})
	m := c.address(in.Args[0], ctxMemory, ctxMemoryLoads, slow)
	x := c.operand(in.Args[1])
	for k := range 4 {
		place := m.plus(int32(8 * (3 - k)))
		switch {
		case x.isZero(k):
			c.asm.storeI(place, 0)
		default:
			c.asm.mr(opMovbeTo, place, c.limbReg(&x, k, rdx))
		}
	}
	c.asm.bind(resume)
}

func (c *Compiler) lowerMstore8(i int) {
	in := &c.program.Instrs[i]
	if c.unlikely(in.Args[0]) {
		c.lowerExit(i)
		return
	}
	slow, resume := c.slowWay(i, [4]reg{})
	m := c.address(in.Args[0], ctxMemory, ctxMemoryBytes, slow)
	x := c.operand(in.Args[1])
	c.asm.mr(opMov8To, m, c.limbReg(&x, 0, rdx))
	c.asm.bind(resume)
}

// offsetMax is the largest constant offset that is worth code of its own.
const offsetMax = 1 << 30

// unlikely reports whether no memory reaches to offset.
func (c *Compiler) unlikely(offset ir.Value) bool {
	x, ok := c.program.Const(offset)
	return ok && (!x.IsUint64() || x[0] >= offsetMax)
}

// address returns where offset is in the bytes that base points to in the
// context, if it is below count, else it goes to slow. It uses RAX and RCX,
// which the address holds.
func (c *Compiler) address(offset ir.Value, base, count int32, slow label) mem {
	o := c.operand(offset)
	if o.kind == inConstant {
		c.asm.aluMI(cmp, at(rdi, count), int32(o.words[0]))
		c.asm.jcc(ifNotAbove, slow)
		c.asm.load(rcx, at(rdi, base))
		return at(rcx, int32(o.words[0]))
	}
	if o.limbs > 1 {
		c.loadLimb(rcx, &o, 1)
		for k := 2; k < o.limbs; k++ {
			c.applyLimb(or, rcx, &o, k, rax)
		}
		c.asm.rr(opTest, rcx, rcx)
		c.asm.jcc(ifNotEqual, slow)
	}
	index := c.limbReg(&o, 0, rax)
	c.asm.aluM(cmp, index, at(rdi, count))
	c.asm.jcc(ifNotBelow, slow)
	c.asm.load(rcx, at(rdi, base))
	return indexed(rcx, index, 1, 0)
}
