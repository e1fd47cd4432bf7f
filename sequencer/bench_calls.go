package main

import (
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/callbench"
	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/internal/program"
)

var benchCallsCommand = &cli.Command{
	Name:  "calls",
	Usage: "measure how calls that burn gas end, and how they hold up others",
	Description: `Makes eth_call requests of endless loops with 10^10 gas and a deadline of 100 ms to a node of its own,
and prints after how many milliseconds the answer is there; then how many microseconds the Go runtime waits
to stop the world while such a call runs. bench evm prints these rows, too.

Example:
   sequencer bench calls --json`,
	Flags:  append(program.LogFlags(), program.JSON("print the rows as one JSON object")),
	Before: program.Before,
	Action: runBenchCalls,
}

func runBenchCalls(c *cli.Context) error {
	rows, err := callRows(c)
	if err != nil {
		return err
	}
	report := &evmbench.Report{
		Bench: "calls", Commit: program.Revision(), Machine: evmbench.ThisMachine(),
		Settings: map[string]any{"deadline_ms": callbench.Deadline.Milliseconds()}, Results: rows,
	}
	return printReport(c, report)
}

func callRows(c *cli.Context) ([]evmbench.Row, error) {
	return callbench.Measure(c.Context, callbench.Options{
		Progress: benchProgress(),
	})
}
