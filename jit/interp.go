package jit

import "github.com/redline-evm/redline/jit/ir"

// run executes the frame's code and returns why it ended.
//
// Here are the arms that call no function, with those that jump; slow has all
// others. A call would make the compiler save registers before each arm.
//
// The stack pointer sp points to the word that was on top when the block was
// entered. Gas and stack height are checked once for each basic block; after
// that the arms work without checks. An arm does no more than a few loads and
// stores, so that the compiler keeps ip and sp in registers.
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
		if ip.to != 0 { // rarely: without it, ip does not wait for a load
			ip = skip(ip, ip.to)
		}
		ip = skip(ip, 1)

	block:
		for ; ; ip = skip(ip, 1) {
			switch ip.op {
			case armHeader:
				break block
			case armBadJump:
				return InvalidJump
			case armMove:
				copyWord(at(sp, ip.dst), at(sp, ip.a))
				continue
			case armSwap:
				swapWords(at(sp, ip.a), at(sp, ip.b))
				continue
			case armSet:
				setUint64(at(sp, ip.dst), uint64(ip.arg))
				continue
			case armSetWide:
				copyWord(at(sp, ip.dst), &f.code.words[ip.arg])
				continue
			case armAdd:
				add(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
				continue
			case armSub:
				sub(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
				continue
			case armMul:
				x, y := at(sp, ip.a), at(sp, ip.b)
				if x[1]|x[2]|x[3]|y[1]|y[2]|y[3] == 0 {
					setProduct(at(sp, ip.dst), x[0], y[0])
					continue
				}
			case armLt:
				setUint64(at(sp, ip.dst), less(at(sp, ip.a), at(sp, ip.b)))
				continue
			case armSlt:
				setUint64(at(sp, ip.dst), lessSigned(at(sp, ip.a), at(sp, ip.b)))
				continue
			case armEq:
				setUint64(at(sp, ip.dst), isZero(difference(at(sp, ip.a), at(sp, ip.b))))
				continue
			case armIsZero:
				setUint64(at(sp, ip.dst), isZero(anyBit(at(sp, ip.a))))
				continue
			case armAnd:
				and(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
				continue
			case armOr:
				or(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
				continue
			case armXor:
				xor(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
				continue
			case armNot:
				not(at(sp, ip.dst), at(sp, ip.a))
				continue
			case armByte:
				byteTo(at(sp, ip.dst), at(sp, ip.b), saturated(at(sp, ip.a)))
				continue
			case armAddImm:
				addUint64(at(sp, ip.dst), at(sp, ip.a), uint64(ip.arg))
				continue
			case armSubImm:
				subUint64(at(sp, ip.dst), at(sp, ip.a), uint64(ip.arg))
				continue
			case armSubFrom:
				subFromUint64(at(sp, ip.dst), uint64(ip.arg), at(sp, ip.a))
				continue
			case armAndImm:
				setUint64(at(sp, ip.dst), at(sp, ip.a)[0]&uint64(ip.arg))
				continue
			case armEqImm:
				setUint64(at(sp, ip.dst), isZero(differenceUint64(at(sp, ip.a), uint64(ip.arg))))
				continue
			case armLtImm:
				setUint64(at(sp, ip.dst), lessUint64(at(sp, ip.a), uint64(ip.arg)))
				continue
			case armGtImm:
				setUint64(at(sp, ip.dst), 1^lessUint64(at(sp, ip.a), uint64(ip.arg)+1))
				continue
			case armShlImm:
				a, b, c, d := wordsLeft(at(sp, ip.a), ip.arg)
				bitsLeft(at(sp, ip.dst), a, b, c, d, ip.arg)
				continue
			case armShrImm:
				a, b, c, d := wordsRight(at(sp, ip.a), ip.arg, 0)
				bitsRight(at(sp, ip.dst), a, b, c, d, ip.arg, 0)
				continue
			case armByteImm:
				byteTo(at(sp, ip.dst), at(sp, ip.a), uint64(ip.arg))
				continue
			case armSignExtendImm:
				z, index := at(sp, ip.dst), uint64(ip.arg)
				copyWord(z, at(sp, ip.a))
				if index < ir.WordSize-1 {
					fillSign(z, index/8, 56-index%8*8)
				}
				continue
			case armAddWide:
				add(at(sp, ip.dst), at(sp, ip.a), &f.code.words[ip.arg])
				continue
			case armAndWide:
				and(at(sp, ip.dst), at(sp, ip.a), &f.code.words[ip.arg])
				continue
			case armOrWide:
				or(at(sp, ip.dst), at(sp, ip.a), &f.code.words[ip.arg])
				continue
			case armMload:
				if x := at(sp, ip.a); f.covers(x) {
					loadWord(at(sp, ip.dst), f.mem.bytes[x[0]:])
					continue
				}
			case armMloadImm:
				if offset := uint64(ip.arg); offset < f.mem.loads {
					loadWord(at(sp, ip.dst), f.mem.bytes[offset:])
					continue
				}
			case armMstore:
				if x := at(sp, ip.a); f.covers(x) {
					storeWord(f.mem.bytes[x[0]:], at(sp, ip.b))
					continue
				}
			case armMstoreImm:
				if offset := uint64(ip.arg); offset < f.mem.loads {
					storeWord(f.mem.bytes[offset:], at(sp, ip.a))
					continue
				}
			case armCallDataSize:
				setUint64(at(sp, ip.dst), uint64(len(f.input)))
				continue
			case armCallValue:
				copyWord(at(sp, ip.dst), &f.value)
				continue
			case armCaller:
				at(sp, ip.dst).SetBytes20(f.caller[:])
				continue
			case armGasLeft:
				setUint64(at(sp, ip.dst), f.gas+uint64(ip.arg))
				continue
			case armFall:
				sp = at(sp, ip.dst)
				continue
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
			}
			if !f.slow(ip, sp) {
				return f.halt
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
