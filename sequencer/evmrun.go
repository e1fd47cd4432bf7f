package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ethereum/go-ethereum/common"
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/internal/node"
	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/jit"
)

const (
	codeFlag  = "code"
	inputFlag = "input"
	stateFlag = "state"
	toFlag    = "to"
	gasFlag   = "gas"
	runsFlag  = "bench"
	caseFlag  = "case"
)

var evmRunCommand = &cli.Command{
	Name:  "run",
	Usage: "run EVM code and print output, gas and status",
	Description: `Runs code in an empty state, or in the alloc of a genesis given by --state, and prints what came of it.
Gas is that of the call, without a transaction's intrinsic gas. With --bench N it is run N times and the
median time is printed. With --case it runs a folder that holds state.txt, or each of its subfolders that
do, and compares output and gas with expected.hex and gas.txt.

Examples:
   sequencer evm run --code 0x602a5f5260205ff3
   sequencer evm run --code loop.hex --input 0x01 --fork prague --bench 100 --json
   sequencer evm run --state genesis.json --to 0x00…01 --input 0xa9059cbb…
   sequencer evm run --case cases/erc20-transfer --engine interp`,
	Flags: append(program.LogFlags(),
		&cli.StringFlag{Name: codeFlag, Usage: "code as a `FILE` of hexadecimal digits or as 0x…"},
		&cli.StringFlag{Name: inputFlag, Usage: "call data, likewise"},
		&cli.StringFlag{Name: stateFlag, Usage: "genesis `FILE` whose alloc is the state"},
		&cli.StringFlag{Name: toFlag, Usage: "`ADDRESS` to call; --code is put there if given"},
		&cli.Uint64Flag{Name: gasFlag, Usage: "gas of the call", DefaultText: "100 million, or the case's"},
		&cli.StringFlag{Name: engineFlag, Usage: "engine to run on: interp, native or geth (default: interp)"},
		&cli.StringFlag{Name: forkFlag, Value: "osaka", Usage: "rules to run by: cancun, prague or osaka"},
		&cli.IntFlag{Name: runsFlag, Usage: "measure `N` runs", DefaultText: "none"},
		&cli.StringFlag{Name: dumpFlag, Usage: "print what the engine makes of the code instead of running it, separated by commas: ir, its basic blocks; asm, its machine code"},
		jitCheckFlag(),
		&cli.StringFlag{Name: caseFlag, Usage: "run the case or cases in `DIR`"},
		program.JSON("print each report as one line of JSON"),
	),
	Before: program.Before,
	Action: runEVM,
}

func runEVM(c *cli.Context) error {
	fork, err := evmbench.ParseFork(c.String(forkFlag))
	if err != nil {
		return err
	}
	opts := evmbench.RunOptions{Engine: c.String(engineFlag), Fork: fork, Gas: c.Uint64(gasFlag), Runs: c.Int(runsFlag)}
	var differences []error
	if c.Bool(program.JITCheckFlag) {
		if opts.Engine != "native" {
			return fmt.Errorf("cannot use --%s without --%s native: there is nothing to check", program.JITCheckFlag, engineFlag)
		}
		opts.Check = func(m *jit.Mismatch) { differences = append(differences, mismatchError(m)) }
	}
	return interruptible(c.Context, func() error {
		err := runWith(c, opts)
		return errors.Join(append(differences, err)...)
	})
}

var errInterrupted = errors.New("interrupted before the code ended")

// interruptible runs code that may never end, and leaves it behind when ctx ends
// first.
func interruptible(ctx context.Context, run func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- run() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return errInterrupted
	}
}

// mismatchError saves in the working folder in what native code and the
// interpreter differ.
func mismatchError(m *jit.Mismatch) error {
	path, err := node.SaveMismatch(".", m)
	return errors.Join(fmt.Errorf("native code of %v differs from the interpreter; see %s", m.Hashes(), path), err)
}

// runWith runs what the flags say.
func runWith(c *cli.Context, opts evmbench.RunOptions) error {
	if c.IsSet(gasFlag) && opts.Gas == 0 {
		return fmt.Errorf("cannot use --%s 0: want at least 1", gasFlag)
	}
	if dir := c.String(caseFlag); dir != "" {
		for _, other := range []string{codeFlag, inputFlag, stateFlag, toFlag, dumpFlag} {
			if c.IsSet(other) {
				return fmt.Errorf("cannot use --%s with --%s: a case says itself what to run", other, caseFlag)
			}
		}
		return runCases(c, dir, opts)
	}
	if err := readMessage(c, &opts); err != nil {
		return err
	}
	if c.IsSet(dumpFlag) {
		return dumpCode(c, &opts)
	}
	report, err := evmbench.RunCode(opts)
	if err != nil {
		return err
	}
	return printReport(c, report)
}

// readMessage reads what to run from the flags.
func readMessage(c *cli.Context, opts *evmbench.RunOptions) (err error) {
	if !c.IsSet(codeFlag) && !(c.IsSet(stateFlag) && c.IsSet(toFlag)) {
		return fmt.Errorf("cannot run: say what by --%s, by --%s and --%s, or by --%s; see sequencer evm run --help", codeFlag, stateFlag, toFlag, caseFlag)
	}
	if c.IsSet(codeFlag) {
		if opts.Code, err = evmbench.ReadBytes(c.String(codeFlag)); err != nil {
			return err
		}
		opts.Code = append([]byte{}, opts.Code...) // empty code is code
	}
	if c.IsSet(inputFlag) {
		if opts.Input, err = evmbench.ReadBytes(c.String(inputFlag)); err != nil {
			return err
		}
	}
	if c.IsSet(stateFlag) {
		if opts.Alloc, err = evmbench.ReadAlloc(c.String(stateFlag)); err != nil {
			return err
		}
	}
	if c.IsSet(toFlag) {
		if !common.IsHexAddress(c.String(toFlag)) {
			return fmt.Errorf("cannot use --%s %s: want an address", toFlag, c.String(toFlag))
		}
		opts.To = common.HexToAddress(c.String(toFlag))
	}
	return nil
}

// runCases runs a case, or all cases below a folder, and goes on after one that
// is wrong.
func runCases(c *cli.Context, dir string, opts evmbench.RunOptions) error {
	dirs := []string{dir}
	if !evmbench.IsCase(dir) {
		files, err := filepath.Glob(filepath.Join(dir, "*", "state.txt"))
		if err != nil || len(files) == 0 {
			return errors.Join(fmt.Errorf("cannot find cases in %s: neither it nor its subfolders hold a state.txt", dir), err)
		}
		dirs = dirs[:0]
		for _, file := range files {
			dirs = append(dirs, filepath.Dir(file))
		}
	}
	var wrong []error
	for _, dir := range dirs {
		report, err := evmbench.RunCase(dir, opts)
		if report != nil {
			if err := printReport(c, report); err != nil {
				return err
			}
		}
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}
