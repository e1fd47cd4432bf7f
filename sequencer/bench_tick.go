package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/tuning"
)

var benchTickCommand = &cli.Command{
	Name:  "tick",
	Usage: "measure how late waits end, by each way to wait, in turn",
	Description: `Waits for moments that are an interval apart, as the loop does that makes mini-blocks, and prints by
how much they are missed. The ways are those of sequencer run --miniblock.tick.

Examples:
   sequencer bench tick
   sequencer bench tick --interval 1ms --rounds 100 --json
   sequencer bench tick --cpu 31`,
	Flags: append(program.LogFlags(),
		&cli.DurationFlag{Name: "interval", Value: 10 * time.Millisecond, Usage: "time between two moments"},
		&cli.IntFlag{Name: "rounds", Value: 20, Usage: "rounds; in each, every way waits in turn"},
		&cli.IntFlag{Name: "count", Value: 10, Usage: "waits of a way in a round"},
		&cli.IntFlag{Name: "cpu", Value: -1, Usage: "processor to wait on, as with sequencer run --cpu.producer; -1 is any"},
		&cli.DurationFlag{Name: "spin", Value: tuning.TickSpin, Usage: "time to spin at the end of a wait"},
		program.JSON("print the rows as one JSON object"),
	),
	Before: program.Before,
	Action: runBenchTick,
}

func runBenchTick(c *cli.Context) error {
	interval, rounds, count := c.Duration("interval"), c.Int("rounds"), c.Int("count")
	if interval <= 0 || rounds < 1 || count < 1 {
		return fmt.Errorf("cannot measure %d rounds of %d waits of %v: want more than 0", rounds, count, interval)
	}
	if cpu := c.Int("cpu"); cpu >= 0 {
		if err := pin(tuning.IDSet{cpu}); err != nil {
			return err
		}
	}
	ticks, err := openTicks(c.Duration("spin"))
	if err != nil {
		return err
	}
	late := make(map[tuning.TickKind][]time.Duration)
	for range rounds {
		for kind, tick := range ticks {
			late[kind] = append(late[kind], tuning.Lateness(tick, interval, count)...)
		}
	}
	report := evmbench.Report{
		Bench: "tick", Commit: program.Revision(), Machine: evmbench.ThisMachine(),
		Settings: map[string]any{"interval_us": interval.Microseconds(), "spin_us": c.Duration("spin").Microseconds(), "rounds": rounds, "count": count, "cpu": c.Int("cpu")},
	}
	for _, kind := range tuning.TickKinds {
		report.Results = append(report.Results, tickRows(kind, late[kind])...)
	}
	if c.Bool(program.JSONFlag) {
		return program.PrintJSON(c.App.Writer, report)
	}
	return printTicks(c.App.Writer, report.Results)
}

// openTicks returns a Tick of each kind that the system has; they last until the
// program ends.
func openTicks(spin time.Duration) (map[tuning.TickKind]*tuning.Tick, error) {
	ticks := make(map[tuning.TickKind]*tuning.Tick)
	for _, kind := range tuning.TickKinds {
		tick, err := tuning.NewTick(kind, spin)
		if errors.Is(err, errors.ErrUnsupported) {
			continue
		}
		if err != nil {
			return nil, err
		}
		ticks[kind] = tick
	}
	return ticks, nil
}

// tickQuantiles are the rows of a kind.
var tickQuantiles = []struct {
	name string
	part float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}}

// tickRows are the rows of a kind; none for one that was not measured.
func tickRows(kind tuning.TickKind, late []time.Duration) []evmbench.Row {
	if len(late) == 0 {
		return nil
	}
	slices.Sort(late)
	rows := make([]evmbench.Row, len(tickQuantiles))
	for i, q := range tickQuantiles {
		rows[i] = evmbench.Row{
			Name: fmt.Sprintf("late_us_%s/tick/%s", q.name, kind), Unit: "us", N: len(late),
			Value: microseconds(late[min(int(q.part*float64(len(late))), len(late)-1)]),
			Min:   microseconds(late[0]), Max: microseconds(late[len(late)-1]),
		}
	}
	return rows
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

func printTicks(w io.Writer, rows []evmbench.Row) error {
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "%-28s %10.1f %s\n", row.Name, row.Value, row.Unit)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
