package jit

import "github.com/redline-evm/redline/jit/ir"

// Gas for each word of data, on top of the static gas.
const (
	gasKeccakWord = 6
	gasCopyWord   = 3
)

func opStop(f *frame, _ *instr, _ *word) *word { return f.end(Success) }

func opReturn(f *frame, _ *instr, sp *word) *word {
	return f.endWith(Success, sp, below(sp, 1))
}

func opRevert(f *frame, _ *instr, sp *word) *word {
	return f.endWith(Reverted, sp, below(sp, 1))
}

// endWith ends the frame with memory as output.
func (f *frame) endWith(halt Halt, offset, size *word) *word {
	if !f.reach(offset, size) {
		return f.end(OutOfGas)
	}
	f.output = f.slice(offset, size)
	return f.end(halt)
}

// hash sets out to the hash of memory; false when out of gas.
func (f *frame) hash(out, offset, size *word) bool {
	if !f.reach(offset, size) || !f.charge(gasKeccakWord*wordCount(size[0])) {
		return false
	}
	f.evm.memo.Sum256(out, f.slice(offset, size))
	return true
}

// storeByte writes the lowest byte of x to memory; false when out of gas.
func (f *frame) storeByte(offset, x *word) bool {
	if !f.reachSize(offset, 1) {
		return false
	}
	f.mem.bytes[offset[0]] = byte(x[0])
	return true
}

func opMSize(f *frame, _ *instr, sp *word) *word {
	sp = above(sp)
	setUint64(sp, uint64(len(f.mem.bytes)))
	return sp
}

func opMCopy(f *frame, _ *instr, sp *word) *word {
	dst, src, size := sp, below(sp, 1), below(sp, 2)
	farther := dst
	if dst.Lt(src) {
		farther = src
	}
	if !f.reachCopy(farther, size) {
		return f.end(OutOfGas)
	}
	copy(f.slice(dst, size), f.slice(src, size))
	return below(sp, 3)
}

// reachCopy is reach with the gas for copying size bytes.
func (f *frame) reachCopy(offset, size *word) bool {
	return f.reach(offset, size) && f.charge(gasCopyWord*wordCount(size[0]))
}

// loadCallData sets z to the call data at offset.
func (f *frame) loadCallData(z *word, offset uint64) {
	size := uint64(len(f.input))
	if offset < size && size-offset >= ir.WordSize {
		loadWord(z, f.input[offset:])
		return
	}
	var buf [ir.WordSize]byte
	if offset < size {
		copy(buf[:], f.input[offset:])
	}
	loadWord(z, buf[:])
}

func opCallDataCopy(f *frame, _ *instr, sp *word) *word { return f.copyIn(f.input, sp) }

func opCodeCopy(f *frame, _ *instr, sp *word) *word { return f.copyIn(f.bytecode, sp) }

// copyIn copies from src, padded with zeros: the work of CALLDATACOPY, CODECOPY
// and EXTCODECOPY, whose operands lie at sp.
func (f *frame) copyIn(src []byte, sp *word) *word {
	dst, offset, size := sp, below(sp, 1), below(sp, 2)
	if !f.reachCopy(dst, size) {
		return f.end(OutOfGas)
	}
	copyPadded(f.slice(dst, size), src, offset)
	return below(sp, 3)
}

func opReturnDataSize(f *frame, _ *instr, sp *word) *word {
	sp = above(sp)
	setUint64(sp, uint64(len(f.returnData)))
	return sp
}

func opReturnDataCopy(f *frame, _ *instr, sp *word) *word {
	dst, offset, size := sp, below(sp, 1), below(sp, 2)
	available := uint64(len(f.returnData))
	if !offset.IsUint64() || !size.IsUint64() || offset[0] > available || size[0] > available-offset[0] {
		return f.end(ReturnDataOutOfBounds)
	}
	if !f.reachCopy(dst, size) {
		return f.end(OutOfGas)
	}
	copy(f.slice(dst, size), f.returnData[offset[0]:])
	return below(sp, 3)
}
