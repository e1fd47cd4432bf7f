package evmfuzz

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/ir"
)

// enginesHere are the engines that this system can run.
func enginesHere() []string {
	if jit.New(jit.Config{Native: jit.NativeEager}).NativeError() != nil {
		return []string{"interp", "geth"}
	}
	return Engines
}

// newTestEngines returns all engines that this system can run.
func newTestEngines(tb testing.TB) *engines {
	tb.Helper()
	e, err := newEngines(enginesHere())
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// TestRun compares programs of fixed seeds on all engines. It also wants most of
// them to run to their end: others show little.
func TestRun(t *testing.T) {
	report, err := Run(context.Background(), Options{Programs: 25_000, Seed: 1, Engines: enginesHere(), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range report.Failures {
		t.Errorf("seed %d: %s", failure.Seed, failure.Why)
	}
	if report.Programs < 25_000 || report.Runs < 4*report.Programs {
		t.Errorf("got %d programs, %d runs", report.Programs, report.Runs)
	}
	if 2*report.Statuses["success"] < report.Programs {
		t.Errorf("got %v of %d programs; want most to succeed", report.Statuses, report.Programs)
	}
}

// TestCrashers runs every case that was found once.
func TestCrashers(t *testing.T) {
	report, err := Replay(filepath.Join("testdata", "crashers"), enginesHere())
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range report.Failures {
		t.Errorf("%s: %s", failure.File, failure.Why)
	}
}

// TestPrograms wants the same programs of the same seed, and others of another.
func TestPrograms(t *testing.T) {
	program := func(seed uint64) []byte { return newGenerator(rand.New(rand.NewPCG(seed, 0))).program() }
	same := 0
	for seed := range uint64(200) {
		if !bytes.Equal(program(seed), program(seed)) {
			t.Errorf("seed %d gives two programs", seed)
		}
		if bytes.Equal(program(seed), program(seed+1)) {
			same++
		}
	}
	if same > 2 {
		t.Errorf("got %d equal neighbours; want other programs for other seeds", same)
	}
}

func TestEngines(t *testing.T) {
	for _, names := range [][]string{{"native"}, {"interp"}, {"interp", "evmone"}} {
		if _, err := newEngines(names); err == nil {
			t.Errorf("%q: got no error", names)
		}
	}
	if _, err := Replay("missing", []string{"interp", "geth"}); err == nil {
		t.Error("got no error for a folder that is not there")
	}
}

// TestFailure wants a case in which engines differ to be found, made smaller,
// saved and read again. The engines differ because one of them is told less gas.
func TestFailure(t *testing.T) {
	c := Case{Fork: jit.Prague, Slice: 7, Message: jit.Message{Caller: sender, To: contracts[0], Gas: 1000, Input: []byte{1, 2}}}
	c.Codes[0] = []byte{byte(ir.PUSH1), 1, byte(ir.PUSH1), 2, byte(ir.ADD), byte(ir.GAS), byte(ir.POP), byte(ir.POP), byte(ir.STOP)}
	c.Codes[1] = []byte{byte(ir.STOP)}
	gas := byte(ir.GAS)
	smaller := minimize(&c, func(c *Case) bool { return bytes.Contains(c.Codes[0], []byte{gas}) })
	if want := append(bytes.Repeat([]byte{byte(ir.JUMPDEST)}, 5), gas); !bytes.Equal(smaller.Codes[0], want) || smaller.Codes[1] != nil || smaller.Message.Input != nil {
		t.Errorf("got %x, %x; want %x and no more", smaller.Codes[0], smaller.Codes[1], want)
	}
	path, err := saveCase(t.TempDir(), &c, "differs\nmore", 5)
	if err != nil {
		t.Fatal(err)
	}
	read, err := readCase(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, code := range read.Codes {
		read.Codes[i] = append([]byte(nil), code...)
	}
	if !reflect.DeepEqual(read, &c) {
		t.Errorf("got %+v; want %+v", read, &c)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readCase(path); err == nil {
		t.Error("got no error for half a file")
	}
}

// FuzzCall compares all engines on any code, input and gas.
func FuzzCall(f *testing.F) {
	for seed := range uint64(20) {
		g := newGenerator(rand.New(rand.NewPCG(seed, 0)))
		f.Add(g.program(), []byte{1, 2, 3}, uint32(g.IntN(200_000)), uint32(g.slice()), uint8(seed))
	}
	e := newTestEngines(f)
	f.Fuzz(func(t *testing.T, code, input []byte, gas, slice uint32, fork uint8) {
		if len(code) > codeMax || len(input) > codeMax {
			t.Skip("longer than what is worth running")
		}
		c := Case{Fork: jit.Fork(fork % 3), Slice: uint64(slice)}
		c.Codes[0] = code
		c.Codes[1] = []byte{byte(ir.CALLDATASIZE), byte(ir.PUSH0), byte(ir.PUSH0), byte(ir.CALLDATACOPY), byte(ir.CALLDATASIZE), byte(ir.PUSH0), byte(ir.RETURN)}
		c.Message = jit.Message{Caller: sender, To: contracts[0], Input: input, Gas: uint64(gas) % 1_000_000}
		if err := checkAlone(e, &c, peers{native: true, geth: true}); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzPrograms compares all engines on generated worlds.
func FuzzPrograms(f *testing.F) {
	f.Add(uint64(1))
	fz := &fuzzer{engines: newTestEngines(f)}
	w := &worker{fuzzer: fz, arenas: make(map[jit.Fork]*arena)}
	f.Fuzz(func(t *testing.T, seed uint64) {
		if w.runWorld(seed); len(fz.mu.failures) > 0 {
			t.Fatal(fz.mu.failures[0].Why)
		}
	})
}
