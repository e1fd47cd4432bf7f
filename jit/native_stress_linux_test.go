package jit_test

import (
	"context"
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"runtime/trace"
	"sync"
	"syscall"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
	"github.com/redline-evm/redline/jit/ir"
)

// stressPrograms run for some microseconds up to a millisecond: a loop that never
// leaves but for gas, one that leaves all the time, one whose memory grows and
// moves, and calls as deep as they go, with a loop in each frame.
var stressPrograms = [][]byte{
	// a, b = b, a+b for n = call data, counted down
	code(0, 1, 0, ir.CALLDATALOAD, // a b n
		ir.JUMPDEST, ir.SWAP1+1, ir.DUP1+1, ir.ADD, ir.SWAP1, ir.SWAP1+1, 1, ir.SWAP1, ir.SUB, ir.DUP1, 7, ir.JUMPI,
		ir.POP, 0, ir.MSTORE, 32, ir.MSTORE, 64, 0, ir.RETURN),
	code(0, ir.CALLDATALOAD,
		ir.JUMPDEST, ir.DUP1, 3, ir.AND, ir.TLOAD, 1, ir.ADD, ir.DUP1+1, 3, ir.AND, ir.TSTORE, 1, ir.SWAP1, ir.SUB, ir.DUP1, 3, ir.JUMPI,
		3, ir.TLOAD, 0, ir.MSTORE, 32, 0, ir.RETURN),
	code(0, ir.CALLDATALOAD,
		ir.JUMPDEST, ir.DUP1, ir.MSIZE, ir.MSTORE, 32, ir.MSIZE, ir.SUB, ir.MLOAD, ir.POP, 1, ir.SWAP1, ir.SUB, ir.DUP1, 3, ir.JUMPI,
		ir.MSIZE, 0, ir.KECCAK256, 0, ir.MSTORE, 32, 0, ir.RETURN),
	code(100, ir.JUMPDEST, 1, ir.SWAP1, ir.SUB, ir.DUP1, 2, ir.JUMPI,
		0, 0, 0, 0, 0, ir.ADDRESS, ir.GAS, ir.CALL, 0, ir.TLOAD, ir.ADD, 0, ir.TSTORE, 0, ir.TLOAD, 0, ir.MSTORE, 32, 0, ir.RETURN),
}

// stressGas is enough for each of them.
const stressGas = 30_000_000

// stressCase is a run and what it must give.
type stressCase struct {
	body    []byte
	input   []byte
	want    string
	gasLeft uint64
}

// stressCases are the programs with input, and what the interpreter makes of
// them.
func stressCases() []stressCase {
	engine := jit.New(jit.Config{})
	var cases []stressCase
	for _, body := range stressPrograms {
		for _, n := range []uint64{1, 300, 12_000} {
			c := stressCase{body: body, input: common.BigToHash(new(big.Int).SetUint64(n)).Bytes()}
			r := c.run(newStressEVM(engine, body))
			if r.Halt != jit.Success {
				panic("BUG: the interpreter: " + r.Halt.String())
			}
			c.want, c.gasLeft = string(r.Output), r.GasLeft
			cases = append(cases, c)
		}
	}
	return cases
}

func newStressEVM(engine *jit.Engine, body []byte) *jit.EVM {
	journal := exec.NewJournal(nothing{})
	journal.SetCode(first, body)
	journal.Finish()
	evm := engine.NewEVM(journal, &jit.BlockContext{Fork: jit.Osaka, CodeSizeMax: 24576})
	evm.SetTx(jit.TxContext{})
	return evm
}

func (c *stressCase) run(evm *jit.EVM) jit.Result {
	msg := message(stressGas)
	msg.Input = c.input
	return evm.Call(msg)
}

// check wants the run to give what it must, or to have been cancelled if that may
// be.
func (c *stressCase) check(t *testing.T, r *jit.Result, mayCancel bool) {
	t.Helper()
	if mayCancel && r.Halt == jit.Cancelled {
		return
	}
	if r.Halt != jit.Success || r.GasLeft != c.gasLeft || string(r.Output) != c.want {
		t.Errorf("%x of %x: got %s, %d gas left, output %x; want success, %d, %x", c.body, c.input, r.Halt, r.GasLeft, r.Output, c.gasLeft, c.want)
	}
}

// TestNativeStress runs generated code on goroutines whose stacks are small or
// about to grow, while the collector runs all the time, the profiler and the
// tracer watch, and signals that mean "yield" rain down; some calls are cancelled
// at any moment. Each run must give what the interpreter gives.
func TestNativeStress(t *testing.T) {
	const workers, rounds = 3, 40
	engine := newNativeEngine(t, jit.NativeEager)
	cases := stressCases()
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	if err := pprof.StartCPUProfile(io.Discard); err == nil {
		defer pprof.StopCPUProfile()
	}
	if err := trace.Start(io.Discard); err == nil {
		defer trace.Stop()
	}
	ctx, stop := context.WithCancel(context.Background())
	var disturbers, runners sync.WaitGroup
	disturbers.Go(func() {
		for ctx.Err() == nil {
			runtime.GC()
		}
	})
	disturbers.Go(func() {
		for ctx.Err() == nil {
			if err := syscall.Kill(os.Getpid(), syscall.SIGURG); err != nil {
				t.Error(err)
			}
			runtime.Gosched()
		}
	})
	for worker := range uint64(workers) {
		runners.Go(func() { stressWorker(t, engine, cases, rounds, worker) })
	}
	runners.Wait()
	stop()
	disturbers.Wait()
	if compiled := engine.NativeStats().Compiled; compiled < uint64(len(stressPrograms)) { // two workers may compile the same
		t.Errorf("got %d codes compiled; want %d", compiled, len(stressPrograms))
	}
}

func stressWorker(t *testing.T, engine *jit.Engine, cases []stressCase, rounds int, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 11))
	for range rounds {
		c := &cases[random.IntN(len(cases))]
		evm := newStressEVM(engine, c.body)
		evm.SetGasSlice([]uint64{1, 1000, 100_000}[random.IntN(3)])
		cancels, depth := random.IntN(3) == 0, random.IntN(60)
		var fresh sync.WaitGroup
		fresh.Go(func() { // on a stack of 2 KiB
			if cancels {
				fresh.Go(func() { runtime.Gosched(); evm.Cancel() })
			}
			growStack(depth, func() {
				r := c.run(evm)
				c.check(t, &r, cancels)
			})
		})
		fresh.Wait()
	}
}

// growStack calls f below the given number of large frames.
func growStack(depth int, f func()) byte {
	var frame [1 << 10]byte
	if depth == 0 {
		f()
		return frame[0]
	}
	frame[depth%len(frame)] = growStack(depth-1, f)
	return frame[0]
}

// TestNativeDeadlines ends endless native loops at any moment, of which some
// never leave but for gas and some all the time.
func TestNativeDeadlines(t *testing.T) {
	engine := newNativeEngine(t, jit.NativeEager)
	endless := [][]byte{
		code(ir.JUMPDEST, 0, ir.JUMP),
		code(ir.JUMPDEST, 0, ir.TLOAD, 1, ir.ADD, 0, ir.TSTORE, 0, ir.JUMP),
		code(ir.JUMPDEST, 0, 0, 0, 0, 0, 4, ir.GAS, ir.CALL, ir.POP, 0, ir.JUMP),
		code(0, 0, 0, 0, 0, ir.ADDRESS, ir.GAS, ir.CALL, ir.POP, ir.JUMPDEST, 1, 14, ir.JUMPI, ir.STOP),
	}
	random := rand.New(rand.NewPCG(1, 12))
	for range 60 {
		evm := newStressEVM(engine, endless[random.IntN(len(endless))])
		yields := random.IntN(200)
		var call sync.WaitGroup
		var result jit.Result
		call.Go(func() { result = evm.Call(message(1 << 60)) })
		for range yields {
			runtime.Gosched()
		}
		evm.Cancel()
		call.Wait()
		if result.Halt != jit.Cancelled {
			t.Fatalf("got %s; want the call cancelled", result.Halt)
		}
	}
}
