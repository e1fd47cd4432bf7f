package evmbench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"runtime"
	"slices"
	"strings"
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
	// Progress is told each case's name before it is measured; may be nil.
	Progress func(name string)
}

// Report is the outcome of a benchmark in the form of all `bench` commands.
type Report struct {
	Bench    string         `json:"bench"`
	Commit   string         `json:"commit"`
	Machine  Machine        `json:"machine"`
	Settings map[string]any `json:"settings"`
	Results  []Row          `json:"results"`
}

// Row is one figure: the median of n rounds and its range.
type Row struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	N     int     `json:"n"`
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
}

const (
	roundsDefault = 5
	roundDefault  = 20 * time.Millisecond
	peer          = "geth" // what the ratios are against
)

// Bench measures cases on engines: one core, one process, the engines in turn
// within each round. Each case is checked for output and gas before.
func Bench(opts BenchOptions) (*Report, error) {
	cases, err := opts.cases()
	if err != nil {
		return nil, err
	}
	if opts.Engines == nil {
		opts.Engines = enginesHere()
	}
	opts.Rounds = cmp.Or(opts.Rounds, roundsDefault)
	opts.Round = cmp.Or(opts.Round, roundDefault)

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	report := newReport(opts)
	ratios := make(map[string][]float64)
	for _, c := range cases {
		if opts.Progress != nil {
			opts.Progress(c.Name)
		}
		if err := measureCase(report, ratios, c, opts); err != nil {
			return nil, err
		}
	}
	for _, engine := range opts.Engines {
		if r := ratios[engine]; len(r) > 0 {
			report.Results = append(report.Results, geomeanRow(engine, r))
		}
	}
	return report, nil
}

func (opts *BenchOptions) cases() ([]*Case, error) {
	cases, err := LoadCases(opts.Dir)
	if err != nil {
		return nil, err
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

// measureCase adds the rows of one case.
func measureCase(report *Report, ratios map[string][]float64, c *Case, opts BenchOptions) error {
	times := make(map[string][]float64, len(opts.Engines))
	machines := make(map[string]machine, len(opts.Engines))
	for _, engine := range opts.Engines {
		m, err := newMachine(engine, opts.Fork, c)
		if err != nil {
			return err
		}
		if err := checkMachine(m, c); err != nil {
			return fmt.Errorf("engine %s: %w", engine, err)
		}
		machines[engine] = m
	}
	for range opts.Rounds {
		for _, engine := range opts.Engines {
			ns := float64(measureRound(machines[engine], opts.Round).Nanoseconds())
			times[engine] = append(times[engine], ns)
		}
	}
	for _, engine := range opts.Engines {
		report.Results = append(report.Results, newRow("ns/"+c.Name+"/"+engine, "ns", times[engine]))
	}
	for _, engine := range opts.Engines {
		if engine == peer || times[peer] == nil {
			continue
		}
		row := ratioRow(c.Name, engine, times[peer], times[engine])
		report.Results = append(report.Results, row)
		ratios[engine] = append(ratios[engine], row.Value)
	}
	return nil
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
	var times []time.Duration
	for total := time.Duration(0); total < least || len(times) < 2; {
		elapsed := timeRun(m)
		times = append(times, elapsed)
		total += elapsed + time.Microsecond // so that empty runs end, too
		if elapsed > least {
			break
		}
	}
	return median(times)
}

func newReport(opts BenchOptions) *Report {
	return &Report{
		Bench:   "evm",
		Commit:  opts.Commit,
		Machine: ThisMachine(),
		Settings: map[string]any{
			"engines":     opts.Engines,
			"fork":        ForkName(opts.Fork),
			"go":          runtime.Version(),
			"round_ms":    opts.Round.Milliseconds(),
			"rounds":      opts.Rounds,
			"cores_used":  1,
			"interleaved": true,
		},
	}
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func newRow(name, unit string, values []float64) Row {
	return Row{
		Name: name, Value: median(values), Unit: unit, N: len(values),
		Min: slices.Min(values), Max: slices.Max(values),
	}
}

// ratioRow compares round by round: both engines of a round met the same state
// of the machine.
func ratioRow(name, engine string, peerTimes, times []float64) Row {
	ratios := make([]float64, len(times))
	for i := range ratios {
		ratios[i] = peerTimes[i] / times[i]
	}
	return newRow("ratio/"+name+"/"+peer+"_over_"+engine, "x", ratios)
}

func geomeanRow(engine string, ratios []float64) Row {
	sum := 0.0
	for _, r := range ratios {
		sum += math.Log(r)
	}
	return Row{
		Name: "ratio/geomean/" + peer + "_over_" + engine, Unit: "x", N: len(ratios),
		Value: math.Exp(sum / float64(len(ratios))), Min: slices.Min(ratios), Max: slices.Max(ratios),
	}
}

// JSON is the report as one line.
func (r *Report) JSON() ([]byte, error) { return json.Marshal(r) }

// String is the report as a table for people.
func (r *Report) String() string {
	var b strings.Builder
	for _, row := range r.Results {
		fmt.Fprintf(&b, "%-64s %14.5g %-3s  (%.5g … %.5g, n=%d)\n", row.Name, row.Value, row.Unit, row.Min, row.Max, row.N)
	}
	return b.String()
}
