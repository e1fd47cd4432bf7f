package main

import (
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/internal/walbench"
)

var benchWALCommand = &cli.Command{
	Name:  "wal",
	Usage: "measure the write-ahead log: when a mini-block may be shown",
	Description: `Writes mini-blocks of several sizes to a log at the pace of the chain, and prints how long it takes
until each may be shown: on the disk (--durability wal) or in the queue (async), with direct and with
buffered writes, beside a file that grows and is synced. Then how much goes through as fast as it can.

Examples:
   sequencer bench wal
   sequencer bench wal --dir /mnt/disk/tmp --interval 1ms --json`,
	Flags: append(program.LogFlags(),
		&cli.DurationFlag{Name: "interval", Value: 10 * time.Millisecond, Usage: "time between two mini-blocks"},
		&cli.IntFlag{Name: roundsFlag, Value: 3, Usage: "rounds; in each, every way writes in turn"},
		&cli.IntFlag{Name: "count", Value: 100, Usage: "mini-blocks of each size and way in a round"},
		&cli.StringFlag{Name: benchDirFlag, Usage: "`DIR` on the disk to measure (default: a temporary one)"},
		program.JSON("print the rows as one JSON object"),
	),
	Before: program.Before,
	Action: runBenchWAL,
}

func runBenchWAL(c *cli.Context) error {
	opts := walbench.Options{Rounds: c.Int(roundsFlag), Count: c.Int("count"), Interval: c.Duration("interval"), Bytes: 256 << 20, Revision: program.Revision()}
	if opts.Rounds < 1 || opts.Count < 1 || opts.Interval <= 0 {
		return fmt.Errorf("cannot measure %d rounds of %d mini-blocks each %v: want more than 0", opts.Rounds, opts.Count, opts.Interval)
	}
	var err error
	if opts.Dir, err = benchFolder(c); err != nil {
		return err
	}
	defer os.RemoveAll(opts.Dir)
	opts.Progress = benchProgress()
	report, err := walbench.Bench(c.Context, opts)
	if err != nil {
		return err
	}
	return printReport(c, report)
}
