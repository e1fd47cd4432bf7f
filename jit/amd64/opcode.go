package amd64

// opcode is one row of the encoding table: the opcode byte, the map that it is
// in, its mandatory prefix, and its width.
//
//	bits 0-7 byte, 8-9 map (none, 0F, 0F38, 0F3A), 10-11 prefix (none, 66,
//	F3, F2), 12 W (64-bit operands)
type opcode uint16

const (
	map0F   opcode = 1 << 8
	map0F38 opcode = 2 << 8
	map0F3A opcode = 3 << 8
	mapBits opcode = 3 << 8

	prefix66 opcode = 1 << 10
	prefixF3 opcode = 2 << 10
	prefixF2 opcode = 3 << 10

	wide opcode = 1 << 12
)

// Instructions "reg, reg/mem": the result goes to the register in front.
const (
	opMov    = wide | 0x8b
	opMov32  = 0x8b // clears the upper half
	opMovzx8 = map0F | 0xb6
	opLea    = wide | 0x8d
	opTest   = wide | 0x85
	opImul   = wide | map0F | 0xaf
	opMovbe  = wide | map0F38 | 0xf0 // memory only
	opAdcx   = wide | prefix66 | map0F38 | 0xf6
	opAdox   = wide | prefixF3 | map0F38 | 0xf6
)

// Instructions "mem, reg": stores, and RMW on memory.
const (
	opMovTo   = wide | 0x89
	opMov8To  = 0x88
	opMovbeTo = wide | map0F38 | 0xf1
	opShldCL  = wide | map0F | 0xa5 // a register in front
	opShrdCL  = wide | map0F | 0xad
	opShld    = wide | map0F | 0xa4 // likewise, and an immediate
	opShrd    = wide | map0F | 0xac
)

// VEX instructions of three operands.
const (
	opMulx = wide | prefixF2 | map0F38 | 0xf6 // high, low = RDX * reg/mem
)

// alu is an operation of the arithmetic group by its number in the encoding.
type alu uint8

const (
	add alu = iota
	or
	adc
	sbb
	and
	sub
	xor
	cmp
)

// from is the form "reg, reg/mem"; to is "mem, reg".
func (op alu) from() opcode { return wide | opcode(op)<<3 | 3 }
func (op alu) to() opcode   { return wide | opcode(op)<<3 | 1 }

// An extended opcode has its operation in the register field of ModRM.
type extended struct {
	opcode opcode
	ext    reg
}

// Instructions of one operand.
var (
	opNot  = extended{wide | 0xf7, 2}
	opNeg  = extended{wide | 0xf7, 3}
	opDiv  = extended{wide | 0xf7, 6} // RAX, RDX = RDX:RAX / operand
	opCall = extended{0xff, 2}
	opJmp  = extended{0xff, 4}

	opShlCL = extended{wide | 0xd3, 4}
	opSarCL = extended{wide | 0xd3, 7}
)

// Instructions of one operand and an immediate of one byte.
var (
	opShl  = extended{wide | 0xc1, 4}
	opShr  = extended{wide | 0xc1, 5}
	opSar  = extended{wide | 0xc1, 7}
	opMovI = extended{wide | 0xc7, 0} // of four bytes, sign-extended
)
