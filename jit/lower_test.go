package jit

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/redline-evm/redline/jit/ir"
)

var armNames = [armsEnd]string{
	armHost:            "host",
	armHeader:          "header",
	armBadJump:         "badJump",
	armMove:            "move",
	armSwap:            "swap",
	armSet:             "set",
	armSetWide:         "setWide",
	armAdd:             "add",
	armSub:             "sub",
	armMul:             "mul",
	armDiv:             "div",
	armSdiv:            "sdiv",
	armMod:             "mod",
	armSmod:            "smod",
	armAddMod:          "addMod",
	armMulMod:          "mulMod",
	armSignExtend:      "signExtend",
	armLt:              "lt",
	armSlt:             "slt",
	armEq:              "eq",
	armIsZero:          "isZero",
	armAnd:             "and",
	armOr:              "or",
	armXor:             "xor",
	armNot:             "not",
	armByte:            "byte",
	armShl:             "shl",
	armShr:             "shr",
	armSar:             "sar",
	armAddImm:          "addImm",
	armSubImm:          "subImm",
	armSubFrom:         "subFrom",
	armAndImm:          "andImm",
	armEqImm:           "eqImm",
	armLtImm:           "ltImm",
	armGtImm:           "gtImm",
	armShlImm:          "shlImm",
	armShrImm:          "shrImm",
	armSarImm:          "sarImm",
	armByteImm:         "byteImm",
	armSignExtendImm:   "signExtendImm",
	armAddWide:         "addWide",
	armAndWide:         "andWide",
	armOrWide:          "orWide",
	armMload:           "mload",
	armMloadImm:        "mloadImm",
	armMstore:          "mstore",
	armMstoreImm:       "mstoreImm",
	armMstore8:         "mstore8",
	armKeccak256:       "keccak256",
	armCallDataLoad:    "callDataLoad",
	armCallDataLoadImm: "callDataLoadImm",
	armCallDataSize:    "callDataSize",
	armCallValue:       "callValue",
	armCaller:          "caller",
	armGasLeft:         "gasLeft",
	armSload:           "sload",
	armSstore:          "sstore",
	armFall:            "fall",
	armJump:            "jump",
	armMoveJump:        "moveJump",
	armJumpTo:          "jumpTo",
	armJumpIf:          "jumpIf",
	armJumpIfZero:      "jumpIfZero",
	armJumpIfLt:        "jumpIfLt",
	armJumpIfGe:        "jumpIfGe",
	armJumpIfSlt:       "jumpIfSlt",
	armJumpIfSge:       "jumpIfSge",
	armJumpIfEq:        "jumpIfEq",
	armJumpIfNe:        "jumpIfNe",
	armJumpIfLtImm:     "jumpIfLtImm",
	armJumpIfGeImm:     "jumpIfGeImm",
	armJumpIfGtImm:     "jumpIfGtImm",
	armJumpIfLeImm:     "jumpIfLeImm",
	armJumpIfEqImm:     "jumpIfEqImm",
	armJumpIfNeImm:     "jumpIfNeImm",
}

// format prints code for tests: one line for each block, with its lowest and
// highest start height in words, its gas and its instructions; places are in
// words from the stack pointer.
func format(c *code) string {
	var b strings.Builder
	for i, in := range c.instrs[entry:] {
		if in.op == armHeader {
			if i > 0 {
				b.WriteString("\n")
			}
			fmt.Fprintf(&b, "%d: [%d..%d gas %d", i+entry, in.a/limbs, (in.a+in.b)/limbs, in.arg)
			if in.to > 0 {
				fmt.Fprintf(&b, " skip %d", in.to)
			}
			b.WriteString("]")
			continue
		}
		b.WriteString(" " + armNames[in.op])
		if in.op == armHost {
			b.WriteString(":" + ir.Op(in.opcode).String())
		}
		fmt.Fprintf(&b, "(%d %d %d", in.dst/limbs, in.a/limbs, in.b/limbs)
		if in.arg > 0 {
			fmt.Fprintf(&b, " arg %d", in.arg)
		}
		if in.to > 0 {
			fmt.Fprintf(&b, " to %d", in.to)
		}
		b.WriteString(")")
	}
	return b.String()
}

func TestLower(t *testing.T) {
	check := func(name, code, want string) {
		t.Helper()
		bytecode, err := hex.DecodeString(strings.ReplaceAll(code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := format(new(lowerer).lower(bytecode, Osaka)); got != strings.TrimSpace(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
	check("no code", "", `2: [0..1024 gas 0] host:STOP(1 0 0)`)
	check("loop", "5b 80 6005 01 90 50 80 6064 11 6000 57", `
2: [1..1022 gas 37] addImm(0 0 0 arg 5) jumpIfLtImm(0 0 0 arg 100 to 2)
5: [0..1024 gas 0] host:STOP(1 0 0)`)
	check("two words change places", "5b 80 91 01 6000 56", `
2: [2..1023 gas 21] add(-1 -1 0) swap(0 -1 0) jump(0 0 0 to 2)`)
}

// TestHostileLowering lowers bytecode made to blow up a compiler.
func TestHostileLowering(t *testing.T) {
	const size = 48 << 10
	for name, pattern := range map[string][]byte{
		"jumpdests":      {byte(ir.JUMPDEST)},
		"short blocks":   {byte(ir.JUMPDEST), byte(ir.PUSH0)},
		"branches":       {byte(ir.PUSH0), byte(ir.JUMPI)},
		"dynamic jumps":  {byte(ir.JUMPDEST), byte(ir.JUMPI)},
		"wide constants": {byte(ir.PUSH1) + 4, 1, 2, 3, 4, 5, byte(ir.DUP1), byte(ir.MUL), byte(ir.MSTORE)},
		"swaps":          {byte(ir.JUMPDEST), byte(ir.SWAP16)},
		"rotations":      {byte(ir.JUMPDEST), byte(ir.SWAP1) + 1, byte(ir.SWAP1)},
		"many results":   {byte(ir.GAS)},
		"deep dups":      {byte(ir.DUP16)},
		"calls":          {byte(ir.CALL)},
		"logs":           {byte(ir.LOG4)},
	} {
		t.Run(name, func(t *testing.T) {
			bytecode := bytes.Repeat(pattern, size/len(pattern))
			c := new(lowerer).lower(bytecode, Osaka)
			if got, limit := c.sizeBytes(), 256*size; got > limit {
				t.Errorf("got %d bytes for %d bytes of code; want at most %d", got, size, limit)
			}
			checkCode(t, c)
		})
	}
}

// checkCode fails unless the code keeps its invariants.
func checkCode(t *testing.T, c *code) {
	t.Helper()
	isHeader := func(i uint32) bool { return int(i) < len(c.instrs) && c.instrs[i].op == armHeader }
	for i, in := range c.instrs {
		next := uint32(i + 1)
		switch {
		case in.op == armHeader:
			if body := next + in.to; int(body) >= len(c.instrs) {
				t.Fatalf("header at %d has no body", i)
			}
		case in.op >= armFall && in.op != armJumpTo:
			if in.op != armFall && !isHeader(in.to) {
				t.Fatalf("jump at %d goes to %d; want a header", i, in.to)
			}
			if in.op != armJump && in.op != armMoveJump && !isHeader(next) {
				t.Fatalf("no header behind the branch at %d", i)
			}
		case in.op == armSetWide && int(in.arg) >= len(c.words):
			t.Fatalf("instruction %d wants constant %d of %d", i, in.arg, len(c.words))
		}
	}
	for pc, dest := range c.dests {
		if dest != 0 && !isHeader(dest) {
			t.Fatalf("jump target %d: got instruction %d; want a header", pc, dest)
		}
	}
}

func FuzzLower(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{byte(ir.PUSH1), 4, byte(ir.JUMP), byte(ir.STOP), byte(ir.JUMPDEST)})
	f.Add([]byte{byte(ir.JUMPDEST), byte(ir.JUMPDEST), byte(ir.PUSH0), byte(ir.DUP1), byte(ir.ISZERO), byte(ir.PUSH0), byte(ir.JUMPI)})
	f.Add([]byte{byte(ir.SWAP1) + 2, byte(ir.SWAP1) + 1, byte(ir.SWAP1), byte(ir.JUMPI), byte(ir.CALL), byte(ir.JUMP)})
	used := new(lowerer)
	f.Fuzz(func(t *testing.T, bytecode []byte) {
		l := new(lowerer)
		first := l.lower(bytecode, Osaka)
		checkCode(t, first)
		if again := used.lower(bytecode, Osaka); format(again) != format(first) {
			t.Fatal("a lowerer that was used before lowers otherwise")
		}
	})
}
