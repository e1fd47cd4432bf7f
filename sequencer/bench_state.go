package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/internal/statebench"
)

const (
	keysFlag   = "keys"
	pebbleFlag = "pebble"
)

var benchStateCommand = &cli.Command{
	Name:  "state",
	Usage: "measure the state in memory: bytes of a slot, reads, growth, garbage collection",
	Description: `Grows a state slot by slot, each in a commit of its own; then reads slots at random, one by one and
in batches, in turn with raw memory and with a Pebble store on disk that holds the same. For its cold
rows that store is opened with a cache of 1 MiB after its files were put out of the system's cache
(posix_fadvise); for the warm rows all that is read is in its own cache. Of times that the machine
shares with others, the processor_ rows count only what the benchmark's own thread worked.

A state of 50M slots takes about 6 GB of memory, 5 GB to compare with, and 3 GB on disk.

Examples:
   sequencer bench state --keys 5000000
   sequencer bench state --dir /mnt/disk/tmp --json`,
	Flags: append(program.LogFlags(),
		&cli.IntFlag{Name: keysFlag, Value: 50_000_000, Usage: "slots of the state"},
		&cli.IntFlag{Name: roundsFlag, Value: 5, Usage: "rounds of reads to take the median of"},
		&cli.BoolFlag{Name: pebbleFlag, Value: true, Usage: "compare with Pebble"},
		&cli.StringFlag{Name: benchDirFlag, Usage: "`DIR` on the disk to measure (default: a temporary one)"},
		program.JSON("print the rows as one JSON object"),
	),
	Before: program.Before,
	Action: runBenchState,
}

func runBenchState(c *cli.Context) error {
	opts := statebench.Options{Keys: c.Int(keysFlag), Rounds: c.Int(roundsFlag), Revision: program.Revision()}
	if opts.Keys < 1 || opts.Rounds < 1 {
		return fmt.Errorf("cannot measure %d slots in %d rounds: want at least one", opts.Keys, opts.Rounds)
	}
	if c.Bool(pebbleFlag) {
		var err error
		if opts.Dir, err = benchFolder(c); err != nil {
			return err
		}
		defer os.RemoveAll(opts.Dir)
	}
	opts.Progress = benchProgress()
	report, err := statebench.Bench(c.Context, opts)
	if err != nil {
		return err
	}
	return printReport(c, report)
}
