package jit

import "github.com/redline-evm/redline/jit/ir"

// Gas for each word of data, on top of the static gas.
const (
	gasKeccakWord = 6
	gasCopyWord   = 3
)

func opStop(f *frame, _ *ir.Packed, _ *word) *word { return f.end(Success) }

func opReturn(f *frame, _ *ir.Packed, sp *word) *word {
	return f.endWith(Success, sp, below(sp, 1))
}

func opRevert(f *frame, _ *ir.Packed, sp *word) *word {
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

func opKeccak256(f *frame, sp *word) *word {
	offset, size := sp, below(sp, 1)
	if !f.reach(offset, size) || !f.charge(gasKeccakWord*wordCount(size[0])) {
		return f.end(OutOfGas)
	}
	f.evm.keccak.sum(f.slice(offset, size), size)
	return size
}

func opMStore8(f *frame, sp *word) *word {
	if !f.reachSize(sp, 1) {
		return f.end(OutOfGas)
	}
	f.mem.bytes[sp[0]] = byte(below(sp, 1)[0])
	return below(sp, 2)
}

func opMSize(f *frame, _ *ir.Packed, sp *word) *word {
	sp = above(sp)
	setUint64(sp, uint64(len(f.mem.bytes)))
	return sp
}

func opMCopy(f *frame, _ *ir.Packed, sp *word) *word {
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

// loadCallData replaces an offset by the call data there.
func (f *frame) loadCallData(x *word) {
	size := uint64(len(f.input))
	if x[1]|x[2]|x[3] == 0 && x[0] < size && size-x[0] >= ir.WordSize {
		loadWord(x, f.input[x[0]:])
		return
	}
	var buf [ir.WordSize]byte
	copyPadded(buf[:], f.input, x)
	loadWord(x, buf[:])
}

func opCallDataCopy(f *frame, _ *ir.Packed, sp *word) *word { return f.copyIn(f.input, sp) }

func opCodeCopy(f *frame, _ *ir.Packed, sp *word) *word { return f.copyIn(f.bytecode, sp) }

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

func opReturnDataSize(f *frame, _ *ir.Packed, sp *word) *word {
	sp = above(sp)
	setUint64(sp, uint64(len(f.returnData)))
	return sp
}

func opReturnDataCopy(f *frame, _ *ir.Packed, sp *word) *word {
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
