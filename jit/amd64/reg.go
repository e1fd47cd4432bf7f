package amd64

// reg is a general register by its number in the encoding.
type reg uint8

const (
	rax reg = iota
	rcx
	rdx
	rbx
	rsp
	rbp
	rsi
	rdi
	r8
	r9
	r10
	r11
	r12
	r13
	r14
	r15

	noReg = rsp // as an index: the encoding has no RSP there and means none
)

// cond is a condition on the flags by its number in the encoding. A condition
// and its opposite differ in the lowest bit.
type cond uint8

const (
	ifOverflow    cond = 0x0
	ifBelow       cond = 0x2 // carry
	ifNotBelow    cond = 0x3
	ifEqual       cond = 0x4 // zero
	ifNotEqual    cond = 0x5
	ifNotAbove    cond = 0x6
	ifAbove       cond = 0x7
	ifSign        cond = 0x8
	ifLess        cond = 0xc // signed
	ifNotLess     cond = 0xd
	ifNotGreater  cond = 0xe
	ifGreater     cond = 0xf
	ifNotOverflow      = ifOverflow ^ 1
	ifNotSign          = ifSign ^ 1
)

func (c cond) not() cond { return c ^ 1 }

// mem is a memory operand: [base + index*scale + disp]. The index is noReg for
// none.
type mem struct {
	base  reg
	index reg
	scale uint8 // 1, 2, 4 or 8; 0 means 1
	disp  int32
}

// at is [base + disp].
func at(base reg, disp int32) mem { return mem{base: base, index: noReg, disp: disp} }

// indexed is [base + index*scale + disp].
func indexed(base, index reg, scale uint8, disp int32) mem {
	return mem{base: base, index: index, scale: scale, disp: disp}
}

// plus is the operand disp bytes farther.
func (m mem) plus(disp int32) mem {
	m.disp += disp
	return m
}
