package ir

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// format prints code for tests: one line for each block, with its lowest and
// highest start height in words, its gas and its instructions.
func format(c *Code) string {
	var b strings.Builder
	for i := Entry; i < len(c.Instrs); {
		head, second := c.Instrs[i], c.Instrs[i+1]
		low := int(head.N) / WordSize
		fmt.Fprintf(&b, "%d: [%d..%d gas %d", i, low, low+int(second.N)/WordSize, head.Arg)
		if second.Arg > 0 {
			fmt.Fprintf(&b, " skip %d", second.Arg)
		}
		b.WriteString("]")
		for i += HeaderSize; i < len(c.Instrs) && c.Instrs[i].Op != Header; i++ {
			in := c.Instrs[i]
			fmt.Fprintf(&b, " %v", in.Op)
			if in.N != 0 {
				fmt.Fprintf(&b, "(%d)", in.N)
			}
			if in.Arg != 0 {
				fmt.Fprintf(&b, ":%d", in.Arg)
			}
		}
		b.WriteString("\n")
	}
	return strings.TrimSpace(b.String())
}

func TestDecode(t *testing.T) {
	check := func(name, code, want string) {
		t.Helper()
		bytecode, err := hex.DecodeString(strings.ReplaceAll(code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		var d Decoder
		if got := format(d.Decode(bytecode, Osaka)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
	check("no code", "", "3: [0..1024 gas 0] STOP")
	check("falls off the end", "6001", "3: [0..1023 gas 3] Push:1 STOP")
	check("cut push", "61ff", "3: [0..1023 gas 3] Push:65280 STOP")
	check("dead code", "00 6001", "3: [0..1024 gas 0] STOP")
	check("undefined opcode", "0c", "3: [0..1024 gas 0] Invalid")
	check("heights", "01 01 5f 5f", "3: [3..1024 gas 10] ADD ADD Push Push STOP")
	check("too deep for any stack", strings.Repeat("50", 1025), "3: [2047..2047 gas 2050] Drop(32768) Drop(32) STOP")
	check("static jump", "6003 56 5b 00", "3: [0..1023 gas 11] Goto:6\n6: [0..1024 gas 1] STOP")
	check("jump into push data", "6005 56 61 005b", "3: [0..1023 gas 11] Goto")
	check("jump behind the end", "6099 56", "3: [0..1023 gas 11] Goto")
	check("dynamic jump", "5f35 56", "3: [0..1023 gas 13] Push CALLDATALOAD JUMP")
	check("branch falls into a header", "6001 6005 57 5b 00",
		"3: [0..1022 gas 16] Push:1 GotoIf:7\n7: [0..1024 gas 1] STOP")
	check("run of jumpdests", "5b5b5b 00",
		"3: [0..1024 gas 3 skip 4]\n5: [0..1024 gas 2 skip 2]\n7: [0..1024 gas 1] STOP")
	check("gas behind what sees it", "5a 6001 01 50", "3: [0..1022 gas 10] GAS:8 AddImm:1 Drop(32) STOP")

	check("constants fold", "6001 6001 60a0 1b 03 16 00", "3: [1..1021 gas 18] AndWide STOP")
	check("constants fold to zero", "6001 6001 03 00", "3: [0..1022 gas 9] Push STOP")
	check("swapped operands", "90 01 00", "3: [2..1024 gas 6] ADD STOP")
	check("decrement", "6001 90 03 00", "3: [1..1023 gas 9] SubImm:1 STOP")
	check("drops merge", "50 50 91 50 00", "3: [5..1024 gas 9] Drop(64) SwapDrop(64) STOP")
	check("loop head", "82 15 6006 57 00 5b 00", "3: [3..1022 gas 19] GotoIfZeroAt(64):9\n6: [0..1024 gas 0] STOP\n9: [0..1024 gas 1] STOP")
	check("double negation", "15 15 6006 57 00 5b", "3: [1..1023 gas 19] GotoIf:9\n6: [0..1024 gas 0] STOP\n9: [0..1024 gas 1] STOP")
	check("comparison", "10 15 6005 57 5b 00", "3: [2..1024 gas 19] GotoIfGe:6\n6: [0..1024 gas 1] STOP")
	check("dispatch", "80 63aabbccdd 14 600a 57 5b 00",
		"3: [1..1022 gas 22] GotoIfTopEq:2864434397 Goto:7\n7: [0..1024 gas 1] STOP")
	check("memory", "6040 51 6020 01 51 00", "3: [0..1022 gas 15] MloadImm:64 MloadAdd:32 STOP")
	check("no fusion across blocks", "6001 5b 01 00", "3: [0..1023 gas 3] Push:1\n6: [2..1024 gas 4] ADD STOP")
}

func TestForks(t *testing.T) {
	var d Decoder
	for fork, want := range map[Fork]Op{Cancun: Invalid, Prague: Invalid, Osaka: CLZ} {
		code := d.Decode([]byte{byte(CALLER), byte(CLZ)}, fork)
		if got := code.Instrs[Entry+HeaderSize+1].Op; got != want {
			t.Errorf("fork %d: got %v for CLZ; want %v", fork, got, want)
		}
	}
}

// TestLongBlocks cuts blocks whose gas would not fit.
func TestLongBlocks(t *testing.T) {
	code := bytes.Repeat([]byte{byte(CREATE)}, 200_000)
	var d Decoder
	total := uint64(0)
	for i, in := range d.Decode(code, Osaka).Instrs {
		if in.Op == Header && d.out.Instrs[i+1].Op == Header {
			total += uint64(in.Arg)
		}
	}
	if want := uint64(200_000) * 32_000; total != want {
		t.Errorf("got %d gas over all blocks; want %d", total, want)
	}
}

// TestMadeOpsAreNoOpcodes: an operation of the decoder never is an opcode that
// is passed on.
func TestMadeOpsAreNoOpcodes(t *testing.T) {
	for op := Header; op < madeEnd; op++ {
		if table[op].Name != "" {
			t.Errorf("%v is also the opcode %s", op, table[op].Name)
		}
		if _, ok := madeNames[op]; !ok {
			t.Errorf("operation %d has no name", op)
		}
	}
}

// check fails unless code keeps the invariants of Code and stays in proportion
// to the bytecode.
func check(t *testing.T, bytecode []byte, c *Code) {
	t.Helper()
	if got, limit := len(c.Instrs), 8+3*len(bytecode); got > limit {
		t.Fatalf("got %d instructions for %d bytes; want at most %d", got, len(bytecode), limit)
	}
	if len(c.Dests) != len(bytecode) {
		t.Fatalf("got %d jump targets for %d bytes", len(c.Dests), len(bytecode))
	}
	headers := map[uint32]bool{}
	for i := 0; i < len(c.Instrs); i++ {
		if c.Instrs[i].Op != Header {
			continue
		}
		headers[uint32(i)] = true
		if i++; i >= len(c.Instrs) || c.Instrs[i].Op != Header {
			t.Fatalf("half a header at %d", i-1)
		}
		if body := i + 1 + int(c.Instrs[i].Arg); body >= len(c.Instrs) {
			t.Fatalf("header at %d has no body", i-1)
		}
	}
	for pc, dest := range c.Dests {
		if dest != 0 && (!headers[dest] || Op(bytecode[pc]) != JUMPDEST) {
			t.Fatalf("jump target %d: got instruction %d, no header of a JUMPDEST", pc, dest)
		}
	}
	for i, in := range c.Instrs {
		switch {
		case in.Op == Goto || in.Op >= GotoIf && in.Op <= GotoIfNe:
			if !headers[in.Arg] {
				t.Fatalf("jump at %d goes to %d; want a header", i, in.Arg)
			}
		case in.Op == PushWide || in.Op == AndWide:
			if int(in.Arg) >= len(c.Words) {
				t.Fatalf("instruction %d wants constant %d of %d", i, in.Arg, len(c.Words))
			}
		}
		// Behind a branch that is not taken comes a header.
		if (in.Op >= GotoIf && in.Op <= GotoIfNe || in.Op == JUMPI) && !headers[uint32(i+1)] {
			t.Fatalf("branch at %d is not followed by a header", i)
		}
	}
	last := c.Instrs[len(c.Instrs)-1].Op
	if info := table[last]; !info.Props.Halts() && last != Goto && last != Invalid {
		t.Fatalf("code ends with %v", last)
	}
}

// TestHostileCode decodes bytecode made to blow up a decoder.
func TestHostileCode(t *testing.T) {
	const size = 48 << 10
	for name, pattern := range map[string][]byte{
		"jumpdests":          {byte(JUMPDEST)},
		"short blocks":       {byte(JUMPDEST), byte(PUSH0)},
		"branches":           {byte(PUSH0), byte(JUMPI)},
		"constants":          {byte(PUSH1) + 4, 1, 2, 3, 4, 5},
		"foldable constants": {byte(PUSH1), 1, byte(ADD)},
		"negations":          {byte(ISZERO)},
		"swaps":              {byte(SWAP1), byte(ADD)},
		"drops":              {byte(POP)},
		"creates":            {byte(CREATE)},
		"gas":                {byte(GAS)},
	} {
		t.Run(name, func(t *testing.T) {
			bytecode := bytes.Repeat(pattern, size/len(pattern))
			var d Decoder
			check(t, bytecode, d.Decode(bytecode, Osaka))
			if got, limit := d.out.SizeBytes(), 64*size; got > limit {
				t.Errorf("got %d bytes for %d bytes of code; want at most %d", got, size, limit)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{byte(PUSH1), 4, byte(JUMP), byte(STOP), byte(JUMPDEST)})
	f.Add([]byte{byte(JUMPDEST), byte(JUMPDEST), byte(PUSH0), byte(DUP1), byte(ISZERO), byte(PUSH0), byte(JUMPI)})
	f.Add([]byte{byte(PUSH1), 1, byte(PUSH1), 160, byte(SHL), byte(SWAP1), byte(SUB), byte(AND), byte(PUSH32), 1})
	f.Fuzz(func(t *testing.T, bytecode []byte) {
		var d Decoder
		first := d.Decode(bytecode, Osaka).Clone()
		check(t, bytecode, first)
		if again := d.Decode(bytecode, Osaka); format(again) != format(first) {
			t.Fatal("a decoder that was used before decodes otherwise")
		}
	})
}
