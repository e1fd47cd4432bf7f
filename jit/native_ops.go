package jit

import words "github.com/redline-evm/redline/jit/word"

// Handlers of the operations that have an arm in run: generated code leaves to Go
// what it does not do itself, or not for these operands.

func opDiv(_ *frame, _ *instr, sp *word) *word {
	z := below(sp, 1)
	words.Div(z, sp, z)
	return z
}

func opSdiv(_ *frame, _ *instr, sp *word) *word {
	z := below(sp, 1)
	words.SDiv(z, sp, z)
	return z
}

func opMod(_ *frame, _ *instr, sp *word) *word {
	z := below(sp, 1)
	words.Mod(z, sp, z)
	return z
}

func opSmod(_ *frame, _ *instr, sp *word) *word {
	z := below(sp, 1)
	words.SMod(z, sp, z)
	return z
}

func opAddMod(_ *frame, _ *instr, sp *word) *word {
	z := below(sp, 2)
	words.AddMod(z, sp, below(sp, 1), z)
	return z
}

func opMulMod(f *frame, _ *instr, sp *word) *word {
	z := below(sp, 2)
	f.evm.memo.MulMod(z, sp, below(sp, 1), z)
	return z
}

func opSignExtend(_ *frame, _ *instr, sp *word) *word {
	z := below(sp, 1)
	signExtendTo(z, z, saturated(sp))
	return z
}

func opByte(_ *frame, _ *instr, sp *word) *word {
	z := below(sp, 1)
	byteTo(z, z, saturated(sp))
	return z
}

func opKeccak256(f *frame, _ *instr, sp *word) *word {
	z := below(sp, 1)
	if !f.hash(z, sp, z) {
		return f.end(OutOfGas)
	}
	return z
}

func opMload(f *frame, _ *instr, sp *word) *word {
	if !f.reachWord(sp) {
		return f.end(OutOfGas)
	}
	loadWord(sp, f.mem.bytes[sp[0]:])
	return sp
}

func opMstore(f *frame, _ *instr, sp *word) *word {
	if !f.reachWord(sp) {
		return f.end(OutOfGas)
	}
	storeWord(f.mem.bytes[sp[0]:], below(sp, 1))
	return below(sp, 2)
}

func opMstore8(f *frame, _ *instr, sp *word) *word {
	if !f.storeByte(sp, below(sp, 1)) {
		return f.end(OutOfGas)
	}
	return below(sp, 2)
}

func opCallDataLoad(f *frame, _ *instr, sp *word) *word {
	f.loadCallData(sp, saturated(sp))
	return sp
}
