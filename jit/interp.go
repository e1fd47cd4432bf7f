package jit

// run executes the frame's code and returns why it ended.
//
// The stack pointer sp points to the word that was on top when the block was
// entered. Gas and stack height are checked once for each basic block; after
// that the arms work without checks. An arm does no more than a few loads and
// stores, so that the compiler keeps ip and sp in registers. What is rare is done
// by the table of handlers.
//
// Results may overwrite operands: an arm reads a limb before it writes it.
func (f *frame) run() Halt {
	instrs := &f.code.instrs[0]
	ip := skip(instrs, entry)
	sp := f.base
	for {
		// ip is at a block header.
		height := heightLimbs(sp, f.base)
		if height-uint64(ip.a) > uint64(ip.b) {
			return stackHalt(height, ip)
		}
		if f.gas < uint64(ip.arg) {
			return OutOfGas
		}
		if f.evm.cancelled.Load() {
			return Cancelled
		}
		f.gas -= uint64(ip.arg)
		ip = skip(ip, ip.to+1)

	block:
		for ; ; ip = skip(ip, 1) {
			switch ip.op {
			case armHeader:
				break block
			case armBadJump:
				return InvalidJump
			case armHost:
				result := handlers[ip.opcode](f, ip, at(sp, ip.a))
				if result == nil {
					return f.halt
				}
				copyWord(at(sp, ip.dst), result)

			case armMove:
				copyWord(at(sp, ip.dst), at(sp, ip.a))
			case armSwap:
				swapWords(at(sp, ip.a), at(sp, ip.b))
			case armSet:
				setUint64(at(sp, ip.dst), uint64(ip.arg))
			case armSetWide:
				copyWord(at(sp, ip.dst), &f.code.words[ip.arg])

			case armAdd:
				add(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
			case armSub:
				sub(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
			case armMul:
				at(sp, ip.dst).Mul(at(sp, ip.a), at(sp, ip.b))
			case armDiv:
				divide(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
			case armSdiv:
				divideSigned(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
			case armMod:
				modulo(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
			case armSmod:
				at(sp, ip.dst).SMod(at(sp, ip.a), at(sp, ip.b))
			case armAddMod:
				at(sp, ip.dst).AddMod(at(sp, ip.a), at(sp, ip.b), at(sp, int16(ip.to)))
			case armMulMod:
				f.evm.mulMod.mulMod(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b), at(sp, int16(ip.to)))
			case armSignExtend:
				signExtendTo(at(sp, ip.dst), at(sp, ip.b), saturated(at(sp, ip.a)))
			case armLt:
				setUint64(at(sp, ip.dst), less(at(sp, ip.a), at(sp, ip.b)))
			case armSlt:
				setUint64(at(sp, ip.dst), lessSigned(at(sp, ip.a), at(sp, ip.b)))
			case armEq:
				setUint64(at(sp, ip.dst), isZero(difference(at(sp, ip.a), at(sp, ip.b))))
			case armIsZero:
				setUint64(at(sp, ip.dst), isZero(anyBit(at(sp, ip.a))))
			case armAnd:
				and(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
			case armOr:
				or(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
			case armXor:
				xor(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
			case armNot:
				not(at(sp, ip.dst), at(sp, ip.a))
			case armByte:
				byteTo(at(sp, ip.dst), at(sp, ip.b), saturated(at(sp, ip.a)))
			case armShl:
				z, x := at(sp, ip.dst), at(sp, ip.b)
				if count := saturated(at(sp, ip.a)); count < 256 {
					shiftLeft(z, x, uint(count))
				} else {
					setUint64(z, 0)
				}
			case armShr:
				z, x := at(sp, ip.dst), at(sp, ip.b)
				if count := saturated(at(sp, ip.a)); count < 256 {
					shiftRight(z, x, uint(count), 0)
				} else {
					setUint64(z, 0)
				}
			case armSar:
				x := at(sp, ip.b)
				sign := signOf(x)
				if count := saturated(at(sp, ip.a)); count < 256 {
					shiftRight(at(sp, ip.dst), x, uint(count), sign)
				} else {
					z := at(sp, ip.dst)
					z[0], z[1], z[2], z[3] = sign, sign, sign, sign
				}

			case armAddImm:
				addUint64(at(sp, ip.dst), at(sp, ip.a), uint64(ip.arg))
			case armSubImm:
				subUint64(at(sp, ip.dst), at(sp, ip.a), uint64(ip.arg))
			case armSubFrom:
				subFromUint64(at(sp, ip.dst), uint64(ip.arg), at(sp, ip.a))
			case armAndImm:
				setUint64(at(sp, ip.dst), at(sp, ip.a)[0]&uint64(ip.arg))
			case armEqImm:
				setUint64(at(sp, ip.dst), isZero(differenceUint64(at(sp, ip.a), uint64(ip.arg))))
			case armLtImm:
				setUint64(at(sp, ip.dst), lessUint64(at(sp, ip.a), uint64(ip.arg)))
			case armGtImm:
				setUint64(at(sp, ip.dst), 1^lessUint64(at(sp, ip.a), uint64(ip.arg)+1))
			case armShlImm:
				shiftLeft(at(sp, ip.dst), at(sp, ip.a), uint(ip.arg))
			case armShrImm:
				shiftRight(at(sp, ip.dst), at(sp, ip.a), uint(ip.arg), 0)
			case armSarImm:
				x := at(sp, ip.a)
				shiftRight(at(sp, ip.dst), x, uint(ip.arg), signOf(x))
			case armByteImm:
				byteTo(at(sp, ip.dst), at(sp, ip.a), uint64(ip.arg))
			case armSignExtendImm:
				signExtendTo(at(sp, ip.dst), at(sp, ip.a), uint64(ip.arg))
			case armAddWide:
				add(at(sp, ip.dst), at(sp, ip.a), &f.code.words[ip.arg])
			case armAndWide:
				and(at(sp, ip.dst), at(sp, ip.a), &f.code.words[ip.arg])
			case armOrWide:
				or(at(sp, ip.dst), at(sp, ip.a), &f.code.words[ip.arg])

			case armMload:
				x := at(sp, ip.a)
				if !f.covers(x) && !f.reachWord(x) {
					return OutOfGas
				}
				loadWord(at(sp, ip.dst), f.mem.bytes[x[0]:])
			case armMloadImm:
				offset := uint64(ip.arg)
				if offset >= f.mem.loads && !f.reachOffset(offset) {
					return OutOfGas
				}
				loadWord(at(sp, ip.dst), f.mem.bytes[offset:])
			case armMstore:
				x := at(sp, ip.a)
				if !f.covers(x) && !f.reachWord(x) {
					return OutOfGas
				}
				storeWord(f.mem.bytes[x[0]:], at(sp, ip.b))
			case armMstoreImm:
				offset := uint64(ip.arg)
				if offset >= f.mem.loads && !f.reachOffset(offset) {
					return OutOfGas
				}
				storeWord(f.mem.bytes[offset:], at(sp, ip.a))
			case armMstore8:
				if !f.storeByte(at(sp, ip.a), at(sp, ip.b)) {
					return OutOfGas
				}
			case armKeccak256:
				if !f.hash(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b)) {
					return OutOfGas
				}
			case armCallDataLoad:
				f.loadCallData(at(sp, ip.dst), saturated(at(sp, ip.a)))
			case armCallDataLoadImm:
				f.loadCallData(at(sp, ip.dst), uint64(ip.arg))
			case armCallDataSize:
				setUint64(at(sp, ip.dst), uint64(len(f.input)))
			case armCallValue:
				copyWord(at(sp, ip.dst), &f.value)
			case armCaller:
				at(sp, ip.dst).SetBytes20(f.caller[:])
			case armGasLeft:
				setUint64(at(sp, ip.dst), f.gas+uint64(ip.arg))
			case armSload:
				if f.evm.state.Storage(f.self, at(sp, ip.a), at(sp, ip.dst)) && !f.charge(gasColdSlot) {
					return OutOfGas
				}
			case armSstore:
				if halt := f.store(at(sp, ip.a), at(sp, ip.b), uint64(ip.arg)); halt != Success {
					return halt
				}

			case armFall:
				sp = at(sp, ip.dst)
			case armJump:
				sp = at(sp, ip.dst)
				ip = skip(instrs, ip.to)
				break block
			case armMoveJump:
				copyWord(at(sp, ip.a), at(sp, ip.b))
				sp = at(sp, ip.dst)
				ip = skip(instrs, ip.to)
				break block
			case armJumpTo:
				target := f.target(at(sp, ip.a))
				sp = at(sp, ip.dst)
				ip = skip(instrs, target)
				break block
			case armJumpIf:
				x := at(sp, ip.a)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, anyBit(x) != 0)
				break block
			case armJumpIfZero:
				x := at(sp, ip.a)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, anyBit(x) == 0)
				break block
			case armJumpIfLt:
				x, y := at(sp, ip.a), at(sp, ip.b)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, less(x, y) != 0)
				break block
			case armJumpIfGe:
				x, y := at(sp, ip.a), at(sp, ip.b)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, less(x, y) == 0)
				break block
			case armJumpIfSlt:
				x, y := at(sp, ip.a), at(sp, ip.b)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, lessSigned(x, y) != 0)
				break block
			case armJumpIfSge:
				x, y := at(sp, ip.a), at(sp, ip.b)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, lessSigned(x, y) == 0)
				break block
			case armJumpIfEq:
				x, y := at(sp, ip.a), at(sp, ip.b)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, difference(x, y) == 0)
				break block
			case armJumpIfNe:
				x, y := at(sp, ip.a), at(sp, ip.b)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, difference(x, y) != 0)
				break block
			case armJumpIfLtImm:
				x := at(sp, ip.a)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, lessUint64(x, uint64(ip.arg)) != 0)
				break block
			case armJumpIfGeImm:
				x := at(sp, ip.a)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, lessUint64(x, uint64(ip.arg)) == 0)
				break block
			case armJumpIfGtImm:
				x := at(sp, ip.a)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, lessUint64(x, uint64(ip.arg)+1) == 0)
				break block
			case armJumpIfLeImm:
				x := at(sp, ip.a)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, lessUint64(x, uint64(ip.arg)+1) != 0)
				break block
			case armJumpIfEqImm:
				x := at(sp, ip.a)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, differenceUint64(x, uint64(ip.arg)) == 0)
				break block
			case armJumpIfNeImm:
				x := at(sp, ip.a)
				sp = at(sp, ip.dst)
				ip = branch(instrs, ip, differenceUint64(x, uint64(ip.arg)) != 0)
				break block

			default:
				panic("BUG: no such operation")
			}
		}
	}
}

// branch returns the header behind a jump at ip that is taken or not.
func branch(instrs, ip *instr, taken bool) *instr {
	if taken {
		return skip(instrs, ip.to)
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
	if dest[1]|dest[2]|dest[3] != 0 || dest[0] >= uint64(len(f.code.dests)) {
		return 0
	}
	return f.code.dests[dest[0]]
}

// stackHalt names what is wrong with the height at which a block was entered.
func stackHalt(height uint64, head *instr) Halt {
	if height < uint64(head.a) {
		return StackUnderflow
	}
	return StackOverflow
}
