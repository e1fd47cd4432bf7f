package ir

// resultBits are the widths that results of an opcode never exceed.
var resultBits [256]uint16

func init() {
	for op := range resultBits {
		resultBits[op] = 256
	}
	for op, width := range map[Op]uint16{
		LT: 1, SLT: 1, EQ: 1, ISZERO: 1, BYTE: 8, CLZ: 9,
		ADDRESS: 160, ORIGIN: 160, CALLER: 160, COINBASE: 160,
		CALLDATASIZE: 64, RETURNDATASIZE: 64, EXTCODESIZE: 64, MSIZE: 64, GAS: 64,
		TIMESTAMP: 64, NUMBER: 64, GASLIMIT: 64, CHAINID: 64,
		CALL: 1, CALLCODE: 1, DELEGATECALL: 1, STATICCALL: 1, CREATE: 160, CREATE2: 160,
	} {
		resultBits[op] = width
	}
}

// bitsOf is the width that the result of an instruction never exceeds.
func (b *Builder) bitsOf(in *Instr) uint16 {
	switch in.Op {
	case ADD:
		return uint16(min(operationBits(ADD, b.bits(in.Args[0]), b.bits(in.Args[1])), b.increment(in.Args[0], in.Args[1])))
	case SUB:
		if b.noBorrow(in.Args[0], in.Args[1]) {
			return uint16(b.bits(in.Args[0]))
		}
	case DIV:
		if by, ok := b.out.Const(in.Args[1]); ok && !by.IsZero() {
			return uint16(max(0, b.bits(in.Args[0])-by.BitLen()+1))
		}
	case MULMOD, ADDMOD:
		return uint16(b.bits(in.Args[2]))
	case SHL, SHR:
		if count, ok := in.Args[0].Small(); ok {
			return shiftedBits(in.Op, b.bits(in.Args[1]), int(min(count, 256)))
		}
	}
	if table[in.Op].Pops != 2 {
		return resultBits[in.Op]
	}
	return uint16(min(int(resultBits[in.Op]), operationBits(in.Op, b.bits(in.Args[0]), b.bits(in.Args[1]))))
}

// shiftedBits is the width of a word of so many bits after a shift by count.
func shiftedBits(op Op, bits, count int) uint16 {
	if op == SHL {
		return uint16(min(256, bits+count))
	}
	return uint16(max(0, bits-count))
}

// operationBits is an upper bound of the width of the result of an operation with
// operands of such widths.
func operationBits(op Op, x, y int) int {
	switch op {
	case ADD:
		return max(x, y) + 1
	case MUL:
		return x + y
	case DIV:
		return x
	case AND, MOD:
		return min(x, y)
	case OR, XOR:
		return max(x, y)
	case SHR:
		return y
	}
	return 256
}

// bits is an upper bound of the width of v in the open block or loop.
func (b *Builder) bits(v Value) int {
	if b.loop.open {
		return b.loopBits(v)
	}
	if depth, ok := v.EntrySlot(); ok && b.state != nil && depth < flowDepth {
		return b.flow.bits(b.state[depth])
	}
	return b.out.Bits(v)
}
