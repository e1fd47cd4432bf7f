package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/internal/spectest"
	"github.com/redline-evm/redline/jit"
)

const (
	engineFlag = "engine"
	forkFlag   = "fork"
	matchFlag  = "run"

	workersFlag = "workers"
)

var evmCommand = &cli.Command{
	Name:        "evm",
	Usage:       "run EVM code and Ethereum's tests",
	Action:      program.Group,
	Subcommands: []*cli.Command{evmRunCommand, evmFuzzCommand, stateTestCommand, blockTestCommand},
}

var stateTestCommand = &cli.Command{
	Name:      "statetest",
	Usage:     "run Ethereum state tests",
	ArgsUsage: "PATH...",
	Description: `Paths are files, folders, and archives (.tar, .tar.zst) of state tests as published by
ethereum/execution-spec-tests and ethereum/tests. Prints each failure with its reason and, for
skipped tests, the reasons; the last line is "N passed, N failed, N skipped". The exit code is 1
if a test failed, and if no test matched.

Examples:
   sequencer evm statetest fixtures/state_tests
   sequencer evm statetest --fork Osaka --run clz fixtures-state.tar.zst`,
	Flags:  specFlags(),
	Before: program.Before,
	Action: func(c *cli.Context) error { return runSpecTests(c, spectest.RunState) },
}

var blockTestCommand = &cli.Command{
	Name:      "blocktest",
	Usage:     "run Ethereum blockchain tests",
	ArgsUsage: "PATH...",
	Description: `As statetest, for blockchain tests: pre-state, blocks, expected post-state.

Example:
   sequencer evm blocktest fixtures/blockchain_tests`,
	Flags:  specFlags(),
	Before: program.Before,
	Action: func(c *cli.Context) error { return runSpecTests(c, spectest.RunBlocks) },
}

func specFlags() []cli.Flag {
	return append(program.LogFlags(),
		&cli.StringFlag{Name: engineFlag, Value: "interp", Usage: "engine to run the tests on: interp, or native, which compiles all code before it runs"},
		jitCheckFlag(),
		&cli.StringFlag{Name: forkFlag, Usage: "run only the tests of this fork, such as Osaka"},
		&cli.StringFlag{Name: matchFlag, Usage: "run only the tests whose name contains this `TEXT`"},
		&cli.IntFlag{Name: workersFlag, Usage: "tests to run at once", DefaultText: "one per processor"},
		program.JSON("print the result as JSON"),
	)
}

// jitCheckFlag is the flag of commands that run code on an engine.
func jitCheckFlag() cli.Flag {
	return &cli.BoolFlag{Name: program.JITCheckFlag, Usage: "run every message with native code a second time without and compare"}
}

// specReport is the result of a run of tests.
type specReport struct {
	Passed   int            `json:"passed"`
	Failed   int            `json:"failed"`
	Skipped  int            `json:"skipped"`
	Failures []specFailure  `json:"failures"`
	Skips    map[string]int `json:"skips"` // by reason
}

type specFailure struct {
	Case   string `json:"case"`
	Reason string `json:"reason"`
}

// specEngines are the engines that tests run on.
var specEngines = map[string]jit.Native{"interp": jit.NativeOff, "native": jit.NativeEager}

// specRunner runs state tests or blockchain tests.
type specRunner func(context.Context, spectest.Options) (spectest.Summary, error)

func runSpecTests(c *cli.Context, run specRunner) error {
	if c.NArg() == 0 {
		return fmt.Errorf("cannot run tests: name the files or folders that hold them; see sequencer evm %s --help", c.Command.Name)
	}
	native, ok := specEngines[c.String(engineFlag)]
	if !ok {
		return fmt.Errorf("cannot run tests on engine %q: want interp or native", c.String(engineFlag))
	}
	asJSON := c.Bool(program.JSONFlag)
	opts := spectest.Options{
		Paths: c.Args().Slice(), Fork: c.String(forkFlag), Match: c.String(matchFlag), Workers: c.Int(workersFlag),
		Native: native, Check: c.Bool(program.JITCheckFlag),
		Report: func(f spectest.Failure) {
			if !asJSON {
				fmt.Fprintln(c.App.Writer, "FAIL", f)
			}
		},
	}
	summary, err := run(c.Context, opts)
	if err != nil {
		return err
	}
	if err := printSpecResult(c, &summary, asJSON); err != nil {
		return err
	}
	if len(summary.Failures) > 0 {
		return program.ErrReported
	}
	return nil
}

func printSpecResult(c *cli.Context, summary *spectest.Summary, asJSON bool) error {
	if !asJSON {
		_, err := summary.WriteTo(c.App.Writer)
		return err
	}
	report := specReport{
		Passed: summary.Passed, Failed: len(summary.Failures), Skipped: summary.Skipped(),
		Failures: []specFailure{}, Skips: summary.Skips,
	}
	for _, f := range summary.Failures {
		report.Failures = append(report.Failures, specFailure(f))
	}
	return program.PrintJSON(c.App.Writer, report)
}
