//go:build linux && amd64

package amd64

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"sync"
	"testing"

	"github.com/holiman/uint256"
	"golang.org/x/sys/unix"

	"github.com/redline-evm/redline/jit/ir"
)

// vectorSettings are all ways to compile that the processor allows.
func vectorSettings() []bool {
	if hasVectors {
		return []bool{false, true}
	}
	return []bool{false}
}

// onDigits reports whether the code has a loop on digits.
func onDigits(code *Code) bool { return bytes.Contains(code.bytes, []byte{0xc5, 0xf8, 0x77}) }

// TestRoundsBetweenFolds wants the number of rounds after which the largest digit first
// may be too large, less what is odd of it.
func TestRoundsToFold(t *testing.T) {
	check := func(text string, want int) {
		t.Helper()
		var b ir.Builder
		b.Build(fromText("1000 0 CALLDATALOAD 1 CALLDATALOAD 2 CALLDATALOAD top: "+text+" 1 DUP5 SUB SWAP4 POP DUP4 top JUMPI STOP"), ir.Osaka)
		program := b.Optimize()
		if len(program.Loops) != 1 || !program.Loops[0].Sums {
			t.Fatalf("%s: it is no loop of sums:\n%v", text, program)
		}
		var s sumLoop
		if !s.begin(program, &program.Loops[0]) {
			t.Fatalf("%s: too few registers", text)
		}
		if s.countRounds(); s.rounds != want {
			t.Errorf("%s: got %d rounds; want %d", text, s.rounds, want)
		}
	}
	check("DUP1 SWAP2 ADD", 44) // the 46th Fibonacci number is the last below 2^31
	check("DUP1 ADD", 30)
	check("DUP1 DUP1 ADD ADD", 18) // 3^19 < 2^31
	check("DUP1 SWAP3 DUP3 ADD ADD SWAP2 SWAP1 SWAP2", 34)
	check("DUP1 ADD DUP1 ADD DUP1 ADD DUP1 ADD", 6)
	check("DUP2 ADD", foldRoundsMax) // of a word that does not change
	check("DUP2 ADD DUP3 ADD DUP2 ADD DUP3 ADD DUP2 ADD", foldAddsMax/5-1)
}

// sums writes a loop of so many rounds that does nothing but add and copy words.
func (g *loopGenerator) sums(rounds uint64) []byte {
	const counter = 0
	g.words = 2 + g.IntN(4)
	list := edges(g.Rand)
	for range g.words - 1 {
		x := list[g.IntN(len(list))]
		if g.IntN(3) == 0 {
			x.SetAllOne()
		}
		g.w.push(&x)
	}
	g.w.push64(rounds)
	head, end := g.newLabel(), g.newLabel()
	first := rounds == 0 || g.IntN(2) == 0
	g.bind(head)
	if first {
		g.load(counter)
		g.w.op(ir.ISZERO)
		g.jumpIf(end)
	}
	other := func() int { return 1 + g.IntN(g.words-1) }
	for range 1 + g.IntN(4) {
		switch x, y := other(), other(); g.IntN(8) {
		case 0: // exchange, or copy
			g.load(x)
			g.load(y)
			g.store(x)
			g.store(y)
		case 1:
			g.constant(&list[g.IntN(len(list))])
			g.load(x)
			g.binary(ir.SUB)
			g.store(y)
		case 2:
			g.constant(&list[g.IntN(len(list))])
			g.load(x)
			g.binary(ir.ADD)
			g.store(y)
		case 3:
			g.load(counter)
			g.load(x)
			g.binary(ir.ADD)
			g.store(x)
		default:
			g.load(x)
			g.load(y)
			g.binary(ir.ADD)
			g.store(other())
		}
	}
	if first {
		g.stepDown()
		g.jumpTo(head)
		g.bind(end)
		g.show(g.words - 1)
	} else {
		g.finishSums(head, g.words-1)
	}
	return g.w.code
}

// stepDown takes one off the counter on top.
func (g *loopGenerator) stepDown() {
	g.constant(uint256.NewInt(1))
	g.load(0)
	g.binary(ir.SUB)
	g.store(0)
}

// finishSums goes back to head until the counter on top is zero, and shows the words
// below it.
func (g *loopGenerator) finishSums(head *jumpLabel, words int) {
	g.stepDown()
	g.load(0)
	g.jumpIf(head)
	g.show(words)
}

// show ends the program with all words where they can be seen.
func (g *loopGenerator) show(words int) {
	for range words {
		g.w.op(ir.DUP1+1, ir.TSTORE)
	}
	g.w.op(ir.STOP)
	g.patch()
}

// TestRandomSums runs random recurrences of every small number of rounds, with and
// without vectors, with slices of gas and with a gas too little.
func TestRandomSums(t *testing.T) {
	const roundsMax = 400
	c := NewCompiler(newMemory(t))
	for _, c.vectors = range vectorSettings() {
		vectors := 0
		for seed := range uint64(3 * roundsMax) {
			g := &loopGenerator{Rand: rand.New(rand.NewPCG(seed, 10))}
			bytecode := g.sums(seed % (roundsMax + 1))
			var plain, better ir.Builder
			program := plain.Build(bytecode, ir.Osaka)
			better.Build(bytecode, ir.Osaka)
			optimized := better.Optimize()
			code, err := c.Compile(optimized, testLimits)
			if err != nil {
				t.Fatal(err)
			}
			if onDigits(code) {
				vectors++
			}
			end := runLoop(t, program, optimized, code, 1e6, 1e6)
			if end.outcome != "STOP" {
				t.Fatalf("%x: got %s", bytecode, end)
			}
			used := 1e6 - end.gas
			runLoop(t, program, optimized, code, used, 100+g.Uint64N(2*used))
			runLoop(t, program, optimized, code, used-1, 1e6)
		}
		if want := roundsMax; c.vectors && vectors < want || !c.vectors && vectors > 0 {
			t.Errorf("vectors %v: %d loops on digits; want at least %d with vectors, else none", c.vectors, vectors, want)
		}
	}
}

// TestSumsOfManyWords runs more words than there are vector registers for, too.
func TestSumsOfManyWords(t *testing.T) {
	c := NewCompiler(newMemory(t))
	for words := 2; words < 14; words++ {
		g := &loopGenerator{}
		for k := range words {
			g.w.push(new(uint256.Int).SubUint64(new(uint256.Int), uint64(k+1)))
		}
		g.w.push64(300)
		head := g.newLabel()
		g.bind(head)
		for k := range words {
			g.load(1 + (k+1)%words)
			g.load(1 + k)
			g.binary(ir.ADD)
			g.store(1 + k)
		}
		g.finishSums(head, words)
		for _, c.vectors = range vectorSettings() {
			both(t, c, g.w.code, 1e6, 1e6, nil)
		}
	}
}

// TestSumsTooLarge wants a loop to be scalar where there is no room for more.
func TestSumsTooLarge(t *testing.T) {
	if !hasVectors {
		t.Skip("the processor has no AVX-512")
	}
	var plain, better ir.Builder
	program := plain.Build(fibonacci(300), ir.Osaka)
	better.Build(fibonacci(300), ir.Osaka)
	optimized := better.Optimize()
	c := NewCompiler(newMemory(t))
	var sizes []int
	for perByte := range 50 {
		code, err := c.Compile(optimized, Limits{BytesPerByte: perByte})
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, code.SizeBytes())
		runLoop(t, program, optimized, code, 1e6, 1e6)
	}
	if kinds := slices.Compact(sizes); len(kinds) != 2 || !slices.IsSorted(kinds) {
		t.Errorf("got code of %v bytes; want two sizes", kinds)
	}
}

// TestSumsUnderSignals interrupts loops on digits all the time: what handlers and
// the scheduler do must leave vector registers as they are.
func TestSumsUnderSignals(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	if err := pprof.StartCPUProfile(io.Discard); err == nil {
		defer pprof.StopCPUProfile()
	}
	const rounds, gas = 3_000_000, 1 << 40
	var b ir.Builder
	b.Build(fibonacci(rounds), ir.Osaka)
	program := b.Optimize()
	c := NewCompiler(newMemory(t))
	var want *machine
	for _, c.vectors = range vectorSettings() {
		code, err := c.Compile(program, testLimits)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			got := newMachine(program, gas, nil)
			underSignals(func() { got.execute(code, gas) })
			if want == nil {
				want = got
			}
			if !got.endsAs(want) {
				t.Fatalf("vectors %v: got %v; want %v", c.vectors, got, want)
			}
		}
	}
}

// underSignals runs f while its thread gets signals and the collector runs.
func underSignals(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread, done := unix.Gettid(), make(chan struct{})
	var others sync.WaitGroup
	for _, disturb := range []func(){
		func() { _ = unix.Tgkill(os.Getpid(), thread, unix.SIGURG) },
		runtime.GC,
	} {
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					disturb()
				}
			}
		})
	}
	f()
	close(done)
	others.Wait()
}

// BenchmarkSums is the Fibonacci loop of few rounds: it shows from how many on
// digits take less time.
func BenchmarkSums(b *testing.B) {
	for _, rounds := range []uint64{50, 80, 100, 150, 200, 400, 2000} {
		for _, vectors := range vectorSettings() {
			b.Run(fmt.Sprintf("%d/vectors=%v", rounds, vectors), func(b *testing.B) {
				var builder ir.Builder
				builder.Build(fibonacci(rounds), ir.Osaka)
				program := builder.Optimize()
				c := NewCompiler(newMemory(b))
				c.vectors = vectors
				code, err := c.Compile(program, testLimits)
				if err != nil {
					b.Fatal(err)
				}
				words := newMachine(program, 0, nil).words
				ctx := &Context{}
				for b.Loop() {
					ctx.Init(code, &words[0], nil)
					ctx.Gas = 1 << 40
					code.Run(ctx)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rounds), "ns/round")
			})
		}
	}
}
