package ir

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what is built to testdata")

// TestBuild builds the cases of testdata/build.txt.
func TestBuild(t *testing.T) {
	runCases(t, "testdata/build.txt", func(code []byte) *Program { return new(Builder).Build(code, Osaka) })
}

// TestOptimize builds and optimizes those of testdata/optimize.txt.
func TestOptimize(t *testing.T) {
	runCases(t, "testdata/optimize.txt", func(code []byte) *Program {
		var b Builder
		b.Build(code, Osaka)
		return b.Optimize()
	})
}

// TestLoops does that to those of testdata/loops.txt, all of which have loops.
func TestLoops(t *testing.T) {
	runCases(t, "testdata/loops.txt", func(code []byte) *Program {
		var b Builder
		b.Build(code, Osaka)
		p := b.Optimize()
		parsed, err := Parse(p.String())
		if err != nil || parsed.String() != p.String() || len(p.Loops) == 0 {
			t.Errorf("got %v, %v; want %v", parsed, err, p)
		}
		return p
	})
}

// runCases runs a file of cases: a comment, bytecode, and the text form of its
// program.
func runCases(t *testing.T, path string, build func(code []byte) *Program) {
	t.Helper()
	const mark = "\n----"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cases := strings.Split(strings.TrimSpace(string(data)), "\n\n")
	for i, c := range cases {
		input, want, _ := strings.Cut(c, mark)
		name, code, _ := strings.Cut(input, "\n")
		bytecode, err := hex.DecodeString(strings.Join(strings.Fields(code), ""))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p := build(bytecode)
		if err := p.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := strings.TrimSpace(p.String())
		if want = strings.TrimSpace(want); got != want && !*rewrite {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
		cases[i] = input + mark + "\n" + got
	}
	if *rewrite {
		if err := os.WriteFile(path, []byte(strings.Join(cases, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestForks: an opcode that is not there yet halts.
func TestForks(t *testing.T) {
	var b Builder
	for fork, want := range map[Fork]Op{Cancun: INVALID, Prague: INVALID, Osaka: STOP} {
		p := b.Build([]byte{byte(CALLER), byte(CLZ)}, fork)
		if got := p.Blocks[0].Term.Op; got != want {
			t.Errorf("fork %d: got %v behind CLZ; want %v", fork, got, want)
		}
	}
}

// TestLongBlocks cuts blocks whose gas would not fit.
func TestLongBlocks(t *testing.T) {
	const count = 200_000
	p := new(Builder).Build(bytes.Repeat([]byte{byte(CREATE)}, count), Osaka)
	total := uint64(0)
	for _, block := range p.Blocks {
		total += uint64(block.Gas)
	}
	if want := uint64(count) * 32_000; total != want {
		t.Errorf("got %d gas over all blocks; want %d", total, want)
	}
}

// TestCheckFinds breaks a program in all kinds of ways.
func TestCheckFinds(t *testing.T) {
	const good = `jumpdest 0x0 gas 10 need 1 peak 1 height 0
  v0 = ADD s0 0x5 at 0x4
  s0 = v0
  if LT v0 0x64 jump to 0x0 next 0xe at 0xd
block 0xe gas 0 need 0 peak 0 height 0
  halt STOP at 0xe`
	fine := true // what is checked next
	check := func(from, to string) {
		t.Helper()
		text := strings.Replace(good, from, to, 1)
		p, err := Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if err := p.Check(); (err == nil) != fine {
			t.Errorf("%s for %s: got %v", to, from, err)
		}
		fine = false
	}
	check("", "")
	check("ADD s0", "ADD s1")           // not needed by the block
	check("ADD s0", "ADD v0")           // not there yet
	check("s0 = v0", "s0 = v1")         // not there at all
	check("s0 = v0", "n1 = v0")         // above the height
	check("s0 = v0", "s1 = v0")         // below what is needed
	check("LT v0", "LT s4")             //
	check("ADD s0", "GT s0")            // vanished from programs
	check("ADD s0 0x5", "PUSH0")        //
	check("jump to 0x0", "jump to 0x1") //
	check("next 0xe", "next 0xf")       //
	check("halt STOP", "next 0xf")      //
	check("height 0", "height 2")       // above the peak
	fine = true
	check("height 0\n", "height 0\ns0 bits 9\n")
	check("height 0\n", "height 0\ns1 bits 9\n")            // not needed by the block
	check("height 0\n", "height 0\ns0 bits 256\n")          // no fact
	check("height 0\n", "height 0\ns0 bits 9\ns0 bits 9\n") // twice
	fine = true
	check("jump to 0x0 next 0xe", "jump s0 among 0x0 next 0xe")
	check("jump to 0x0 next 0xe", "jump s0 among 0x1 next 0xe")     // no JUMPDEST
	check("jump to 0x0 next 0xe", "jump s0 among 0x0 0x0 next 0xe") // twice
	check("jumpdest", "block")                                      // no target any more
}

func TestParseErrors(t *testing.T) {
	for _, text := range []string{
		"x", "halt STOP at 0x0", "block 0x0", "block 0x0 gas 0 need 0 peak 0 height 0",
		"block 0x0 gas 0 need 0 peak 0 height 0 x\nhalt STOP at 0x0",
		"block 0x0 gas 0 need 0 peak 0 height 0\nhalt ADD at 0x0",
		"block 0x0 gas 0 need 0 peak 0 height 0\nv1 = CALLER at 0x0\nhalt STOP at 0x1",
		"block 0x0 gas 0 need 0 peak 0 height 0\nv0 = ADD s0 at 0x0\nhalt STOP at 0x1",
		"jumpdest 0xffffffff gas 0 need 0 peak 0 height 0\nhalt STOP at 0x0",
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
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
		parsed, err := Parse(first.String())
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if err := parsed.Check(); err != nil || parsed.String() != first.String() {
			t.Fatalf("%v: parsed\n%s\nwant\n%s", err, parsed, first)
		}
	})
}

// FuzzParse: what parses and passes the check has a text that parses to the same.
func FuzzParse(f *testing.F) {
	for _, code := range [][]byte{{}, {byte(PUSH1), 4, byte(JUMP), byte(STOP), byte(JUMPDEST)}, {byte(CALL), byte(GAS), byte(SSTORE)}} {
		f.Add(new(Builder).Build(code, Osaka).String())
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil || p.Check() != nil {
			return
		}
		again, err := Parse(p.String())
		if err != nil || again.String() != p.String() {
			t.Fatalf("%v: got\n%s\nwant\n%s", err, again, p)
		}
	})
}
