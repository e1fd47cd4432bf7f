// Package spectest runs Ethereum's public state tests and blockchain tests (of
// ethereum/execution-spec-tests and ethereum/tests) over jit/exec, memstate and
// internal/mpt, from files, folders and archives. It must not know how the
// engine works: what it compares are state roots, logs, receipts and the reason
// why something is refused.
package spectest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
)

// Options say what to run.
type Options struct {
	Paths   []string      // files (.json, .tar, .tar.zst) and folders of them
	Fork    string        // only cases that begin or end with this fork; empty for all
	Match   string        // only files and tests whose name contains this; empty for all
	Workers int           // cases run at once; zero for one per processor
	Native  jit.Native    // which code runs as machine code
	Check   bool          // every run of machine code is compared with tier 0
	Report  func(Failure) // called for each failure as it happens, one at a time; may be nil
}

// Failure is a case that failed, and why.
type Failure struct {
	Case   string // file, test and variant
	Reason string
}

func (f Failure) String() string { return f.Case + ": " + f.Reason }

// Summary counts cases.
type Summary struct {
	Passed   int
	Failures []Failure      // sorted by case
	Skips    map[string]int // by reason
}

// Skipped is the number of cases that were not run.
func (s *Summary) Skipped() int {
	count := 0
	for _, n := range s.Skips {
		count += n
	}
	return count
}

// WriteTo prints the skips by reason, and last the line that scripts read:
// "N passed, N failed, N skipped".
func (s *Summary) WriteTo(w io.Writer) (int64, error) {
	var text strings.Builder
	for _, reason := range slices.Sorted(maps.Keys(s.Skips)) {
		fmt.Fprintf(&text, "skipped %d: %s\n", s.Skips[reason], reason)
	}
	fmt.Fprintf(&text, "%d passed, %d failed, %d skipped\n", s.Passed, len(s.Failures), s.Skipped())
	n, err := io.WriteString(w, text.String())
	return int64(n), err
}

// ErrNoMatch says that there was nothing to run: no case, not even one to skip.
var ErrNoMatch = errors.New("no test matched")

// RunState runs state tests. An error means that the tests could not be read,
// or that there were none; what fails is in the summary.
func RunState(ctx context.Context, opts Options) (Summary, error) { return run(ctx, opts, stateCases) }

// RunBlocks runs blockchain tests.
func RunBlocks(ctx context.Context, opts Options) (Summary, error) {
	return run(ctx, opts, blockCases)
}

// testCase is one case of a file. Its run returns nil, a skip, or why it failed.
type testCase struct {
	name string // of the test and variant, without the file
	fork string
	run  func(*worker) error
}

// skip is the reason why a case is not run.
type skip string

func (s skip) Error() string { return string(s) }

// decoder makes the cases of one test of a file.
type decoder func(name string, test json.RawMessage) ([]testCase, error)

// run reads files in one goroutine and runs their cases in several.
func run(ctx context.Context, opts Options, decode decoder) (Summary, error) {
	if opts.Fork != "" && !isFork(opts.Fork) {
		return Summary{}, fmt.Errorf("cannot run tests of fork %q: want one of %s", opts.Fork, forkNames())
	}
	workers := opts.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	files := make(chan file, workers)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(files)
		return readAll(ctx, opts.Paths, files)
	})
	total := tally{report: opts.Report, summary: Summary{Skips: map[string]int{}}}
	engine := jit.New(total.engineConfig(&opts))
	if err := engine.NativeError(); err != nil {
		return Summary{}, fmt.Errorf("cannot run tests as native code: %w", err)
	}
	for range workers {
		group.Go(func() error {
			w := &worker{opts: &opts, engine: engine, journal: exec.NewJournal(nil), tally: &total}
			for f := range files {
				w.runFile(f, decode)
			}
			return nil
		})
	}
	err := group.Wait()
	slices.SortFunc(total.summary.Failures, func(a, b Failure) int { return cmp.Compare(a.Case, b.Case) })
	if s := &total.summary; err == nil && s.Passed+len(s.Failures)+s.Skipped() == 0 {
		err = fmt.Errorf("cannot run tests of %s: %w", strings.Join(opts.Paths, ", "), ErrNoMatch)
	}
	return total.summary, err
}

// engineConfig is the engine's for all workers. With opts.Check, a difference is a
// failure of its own: the engine does not know what case it runs, and the case
// goes on with what is right.
func (t *tally) engineConfig(opts *Options) jit.Config {
	cfg := jit.Config{Native: opts.Native}
	if opts.Check {
		cfg.Check = func(m *jit.Mismatch) {
			t.add(fmt.Sprintf("codes %v", m.Hashes()), fmt.Errorf("native code did %+v; the interpreter %+v", m.Native, m.Interpreter))
		}
	}
	return cfg
}

// tally collects results from all workers.
type tally struct {
	mu      sync.Mutex
	summary Summary
	report  func(Failure)
}

func (t *tally) add(name string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var reason skip
	switch {
	case err == nil:
		t.summary.Passed++
	case errors.As(err, &reason):
		t.summary.Skips[string(reason)]++
	default:
		f := Failure{Case: name, Reason: err.Error()}
		t.summary.Failures = append(t.summary.Failures, f)
		if t.report != nil {
			t.report(f)
		}
	}
}

// worker runs cases one after the other on one journal.
type worker struct {
	opts    *Options
	engine  *jit.Engine
	journal *exec.Journal
	tally   *tally
}

func (w *worker) runFile(f file, decode decoder) {
	wanted := strings.Contains(f.name, w.opts.Match)
	if !wanted && !bytes.Contains(f.data, []byte(w.opts.Match)) {
		return
	}
	var tests map[string]json.RawMessage
	if err := json.Unmarshal(f.data, &tests); err != nil {
		w.tally.add(f.name, fmt.Errorf("cannot read tests: %w", err))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		if name == "_info" || !wanted && !strings.Contains(name, w.opts.Match) {
			continue
		}
		cases, err := decode(name, tests[name])
		if err != nil {
			w.tally.add(f.name+" "+name, fmt.Errorf("cannot read test: %w", err))
		}
		for _, c := range cases {
			w.runCase(f.name, &c)
		}
	}
}

func (w *worker) runCase(fileName string, c *testCase) {
	name := fileName + " " + c.name
	if w.opts.Fork != "" && !usesFork(c.fork, w.opts.Fork) {
		return
	}
	if reason, ok := skipReason(c.name); ok {
		w.tally.add(name, skip(reason))
		return
	}
	w.tally.add(name, w.guard(c))
}

// guard turns a panic into a failure, so that one bug does not hide what the
// other cases show.
func (w *worker) guard(c *testCase) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			w.journal = exec.NewJournal(nil)
		}
	}()
	return c.run(w)
}
