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
	var workers sync.WaitGroup
	for worker := range uint64(4) {
		workers.Go(func() {
			c := NewCompiler(memory)
			random := rand.New(rand.NewPCG(worker, 6))
			for range 40 {
				rounds := 1 + random.Uint64N(2000)
				slice := 50 + random.Uint64N(5000)
				var fresh sync.WaitGroup
				fresh.Go(func() { growStack(random.IntN(100), func() { both(t, c, fibonacci(rounds), 1e6, slice, nil) }) })
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
