package amd64

// Fields of the ModRM byte: mod, which register or memory form; rm, the last
// register or base. Some registers as base are special in that rm means
// something else there: RSP and R12 need a SIB byte, RBP and R13 a displacement.
const (
	modMemory   = 0x00 // [base]
	modDisp8    = 0x40
	modDisp32   = 0x80
	modRegister = 0xc0

	rmSIB    = 4 // a SIB byte follows
	rmNoBase = 5 // under modMemory: RIP-relative
)

// put writes the prefixes and the opcode and returns their length. The registers
// are those of the ModRM byte's reg field, of the index and of the base or rm
// field; those above R7 have a bit in the REX prefix. An instruction on the
// lowest byte needs a REX prefix to mean SPL and so on and not AH.
func (op opcode) put(buf *[instrMax]byte, r, index, rm reg, lowByte bool) int {
	n := 0
	if prefix := op >> 10 & 3; prefix != 0 {
		buf[0] = prefixes[prefix]
		n = 1
	}
	rex := byte(op>>12&1)<<3 | byte(r>>3)<<2 | byte(index>>3)<<1 | byte(rm>>3)
	if rex != 0 || lowByte {
		buf[n] = 0x40 | rex
		n++
	}
	switch op & mapBits {
	case map0F:
		buf[n] = 0x0f
		n++
	case map0F38:
		buf[n], buf[n+1] = 0x0f, 0x38
		n += 2
	}
	buf[n] = byte(op)
	return n + 1
}

var prefixes = [4]byte{0, 0x66, 0xf3, 0xf2}

// putVEX is put for VEX instructions, with the additional register first. VEX
// numbers maps and prefixes as opcode does.
func (op opcode) putVEX(buf *[instrMax]byte, r, first, index, rm reg) int {
	buf[0] = 0xc4
	buf[1] = ^(byte(r>>3)<<7|byte(index>>3)<<6|byte(rm>>3)<<5)&0xe0 | byte(op>>8&3)
	buf[2] = byte(op>>12&1)<<7 | ^byte(first)&15<<3 | byte(op>>10&3)
	buf[3] = byte(op)
	return 4
}

// putEVEX is put for EVEX instructions on whole vector registers, with the
// additional register first. Registers above 15 have a fifth bit: that of
// the last one stands where that of an index, which only memory has, would be.
func (op opcode) putEVEX(buf *[instrMax]byte, r, first, index, rm reg) int {
	const vectors512 = 2 << 5
	buf[0] = 0x62
	buf[1] = ^(byte(r>>3)<<7|byte(index>>3)<<6|byte(rm>>3)<<5|byte(r>>4)<<4)&0xf0 | byte(op>>8&3)
	buf[2] = byte(op>>12&1)<<7 | ^byte(first)&15<<3 | 1<<2 | byte(op>>10&3)
	buf[3] = vectors512 | ^byte(first>>4)&1<<3
	buf[4] = byte(op)
	return 5
}

// plain reports whether the prefixes and the opcode are a REX prefix for 64 bits
// and one byte, as those of most instructions are.
func (op opcode) plain() bool { return op&^0xff == wide }

// head is what put writes for a plain opcode, as a number whose lowest byte is the
// first.
func (op opcode) head(r, index, rm reg) uint64 {
	return 0x48 | uint64(r>>3)<<2 | uint64(index>>3)<<1 | uint64(rm>>3) | uint64(byte(op))<<8
}

// tail is ModRM, SIB and displacement, as a number whose lowest byte is the first,
// and how many bytes they are.
func (m mem) tail(r reg) (tail uint64, size int) {
	rm := uint64(m.base & 7)
	tail, size = uint64(r&7)<<3, 1
	if m.index != noReg || rm == rmSIB {
		sib := uint64(scaleBits[m.scale&15]) | uint64(m.index&7)<<3 | rm
		tail |= rmSIB | sib<<8
		size = 2
	} else {
		tail |= rm
	}
	tail |= uint64(uint32(m.disp)) << (8 * size)
	switch {
	case m.disp == 0 && rm != rmNoBase:
		tail |= modMemory
	case m.disp == int32(int8(m.disp)):
		tail |= modDisp8
		size++
	default:
		tail |= modDisp32
		size += 4
	}
	return tail, size
}

// scaleBits are the SIB byte's scale by factor.
var scaleBits = [16]byte{2: 0x40, 4: 0x80, 8: 0xc0}
