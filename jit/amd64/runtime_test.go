//go:build linux && amd64

package amd64

import (
	"context"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"testing"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// TestRuntime runs generated code while the collector runs all the time, stacks
// grow and move, goroutines are preempted and the profiler interrupts.
func TestRuntime(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	if err := pprof.StartCPUProfile(io.Discard); err == nil {
		defer pprof.StopCPUProfile()
	}
	memory := newMemory(t)
	background, stop := context.WithCancel(context.Background())
	var collector sync.WaitGroup
	collector.Go(func() {
		for background.Err() == nil {
			runtime.GC()
		}
	})
	programs := [2]func(rounds uint64) []byte{fibonacci, callingRoutines}
	var workers sync.WaitGroup
	for worker := range uint64(4) {
		workers.Go(func() {
			c := NewCompiler(memory)
			random := rand.New(rand.NewPCG(worker, 6))
			for range 40 {
				rounds := 1 + random.Uint64N(2000)
				slice := 50 + random.Uint64N(5000)
				var fresh sync.WaitGroup
				fresh.Go(func() {
					growStack(random.IntN(100), func() { both(t, c, programs[worker%2](rounds), 1e6, slice, nil) })
				})
				fresh.Wait()
			}
		})
	}
	workers.Wait()
	stop()
	collector.Wait()
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

// TestSlices wants code that never ends by itself to leave after each slice.
func TestSlices(t *testing.T) {
	var b ir.Builder
	program := b.Build([]byte{byte(ir.JUMPDEST), byte(ir.PUSH0), byte(ir.JUMP)}, ir.Osaka)
	code, err := NewCompiler(newMemory(t)).Compile(program, testLimits)
	if err != nil {
		t.Fatal(err)
	}
	base := newMachine(program, 0, nil).words
	ctx := &Context{}
	ctx.Init(code, &base[0], nil)
	for slice := uint64(100); slice < 1e6; slice *= 10 {
		ctx.Gas = slice
		if exit := code.Run(ctx); exit.Kind != ExitGas || ctx.Gas >= ctx.Need() {
			t.Errorf("left with %v, %d gas left, %d needed", exit, ctx.Gas, ctx.Need())
		}
	}
}

// exits is a loop of two exits with two operands each.
var exits = []byte{
	byte(ir.JUMPDEST), byte(ir.PUSH0), byte(ir.TLOAD), byte(ir.PUSH0), byte(ir.TSTORE),
	byte(ir.PUSH0), byte(ir.JUMP),
}

// run runs exits for a number of exits, serving them with nothing.
func run(t testing.TB, code *Code, ctx *Context, words []uint256.Int, count int) {
	ctx.Init(code, &words[0], nil)
	ctx.Gas = 1 << 40
	for range count {
		if exit := code.Run(ctx); exit.Kind != ExitInstr {
			t.Fatalf("left with %v", exit)
		}
	}
}

func compileExits(t testing.TB) (code *Code, ctx *Context, words []uint256.Int) {
	var b ir.Builder
	code, err := NewCompiler(newMemory(t)).Compile(b.Build(exits, ir.Osaka), testLimits)
	if err != nil {
		t.Fatal(err)
	}
	return code, &Context{}, make([]uint256.Int, 1+ir.StackMax)
}

func TestRunDoesNotAllocate(t *testing.T) {
	code, ctx, words := compileExits(t)
	if n := testing.AllocsPerRun(100, func() { run(t, code, ctx, words, 10) }); n != 0 {
		t.Errorf("got %v allocations; want none", n)
	}
}

// BenchmarkExit is an exit with two operands and the way back.
func BenchmarkExit(b *testing.B) {
	const count = 1000
	code, ctx, words := compileExits(b)
	for b.Loop() {
		run(b, code, ctx, words, count)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*count), "ns/exit")
}
