package jit

import words "github.com/redline-evm/redline/jit/word"

// slow runs an instruction that run has no arm for, or whose arm there does not
// apply. It returns false when the frame has ended.
func (f *frame) slow(ip *instr, sp *word) bool {
	switch ip.op {
	case armHost:
		result := handlers[ip.opcode](f, ip, at(sp, ip.a))
		if result == nil {
			return false
		}
		copyWord(at(sp, ip.dst), result)

	case armMul:
		at(sp, ip.dst).Mul(at(sp, ip.a), at(sp, ip.b))
	case armDiv:
		words.Div(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
	case armSdiv:
		words.SDiv(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
	case armMod:
		words.Mod(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
	case armSmod:
		words.SMod(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b))
	case armAddMod:
		words.AddMod(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b), at(sp, int16(ip.to)))
	case armMulMod:
		f.evm.memo.MulMod(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b), at(sp, int16(ip.to)))
	case armSignExtend:
		signExtendTo(at(sp, ip.dst), at(sp, ip.b), saturated(at(sp, ip.a)))
	case armShl:
		if count := saturated(at(sp, ip.a)); count < 256 {
			shiftLeft(at(sp, ip.dst), at(sp, ip.b), uint32(count))
		} else {
			setUint64(at(sp, ip.dst), 0)
		}
	case armShr:
		runShiftRight(ip, sp, 0)
	case armSar:
		runShiftRight(ip, sp, signOf(at(sp, ip.b)))
	case armSarImm:
		x := at(sp, ip.a)
		shiftRight(at(sp, ip.dst), x, ip.arg, signOf(x))

	case armMload:
		x := at(sp, ip.a)
		if !f.reachWord(x) {
			return f.fail(OutOfGas)
		}
		loadWord(at(sp, ip.dst), f.mem.bytes[x[0]:])
	case armMloadImm:
		if !f.reachOffset(ip.arg) {
			return f.fail(OutOfGas)
		}
		loadWord(at(sp, ip.dst), f.mem.bytes[ip.arg:])
	case armMstore:
		x := at(sp, ip.a)
		if !f.reachWord(x) {
			return f.fail(OutOfGas)
		}
		storeWord(f.mem.bytes[x[0]:], at(sp, ip.b))
	case armMstoreImm:
		if !f.reachOffset(ip.arg) {
			return f.fail(OutOfGas)
		}
		storeWord(f.mem.bytes[ip.arg:], at(sp, ip.a))
	case armMstore8:
		if !f.storeByte(at(sp, ip.a), at(sp, ip.b)) {
			return f.fail(OutOfGas)
		}
	case armKeccak256:
		if !f.hash(at(sp, ip.dst), at(sp, ip.a), at(sp, ip.b)) {
			return f.fail(OutOfGas)
		}
	case armCallDataLoad:
		f.loadCallData(at(sp, ip.dst), saturated(at(sp, ip.a)))
	case armCallDataLoadImm:
		f.loadCallData(at(sp, ip.dst), uint64(ip.arg))
	case armSload:
		if f.evm.state.Storage(&f.self, at(sp, ip.a), at(sp, ip.dst)) && !f.charge(gasColdSlot) {
			return f.fail(OutOfGas)
		}
	case armSstore:
		if halt := f.store(at(sp, ip.a), at(sp, ip.b), uint64(ip.arg)); halt != Success {
			return f.fail(halt)
		}
	default:
		panic("BUG: no such operation")
	}
	return true
}

// fail makes the frame halt.
func (f *frame) fail(halt Halt) bool {
	f.halt = halt
	return false
}

// runShiftRight runs a shift to the right by a word.
func runShiftRight(ip *instr, sp *word, fill uint64) {
	z := at(sp, ip.dst)
	if count := saturated(at(sp, ip.a)); count < 256 {
		shiftRight(z, at(sp, ip.b), uint32(count), fill)
	} else {
		z[0], z[1], z[2], z[3] = fill, fill, fill, fill
	}
}
