package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/internal/snapshotbench"
)

const (
	accountsFlag = "accounts"
	idleFlag     = "idle"
	rateFlag     = "rate"
	benchDirFlag = "dir"
	roundsFlag   = "rounds"
)

var benchSnapshotCommand = &cli.Command{
	Name:  "snapshot",
	Usage: "measure snapshots: what they cost a busy state, and how fast one is restored",
	Description: `Builds a state, commits transfers to it as fast as they go, and takes snapshots meanwhile, at each
limit of --rate; then verifies the newest one, restores it and compares every account. Prints the loss
of throughput, the times of commits without and with a snapshot, and the rates of all.

Examples:
   sequencer bench snapshot --accounts 1000000
   sequencer bench snapshot --dir /mnt/disk/tmp --rate 0,200,50 --json`,
	Flags: append(program.LogFlags(),
		&cli.IntFlag{Name: accountsFlag, Value: 10_000_000, Usage: "accounts of the state; every fourth has a slot"},
		&cli.IntFlag{Name: roundsFlag, Value: 3, Usage: "rounds to take the median of"},
		&cli.DurationFlag{Name: idleFlag, Value: 5 * time.Second, Usage: "time of commits without a snapshot, in each round"},
		&cli.StringFlag{Name: rateFlag, Value: "0,100", Usage: "limits to take snapshots with, in MB of state a second, separated by commas; 0 is none"},
		&cli.IntFlag{Name: workersFlag, Usage: "threads that compress, verify and read", DefaultText: "one per processor"},
		&cli.StringFlag{Name: benchDirFlag, Usage: "`DIR` on the disk to measure (default: a temporary one)"},
		program.JSON("print the rows as one JSON object"),
	),
	Before: program.Before,
	Action: runBenchSnapshot,
}

func runBenchSnapshot(c *cli.Context) error {
	opts := snapshotbench.Options{
		Accounts: c.Int(accountsFlag), Rounds: c.Int(roundsFlag), Idle: c.Duration(idleFlag),
		Workers: c.Int(workersFlag), Revision: program.Revision(),
	}
	if opts.Accounts < 1 || opts.Rounds < 1 {
		return fmt.Errorf("cannot measure %d accounts in %d rounds: want at least one", opts.Accounts, opts.Rounds)
	}
	if opts.Workers == 0 {
		opts.Workers = runtime.NumCPU()
	}
	for _, text := range program.List(c.String(rateFlag)) {
		rate, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fmt.Errorf("cannot use --%s %s: want numbers, separated by commas", rateFlag, c.String(rateFlag))
		}
		opts.RatesMB = append(opts.RatesMB, rate)
	}
	var err error
	if opts.Dir, err = benchFolder(c); err != nil {
		return err
	}
	defer os.RemoveAll(opts.Dir)
	opts.Progress = benchProgress()
	report, err := snapshotbench.Bench(c.Context, opts)
	if err != nil {
		return err
	}
	return printReport(c, report)
}
