package amd64

import (
	"encoding/binary"
	"fmt"
)

// zmm is a vector register of 512 bits by its number in the encoding, 0 to 31.
type zmm uint8

const zmmCount = 32

// EVEX instructions "zmm, zmm, zmm"; the last two have an immediate.
const (
	opVpaddq     = wide | prefix66 | map0F | 0xd4
	opVpandq     = wide | prefix66 | map0F | 0xdb
	opVpxorq     = wide | prefix66 | map0F | 0xef
	opVpternlogq = wide | prefix66 | map0F3A | 0x25
	opValignq    = wide | prefix66 | map0F3A | 0x03 // lanes of the first behind those of the last, from lane imm on
)

// A vectorAccess is an EVEX instruction on a vector register and memory of 1<<shift
// bytes.
type vectorAccess struct {
	opcode opcode
	shift  uint8
}

var (
	opVpmovzxdq   = vectorAccess{prefix66 | map0F38 | 0x35, 5}      // zmm, mem: eight times 4 bytes to lanes of 8
	opVmovdqu64To = vectorAccess{wide | prefixF3 | map0F | 0x7f, 6} // mem, zmm
)

// opVpsrlq shifts the lanes of 8 bytes right by an immediate.
var opVpsrlq = extended{wide | prefix66 | map0F | 0x73, 2}

// zrr: op dst, first, src.
func (a *assembler) zrr(op opcode, dst, first, src zmm) {
	buf := a.room()
	n := op.putEVEX(buf, reg(dst), reg(first), 0, reg(src))
	buf[n&15] = modRegister | byte(dst&7)<<3 | byte(src&7)
	a.take(n + 1)
}

// zrri: op dst, first, src, imm.
func (a *assembler) zrri(op opcode, dst, first, src zmm, imm uint8) {
	a.zrr(op, dst, first, src)
	a.byte(imm)
}

// zri: op dst, src, imm.
func (a *assembler) zri(op extended, dst, src zmm, imm uint8) {
	a.zrri(op.opcode, zmm(op.ext), dst, src, imm)
}

// zm: op r, m, or op m, r. A displacement of one byte counts in units of the memory
// that is accessed: a small one must be a multiple of that.
func (a *assembler) zm(op vectorAccess, r zmm, m mem) {
	units := m.disp >> op.shift
	switch {
	case units<<op.shift == m.disp && units == int32(int8(units)):
		m.disp = units
	case m.disp == int32(int8(m.disp)):
		panic(fmt.Sprintf("BUG: vector of %d bytes at displacement %d", 1<<op.shift, m.disp))
	}
	buf := a.room()
	n := op.opcode.putEVEX(buf, reg(r), 0, m.index, m.base)
	tail, size := m.tail(reg(r))
	binary.LittleEndian.PutUint64(buf[n&7:], tail)
	a.take(n + size)
}

// vzeroupper empties the upper parts of vector registers: what runs next may use
// the lowest ones by instructions that are slow while these are not empty.
func (a *assembler) vzeroupper() { a.code = append(a.code, 0xc5, 0xf8, 0x77) }
