package ir

import (
	"strings"
	"testing"
)

// TestCheckFindsInLoops breaks a loop in all kinds of ways.
func TestCheckFindsInLoops(t *testing.T) {
	const good = `jumpdest 0x0 gas 10 need 2 peak 1 height 0
  v0 = SUB s0 0x1 at 0x4
  s0 = v0
  if ISZERO v0 jump to 0x0 next 0xe at 0xd
block 0xe gas 0 need 0 peak 0 height 0
  halt STOP at 0xe
loop 0x0 gas 10 need 2 peak 1
  guard s0 bits 62
  guard s1 bits 62
  count s0 step -1 to s1 after dropped
  v1 = ADD s0 s1 bits 63 at 0x4
  leave if not LT v1 0x7 to 0xe height 0 back 3 at 0x5
  s1 = v1
  stay 0x0 charge 0
  s1 = 0x5
  repeat`
	check := func(from, to string) {
		t.Helper()
		checkChanged(t, good, from, to)
	}
	check("", "")
	check("loop 0x0", "loop 0xe") // no JUMPDEST
	check("loop 0x0 gas 10", "loop 0x0 gas 0")
	check("guard s1", "guard s0")
	check("guard s1", "guard s2") // not needed
	check("bits 62", "bits 64")   // too wide to count
	check("step -1", "step -2")
	check("to s1 after", "to s2 after")
	check("v1 = ADD s0 s1", "v1 = DIV s0 s1") // may need Go
	check("v1 = ADD s0", "v1 = ADD v0")       // of a block
	check("LT v1", "LT v2")
	check("s1 = v1", "s3 = v1")
	check("s1 = 0x5", "n1 = 0x5")
	check("height 0 back", "height -3 back")
}

// TestCheckFindsInSums breaks a loop of sums.
func TestCheckFindsInSums(t *testing.T) {
	const good = `jumpdest 0x0 gas 10 need 2 peak 1 height 0
  s0 = s1
  jump to 0x0 at 0x5
loop 0x0 gas 10 need 2 peak 1
  guard s0 bits 62
  count s0 step -1 to 0x0
  sums
  v0 = SUB s0 0x1 bits 62 at 0x4
  v1 = ADD s1 s0 at 0x5
  s1 = v1
  s0 = v0
  repeat`
	check := func(from, to string) {
		t.Helper()
		checkChanged(t, good, from, to)
	}
	check("", "")
	check("SUB s0 0x1", "SUB s0 s1")
	check("ADD s1 s0", "XOR s1 s0")
	check("  count s0 step -1 to 0x0\n", "")
}

// checkChanged parses a program in which from is replaced, prints it again, and
// wants Check to refuse it unless nothing was changed.
func checkChanged(t *testing.T, good, from, to string) {
	t.Helper()
	text := strings.Replace(good, from, to, 1)
	p, err := Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got := strings.TrimSpace(p.String()); got != text {
		t.Errorf("got\n%s\nwant\n%s", got, text)
	}
	if err := p.Check(); (err == nil) != (text == good) {
		t.Errorf("%s for %s: got %v", to, from, err)
	}
}

// TestLoopLimits wants time and memory for hostile bytecode bounded: the work for
// loops is proportional to the length of the code.
func TestLoopLimits(t *testing.T) {
	const size = 24 << 10
	for name, pattern := range map[string][]byte{
		"nested":   {byte(JUMPDEST), byte(PUSH0), byte(PUSH1), 0, byte(JUMPI)},
		"branches": {byte(JUMPDEST), byte(DUP1), byte(PUSH0), byte(JUMPI), byte(DUP1) + 1, byte(POP)},
	} {
		var code []byte
		for len(code) < size {
			code = append(code, pattern...)
		}
		var b Builder
		b.Build(code, Osaka)
		before := len(b.out.Instrs)
		b.Optimize()
		if added, most := len(b.out.Instrs)-before, loopWorkBase+loopWork*size; added > most {
			t.Errorf("%s: got %d instructions in loops; want at most %d", name, added, most)
		}
	}
}
