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
	width := func(i int) int { return b.bits(in.Args[i]) }
	switch in.Op {
	case ADD:
		return uint16(min(256, max(width(0), width(1))+1))
	case MUL:
		return uint16(min(256, width(0)+width(1)))
	case DIV:
		return uint16(width(0))
	case AND, MOD:
		return uint16(min(width(0), width(1)))
	case OR, XOR:
		return uint16(max(width(0), width(1)))
	case MULMOD, ADDMOD:
		return uint16(width(2))
	case SHL:
		if count, ok := in.Args[0].Small(); ok {
			return uint16(min(256, width(1)+int(min(count, 256))))
		}
	case SHR:
		if count, ok := in.Args[0].Small(); ok {
			return uint16(max(0, width(1)-int(min(count, 256))))
		}
		return uint16(width(1))
	}
	return resultBits[in.Op]
}

// bits is an upper bound of the width of v in the open block.
func (b *Builder) bits(v Value) int {
	if depth, ok := v.EntrySlot(); ok && b.state != nil && depth < flowDepth {
		return b.flow.bits(b.state[depth])
	}
	return b.out.Bits(v)
}
