// Package statebench measures the world state in memory: what a slot takes, how
// fast slots are read against a Pebble store on disk and against raw memory, how
// long growth makes one commit wait, and what the collector has to do. It must not
// know how memstate works inside.
package statebench

import (
	"context"
	"fmt"
	"runtime"

	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/tuning"
)

// Options says what to measure.
type Options struct {
	Keys     int    // slots of the state
	Rounds   int    // of reads
	Dir      string // for the Pebble store; empty: without that peer
	Revision string // of the program, for the report
	Progress func(what string)
}

// bench is a measurement under way.
type bench struct {
	opts   Options
	keys   keySpace
	state  *memstate.State
	report *evmbench.Report
	size   string // of the state, as the names of rows have it
}

// Bench measures. The goroutine has a thread for itself meanwhile.
func Bench(ctx context.Context, opts Options) (*evmbench.Report, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b := &bench{opts: opts, keys: newKeySpace(opts.Keys), state: memstate.New(), size: sizeName(opts.Keys)}
	b.report = &evmbench.Report{
		Bench: "state", Commit: opts.Revision, Machine: evmbench.ThisMachine(),
		Settings: map[string]any{
			"keys": opts.Keys, "accounts": b.keys.accounts(), "rounds": opts.Rounds, "go": runtime.Version(),
			"reads_a_round": readsPerRound, "interleaved": true,
		},
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"growth to " + b.size + " slots", b.measureGrowth},
		{"collection", b.measureCollection},
		{"reads", b.measureReads},
	} {
		opts.Progress(step.what)
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("cannot measure %s: %w", step.what, err)
		}
	}
	return b.report, nil
}

func (b *bench) add(name, unit string, values ...float64) {
	b.report.Results = append(b.report.Results, evmbench.NewRow(name, unit, values))
}

// sizeName is a number of keys as names of rows have it: 50M, 20k.
func sizeName(keys int) string {
	switch {
	case keys >= 1_000_000 && keys%1_000_000 == 0:
		return fmt.Sprintf("%dM", keys/1_000_000)
	case keys >= 1000 && keys%1000 == 0:
		return fmt.Sprintf("%dk", keys/1000)
	}
	return fmt.Sprint(keys)
}

// pageSettings says on what pages the state is, in MB.
func pageSettings(pages tuning.PageBytes) map[string]uint64 {
	settings := map[string]uint64{}
	for kind, size := range pages {
		if size > 0 {
			settings[tuning.PageKind(kind).String()] = size >> 20
		}
	}
	return settings
}
