package amd64

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

var (
	registers     = []reg{rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15}
	displacements = []int32{0, 1, 127, 128, -128, -129, 1 << 20, -1 << 31}
)

// operands are memory operands with each base and index, scale and size of
// displacement, though not with all of their combinations.
func operands() []mem {
	var list []mem
	for _, base := range registers {
		for _, disp := range displacements {
			list = append(list, at(base, disp))
		}
		for i, index := range registers {
			if index != noReg {
				list = append(list, indexed(base, index, 1<<(i%4), displacements[i%len(displacements)]))
			}
		}
	}
	return list
}

// assemble returns the code that put puts.
func assemble(put func(a *assembler)) []byte {
	var a assembler
	put(&a)
	a.resolve()
	return a.code
}

// disassemble checks that code is one instruction and prints it as op and
// arguments.
func disassemble(t *testing.T, code []byte) string {
	t.Helper()
	inst, err := x86asm.Decode(code, 64)
	if err != nil {
		t.Fatalf("cannot disassemble % x: %v", code, err)
	}
	if inst.Len != len(code) {
		t.Fatalf("% x: %v has %d bytes; want %d", code, inst, inst.Len, len(code))
	}
	var args []string
	for _, arg := range inst.Args {
		if m, ok := arg.(x86asm.Mem); ok && m.Index == 0 {
			m.Scale = 0 // what a SIB byte without index has there
			arg = m
		}
		if arg != nil {
			args = append(args, fmt.Sprint(arg))
		}
	}
	return strings.Join(append([]string{inst.Op.String()}, args...), " ")
}

// oneInstruction returns a check that put makes the one instruction want.
func oneInstruction(t *testing.T) func(want string, put func(a *assembler)) {
	return func(want string, put func(a *assembler)) {
		t.Helper()
		if got := disassemble(t, assemble(put)); got != want {
			t.Errorf("got %s; want %s", got, want)
		}
	}
}

func (r reg) disasm64() string { return fmt.Sprint(x86asm.RAX + x86asm.Reg(r)) }
func (r reg) disasm32() string { return fmt.Sprint(x86asm.EAX + x86asm.Reg(r)) }

// disasm8 is the lowest byte; the disassembler has AH, CH and so on in between.
func (r reg) disasm8() string {
	switch {
	case r < rsp:
		return fmt.Sprint(x86asm.AL + x86asm.Reg(r))
	default:
		return fmt.Sprint(x86asm.SPB + x86asm.Reg(r-rsp))
	}
}

// disasm is the operand; the disassembler extends only displacements of one byte
// by their sign.
func (m mem) disasm() string {
	x := x86asm.Mem{Base: x86asm.RAX + x86asm.Reg(m.base), Disp: int64(m.disp)}
	if m.disp != int32(int8(m.disp)) {
		x.Disp = int64(uint32(m.disp))
	}
	if m.index != noReg {
		x.Index, x.Scale = x86asm.RAX+x86asm.Reg(m.index), max(m.scale, 1)
	}
	return fmt.Sprint(x)
}

var aluNames = map[alu]string{add: "ADD", or: "OR", adc: "ADC", sbb: "SBB", and: "AND", sub: "SUB", xor: "XOR", cmp: "CMP"}

// The conditional jumps, moves and sets of x86asm by condition.
var condNames = map[cond]string{
	ifOverflow: "O", ifNotOverflow: "NO", ifBelow: "B", ifNotBelow: "AE", ifEqual: "E", ifNotEqual: "NE",
	ifNotAbove: "BE", ifAbove: "A", ifSign: "S", ifNotSign: "NS",
	ifLess: "L", ifNotLess: "GE", ifNotGreater: "LE", ifGreater: "G",
}

func TestRegisterForms(t *testing.T) {
	check := oneInstruction(t)
	ops := map[opcode]string{opMov: "MOV", opImul: "IMUL"}
	for op, name := range aluNames {
		ops[op.from()] = name
	}
	for c, name := range condNames {
		ops[wide|map0F|0x40|opcode(c)] = "CMOV" + name
	}
	reversed := map[opcode]string{opTest: "TEST"}
	immediate := map[opcode]string{opShld: "SHLD", opShrd: "SHRD"}
	byCL := map[opcode]string{opShldCL: "SHLD", opShrdCL: "SHRD"}
	for _, x := range registers {
		for _, y := range registers {
			X, Y := x.disasm64(), y.disasm64()
			for op, name := range ops {
				check(name+" "+X+" "+Y, func(a *assembler) { a.rr(op, x, y) })
			}
			for op, name := range reversed {
				check(name+" "+Y+" "+X, func(a *assembler) { a.rr(op, x, y) })
			}
			for op, name := range immediate {
				check(name+" "+Y+" "+X+" 0x3f", func(a *assembler) { a.rri(op, x, y, 63) })
			}
			for op, name := range byCL {
				check(name+" "+Y+" "+X+" CL", func(a *assembler) { a.rr(op, x, y) })
			}
			check("MOVZX "+x.disasm32()+" "+y.disasm8(), func(a *assembler) { a.movzx8(x, y) })
			check("MOV "+x.disasm32()+" "+y.disasm32(), func(a *assembler) { a.rr(opMov32, x, y) })
		}
	}
}

func TestOneRegister(t *testing.T) {
	check := oneInstruction(t)
	ops := map[extended]string{opNot: "NOT", opNeg: "NEG", opDiv: "DIV", opCall: "CALL", opJmp: "JMP"}
	shifts := map[extended]string{opShl: "SHL", opShr: "SHR", opSar: "SAR"}
	byCL := map[extended]string{opShlCL: "SHL", opSarCL: "SAR"}
	immediates := map[int32]string{0: "0x0", 1: "0x1", 127: "0x7f", -128: "-0x80", 128: "0x80", 1<<31 - 1: "0x7fffffff", -129: "-0x81"}
	for _, r := range registers {
		name := r.disasm64()
		for op, opName := range ops {
			check(opName+" "+name, func(a *assembler) { a.r(op, r) })
		}
		for op, opName := range shifts {
			check(opName+" "+name+" 0x3f", func(a *assembler) { a.ri(op, r, 63) })
		}
		for op, opName := range byCL {
			check(opName+" "+name+" CL", func(a *assembler) { a.r(op, r) })
		}
		for op, opName := range aluNames {
			for imm, text := range immediates {
				check(opName+" "+name+" "+text, func(a *assembler) { a.aluI(op, r, imm) })
			}
		}
		for c, suffix := range condNames {
			check("SET"+suffix+" "+r.disasm8(), func(a *assembler) { a.setcc(c, r) })
		}
		check("XOR "+r.disasm32()+" "+r.disasm32(), func(a *assembler) { a.zero(r) })
		check("MOV "+r.disasm32()+" 0x0", func(a *assembler) { a.movI(r, 0) })
		check("MOV "+r.disasm32()+" -0x1", func(a *assembler) { a.movI(r, 1<<32-1) })
		check("MOV "+name+" -0x1", func(a *assembler) { a.movI(r, 1<<64-1) })
		check("MOV "+name+" -0x80000000", func(a *assembler) { a.movI(r, -1<<31&(1<<64-1)) })
		check("MOV "+name+" 0x100000000", func(a *assembler) { a.movI(r, 1<<32) })
		check("MOV "+name+" 0x7fffffffffffffff", func(a *assembler) { a.movI(r, 1<<63-1) })
	}
}

func TestMemoryForms(t *testing.T) {
	check := oneInstruction(t)
	loads := map[opcode]string{opMov: "MOV", opLea: "LEA", opImul: "IMUL", opMovbe: "MOVBE"}
	stores := map[opcode]string{opMovTo: "MOV", opMovbeTo: "MOVBE"}
	for op, name := range aluNames {
		loads[op.from()] = name
		if op != cmp {
			stores[op.to()] = name
		}
	}
	unary := map[extended]string{opNot: "NOT", opNeg: "NEG", opDiv: "DIV", opCall: "CALL", opJmp: "JMP"}
	for i, m := range operands() {
		M, x := m.disasm(), registers[i%len(registers)]
		X := x.disasm64()
		for op, name := range loads {
			check(name+" "+X+" "+M, func(a *assembler) { a.rm(op, x, m) })
		}
		for op, name := range stores {
			check(name+" "+M+" "+X, func(a *assembler) { a.mr(op, m, x) })
		}
		for op, name := range unary {
			check(name+" "+M, func(a *assembler) { a.m(op, m) })
		}
		for op, name := range aluNames {
			check(name+" "+M+" 0x7f", func(a *assembler) { a.aluMI(op, m, 127) })
			check(name+" "+M+" 0x80", func(a *assembler) { a.aluMI(op, m, 128) })
		}
		check("MOV "+x.disasm32()+" "+M, func(a *assembler) { a.rm(opMov32, x, m) })
		check("MOVZX "+x.disasm32()+" "+M, func(a *assembler) { a.rm(opMovzx8, x, m) })
		check("MOV "+M+" "+x.disasm8(), func(a *assembler) { a.mr(opMov8To, m, x) })
		check("MOV "+M+" -0x2", func(a *assembler) { a.storeI(m, -2) })
	}
}

// TestBytes checks what the disassembler does not know against the bytes that
// the GNU assembler makes. (Where that takes the VEX prefix of two bytes, ours
// of three.)
func TestBytes(t *testing.T) {
	check := func(name, want string, put func(a *assembler)) {
		t.Helper()
		if got := hex.EncodeToString(assemble(put)); got != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: got %s; want %s", name, got, want)
		}
	}
	check("mulx rax, rbx, rcx", "c4 e2 e3 f6 c1", func(a *assembler) { a.vrr(opMulx, rax, rbx, rcx) })
	check("mulx r8, r15, r12", "c4 42 83 f6 c4", func(a *assembler) { a.vrr(opMulx, r8, r15, r12) })
	check("mulx r9, rax, [r13]", "c4 42 fb f6 4d 00", func(a *assembler) { a.vrm(opMulx, r9, rax, at(r13, 0)) })
	check("mulx rbp, r10, [rsp+64]", "c4 e2 ab f6 6c 24 40", func(a *assembler) { a.vrm(opMulx, rbp, r10, at(rsp, 64)) })
	check("mulx rsi, r11, [r12+r14*8-200]", "c4 82 a3 f6 b4 f4 38 ff ff ff", func(a *assembler) { a.vrm(opMulx, rsi, r11, indexed(r12, r14, 8, -200)) })
	check("adcx rax, r8", "66 49 0f 38 f6 c0", func(a *assembler) { a.rr(opAdcx, rax, r8) })
	check("adcx r15, [r13+4096]", "66 4d 0f 38 f6 bd 00 10 00 00", func(a *assembler) { a.rm(opAdcx, r15, at(r13, 4096)) })
	check("adox r8, rax", "f3 4c 0f 38 f6 c0", func(a *assembler) { a.rr(opAdox, r8, rax) })
	check("adox rbx, [r12]", "f3 49 0f 38 f6 1c 24", func(a *assembler) { a.rm(opAdox, rbx, at(r12, 0)) })
	check("vpaddq zmm0, zmm1, zmm2", "62 f1 f5 48 d4 c2", func(a *assembler) { a.zrr(opVpaddq, 0, 1, 2) })
	check("vpaddq zmm9, zmm18, zmm27", "62 11 ed 40 d4 cb", func(a *assembler) { a.zrr(opVpaddq, 9, 18, 27) })
	check("vpaddq zmm31, zmm15, zmm8", "62 41 85 48 d4 f8", func(a *assembler) { a.zrr(opVpaddq, 31, 15, 8) })
	check("vpandq zmm3, zmm20, zmm12", "62 d1 dd 40 db dc", func(a *assembler) { a.zrr(opVpandq, 3, 20, 12) })
	check("vpxorq zmm16, zmm16, zmm16", "62 a1 fd 40 ef c0", func(a *assembler) { a.zrr(opVpxorq, 16, 16, 16) })
	check("vpternlogq zmm5, zmm5, zmm5, 255", "62 f3 d5 48 25 ed ff", func(a *assembler) { a.zrri(opVpternlogq, 5, 5, 5, 255) })
	check("valignq zmm6, zmm7, zmm24, 7", "62 93 c5 48 03 f0 07", func(a *assembler) { a.zrri(opValignq, 6, 7, 24, 7) })
	check("vpsrlq zmm4, zmm17, 32", "62 b1 dd 48 73 d1 20", func(a *assembler) { a.zri(opVpsrlq, 4, 17, 32) })
	check("vpsrlq zmm30, zmm3, 32", "62 f1 8d 40 73 d3 20", func(a *assembler) { a.zri(opVpsrlq, 30, 3, 32) })
	check("vpmovzxdq zmm1, [r12]", "62 d2 7d 48 35 0c 24", func(a *assembler) { a.zm(opVpmovzxdq, 1, at(r12, 0)) })
	check("vpmovzxdq zmm13, [r12-96]", "62 52 7d 48 35 6c 24 fd", func(a *assembler) { a.zm(opVpmovzxdq, 13, at(r12, -96)) })
	check("vpmovzxdq zmm22, [rdi+132]", "62 e2 7d 48 35 b7 84 00 00 00", func(a *assembler) { a.zm(opVpmovzxdq, 22, at(rdi, 132)) })
	check("vpmovzxdq zmm2, [r13-4096]", "62 d2 7d 48 35 55 80", func(a *assembler) { a.zm(opVpmovzxdq, 2, at(r13, -4096)) })
	check("vpmovzxdq zmm2, [r12-4128]", "62 d2 7d 48 35 94 24 e0 ef ff ff", func(a *assembler) { a.zm(opVpmovzxdq, 2, at(r12, -4128)) })
	check("vmovdqu64 [rdi+4096], zmm0", "62 f1 fe 48 7f 47 40", func(a *assembler) { a.zm(opVmovdqu64To, 0, at(rdi, 4096)) })
	check("vmovdqu64 [rdi+1000], zmm25", "62 61 fe 48 7f 8f e8 03 00 00", func(a *assembler) { a.zm(opVmovdqu64To, 25, at(rdi, 1000)) })
	check("vmovdqu64 [r8+r9*8+64], zmm10", "62 11 fe 48 7f 54 c8 01", func(a *assembler) { a.zm(opVmovdqu64To, 10, indexed(r8, r9, 8, 64)) })
	check("vzeroupper", "c5 f8 77", (*assembler).vzeroupper)
	check("ret", "c3", (*assembler).ret)
}

func TestJumps(t *testing.T) {
	check := func(want string, put func(a *assembler)) {
		t.Helper()
		code := assemble(put)
		var got []string
		for rest := code; len(rest) > 0; {
			inst, err := x86asm.Decode(rest, 64)
			if err != nil {
				t.Fatalf("cannot disassemble % x: %v", rest, err)
			}
			rest = rest[inst.Len:]
			if inst.Op != x86asm.NOP {
				got = append(got, fmt.Sprintf("%v/%d", inst, inst.Len))
			}
		}
		if text := strings.Join(got, "; "); text != want {
			t.Errorf("got %s; want %s", text, want)
		}
	}
	forward := func(jump func(a *assembler, l label), distance int) func(a *assembler) {
		return func(a *assembler) {
			l := a.newLabel()
			jump(a, l)
			for range distance {
				a.byte(0x90)
			}
			a.bind(l)
		}
	}
	backward := func(jump func(a *assembler, l label), distance int) func(a *assembler) {
		return func(a *assembler) {
			l := a.here()
			for range distance {
				a.byte(0x90)
			}
			jump(a, l)
		}
	}
	check("CALL .+5/5", forward((*assembler).call, 5))
	check("JMP .+5/5", forward((*assembler).jmp, 5))
	check("JMP .-2/2", backward((*assembler).jmp, 0))
	check("JMP .-128/2", backward((*assembler).jmp, 126))
	check("JMP .-132/5", backward((*assembler).jmp, 127))
	for c, name := range condNames {
		check("J"+name+" .+300/6", forward(func(a *assembler, l label) { a.jcc(c, l) }, 300))
		check("J"+name+" .+127/2", forward(func(a *assembler, l label) { a.jccShort(c, l) }, 127))
		check("J"+name+" .-12/2", backward(func(a *assembler, l label) { a.jcc(c, l) }, 10))
		check("J"+name+" .-1006/6", backward(func(a *assembler, l label) { a.jcc(c, l) }, 1000))
	}
	for _, r := range registers {
		check("LEA "+r.disasm64()+", [RIP+0x9]/7", forward(func(a *assembler, l label) { a.leaLabel(r, l) }, 9))
	}
}

func TestLabelMistakes(t *testing.T) {
	check := func(want string, put func(a *assembler)) {
		t.Helper()
		defer func() {
			if got := fmt.Sprint(recover()); got != want {
				t.Errorf("got %q; want %q", got, want)
			}
		}()
		assemble(put)
	}
	check("BUG: label 0 is not bound", func(a *assembler) { a.jmp(a.newLabel()) })
	check("BUG: label 0 bound twice", func(a *assembler) { a.bind(a.here()) })
	check("BUG: vector of 32 bytes at displacement 100", func(a *assembler) { a.zm(opVpmovzxdq, 0, at(rdi, 100)) })
	check("BUG: short jump over 128 bytes", func(a *assembler) {
		l := a.newLabel()
		a.jccShort(ifBelow, l)
		a.zeros(128)
		a.bind(l)
	})
}

func TestAlign(t *testing.T) {
	for used := range 33 {
		code := assemble(func(a *assembler) {
			a.code = append(a.code, slices.Repeat([]byte{0x90}, used)...)
			a.align(32)
		})
		if want := (used + 31) / 32 * 32; len(code) != want {
			t.Errorf("%d bytes were aligned to %d; want %d", used, len(code), want)
		}
		for rest := code; len(rest) > 0; {
			inst, err := x86asm.Decode(rest, 64)
			if err != nil || inst.Op != x86asm.NOP {
				t.Fatalf("% x is %v, %v; want no-operations", rest, inst, err)
			}
			rest = rest[inst.Len:]
		}
	}
}

// mixed puts instructions of many kinds, 11 in all.
func mixed(a *assembler) {
	l := a.newLabel()
	a.load(rax, at(r12, -64))
	a.aluM(add, rax, at(r12, -32))
	a.aluM(adc, rbx, at(r12, -24))
	a.alu(adc, r8, r9)
	a.store(at(r12, -64), rax)
	a.aluI(sub, r15, 55)
	a.jcc(ifBelow, l)
	a.movI(rdx, 1<<40)
	a.vrr(opMulx, rax, rbx, rcx)
	a.rr(opTest, rax, rax)
	a.bind(l)
	a.ret()
}

func TestAssemblerDoesNotAllocate(t *testing.T) {
	var a assembler
	mixed(&a)
	if n := testing.AllocsPerRun(100, func() {
		a.reset()
		mixed(&a)
		a.resolve()
	}); n != 0 {
		t.Errorf("got %v allocations; want none", n)
	}
}

func BenchmarkAssembler(b *testing.B) {
	const rounds = 256
	var a assembler
	for b.Loop() {
		a.reset()
		for range rounds {
			mixed(&a)
		}
		a.resolve()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rounds*11), "ns/instr")
}
