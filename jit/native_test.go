package jit_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
	"github.com/redline-evm/redline/jit/ir"
)

// newNativeEngine returns an engine with a native tier, or skips the test.
func newNativeEngine(t *testing.T, tier jit.Native) *jit.Engine {
	t.Helper()
	engine := jit.New(jit.Config{Native: tier})
	if err := engine.NativeError(); err != nil {
		t.Skip(err)
	}
	return engine
}

// deploy returns an EVM of the engine on a state with the contract first.
func deploy(engine *jit.Engine, body []byte) *jit.EVM {
	journal := exec.NewJournal(nothing{})
	journal.SetCode(first, body)
	journal.Finish()
	evm := engine.NewEVM(journal, &jit.BlockContext{Fork: jit.Osaka, CodeSizeMax: 24576})
	evm.SetTx(jit.TxContext{})
	return evm
}

// TestNativeCompiles wants each code compiled once, and code that is made to blow
// up the compiler left to the interpreter.
func TestNativeCompiles(t *testing.T) {
	engine := newNativeEngine(t, jit.NativeEager)
	var bomb []byte // much machine code for each byte
	for range 2000 {
		bomb = append(bomb, code(ir.MSIZE, ir.MLOAD, ir.POP)...)
	}
	for name, c := range map[string]struct {
		body []byte
		want jit.NativeStats
	}{
		"compiled": {code(1, 2, ir.ADD, ir.POP), jit.NativeStats{Compiled: 1}},
		"rejected": {bomb, jit.NativeStats{Rejected: 1}},
	} {
		before := engine.NativeStats()
		evm := deploy(engine, c.body)
		for range 3 {
			if r := evm.Call(message(100_000)); r.Halt != jit.Success {
				t.Errorf("%s: got %s; want success", name, r.Halt)
			}
		}
		after := engine.NativeStats()
		got := jit.NativeStats{Compiled: after.Compiled - before.Compiled, Rejected: after.Rejected - before.Rejected}
		if got != c.want {
			t.Errorf("%s: got %+v after three calls; want %+v", name, got, c.want)
		}
		if made := after.Bytes > before.Bytes; made != (c.want.Compiled > 0) {
			t.Errorf("%s: got %d bytes of machine code after %d", name, after.Bytes, before.Bytes)
		}
	}
}

// TestNativeCollector wants the collector to run to its end while generated code
// runs that never ends.
func TestNativeCollector(t *testing.T) {
	engine := newNativeEngine(t, jit.NativeEager)
	evm := deploy(engine, code(ir.JUMPDEST, 0, ir.JUMP))
	var call sync.WaitGroup
	var result jit.Result
	call.Go(func() { result = evm.Call(message(1 << 60)) })
	for range 20 {
		runtime.GC()
	}
	evm.Cancel()
	call.Wait()
	if result.Halt != jit.Cancelled {
		t.Errorf("got %s; want the loop to run until it is cancelled", result.Halt)
	}
}

// TestNativeSharing runs one code on many EVMs at once, whose machine code is
// collected when its engine is.
func TestNativeSharing(t *testing.T) {
	loop := code(200, ir.JUMPDEST, ir.DUP1, ir.DUP1, ir.MUL, 0, ir.MSTORE, 1, ir.SWAP1, ir.SUB, ir.DUP1, 2, ir.JUMPI, 32, 0, ir.RETURN)
	for range 20 {
		engine := newNativeEngine(t, jit.NativeEager)
		var workers sync.WaitGroup
		for range 4 {
			workers.Go(func() {
				evm := deploy(engine, loop)
				for range 20 {
					if r := evm.Call(message(100_000)); r.Halt != jit.Success || r.Output[31] != 1 {
						t.Errorf("got %s with output %x; want 1", r.Halt, r.Output)
					}
				}
			})
		}
		workers.Wait()
		runtime.GC()
	}
}

func TestParseNative(t *testing.T) {
	for _, want := range []jit.Native{jit.NativeOff, jit.NativeOn, jit.NativeEager} {
		if got, err := jit.ParseNative(want.String()); err != nil || got != want {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
	if _, err := jit.ParseNative("fast"); err == nil {
		t.Error("got no error for a setting that is none")
	}
}

// TestNativeHot runs code until a worker has compiled it, and after that.
func TestNativeHot(t *testing.T) {
	engine := newNativeEngine(t, jit.NativeOn)
	evm := deploy(engine, code(100, ir.JUMPDEST, 1, ir.SWAP1, ir.SUB, ir.DUP1, 2, ir.JUMPI, ir.GAS, 0, ir.MSTORE, 32, 0, ir.RETURN))
	interpreted := evm.Call(message(1_000_000))
	want := string(interpreted.Output)
	if got := engine.NativeStats(); got != (jit.NativeStats{}) {
		t.Errorf("got %+v after one call; want the code cold", got)
	}
	for engine.NativeStats().Compiled == 0 {
		if r := evm.Call(message(1_000_000)); string(r.Output) != want {
			t.Fatalf("got output %x; want %x", r.Output, want)
		}
	}
	for range 100 {
		if r := evm.Call(message(1_000_000)); string(r.Output) != want || r.GasLeft != interpreted.GasLeft {
			t.Fatalf("got output %x, %d gas left; want %x, %d", r.Output, r.GasLeft, want, interpreted.GasLeft)
		}
	}
	if got := engine.NativeStats().Compiled; got != 1 {
		t.Errorf("got %d codes compiled; want one", got)
	}
}
