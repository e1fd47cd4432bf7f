// Package evmfuzz makes programs and compares what the engines do with them: the
// interpreter, native code in slices of gas of any size, and go-ethereum's EVM.
// Status, gas left, output, logs, refund and everything written to the state must
// agree, with plenty of gas, with just enough, and with too little anywhere.
//
// All follows from a seed. World number i of a run is made from seed+i, so that
// each can be made again alone. The package must not know what is hard for a
// compiler of ours: its programs are what compilers for the EVM make, and what
// nobody would.
package evmfuzz

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redline-evm/redline/internal/reference"
	"github.com/redline-evm/redline/jit"
)

// Engines names the engines that programs can run on. The interpreter is always
// among them: the others are compared with it.
var Engines = []string{"interp", "native", "geth"}

// Options say what to run.
type Options struct {
	Programs uint64 // zero: until ctx ends
	Seed     uint64
	Engines  []string // nil: all
	Workers  int      // zero: one
	Dir      string   // where failing cases are saved; empty: nowhere
	// Progress is told now and then how far the run is; may be nil.
	Progress func(Report)
}

// Report counts what was run.
type Report struct {
	Seed        uint64            `json:"seed"`
	Engines     []string          `json:"engines"`
	Worlds      uint64            `json:"worlds"`
	Programs    uint64            `json:"programs"`
	Runs        uint64            `json:"runs"`     // of a program with an amount of gas, on all engines each
	Statuses    map[string]uint64 `json:"statuses"` // of programs with plenty of gas
	GasUsed     uint64            `json:"gasUsed"`  // by programs with plenty of gas
	Seconds     float64           `json:"seconds"`
	PerSecond   float64           `json:"programsPerSecond"`
	NativeCodes uint64            `json:"nativeCodes"` // compiled
	Failures    []Failure         `json:"failures"`
}

// Failure is a case in which the engines differ.
type Failure struct {
	Seed uint64 `json:"seed"` // of the world
	File string `json:"file,omitempty"`
	Why  string `json:"why"`
}

// Bounds of a run.
const (
	failuresMax    = 20 // after so many it ends
	arenaWorlds    = 500
	codeCacheBytes = 8 << 20
	progressEvery  = time.Second
)

// createOneIn says in how many worlds there is a program that runs as init code
// beside those of the contracts: it is compiled each time that it runs.
const createOneIn = 4

// Every so many worlds one contract calls itself to the greatest depth. The gas
// for that must not meet code that loops.
const (
	deepOneIn = 200
	deepGas   = 1 << 37
)

// fuzzer is a run.
type fuzzer struct {
	opts    Options
	engines *engines
	begun   time.Time

	next     atomic.Uint64 // number of the next world
	programs atomic.Uint64
	runs     atomic.Uint64
	gasUsed  atomic.Uint64
	statuses [3]atomic.Uint64 // by reference.Status

	mu struct {
		sync.Mutex
		failures []Failure
	}
}

// Run makes programs and compares engines until there were enough, until there
// were too many failures, or until ctx ends.
func Run(ctx context.Context, opts Options) (Report, error) {
	if opts.Engines == nil {
		opts.Engines = Engines
	}
	e, err := newEngines(opts.Engines)
	if err != nil {
		return Report{}, err
	}
	f := &fuzzer{opts: opts, engines: e, begun: time.Now()}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var reporter, workers sync.WaitGroup
	reporter.Go(func() { f.reportProgress(ctx) })
	for range max(opts.Workers, 1) {
		workers.Go(func() { f.work(ctx) })
	}
	workers.Wait()
	stop()
	reporter.Wait()
	return f.report(), nil
}

func newEngines(names []string) (*engines, error) {
	if !slices.Contains(names, "interp") || len(names) < 2 {
		return nil, fmt.Errorf("cannot compare engines %q: want interp and one of %q", names, Engines[1:])
	}
	e := &engines{interp: jit.New(jit.Config{CodeCacheBytes: codeCacheBytes})}
	for _, name := range names {
		switch name {
		case "interp":
		case "geth":
			e.geth = true
		case "native":
			e.native = jit.New(jit.Config{CodeCacheBytes: codeCacheBytes, Native: jit.NativeEager})
			if err := e.native.NativeError(); err != nil {
				return nil, fmt.Errorf("cannot run native code: %w", err)
			}
		default:
			return nil, fmt.Errorf("cannot run engine %q: want some of %q", name, Engines)
		}
	}
	return e, nil
}

func (f *fuzzer) reportProgress(ctx context.Context) {
	if f.opts.Progress == nil {
		return
	}
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.opts.Progress(f.report())
		}
	}
}

func (f *fuzzer) report() Report {
	seconds := time.Since(f.begun).Seconds()
	r := Report{
		Seed: f.opts.Seed, Engines: f.opts.Engines,
		Worlds: f.next.Load(), Programs: f.programs.Load(), Runs: f.runs.Load(), GasUsed: f.gasUsed.Load(),
		Statuses: make(map[string]uint64), Seconds: seconds,
	}
	r.PerSecond = float64(r.Programs) / seconds
	for status := range f.statuses {
		r.Statuses[reference.Status(status).String()] = f.statuses[status].Load()
	}
	if f.engines.native != nil {
		r.NativeCodes = f.engines.native.NativeStats().Compiled
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r.Failures = append([]Failure{}, f.mu.failures...)
	return r
}

// done reports whether enough has been run or found.
func (f *fuzzer) done(ctx context.Context) bool {
	if ctx.Err() != nil || f.opts.Programs > 0 && f.programs.Load() >= f.opts.Programs {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.mu.failures) >= failuresMax
}

// work runs worlds until the run is done.
func (f *fuzzer) work(ctx context.Context) {
	w := &worker{fuzzer: f, arenas: make(map[jit.Fork]*arena)}
	for !f.done(ctx) {
		w.runWorld(f.opts.Seed + f.next.Add(1) - 1)
	}
}

// fail notes a failure and saves its case.
func (f *fuzzer) fail(seed uint64, c *Case, with peers, why error) {
	c = minimize(c, func(smaller *Case) bool { return checkAlone(f.engines, smaller, with) != nil })
	if again := checkAlone(f.engines, c, with); again != nil {
		why = again
	}
	failure := Failure{Seed: seed, Why: why.Error()}
	if f.opts.Dir != "" {
		path, err := saveCase(f.opts.Dir, c, failure.Why, seed)
		if err != nil {
			failure.Why += fmt.Sprintf("; cannot save the case: %v", err)
		}
		failure.File = path
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.failures = append(f.mu.failures, failure)
}

// checkAlone checks a case in an arena of its own.
func checkAlone(e *engines, c *Case, with peers) error {
	a := newArena(c.Fork, e)
	defer a.open(&c.Codes)()
	_, err := a.check(c, with)
	return err
}

// Replay checks the cases in the files of a folder, in the order of their names.
func Replay(dir string, names []string) (Report, error) {
	e, err := newEngines(names)
	if err != nil {
		return Report{}, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+caseSuffix))
	if err == nil && len(files) == 0 {
		_, err = os.Stat(dir)
	}
	if err != nil {
		return Report{}, err
	}
	report := Report{Engines: names, Failures: []Failure{}}
	var unread []error
	for _, file := range files {
		c, err := readCase(file)
		if err != nil {
			unread = append(unread, err)
			continue
		}
		report.Programs++
		if err := checkAlone(e, c, peers{native: true, geth: true}); err != nil {
			report.Failures = append(report.Failures, Failure{File: file, Why: err.Error()})
		}
	}
	return report, errors.Join(unread...)
}

// worker runs worlds, one at a time.
type worker struct {
	*fuzzer
	arenas map[jit.Fork]*arena
}

// arena returns an arena of the fork. One that was used much is replaced: the
// states in it remember all code that they have seen.
func (w *worker) arena(fork jit.Fork) *arena {
	a := w.arenas[fork]
	if a == nil || a.worlds == arenaWorlds {
		a = newArena(fork, w.engines)
		w.arenas[fork] = a
	}
	return a
}

// forks are those that worlds are made for, the newest more often.
var forks = [...]jit.Fork{jit.Osaka, jit.Osaka, jit.Osaka, jit.Osaka, jit.Osaka, jit.Osaka, jit.Prague, jit.Cancun}

// runWorld makes the world of a seed and runs its programs.
func (w *worker) runWorld(seed uint64) {
	g := newGenerator(rand.New(rand.NewPCG(seed, 0)))
	c := Case{Fork: forks[g.IntN(len(forks))]}
	for i := range c.Codes {
		c.Codes[i] = g.program()
	}
	deepest := -1 // the contract that gets gas for the greatest depth of calls
	if g.oneIn(deepOneIn) {
		deepest = g.IntN(len(contracts))
		g.reset()
		c.Codes[deepest] = g.recursion()
	}
	a := w.arena(c.Fork)
	defer a.open(&c.Codes)()
	programs := len(contracts)
	if g.oneIn(createOneIn) {
		programs++
	}
	for i := range programs {
		c.Message, c.Create = g.message(i)
		if i == deepest {
			c.Message.To, c.Message.Gas = contracts[i], deepGas
		}
		c.Slice = gasUncut
		w.programs.Add(1)
		if with, err := w.runProgram(a, g, &c); err != nil {
			delete(w.arenas, c.Fork) // a panic may have left it in any state
			w.fail(seed, &c, with, err)
			return
		}
	}
}

// message returns the message for program number i of a world; the one behind the
// contracts is a create.
func (g *generator) message(i int) (msg jit.Message, create bool) {
	msg = jit.Message{Caller: sender, Gas: pick[uint64](g, 10_000, 40_000, 100_000, 150_000, 150_000, 150_000)}
	if g.oneIn(2) {
		msg.Value.SetUint64(uint64(g.IntN(2)))
	}
	if i == len(contracts) {
		msg.Input = g.program()
		return msg, true
	}
	msg.To = contracts[i]
	if i == 1 && g.oneIn(3) {
		msg.To = delegated
	}
	msg.Input = make([]byte, g.IntN(140))
	for j := range msg.Input {
		if j%32 >= 28 || g.oneIn(8) {
			msg.Input[j] = byte(g.Uint32())
		}
	}
	return msg, false
}

// gasUncut is a slice of gas that is never used up.
const gasUncut = 1 << 40

// runProgram compares a message with plenty of gas, and with less: what it needs,
// one less, and anything. The error leaves the case as it failed.
func (w *worker) runProgram(a *arena, g *generator, c *Case) (with peers, err error) {
	with = peers{native: true, geth: true}
	full, err := a.check(c, with)
	w.runs.Add(1)
	if err != nil {
		return with, err
	}
	used := c.Message.Gas - full.GasLeft
	w.statuses[full.Status].Add(1)
	w.gasUsed.Add(used)
	for _, gas := range [...]uint64{used, used - min(used, 1), g.Uint64N(used + 1)} {
		with.geth = g.oneIn(12)
		c.Message.Gas, c.Slice = gas, g.slice()
		w.runs.Add(1)
		if _, err := a.check(c, with); err != nil {
			return with, err
		}
	}
	return with, nil
}

// slice returns how much gas native code gets at a time.
func (g *generator) slice() uint64 {
	switch g.IntN(4) {
	case 0:
		return 1
	case 1:
		return 1 + g.Uint64N(100)
	case 2:
		return 1 + g.Uint64N(3000)
	}
	return gasUncut
}
