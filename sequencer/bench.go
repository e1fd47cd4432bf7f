package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/internal/program"
)

var benchCommand = &cli.Command{
	Name:   "bench",
	Usage:  "measure parts of Redline against their peers",
	Action: program.Group,
	Subcommands: []*cli.Command{
		benchEVMCommand, benchCallsCommand, benchSnapshotCommand, benchStateCommand, benchTickCommand, benchWALCommand,
	},
}

var benchEVMCommand = &cli.Command{
	Name:  "evm",
	Usage: "measure EVM engines on cases, interleaved on one core",
	Description: `A case is a folder with state.txt and, to be checked, expected.hex and gas.txt. Prints the median
time of each case on each engine and how they compare, with geometric means over all and over groups; the
Fibonacci loops also in C, where gcc or clang is there; and what compiling costs, for the cases and for code
made to be costly. Without --run the rows of bench calls come last.

Examples:
   sequencer bench evm --cases cases
   sequencer bench evm --cases cases --run 'erc20|keccak' --engine interp --json`,
	Flags: append(program.LogFlags(),
		&cli.StringFlag{Name: casesFlag, Usage: "`DIR` that holds the cases", Value: "../shared/cases", EnvVars: []string{"CASES"}},
		&cli.StringFlag{Name: engineFlag, Usage: "engines to measure, separated by commas: interp, native, geth (default: all)"},
		&cli.StringFlag{Name: matchFlag, Usage: "measure only the cases whose name matches this `REGEXP`"},
		&cli.StringFlag{Name: forkFlag, Value: "osaka", Usage: "rules to run by: cancun, prague or osaka"},
		&cli.IntFlag{Name: "rounds", Usage: "rounds to take the median of", DefaultText: "5"},
		&cli.DurationFlag{Name: "round", Usage: "least time for a case on an engine in a round", DefaultText: "20ms"},
		program.JSON("print the rows as one JSON object"),
	),
	Before: program.Before,
	Action: runBenchEVM,
}

const casesFlag = "cases"

func runBenchEVM(c *cli.Context) error {
	fork, err := evmbench.ParseFork(c.String(forkFlag))
	if err != nil {
		return err
	}
	report, err := evmbench.Bench(evmbench.BenchOptions{
		Dir: c.String(casesFlag), Engines: program.List(c.String(engineFlag)), Run: c.String(matchFlag), Fork: fork,
		Rounds: c.Int("rounds"), Round: c.Duration("round"), Commit: program.Revision(),
		Progress: benchProgress(),
	})
	if err != nil {
		return err
	}
	if c.String(matchFlag) == "" {
		rows, err := callRows(c)
		if err != nil {
			return err
		}
		report.Results = append(report.Results, rows...)
	}
	return printReport(c, report)
}

// benchProgress returns what tells the user of each part of a measurement.
func benchProgress() func(what string) {
	start := time.Now()
	return func(what string) {
		slog.Info("measuring", "what", what, "elapsed", time.Since(start).Round(time.Second))
	}
}

// benchFolder makes a folder for what a measurement writes, to be removed after
// it.
func benchFolder(c *cli.Context) (string, error) {
	dir, err := os.MkdirTemp(c.String(benchDirFlag), "redline-bench-")
	if err != nil {
		return "", fmt.Errorf("cannot measure: %w", err)
	}
	return dir, nil
}

// printReport prints a report as its text, or as JSON where that is asked for.
func printReport(c *cli.Context, report fmt.Stringer) error {
	if c.Bool(program.JSONFlag) {
		return program.PrintJSON(c.App.Writer, report)
	}
	_, err := fmt.Fprint(c.App.Writer, report)
	return err
}
