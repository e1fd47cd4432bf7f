package jit

import "encoding/binary"

// memorySizeMax bounds the memory of one frame. It costs 2.2e12 gas: no
// transaction reaches it, so that a frame that wants more is out of gas.
const memorySizeMax = 1 << 30

// Memory kept between top-level calls, in bytes: much for the outermost frame, an
// eighth for each below, so that an EVM never keeps more than some 17 MiB.
const (
	memoryKeptOuter = 8 << 20
	memoryKeptInner = 8 << 10
)

// memoryKept is what the frame at a depth keeps.
func memoryKept(depth int) int { return max(memoryKeptOuter>>min(3*depth, 63), memoryKeptInner) }

// memory is the byte memory of a frame. Its size is a multiple of 32.
type memory struct {
	bytes []byte
	// loads is the number of offsets at which a whole word lies inside.
	loads uint64
}

func (m *memory) reset() {
	m.bytes = m.bytes[:0]
	m.loads = 0
}

// trim gives memory back if there is more than is worth keeping.
func (m *memory) trim(kept int) {
	if cap(m.bytes) > kept {
		m.bytes = nil
	}
	m.reset()
}

// expand makes the memory size bytes long; size is a multiple of 32 above the
// size now.
func (m *memory) expand(size uint64) {
	old := uint64(len(m.bytes))
	if uint64(cap(m.bytes)) < size {
		grown := make([]byte, size, max(size, 2*uint64(cap(m.bytes)), 1024))
		copy(grown, m.bytes)
		m.bytes = grown
	} else {
		m.bytes = m.bytes[:size]
		clear(m.bytes[old:])
	}
	m.loads = size - 31
}

// grown is told that generated code has made the memory size bytes long, within
// its capacity.
func (m *memory) grown(size int) {
	if size > len(m.bytes) {
		m.bytes = m.bytes[:size]
		m.loads = uint64(size) - 31
	}
}

// memoryGas is the gas that memory of the given number of words has cost in all.
func memoryGas(words uint64) uint64 { return 3*words + words*words/512 }

// wordCount is the number of words that hold size bytes.
func wordCount(size uint64) uint64 { return size/32 + (size%32+31)/32 }

// reach charges for memory up to offset+size and expands it. It reports false
// when the gas does not suffice. No bytes need no memory wherever they are.
func (f *frame) reach(offset, size *word) bool {
	if size.IsZero() {
		return true
	}
	if !size.IsUint64() || !offset.IsUint64() || size[0] > memorySizeMax || offset[0] > memorySizeMax {
		return false
	}
	return f.reachEnd(offset[0] + size[0])
}

// reachWord is reach for the word at offset.
func (f *frame) reachWord(offset *word) bool { return f.reachSize(offset, 32) }

func (f *frame) reachSize(offset *word, size uint64) bool {
	if !offset.IsUint64() || offset[0] > memorySizeMax {
		return false
	}
	return f.reachEnd(offset[0] + size)
}

// reachOffset is reach for the word at offset.
func (f *frame) reachOffset(offset uint32) bool { return f.reachEnd(uint64(offset) + 32) }

func (f *frame) reachEnd(end uint64) bool {
	if end <= uint64(len(f.mem.bytes)) {
		return true
	}
	words := wordCount(end)
	if words*32 > memorySizeMax {
		return false
	}
	if !f.charge(memoryGas(words) - memoryGas(uint64(len(f.mem.bytes))/32)) {
		return false
	}
	f.mem.expand(words * 32)
	return true
}

// slice returns the memory at offset that reach has made sure of.
func (f *frame) slice(offset, size *word) []byte {
	if size.IsZero() {
		return nil
	}
	return f.mem.bytes[offset[0] : offset[0]+size[0]]
}

// loadWord sets x to the 32 bytes at the start of b.
func loadWord(x *word, b []byte) {
	_ = b[31]
	x[3] = binary.BigEndian.Uint64(b)
	x[2] = binary.BigEndian.Uint64(b[8:])
	x[1] = binary.BigEndian.Uint64(b[16:])
	x[0] = binary.BigEndian.Uint64(b[24:])
}

// storeWord writes x to the 32 bytes at the start of b.
func storeWord(b []byte, x *word) {
	_ = b[31]
	binary.BigEndian.PutUint64(b, x[3])
	binary.BigEndian.PutUint64(b[8:], x[2])
	binary.BigEndian.PutUint64(b[16:], x[1])
	binary.BigEndian.PutUint64(b[24:], x[0])
}

// copyPadded fills dst with the bytes of src from offset on, and with zeros
// behind the end of src.
func copyPadded(dst, src []byte, offset *word) {
	n := 0
	if offset.IsUint64() && offset[0] < uint64(len(src)) {
		n = copy(dst, src[offset[0]:])
	}
	clear(dst[n:])
}
