package evmbench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// Report is the outcome of a benchmark in the form of all `bench` commands.
type Report struct {
	Bench    string         `json:"bench"`
	Commit   string         `json:"commit"`
	Machine  Machine        `json:"machine"`
	Settings map[string]any `json:"settings"`
	Notes    []string       `json:"notes,omitempty"` // what could not be measured, and why
	Results  []Row          `json:"results"`
}

// Row is one figure: the median of n rounds and its range. Its name is
// figure/workload/variant.
type Row struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	N     int     `json:"n"`
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
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
			"clock":       fmt.Sprintf("processor time of the thread from %v, else time", processorTimeFrom),
		},
	}
}

func (b *bench) add(rows ...Row) { b.report.Results = append(b.report.Results, rows...) }

// addCase adds the times of a case and how the contenders compare.
func (b *bench) addCase(name string, contenders []*contender) {
	rounds := make(map[string][]float64, len(contenders))
	for _, one := range contenders {
		rounds[one.name] = one.rounds
		b.add(timeRow(name, one))
	}
	pairs := slices.Clone(comparisons)
	for _, one := range contenders {
		if !slices.Contains(Engines, one.name) {
			pairs = append(pairs, [2]string{native, one.name})
		}
	}
	for _, pair := range pairs {
		slower, faster := rounds[pair[0]], rounds[pair[1]]
		if slower == nil || faster == nil {
			continue
		}
		row := ratioRow(name, variant(pair[0], pair[1]), slower, faster)
		b.add(row)
		b.ratios = append(b.ratios, ratio{groupOf(name), variant(pair[0], pair[1]), row.Value})
	}
}

// timeRow is the time of a contender: that of the long loop in seconds.
func timeRow(name string, one *contender) Row {
	if name != longLoop {
		return NewRow("ns/"+name+"/"+one.name, "ns", one.rounds)
	}
	seconds := slices.Clone(one.rounds)
	for i := range seconds {
		seconds[i] /= 1e9
	}
	return NewRow("s/"+name+"/"+one.name, "s", seconds)
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// NewRow is the row of a figure that was measured some times.
func NewRow(name, unit string, values []float64) Row {
	return Row{
		Name: name, Value: median(values), Unit: unit, N: len(values),
		Min: slices.Min(values), Max: slices.Max(values),
	}
}

// ratioRow compares round by round: both contenders of a round met the same state
// of the machine.
func ratioRow(name, variant string, slower, faster []float64) Row {
	ratios := make([]float64, len(slower))
	for i := range ratios {
		ratios[i] = slower[i] / faster[i]
	}
	return NewRow("ratio/"+name+"/"+variant, "x", ratios)
}

// JSON is the report as one line.
func (r *Report) JSON() ([]byte, error) { return json.Marshal(r) }

// String is the report as tables for people: one for each figure, with a line for
// each workload and a column for each variant.
func (r *Report) String() string {
	var b strings.Builder
	for _, figure := range r.figures() {
		fmt.Fprintf(&b, "%s\n", figure.name)
		figure.write(&b)
		fmt.Fprintln(&b)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	return b.String()
}

// figure is the table of one figure.
type figure struct {
	name                string
	workloads, variants []string // in order of appearance
	values              map[[2]string]float64
}

// figures sorts the rows into tables.
func (r *Report) figures() []*figure {
	var list []*figure
	for _, row := range r.Results {
		name, rest, _ := strings.Cut(row.Name, "/")
		workload, variant, _ := strings.Cut(rest, "/")
		i := slices.IndexFunc(list, func(f *figure) bool { return f.name == name })
		if i < 0 {
			i = len(list)
			list = append(list, &figure{name: name, values: make(map[[2]string]float64)})
		}
		list[i].add(workload, variant, row.Value)
	}
	return list
}

func (f *figure) add(workload, variant string, value float64) {
	if !slices.Contains(f.workloads, workload) {
		f.workloads = append(f.workloads, workload)
	}
	if !slices.Contains(f.variants, variant) {
		f.variants = append(f.variants, variant)
	}
	f.values[[2]string{workload, variant}] = value
}

func (f *figure) write(b *strings.Builder) {
	lines := [][]string{append([]string{""}, f.variants...)}
	for _, workload := range f.workloads {
		line := []string{workload}
		for _, variant := range f.variants {
			text := ""
			if value, ok := f.values[[2]string{workload, variant}]; ok {
				text = number(value)
			}
			line = append(line, text)
		}
		lines = append(lines, line)
	}
	widths := make([]int, 1+len(f.variants))
	for _, line := range lines {
		for i, text := range line {
			widths[i] = max(widths[i], len(text))
		}
	}
	for _, line := range lines {
		fmt.Fprintf(b, "  %-*s", widths[0], line[0])
		for i, text := range line[1:] {
			fmt.Fprintf(b, "  %*s", widths[1+i], text)
		}
		fmt.Fprintln(b)
	}
}

// number is a value with three digits that count.
func number(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.3g", x)
}
