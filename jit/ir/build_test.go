package ir

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

func TestBuild(t *testing.T) {
	check := func(name, code, want string) {
		t.Helper()
		bytecode, err := hex.DecodeString(strings.ReplaceAll(code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		var b Builder
		p := b.Build(bytecode, Osaka)
		if err := p.Check(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, p)
		}
		if got := strings.TrimSpace(p.String()); got != strings.TrimSpace(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
	check("loop", "5b 80 6005 01 90 50 80 6064 11 6000 57", `
block 0x0 gas 37 need 1 peak 2 height 0
  v0 = ADD s0 0x5 at 0x4
  s0 = v0
  if LT v0 0x64 jump block 0x0 else 0xe
block 0xe gas 0 need 0 peak 0 height 0
  halt STOP`)
}

// TestHostilePrograms builds bytecode made to blow up a compiler.
func TestHostilePrograms(t *testing.T) {
	const size = 48 << 10
	for name, pattern := range hostile {
		t.Run(name, func(t *testing.T) {
			bytecode := bytes.Repeat(pattern, size/len(pattern))
			var b Builder
			p := b.Build(bytecode, Osaka)
			if err := p.Check(); err != nil {
				t.Fatal(err)
			}
			for what, got := range map[string]int{
				"blocks": len(p.Blocks), "instructions": len(p.Instrs), "operands": len(p.Args) / 7,
				"writes": len(p.Writes), "constants": len(p.Consts),
			} {
				if limit := size + 1; got > limit {
					t.Errorf("got %d %s for %d bytes of code; want at most %d", got, what, size, limit)
				}
			}
		})
	}
}

// hostile are patterns of bytecode made to blow up a compiler.
var hostile = map[string][]byte{
	"jumpdests":          {byte(JUMPDEST)},
	"short blocks":       {byte(JUMPDEST), byte(PUSH0)},
	"branches":           {byte(PUSH0), byte(JUMPI)},
	"constants":          {byte(PUSH1) + 4, 1, 2, 3, 4, 5},
	"foldable constants": {byte(PUSH1), 1, byte(ADD)},
	"negations":          {byte(ISZERO)},
	"complements":        {byte(PUSH0), byte(NOT), byte(NOT), byte(NOT)},
	"swaps":              {byte(SWAP1), byte(ADD)},
	"deep swaps":         {byte(SWAP16)},
	"deep swaps, short":  {byte(JUMPDEST), byte(SWAP16)},
	"deep dups":          {byte(DUP16)},
	"drops":              {byte(POP)},
	"creates":            {byte(CREATE)},
	"calls":              {byte(CALL)},
	"gas":                {byte(GAS)},
	"loads":              {byte(PUSH0), byte(CALLDATALOAD), byte(ADD)},
}

func FuzzBuild(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{byte(PUSH1), 4, byte(JUMP), byte(STOP), byte(JUMPDEST)})
	f.Add([]byte{byte(JUMPDEST), byte(JUMPDEST), byte(PUSH0), byte(DUP1), byte(ISZERO), byte(PUSH0), byte(JUMPI)})
	f.Add([]byte{byte(PUSH1), 1, byte(PUSH1), 160, byte(SHL), byte(SWAP1), byte(SUB), byte(AND), byte(PUSH32), 1})
	var used Builder
	f.Fuzz(func(t *testing.T, bytecode []byte) {
		var b Builder
		first := b.Build(bytecode, Osaka)
		if err := first.Check(); err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if again := used.Build(bytecode, Osaka); again.String() != first.String() {
			t.Fatal("a builder that was used before builds otherwise")
		}
	})
}
