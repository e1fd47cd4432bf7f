package disasm

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/amd64"
	"github.com/redline-evm/redline/jit/ir"
)

func TestDecode(t *testing.T) {
	check := func(code, want string) {
		t.Helper()
		b, err := hex.DecodeString(code)
		if err != nil {
			t.Fatal(err)
		}
		inst, size := decode(append(b, 0x90, 0x90))
		if got := inst.text(0); got != want || size != len(b) {
			t.Errorf("%s: got %s of %d bytes; want %s of %d", code, got, size, want, len(b))
		}
	}
	// Bytes as the GNU assembler makes them.
	check("4983ef0d", "sub r15, 0xd")
	check("480f38f15118", "movbe qword ptr [rcx+0x18], rdx")
	check("66480f38f6c3", "adcx rax, rbx")
	check("f34c0f38f64910", "adox r9, qword ptr [rcx+0x10]")
	check("c4e2fbf68f50020000", "mulx rcx, rax, qword ptr [rdi+0x250]")
	check("c442fbf6cb", "mulx r9, rax, r11")
	check("c4e2e1f7c1", "shlx rax, rcx, rbx")
	check("c4c2e3f70424", "shrx rax, qword ptr [r12], rbx")
	check("c4e262f7c1", "sarx eax, ecx, ebx")
	check("c4e2e0f2c1", "andn rax, rbx, rcx")
	check("c4e3fbf0c105", "rorx rax, rcx, 0x5")
	check("06", "(unknown)")
}

// TestPrint wants every byte of compiled programs to be printed, and to be known.
func TestPrint(t *testing.T) {
	compiler, err := jit.New(jit.Config{Native: jit.NativeEager}).NewNativeCompiler()
	if err != nil {
		t.Skip(err)
	}
	for op := range 256 {
		info, ok := ir.Lookup(byte(op), jit.Osaka)
		if !ok || ir.PushSize(byte(op)) > 0 {
			continue
		}
		code := []byte{byte(ir.JUMPDEST)}
		for i := range info.Pops {
			code = append(code, byte(ir.PUSH1), i, byte(ir.CALLDATALOAD))
		}
		code = append(code, byte(op), byte(ir.PUSH0), byte(ir.MSTORE), byte(ir.PUSH0), byte(ir.JUMP))
		code = append(code, make([]byte, 100)...) // machine code may be as large as bytecode allows
		sections, err := compiler.Listing(code, jit.Osaka)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if err := Print(&text, sections); err != nil {
			t.Fatal(err)
		}
		if got := text.String(); strings.Contains(got, "unknown") || !strings.Contains(got, "block 0x0:\n") || !strings.Contains(got, "; gas exit\n") {
			t.Errorf("%s:\n%s", info.Name, got)
		}
		checkWhole(t, sections)
	}
}

// checkWhole wants the sections to follow each other.
func checkWhole(t *testing.T, sections []amd64.Section) {
	t.Helper()
	end := 0
	for _, s := range sections {
		if s.Offset != end {
			t.Errorf("%s: at %d; want %d", s.Name, s.Offset, end)
		}
		end += len(s.Code)
	}
}
