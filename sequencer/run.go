package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/internal/upkeep"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/tuning"
)

var runCommand = &cli.Command{
	Name:  "run",
	Usage: "make the chain of a data folder",
	Description: `Goes on with the chain in the data folder, which sequencer init made; with --genesis it begins
the chain if the folder has none. Serves JSON-RPC (HTTP and WebSocket on one port) and the stream
that full nodes follow.

Examples:
   sequencer run
   sequencer run --datadir /srv/redline --http.addr 0.0.0.0 --metrics
   sequencer run --config sequencer.toml --miniblock.interval 1ms`,
	Flags: append(program.NodeFlags(program.Ports{HTTP: 8545, WS: 8546, Metrics: 6060}),
		slices.Concat(producerFlags(), upkeep.Flags(), []cli.Flag{
			program.DataDir(program.DefaultDataDir("sequencer")),
			program.Genesis("genesis JSON `FILE`; needed only to begin a chain, compared otherwise"),
			program.History(memstate.Horizon),
			program.Durability(ledger.WAL.String()),
			keyFileFlag(),
			program.JSON("print one line of JSON once JSON-RPC is served"),
		})...),
	Before: program.Before,
	Action: runRun,
}

func runRun(c *cli.Context) error {
	if err := program.TuneProcess(c, tuning.Sequencer, producerCPUs(c)); err != nil {
		return err
	}
	n, err := start(c, c.String(program.DataDirFlag), chainOfFlags)
	if err != nil {
		return err
	}
	defer n.close()
	if c.Bool(program.JSONFlag) {
		if err := program.PrintJSON(c.App.Writer, n.ready()); err != nil {
			return err
		}
	}
	return n.wait(c.Context)
}

// chainOfFlags is the chain of the data folder, or the one that the flags begin.
func chainOfFlags(c *cli.Context, dir string) (settledChain, error) {
	path := c.String(program.GenesisFlag)
	if path == "" {
		key, err := loadKey(keyPath(c, dir))
		return settledChain{key: key}, err
	}
	genesis, err := loadGenesis(path)
	if err != nil {
		return settledChain{}, err
	}
	return chainOf(c, dir, genesis)
}

// explain says what to do about an error of opening the ledger.
func explain(err error, dir string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot run: %s holds no chain; begin one by `sequencer init --datadir %s --genesis FILE`, or try `sequencer dev`", dir, dir)
	case errors.Is(err, ledger.ErrOtherGenesis):
		return fmt.Errorf("%w; leave --%s away to go on with that chain, or choose another folder by --%s", err, program.GenesisFlag, program.DataDirFlag)
	}
	return err
}
