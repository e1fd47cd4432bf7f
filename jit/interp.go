package jit

import "github.com/redline-evm/redline/jit/ir"

// run executes the frame's code and returns why it ended.
//
// The stack pointer sp points to the top word. Gas and stack height are checked
// once for each basic block; after that the arms work without checks. Frequent
// operations have an arm here; an arm does no more than a few loads and stores,
// so that the compiler keeps ip and sp in registers. All others are functions in
// the table of handlers.
func (f *frame) run() Halt {
	instrs := &f.code.Instrs[0]
	ip := skip(instrs, ir.Entry)
	sp := f.base
	for {
		// ip is at a block header.
		height := uint64(heightBytes(sp, f.base))
		second := skip(ip, 1)
		if height-uint64(ip.N) > uint64(second.N) {
			return f.stackHalt(height, ip.N)
		}
		if f.gas < uint64(ip.Arg) {
			return OutOfGas
		}
		if f.evm.cancelled.Load() {
			return Cancelled
		}
		f.gas -= uint64(ip.Arg)
		ip = skip(ip, second.Arg+ir.HeaderSize)

	block:
		for ; ; ip = skip(ip, 1) {
			switch ip.Op {
			case ir.Header:
				break block

			case ir.Push:
				sp = above(sp)
				setUint64(sp, uint64(ip.Arg))
			case ir.PushWide:
				sp = above(sp)
				copyWord(sp, &f.code.Words[ip.Arg])
			case ir.Dup:
				x := bytesBelow(sp, ip.N)
				sp = above(sp)
				copyWord(sp, x)
			case ir.Swap:
				swapWords(sp, bytesBelow(sp, ip.N))
			case ir.SwapDrop:
				copyWord(bytesBelow(sp, ip.N), sp)
				sp = below(sp, 1)
			case ir.Drop:
				sp = bytesBelow(sp, ip.N)

			case ir.DupDup:
				x := bytesBelow(sp, ip.N)
				sp = above(sp)
				copyWord(sp, x)
				x = bytesBelow(sp, uint16(ip.Arg))
				sp = above(sp)
				copyWord(sp, x)
			case ir.DupSwap:
				x := bytesBelow(sp, ip.N)
				sp = above(sp)
				y := bytesBelow(sp, uint16(ip.Arg))
				copyWord(sp, x)
				swapWords(sp, y)
			case ir.PushDup:
				sp = above(sp)
				setUint64(sp, uint64(ip.Arg))
				x := bytesBelow(sp, ip.N)
				sp = above(sp)
				copyWord(sp, x)
			case ir.DupPush:
				x := bytesBelow(sp, ip.N)
				sp = above(sp)
				copyWord(sp, x)
				sp = above(sp)
				setUint64(sp, uint64(ip.Arg))
			case ir.SwapSwap:
				x, y := bytesBelow(sp, ip.N), bytesBelow(sp, uint16(ip.Arg))
				swapWords(sp, x)
				swapWords(sp, y)
			case ir.SwapDropDrop:
				copyWord(bytesBelow(sp, ip.N), sp)
				sp = bytesBelow(below(sp, 1), uint16(ip.Arg))

			case ir.ADD:
				x := sp
				sp = below(sp, 1)
				add(sp, x, sp)
			case ir.SUB:
				x := sp
				sp = below(sp, 1)
				sub(sp, x, sp)
			case ir.LT:
				x := sp
				sp = below(sp, 1)
				setUint64(sp, less(x, sp))
			case ir.GT:
				x := sp
				sp = below(sp, 1)
				setUint64(sp, less(sp, x))
			case ir.EQ:
				x := sp
				sp = below(sp, 1)
				setUint64(sp, isZero((x[0]^sp[0])|(x[1]^sp[1])|(x[2]^sp[2])|(x[3]^sp[3])))
			case ir.ISZERO:
				setUint64(sp, isZero(anyBit(sp)))
			case ir.AND:
				x := sp
				sp = below(sp, 1)
				and(sp, x, sp)
			case ir.OR:
				x := sp
				sp = below(sp, 1)
				sp[0], sp[1], sp[2], sp[3] = x[0]|sp[0], x[1]|sp[1], x[2]|sp[2], x[3]|sp[3]
			case ir.XOR:
				x := sp
				sp = below(sp, 1)
				sp[0], sp[1], sp[2], sp[3] = x[0]^sp[0], x[1]^sp[1], x[2]^sp[2], x[3]^sp[3]
			case ir.NOT:
				sp[0], sp[1], sp[2], sp[3] = ^sp[0], ^sp[1], ^sp[2], ^sp[3]

			case ir.MUL:
				x := sp
				sp = below(sp, 1)
				sp.Mul(x, sp)
			case ir.SIGNEXTEND:
				sp = opSignExtend(sp)
			case ir.SLT:
				x := sp
				sp = below(sp, 1)
				setUint64(sp, lessSigned(x, sp))
			case ir.SGT:
				x := sp
				sp = below(sp, 1)
				setUint64(sp, lessSigned(sp, x))
			case ir.SHL:
				sp = opSHL(sp)
			case ir.SHR:
				sp = opSHR(sp)

			case ir.CALLDATALOAD:
				f.loadCallData(sp)
			case ir.CALLDATASIZE:
				sp = pushUint64(sp, uint64(len(f.input)))
			case ir.CALLER:
				sp = pushAddress(sp, &f.caller)
			case ir.CALLVALUE:
				sp = pushWord(sp, &f.value)
			case ir.GAS:
				sp = pushUint64(sp, f.gas+uint64(ip.Arg))
			case ir.KECCAK256:
				if sp = opKeccak256(f, sp); sp == nil {
					return OutOfGas
				}
			case ir.MSTORE8:
				if sp = opMStore8(f, sp); sp == nil {
					return OutOfGas
				}
			case ir.SLOAD:
				if f.evm.state.Storage(f.self, sp, sp) && !f.charge(gasColdSlot) {
					return OutOfGas
				}

			case ir.AddImm:
				addUint64(sp, sp, uint64(ip.Arg))
			case ir.SubImm:
				subUint64(sp, uint64(ip.Arg))
			case ir.AndImm:
				setUint64(sp, sp[0]&uint64(ip.Arg))
			case ir.AndWide:
				and(sp, &f.code.Words[ip.Arg], sp)
			case ir.ShlImm:
				shiftLeft(sp, uint(ip.Arg))
			case ir.ShrImm:
				shiftRight(sp, uint(ip.Arg))
			case ir.EqImm:
				setUint64(sp, isZero((sp[0]^uint64(ip.Arg))|sp[1]|sp[2]|sp[3]))
			case ir.DupAdd:
				add(sp, bytesBelow(sp, ip.N), sp)
			case ir.DupAnd:
				and(sp, bytesBelow(sp, ip.N), sp)
			case ir.DupAndWide:
				x, y := bytesBelow(sp, ip.N), &f.code.Words[ip.Arg]
				sp = above(sp)
				and(sp, x, y)
			case ir.DupSub:
				sub(sp, bytesBelow(sp, ip.N), sp)
			case ir.DupAddImm:
				x := bytesBelow(sp, ip.N)
				sp = above(sp)
				addUint64(sp, x, uint64(ip.Arg))
			case ir.SubSwap:
				x := sp
				sp = below(sp, 1)
				sub(sp, sp, x)

			case ir.MLOAD:
				if !f.covers(sp) && !f.reachWord(sp) {
					return OutOfGas
				}
				loadWord(sp, f.mem.bytes[sp[0]:])
			case ir.MloadAdd:
				addUint64(sp, sp, uint64(ip.Arg))
				if !f.covers(sp) && !f.reachWord(sp) {
					return OutOfGas
				}
				loadWord(sp, f.mem.bytes[sp[0]:])
			case ir.MloadImm:
				sp = above(sp)
				setUint64(sp, uint64(ip.Arg))
				if !f.covers(sp) && !f.reachWord(sp) {
					return OutOfGas
				}
				loadWord(sp, f.mem.bytes[sp[0]:])
			case ir.DupMload:
				x := bytesBelow(sp, ip.N)
				if !f.covers(x) && !f.reachWord(x) {
					return OutOfGas
				}
				sp = above(sp)
				loadWord(sp, f.mem.bytes[x[0]:])
			case ir.MSTORE:
				if !f.covers(sp) && !f.reachWord(sp) {
					return OutOfGas
				}
				storeWord(f.mem.bytes[sp[0]:], below(sp, 1))
				sp = below(sp, 2)
			case ir.MstoreImm:
				offset := uint64(ip.Arg)
				if offset >= f.mem.loads && !f.reachEnd(offset+32) {
					return OutOfGas
				}
				storeWord(f.mem.bytes[offset:], sp)
				sp = below(sp, 1)
			case ir.DupMstore:
				x := bytesBelow(sp, ip.N)
				if !f.covers(x) && !f.reachWord(x) {
					return OutOfGas
				}
				storeWord(f.mem.bytes[x[0]:], sp)
				sp = below(sp, 1)

			case ir.Goto:
				ip = skip(instrs, ip.Arg)
				break block
			case ir.GotoIf:
				x := sp
				sp = below(sp, 1)
				ip = branch(instrs, ip, anyBit(x) != 0)
				break block
			case ir.GotoIfZero:
				x := sp
				sp = below(sp, 1)
				ip = branch(instrs, ip, anyBit(x) == 0)
				break block
			case ir.GotoIfAt:
				x := bytesBelow(sp, ip.N)
				ip = branch(instrs, ip, anyBit(x) != 0)
				break block
			case ir.GotoIfZeroAt:
				x := bytesBelow(sp, ip.N)
				ip = branch(instrs, ip, anyBit(x) == 0)
				break block
			case ir.GotoIfLt:
				x := sp
				sp = below(sp, 2)
				ip = branch(instrs, ip, less(x, below(x, 1)) != 0)
				break block
			case ir.GotoIfGe:
				x := sp
				sp = below(sp, 2)
				ip = branch(instrs, ip, less(x, below(x, 1)) == 0)
				break block
			case ir.GotoIfGt:
				x := sp
				sp = below(sp, 2)
				ip = branch(instrs, ip, less(below(x, 1), x) != 0)
				break block
			case ir.GotoIfLe:
				x := sp
				sp = below(sp, 2)
				ip = branch(instrs, ip, less(below(x, 1), x) == 0)
				break block
			case ir.GotoIfEq:
				x := sp
				sp = below(sp, 2)
				ip = branch(instrs, ip, equal(x, below(x, 1)))
				break block
			case ir.GotoIfNe:
				x := sp
				sp = below(sp, 2)
				ip = branch(instrs, ip, !equal(x, below(x, 1)))
				break block
			case ir.GotoIfTopEq:
				ip = branch(instrs, skip(ip, 1), (sp[0]^uint64(ip.Arg))|sp[1]|sp[2]|sp[3] == 0)
				break block
			case ir.GotoIfTopLt:
				ip = branch(instrs, skip(ip, 1), sp[0] < uint64(ip.Arg) && sp[1]|sp[2]|sp[3] == 0)
				break block
			case ir.JUMP:
				ip = skip(instrs, f.target(sp))
				sp = below(sp, 1)
				break block
			case ir.JUMPI:
				x, y := sp, below(sp, 1)
				sp = below(sp, 2)
				if anyBit(y) == 0 {
					ip = skip(ip, 1)
				} else {
					ip = skip(instrs, f.target(x))
				}
				break block

			default:
				if sp = handlers[ip.Op](f, ip, sp); sp == nil {
					return f.halt
				}
			}
		}
	}
}

// branch returns the header behind a jump at ip that is taken or not.
func branch(instrs, ip *ir.Packed, taken bool) *ir.Packed {
	if taken {
		return skip(instrs, ip.Arg)
	}
	return skip(ip, 1)
}

// covers reports whether the word of memory at offset exists.
func (f *frame) covers(offset *word) bool {
	return offset[0] < f.mem.loads && offset[1]|offset[2]|offset[3] == 0
}

// target is the index of the header that a dynamic jump goes to: that of the
// bad jump when dest is no JUMPDEST.
func (f *frame) target(dest *word) uint32 {
	if dest[1]|dest[2]|dest[3] != 0 || dest[0] >= uint64(len(f.code.Dests)) {
		return 0
	}
	return f.code.Dests[dest[0]]
}

// stackHalt names what is wrong with the height at which a block was entered.
func (f *frame) stackHalt(height uint64, lowest uint16) Halt {
	if height < uint64(lowest) {
		return StackUnderflow
	}
	return StackOverflow
}
