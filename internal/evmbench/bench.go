package evmbench

import (
	"cmp"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"time"

	"github.com/redline-evm/redline/jit"
)

// BenchOptions says what to measure.
type BenchOptions struct {
	Dir     string   // folder of cases
	Engines []string // nil: all that run here
	Run     string   // regular expression of case names; empty: all
	Fork    jit.Fork
	Rounds  int           // zero: 5
	Round   time.Duration // least time that one case spends on one engine in a round; zero: 20 ms
	Commit  string        // revision of the program, for the report
	// Progress is told what is measured next; may be nil.
	Progress func(name string)
}

const (
	roundsDefault = 5
	roundDefault  = 20 * time.Millisecond
)

// Bench measures cases on engines, and loops of theirs in C where there is a C
// compiler: one core, the contenders in turn within each round. Each case is
// checked for output and gas before. What it costs to compile the cases, and code
// made to be costly, comes last.
func Bench(opts BenchOptions) (*Report, error) {
	if opts.Engines == nil {
		opts.Engines = enginesHere()
	}
	cases, err := opts.cases()
	if err != nil {
		return nil, err
	}
	opts.Rounds = cmp.Or(opts.Rounds, roundsDefault)
	opts.Round = cmp.Or(opts.Round, roundDefault)
	if opts.Progress == nil {
		opts.Progress = func(string) {}
	}

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b := &bench{opts: opts, report: newReport(opts)}
	if slices.ContainsFunc(cases, isLoop) {
		opts.Progress("C compilers")
		if b.programs, err = buildCPrograms(); err != nil {
			b.report.Notes = append(b.report.Notes, "C baselines are missing: "+err.Error())
		}
		defer func() {
			for _, program := range b.programs {
				program.close()
			}
		}()
	}
	for _, c := range cases {
		opts.Progress(c.Name)
		if err := b.measureCase(c); err != nil {
			return nil, err
		}
	}
	b.addGeomeans()
	if slices.Contains(opts.Engines, native) {
		opts.Progress("compiling")
		if err := b.measureCompiling(cases); err != nil {
			return nil, err
		}
	}
	return b.report, nil
}

// cases returns the cases to measure.
func (opts *BenchOptions) cases() ([]*Case, error) {
	cases, err := LoadCases(opts.Dir)
	if err != nil {
		return nil, err
	}
	if slices.Contains(opts.Engines, native) {
		cases = append(cases, longLoops(cases)...)
	}
	filter, err := regexp.Compile(opts.Run)
	if err != nil {
		return nil, fmt.Errorf("cannot parse the pattern of case names: %w", err)
	}
	cases = slices.DeleteFunc(cases, func(c *Case) bool { return !filter.MatchString(c.Name) })
	if len(cases) == 0 {
		return nil, fmt.Errorf("cannot find a case in %q that matches %q", opts.Dir, opts.Run)
	}
	return cases, nil
}

// bench is a measurement under way.
type bench struct {
	opts     BenchOptions
	report   *Report
	programs []*cProgram
	ratios   []ratio // of all cases, for the geometric means
}

// contender is what runs a case, one of those that are compared. Of contenders
// of the same name the fastest counts.
type contender struct {
	name    string
	measure func(least time.Duration) (time.Duration, error) // a run, from runs that take so long in all
	rounds  []float64                                        // ns
}

// measureCase adds the rows of one case.
func (b *bench) measureCase(c *Case) error {
	contenders, err := b.contenders(c)
	if err != nil {
		return err
	}
	for range b.opts.Rounds {
		for _, one := range contenders {
			elapsed, err := one.measure(b.opts.Round)
			if err != nil {
				return err
			}
			one.rounds = append(one.rounds, float64(elapsed.Nanoseconds()))
		}
	}
	b.addCase(c.Name, fastest(contenders))
	return nil
}

// contenders returns those that run the case.
func (b *bench) contenders(c *Case) ([]*contender, error) {
	var list []*contender
	for _, engine := range b.opts.Engines {
		if c.Name == longLoop && engine != native {
			continue
		}
		m, err := newMachine(engine, b.opts.Fork, c)
		if err != nil {
			return nil, err
		}
		if err := checkMachine(m, c); err != nil {
			return nil, fmt.Errorf("engine %s: %w", engine, err)
		}
		list = append(list, &contender{name: engine, measure: func(least time.Duration) (time.Duration, error) {
			return measureRound(m, least), nil
		}})
	}
	if isLoop(c) {
		for _, program := range b.programs {
			list = append(list, program.contenders(c)...)
		}
	}
	return list, nil
}

// fastest leaves one contender of each name.
func fastest(contenders []*contender) []*contender {
	var left []*contender
	for _, one := range contenders {
		i := slices.IndexFunc(left, func(other *contender) bool { return other.name == one.name })
		switch {
		case i < 0:
			left = append(left, one)
		case median(one.rounds) < median(left[i].rounds):
			left[i] = one
		}
	}
	return left
}

// checkMachine runs the case once and checks it.
func checkMachine(m machine, c *Case) error {
	m.prepare()
	defer m.undo()
	return c.check(m.run())
}

// measureRound returns the median time of runs that take at least the given
// time in all.
func measureRound(m machine, least time.Duration) time.Duration {
	times, _ := repeat(least, func() (time.Duration, error) { return timeRun(m), nil })
	return times
}

// repeat returns the median of what run returns, as often as takes at least the
// given time in all.
func repeat(least time.Duration, run func() (time.Duration, error)) (time.Duration, error) {
	var times []time.Duration
	for total := time.Duration(0); total < least || len(times) < 2; {
		elapsed, err := run()
		if err != nil {
			return 0, err
		}
		times = append(times, elapsed)
		total += elapsed + time.Microsecond // so that empty runs end, too
		if elapsed > least {
			break
		}
	}
	return median(times), nil
}
