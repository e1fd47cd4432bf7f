package walbench

import (
	"slices"
	"strings"

	"github.com/redline-evm/redline/internal/evmbench"
)

// quantiles are the rows of each commit figure.
var quantiles = []struct {
	figure string
	part   float64
}{{"commit_ms_p50/", 0.5}, {"commit_ms_p99/", 0.99}}

func (b *bench) report() *evmbench.Report {
	r := &evmbench.Report{
		Bench: "wal", Commit: b.opts.Revision, Machine: evmbench.ThisMachine(),
		Settings: map[string]any{"interval_ms": milliseconds(b.opts.Interval), "rounds": b.opts.Rounds, "count": b.opts.Count},
	}
	for _, f := range b.figures {
		slices.Sort(f.values)
		variant, isCommit := strings.CutPrefix(f.name, commitFigure)
		if !isCommit {
			r.Results = append(r.Results, f.row(f.name, 0.5))
			continue
		}
		for _, q := range quantiles {
			r.Results = append(r.Results, f.row(q.figure+variant, q.part))
		}
	}
	return r
}

// row is the value at a part of the figure's values, which are sorted.
func (f *figure) row(name string, part float64) evmbench.Row {
	n := len(f.values)
	return evmbench.Row{Name: name, Unit: f.unit, N: n, Value: f.values[min(int(part*float64(n)), n-1)], Min: f.values[0], Max: f.values[n-1]}
}
