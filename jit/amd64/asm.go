package amd64

import (
	"encoding/binary"
	"fmt"
	"math"
)

// assembler appends machine code to a buffer that it keeps for the next use.
//
// Every instruction is one row of the table in opcode.go, put by one of a few
// methods named after the operands: rr "reg, reg", rm "reg, mem", mr "mem, reg",
// ri "reg, immediate", v in front for VEX, z for EVEX.
//
// A jump backwards takes the short form where it reaches. A jump forwards takes
// the long one unless the caller asks for the short one.
type assembler struct {
	code   []byte
	labels []int32 // by label: its offset; unbound until bound
	fixups []fixup
}

// label is a place in the code.
type label int32

const unbound = -1

// fixup is a displacement to fill in when its label's place is known: the size
// bytes before end, relative to end.
type fixup struct {
	end   int32
	label label
	short bool
}

// instrMax is more than the longest instruction has bytes.
const instrMax = 16

func (a *assembler) reset() {
	a.code, a.labels, a.fixups = a.code[:0], a.labels[:0], a.fixups[:0]
}

// mark is a place to which rewind takes code back. Labels that are bound behind it
// must not be used after that.
type mark struct{ code, fixups int }

func (a *assembler) mark() mark { return mark{len(a.code), len(a.fixups)} }

func (a *assembler) rewind(m mark) {
	a.code, a.fixups = a.code[:m.code], a.fixups[:m.fixups]
}

func (a *assembler) newLabel() label {
	a.labels = append(a.labels, unbound)
	return label(len(a.labels) - 1)
}

// bind puts the label here.
func (a *assembler) bind(l label) {
	if a.labels[l] != unbound {
		panic(fmt.Sprintf("BUG: label %d bound twice", l))
	}
	a.labels[l] = int32(len(a.code))
}

// here returns a label for this place.
func (a *assembler) here() label {
	l := a.newLabel()
	a.bind(l)
	return l
}

// resolve fills in all displacements. All labels that are used must be bound.
func (a *assembler) resolve() {
	for _, f := range a.fixups {
		target := a.labels[f.label]
		if target == unbound {
			panic(fmt.Sprintf("BUG: label %d is not bound", f.label))
		}
		distance := target - f.end
		if !f.short {
			binary.LittleEndian.PutUint32(a.code[f.end-4:], uint32(distance))
			continue
		}
		if distance != int32(int8(distance)) {
			panic(fmt.Sprintf("BUG: short jump over %d bytes", distance))
		}
		a.code[f.end-1] = byte(distance)
	}
}

// room returns the free memory behind the code, to be put to use by take.
func (a *assembler) room() *[instrMax]byte {
	n := len(a.code)
	if cap(a.code)-n < instrMax {
		a.code = append(make([]byte, 0, 2*cap(a.code)+4096), a.code...)
	}
	return (*[instrMax]byte)(a.code[n : n+instrMax])
}

func (a *assembler) take(n int) { a.code = a.code[:len(a.code)+n] }

// byte appends a byte.
func (a *assembler) byte(b byte) { a.code = append(a.code, b) }

// zeros appends n zeros.
func (a *assembler) zeros(n int) { a.code = append(a.code, make([]byte, n)...) }

func (a *assembler) ret() { a.byte(0xc3) }

// rr: op dst, src.
func (a *assembler) rr(op opcode, dst, src reg) {
	buf := a.room()
	if modrm := modRegister | byte(dst&7)<<3 | byte(src&7); op.plain() {
		binary.LittleEndian.PutUint32(buf[:], uint32(op.head(dst, 0, src))|uint32(modrm)<<16)
		a.take(3)
	} else {
		n := op.put(buf, dst, 0, src, false)
		buf[n&15] = modrm
		a.take(n + 1)
	}
}

// rri: op dst, src, imm.
func (a *assembler) rri(op opcode, dst, src reg, imm uint8) {
	a.rr(op, dst, src)
	a.byte(imm)
}

// rm: op dst, m.
func (a *assembler) rm(op opcode, dst reg, m mem) {
	buf := a.room()
	if tail, size := m.tail(dst); op.plain() {
		binary.LittleEndian.PutUint64(buf[:], op.head(dst, m.index, m.base)|tail<<16)
		a.take(2 + size)
	} else {
		n := op.put(buf, dst, m.index, m.base, op == opMov8To)
		binary.LittleEndian.PutUint64(buf[n&7:], tail)
		a.take(n + size)
	}
}

// mr: op m, src.
func (a *assembler) mr(op opcode, m mem, src reg) { a.rm(op, src, m) }

// alu: op dst, src.
func (a *assembler) alu(op alu, dst, src reg) { a.rr(op.from(), dst, src) }

// aluM: op dst, m.
func (a *assembler) aluM(op alu, dst reg, m mem) { a.rm(op.from(), dst, m) }

// aluI: op dst, imm.
func (a *assembler) aluI(op alu, dst reg, imm int32) {
	buf := a.room()
	small, large := wide|0x83, wide|0x81
	modrm := uint64(modRegister | byte(op)<<3 | byte(dst&7))
	if imm == int32(int8(imm)) {
		binary.LittleEndian.PutUint32(buf[:], uint32(small.head(0, 0, dst)|modrm<<16)|uint32(imm)<<24)
		a.take(4)
		return
	}
	binary.LittleEndian.PutUint64(buf[:], large.head(0, 0, dst)|modrm<<16|uint64(uint32(imm))<<24)
	a.take(7)
}

// aluMI: op m, imm.
func (a *assembler) aluMI(op alu, m mem, imm int32) {
	if imm == int32(int8(imm)) {
		a.m(extended{wide | 0x83, reg(op)}, m)
		a.byte(byte(imm))
		return
	}
	a.m(extended{wide | 0x81, reg(op)}, m)
	a.imm32(imm)
}

// r: op dst.
func (a *assembler) r(op extended, dst reg) { a.rr(op.opcode, op.ext, dst) }

// m: op m.
func (a *assembler) m(op extended, m mem) { a.rm(op.opcode, op.ext, m) }

// ri: op dst, imm.
func (a *assembler) ri(op extended, dst reg, imm uint8) {
	a.r(op, dst)
	a.byte(imm)
}

// mov: dst = src.
func (a *assembler) mov(dst, src reg) { a.rr(opMov, dst, src) }

// load: dst = m.
func (a *assembler) load(dst reg, m mem) { a.rm(opMov, dst, m) }

// store: m = src.
func (a *assembler) store(m mem, src reg) { a.mr(opMovTo, m, src) }

// storeI: m = imm, sign-extended.
func (a *assembler) storeI(m mem, imm int32) {
	buf := a.room()
	tail, size := m.tail(opMovI.ext)
	binary.LittleEndian.PutUint64(buf[:], opMovI.opcode.head(0, m.index, m.base)|tail<<16)
	binary.LittleEndian.PutUint32(buf[(2+size)&15:], uint32(imm))
	a.take(2 + size + 4)
}

// zero: dst = 0. It changes the flags.
func (a *assembler) zero(dst reg) { a.rr(opcode(xor)<<3|3, dst, dst) }

// movI: dst = imm, in the shortest form that leaves the flags alone.
func (a *assembler) movI(dst reg, imm uint64) {
	buf := a.room()
	switch {
	case imm <= math.MaxUint32:
		n := opcode(0xb8).put(buf, 0, 0, dst, false)
		buf[n-1] |= byte(dst & 7)
		binary.LittleEndian.PutUint32(buf[n:], uint32(imm))
		a.take(n + 4)
	case int64(imm) == int64(int32(imm)):
		a.r(opMovI, dst)
		a.imm32(int32(imm))
	default:
		n := (wide | 0xb8).put(buf, 0, 0, dst, false)
		buf[n-1] |= byte(dst & 7)
		binary.LittleEndian.PutUint64(buf[n:], imm)
		a.take(n + 8)
	}
}

func (a *assembler) imm32(imm int32) { a.code = binary.LittleEndian.AppendUint32(a.code, uint32(imm)) }

// setcc sets the lowest byte of dst to 1 if c holds, else 0.
func (a *assembler) setcc(c cond, dst reg) {
	buf := a.room()
	n := (map0F | 0x90 | opcode(c)).put(buf, 0, 0, dst, true)
	buf[n&15] = modRegister | byte(dst&7)
	a.take(n + 1)
}

// movzx8: dst = the lowest byte of src.
func (a *assembler) movzx8(dst, src reg) {
	buf := a.room()
	n := opMovzx8.put(buf, dst, 0, src, true)
	buf[n&15] = modRegister | byte(dst&7)<<3 | byte(src&7)
	a.take(n + 1)
}

// cmov: dst = src if c holds.
func (a *assembler) cmov(c cond, dst, src reg) { a.rr(wide|map0F|0x40|opcode(c), dst, src) }

// vrr: op dst, first, src.
func (a *assembler) vrr(op opcode, dst, first, src reg) {
	buf := a.room()
	n := op.putVEX(buf, dst, first, 0, src)
	buf[n&15] = modRegister | byte(dst&7)<<3 | byte(src&7)
	a.take(n + 1)
}

// vrm: op dst, first, m.
func (a *assembler) vrm(op opcode, dst, first reg, m mem) {
	buf := a.room()
	n := op.putVEX(buf, dst, first, m.index, m.base)
	tail, size := m.tail(dst)
	binary.LittleEndian.PutUint64(buf[n&7:], tail)
	a.take(n + size)
}

// lea: dst = the address of m.
func (a *assembler) lea(dst reg, m mem) { a.rm(opLea, dst, m) }

// leaLabel: dst = the address of l.
func (a *assembler) leaLabel(dst reg, l label) {
	buf := a.room()
	n := opLea.put(buf, dst, 0, 0, false)
	buf[n&15] = byte(dst&7)<<3 | rmNoBase
	a.take(n + 1)
	a.displacement(l)
}

// call calls l.
func (a *assembler) call(l label) {
	a.byte(0xe8)
	a.displacement(l)
}

// callM calls what m points to.
func (a *assembler) callM(m mem) { a.m(opCall, m) }

// jmp jumps to l.
func (a *assembler) jmp(l label) {
	if distance, ok := a.near(l); ok {
		a.code = append(a.code, 0xeb, distance)
		return
	}
	a.byte(0xe9)
	a.displacement(l)
}

// jcc jumps to l if c holds.
func (a *assembler) jcc(c cond, l label) {
	if distance, ok := a.near(l); ok {
		a.code = append(a.code, 0x70|byte(c), distance)
		return
	}
	a.code = append(a.code, 0x0f, 0x80|byte(c))
	a.displacement(l)
}

// jccShort jumps forward to l, which must not be farther than 127 bytes, if c
// holds.
func (a *assembler) jccShort(c cond, l label) {
	a.code = append(a.code, 0x70|byte(c), 0)
	a.fixups = append(a.fixups, fixup{int32(len(a.code)), l, true})
}

// near returns the displacement of a short jump to l if it reaches.
func (a *assembler) near(l label) (displacement byte, ok bool) {
	if a.labels[l] == unbound {
		return 0, false
	}
	distance := int(a.labels[l]) - (len(a.code) + 2)
	return byte(distance), distance >= math.MinInt8
}

// displacement appends the four bytes from their end to l.
func (a *assembler) displacement(l label) {
	a.imm32(0)
	a.fixups = append(a.fixups, fixup{int32(len(a.code)), l, false})
}

// align fills with no-operations up to a multiple of n, a power of two.
func (a *assembler) align(n int) {
	for rest := -len(a.code) & (n - 1); rest > 0; {
		size := min(rest, len(nops))
		a.code = append(a.code, nops[size-1]...)
		rest -= size
	}
}

// nops are the recommended no-operations of one byte, two bytes and so on.
var nops = [...][]byte{
	{0x90},
	{0x66, 0x90},
	{0x0f, 0x1f, 0x00},
	{0x0f, 0x1f, 0x40, 0x00},
	{0x0f, 0x1f, 0x44, 0x00, 0x00},
	{0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
	{0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
	{0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
}
