package amd64

// Memory is read and written inline where it is there already, or can be grown
// to be. What needs more, or an offset that is out of the question, is left to
// Go.

// bytesOf is where a word or a byte is read or written: the fields of the
// context with the first byte and with the number of offsets that are good.
type bytesOf struct {
	base, count int32
	growBytes   int32 // of memory, which can be grown: how much one access needs
}

var (
	memoryWord   = bytesOf{ctxMemory, ctxMemoryLoads, wordBytes}
	memoryByte   = bytesOf{ctxMemory, ctxMemoryBytes, 1}
	callDataWord = bytesOf{ctxCallData, ctxCallDataLoads, 0}
)

func (c *Compiler) lowerMload(i int) { c.lowerLoad(i, &memoryWord) }

func (c *Compiler) lowerCallDataLoad(i int) { c.lowerLoad(i, &callDataWord) }

func (c *Compiler) lowerLoad(i int, from *bytesOf) {
	if c.unlikely(i) {
		c.lowerExit(i)
		return
	}
	dst := c.define(i)
	m, resume := c.address(i, dst, from)
	for k, r := range dst[:c.alloc.of(i).limbs] {
		c.asm.rm(opMovbe, r, m.plus(int32(8*(3-k))))
	}
	c.asm.bind(resume)
	c.settle(i, dst)
}

func (c *Compiler) lowerMstore(i int) {
	if c.unlikely(i) {
		c.lowerExit(i)
		return
	}
	m, resume := c.address(i, [4]reg{}, &memoryWord)
	x := c.operand(c.program.Instrs[i].Args[1])
	for k := range 4 {
		place := m.plus(int32(8 * (3 - k)))
		if x.isZero(k) {
			c.asm.storeI(place, 0)
		} else {
			c.asm.mr(opMovbeTo, place, c.limbReg(&x, k, rdx))
		}
	}
	c.asm.bind(resume)
}

func (c *Compiler) lowerMstore8(i int) {
	if c.unlikely(i) {
		c.lowerExit(i)
		return
	}
	m, resume := c.address(i, [4]reg{}, &memoryByte)
	x := c.operand(c.program.Instrs[i].Args[1])
	c.asm.mr(opMov8To, m, c.limbReg(&x, 0, rdx))
	c.asm.bind(resume)
}

// offsetMax is the largest constant offset that is worth code of its own, and
// the most memory that generated code grows to.
const offsetMax = 1 << 30

// reached reports whether memory up to end is there for sure, as code before has
// used it: memory never shrinks. If it is not, it is from now on.
func (c *Compiler) reached(end uint64) bool {
	if end <= c.memoryKnown {
		return true
	}
	c.memoryKnown = (end + wordBytes - 1) &^ (wordBytes - 1)
	return false
}

// unlikely reports whether no memory reaches to where instruction i wants it.
func (c *Compiler) unlikely(i int) bool {
	x, ok := c.program.Const(c.program.Instrs[i].Args[0])
	return ok && (!x.IsUint64() || x[0] >= offsetMax)
}

// address returns where the first operand of instruction i, an offset, points
// to. If it is no good offset, Go runs the instruction, with a result for dst,
// and goes on at resume, to be bound by the caller. It uses RAX and RCX, which
// the address holds.
func (c *Compiler) address(i int, dst [4]reg, in *bytesOf) (m mem, resume label) {
	o := c.operand(c.program.Instrs[i].Args[0])
	if in.growBytes > 0 && o.kind == inConstant && c.reached(o.words[0]+uint64(in.growBytes)) {
		c.asm.load(rcx, at(rdi, in.base))
		return at(rcx, int32(o.words[0])), c.asm.newLabel()
	}
	s := c.slowStub(i, dst)
	s.growBytes, s.retry = in.growBytes, c.asm.here()
	s.refused = c.asm.newLabel()
	slow := c.addStub(s)
	if o.kind == inConstant {
		c.asm.aluMI(cmp, at(rdi, in.count), int32(o.words[0]))
		c.asm.jcc(ifNotAbove, slow)
		c.asm.load(rcx, at(rdi, in.base))
		return at(rcx, int32(o.words[0])), s.resume
	}
	if o.limbs > 1 {
		tooLarge := slow
		if s.growBytes > 0 {
			tooLarge = s.refused
		}
		c.oneLimb(&o, rcx, tooLarge)
	}
	index := c.limbReg(&o, 0, rax)
	c.asm.aluM(cmp, index, at(rdi, in.count))
	c.asm.jcc(ifNotBelow, slow)
	c.asm.load(rcx, at(rdi, in.base))
	return indexed(rcx, index, 1, 0), s.resume
}

// oneLimb goes to tooLarge if o does not fit in a limb. It uses scratch.
func (c *Compiler) oneLimb(o *operand, scratch reg, tooLarge label) {
	switch {
	case o.limbs < 2:
		return
	case o.limbs == 2 && o.kind == inMemory:
		c.asm.aluMI(cmp, o.limbMem(1), 0)
	case o.limbs == 2:
		r := c.limbReg(o, 1, scratch)
		c.asm.rr(opTest, r, r)
	default:
		c.orLimbs(scratch, o, 1)
	}
	c.asm.jcc(ifNotEqual, tooLarge)
}

// orLimbs does dst = the OR of limb first of o, which is not the last, and those
// above. The flags are those of the result.
func (c *Compiler) orLimbs(dst reg, o *operand, first int) {
	c.loadLimb(dst, o, first)
	for k := first + 1; k < o.limbs; k++ {
		c.applyLimb(or, dst, o, k, dst)
	}
}
