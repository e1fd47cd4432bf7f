package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/evmfuzz"
	"github.com/redline-evm/redline/internal/program"
)

const (
	programsFlag = "programs"
	seedFlag     = "seed"
	enginesFlag  = "engines"
	outFlag      = "out"
	replayFlag   = "replay"
)

var evmFuzzCommand = &cli.Command{
	Name:  "fuzz",
	Usage: "run generated programs on all engines and compare",
	Description: `Makes worlds of contracts that call each other, runs each contract with plenty of gas, with exactly
what it needs, with one less and with less than that, native code in slices of gas of any size, and compares
status, gas, output, logs, refund and state. A case in which the engines differ is made smaller and saved.
Runs until there were enough programs or until it is interrupted. World N of a run is made from seed + N, so
that --seed names it again. The exit code is 1 if the engines differed.

Examples:
   sequencer evm fuzz --programs 100000
   sequencer evm fuzz --seed 123456 --engines native,interp --json
   sequencer evm fuzz --replay crashers`,
	Flags: append(program.LogFlags(),
		&cli.Uint64Flag{Name: programsFlag, Usage: "programs to run", DefaultText: "until interrupted"},
		&cli.Uint64Flag{Name: seedFlag, Usage: "`SEED` that all programs follow from", DefaultText: "the time"},
		&cli.StringFlag{Name: enginesFlag, Usage: "engines to compare, separated by commas: interp and some of native, geth (default: all)"},
		&cli.IntFlag{Name: workersFlag, Value: 1, Usage: "worlds to run at once"},
		&cli.StringFlag{Name: outFlag, Value: "crashers", Usage: "`DIR` to save failing cases in"},
		&cli.StringFlag{Name: replayFlag, Usage: "run the cases that were saved in `DIR` instead"},
		program.JSON("print the result as JSON"),
	),
	Before: program.Before,
	Action: runEVMFuzz,
}

// fuzzGCPercent makes the collector run less often: there is much garbage and
// little that is kept.
const fuzzGCPercent = 400

func runEVMFuzz(c *cli.Context) error {
	debug.SetGCPercent(fuzzGCPercent)
	report, err := fuzzOrReplay(c.Context, c)
	if err != nil {
		return err
	}
	if err := printFuzz(c, &report); err != nil {
		return err
	}
	if len(report.Failures) > 0 {
		return program.ErrReported
	}
	return nil
}

func fuzzOrReplay(ctx context.Context, c *cli.Context) (evmfuzz.Report, error) {
	engines := program.List(c.String(enginesFlag))
	if engines == nil {
		engines = evmfuzz.Engines
	}
	if dir := c.String(replayFlag); dir != "" {
		return evmfuzz.Replay(dir, engines)
	}
	seed := c.Uint64(seedFlag)
	if !c.IsSet(seedFlag) {
		seed = uint64(time.Now().UnixNano())
	}
	slog.Info("fuzzing", "seed", seed, "engines", engines)
	var last uint64
	return evmfuzz.Run(ctx, evmfuzz.Options{
		Programs: c.Uint64(programsFlag), Seed: seed, Engines: engines, Workers: c.Int(workersFlag), Dir: c.String(outFlag),
		Progress: func(r evmfuzz.Report) {
			if r.Worlds == last {
				slog.Warn("no progress: a program does not end", "world", seed+r.Worlds-1)
			}
			last = r.Worlds
			if isatty.IsTerminal(os.Stderr.Fd()) {
				progressLine(os.Stderr, &r)
			}
		},
	})
}

// progressLine prints how far a run is, over the line before.
func progressLine(w io.Writer, r *evmfuzz.Report) {
	fmt.Fprintf(w, "\r%d programs, %.0f a second, %d failures, at seed %d ", r.Programs, r.PerSecond, len(r.Failures), r.Seed+r.Worlds)
}

func printFuzz(c *cli.Context, r *evmfuzz.Report) error {
	if c.Bool(program.JSONFlag) {
		return program.PrintJSON(c.App.Writer, r)
	}
	for _, failure := range r.Failures {
		fmt.Fprintf(c.App.Writer, "FAIL seed %d %s: %s\n", failure.Seed, failure.File, failure.Why)
	}
	_, err := fmt.Fprintf(c.App.Writer, "\n%d programs, %d runs, %d failed; seed %d, %.0f s, %v\n",
		r.Programs, r.Runs, len(r.Failures), r.Seed, r.Seconds, r.Statuses)
	return err
}
