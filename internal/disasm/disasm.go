// Package disasm prints machine code of the native compiler for people. It knows
// amd64 instructions and nothing of what they were made of.
package disasm

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"github.com/redline-evm/redline/jit/amd64"
)

const (
	bytesShown = 10 // of an instruction in a column; longer ones are wider
	wordMode   = 64 // bits
)

// Print prints sections of machine code: each with its name, then one line for
// each instruction with its offset, its bytes and what it is.
func Print(w io.Writer, sections []amd64.Section) error {
	var text strings.Builder
	for i := range sections {
		printSection(&text, &sections[i], sections)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func printSection(text *strings.Builder, s *amd64.Section, all []amd64.Section) {
	fmt.Fprintf(text, "%s:\n", s.Name)
	if s.Data {
		fmt.Fprintf(text, "%6x: %d bytes\n", s.Offset, len(s.Code))
		return
	}
	for at := 0; at < len(s.Code); {
		inst, size := decode(s.Code[at:])
		offset := s.Offset + at
		fmt.Fprintf(text, "%6x: %-*s  %s%s\n", offset, 3*bytesShown-1, fmt.Sprintf("% x", s.Code[at:at+size]), inst.text(offset), comment(inst, offset, all))
		at += size
	}
}

// comment names the section that the instruction jumps to or takes the address of.
func comment(inst instruction, offset int, all []amd64.Section) string {
	target, ok := inst.target(offset)
	if !ok {
		return ""
	}
	if i := slices.IndexFunc(all, func(s amd64.Section) bool { return s.Offset == target }); i >= 0 {
		return "  ; " + all[i].Name
	}
	return ""
}

// instruction is a decoded instruction: one that x86asm knows, or one that it
// knows under another name, with a register more perhaps.
type instruction struct {
	x86asm.Inst
	name  string // if x86asm has another
	extra string // second operand, that x86asm does not have
}

// text is the instruction in Intel's syntax.
func (i *instruction) text(offset int) string {
	if i.Len == 0 {
		return "(unknown)"
	}
	text := x86asm.IntelSyntax(i.Inst, uint64(offset), nil)
	if i.name == "" {
		return text
	}
	_, operands, _ := strings.Cut(text, " ")
	if i.extra != "" {
		dst, rest, _ := strings.Cut(operands, ", ")
		operands = dst + ", " + i.extra + ", " + rest
	}
	return i.name + " " + operands
}

// target is the offset that the instruction jumps to or whose address it takes.
func (i *instruction) target(offset int) (target int, ok bool) {
	if distance, ok := i.Args[0].(x86asm.Rel); ok {
		return offset + i.Len + int(distance), true
	}
	m, ok := i.Args[1].(x86asm.Mem)
	return offset + i.Len + int(int32(m.Disp)), ok && m.Base == x86asm.RIP
}

// decode decodes the instruction at the start of code. Of what is not known it
// takes one byte.
func decode(code []byte) (instruction, int) {
	if inst, size, ok := decodeADX(code); ok {
		return inst, size
	}
	if inst, size, ok := decodeVEX(code); ok {
		return inst, size
	}
	if inst, err := x86asm.Decode(code, wordMode); err == nil {
		return instruction{Inst: inst}, inst.Len
	}
	return instruction{}, 1
}

// x86asm does not know, or gets wrong, the instructions of ADX, BMI1 and BMI2. Their operands are
// encoded like those of others, which lends them its decoding: IMUL with two
// operands, 0F AF, or with an immediate byte, 6B.

// decodeADX decodes prefix, REX, 0F 38 F6 and operands.
func decodeADX(code []byte) (instruction, int, bool) {
	names := map[byte]string{0x66: "adcx", 0xf3: "adox"}
	if len(code) < 6 || names[code[0]] == "" || code[1]>>4 != 4 || code[2] != 0x0f || code[3] != 0x38 || code[4] != 0xf6 {
		return instruction{}, 0, false
	}
	inst, err := x86asm.Decode(append([]byte{code[1], 0x0f, 0xaf}, code[5:]...), wordMode)
	return instruction{Inst: inst, name: names[code[0]]}, inst.Len + 2, err == nil
}

// vexKey is what tells VEX instructions apart.
type vexKey struct{ opcodeMap, prefix, opcode byte }

// Maps and prefixes as VEX numbers them.
const (
	map0F38, map0F3A                         = 2, 3
	prefixNone, prefix66, prefixF3, prefixF2 = 0, 1, 2, 3
)

// vex are the VEX instructions on general registers. Those that are shifts have
// their third operand where others have the second.
var vex = map[vexKey]struct {
	name  string
	shift bool
}{
	{map0F38, prefixNone, 0xf2}: {"andn", false},
	{map0F38, prefixNone, 0xf5}: {"bzhi", true},
	{map0F38, prefixF2, 0xf5}:   {"pdep", false},
	{map0F38, prefixF3, 0xf5}:   {"pext", false},
	{map0F38, prefixF2, 0xf6}:   {"mulx", false},
	{map0F38, prefixNone, 0xf7}: {"bextr", true},
	{map0F38, prefix66, 0xf7}:   {"shlx", true},
	{map0F38, prefixF3, 0xf7}:   {"sarx", true},
	{map0F38, prefixF2, 0xf7}:   {"shrx", true},
	{map0F3A, prefixF2, 0xf0}:   {"rorx", false},
}

// decodeVEX decodes the form with three bytes of prefix.
func decodeVEX(code []byte) (instruction, int, bool) {
	if len(code) < 5 || code[0] != 0xc4 {
		return instruction{}, 0, false
	}
	key := vexKey{code[1] & 0x1f, code[2] & 3, code[3]}
	known, ok := vex[key]
	if !ok {
		return instruction{}, 0, false
	}
	rex := 0x40 | code[2]>>7<<3 | ^code[1]>>7&1<<2 | ^code[1]>>6&1<<1 | ^code[1]>>5&1
	twin, vexBytes := []byte{rex, 0x0f, 0xaf}, 4
	if key.opcodeMap == map0F3A {
		twin = []byte{rex, 0x6b}
	}
	inst, err := x86asm.Decode(append(twin, code[vexBytes:]...), wordMode)
	decoded := instruction{Inst: inst, name: known.name}
	if key.opcodeMap == map0F38 {
		decoded.addRegister(^code[2]>>3&15, code[2]>>7 != 0, known.shift)
	}
	return decoded, inst.Len - len(twin) + vexBytes, err == nil
}

// addRegister adds the register of the VEX prefix as second or last operand.
func (i *instruction) addRegister(number byte, wide, last bool) {
	r := x86asm.EAX + x86asm.Reg(number)
	if wide {
		r = x86asm.RAX + x86asm.Reg(number)
	}
	if last {
		i.Args[2] = r
		return
	}
	i.extra = strings.ToLower(r.String())
}
