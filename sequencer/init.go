package main

import (
	"fmt"
	"log/slog"

	"github.com/ethereum/go-ethereum/common"
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/program"
)

var initCommand = &cli.Command{
	Name:  "init",
	Usage: "begin a chain: make its data folder and the sequencer's key",
	Description: `Takes go-ethereum's genesis JSON as it is. An optional section config.redline says
what is Redline's own: {"sequencer": "0x…", "miniBlockMs": 10, "codeSizeLimit": 24576, "txGasLimit": …}.
Without a sequencer there, the chain is that of the key in the data folder, which is made if need be.

Examples:
   sequencer init --genesis genesis.json
   sequencer init --genesis genesis.json --datadir /srv/redline --sequencer.key /etc/redline/key`,
	Flags: append(program.LogFlags(),
		program.DataDir(program.DefaultDataDir("sequencer")),
		&cli.StringFlag{Name: program.GenesisFlag, Usage: "genesis JSON `FILE`", Required: true, Category: program.CategoryChain},
		keyFileFlag(),
		program.JSON("print the report as JSON"),
	),
	Before: program.Before,
	Action: runInit,
}

// initReport is what init made.
type initReport struct {
	DataDir   string         `json:"datadir"`
	ChainID   uint64         `json:"chainId"`
	Genesis   common.Hash    `json:"genesis"`
	Sequencer common.Address `json:"sequencer"`
	Key       string         `json:"key"` // file
}

func runInit(c *cli.Context) error {
	dir := c.String(program.DataDirFlag)
	unlock, err := program.LockDataDir(dir)
	if err != nil {
		return err
	}
	var closers program.Closers
	defer closers.Close()
	closers.Add(unlock)
	settled, err := chainOfFlags(c, dir)
	if err != nil {
		return err
	}
	l, err := ledger.Open(ledger.Options{Dir: dir, Genesis: settled.genesis, Log: slog.Default()})
	if err != nil {
		return explain(err, dir)
	}
	closers.Add(l.Close)
	report := initReport{
		DataDir: dir, ChainID: l.Config().ChainID.Uint64(), Genesis: l.GenesisHash(),
		Sequencer: l.Genesis().Sequencer, Key: settled.key.path,
	}
	if c.Bool(program.JSONFlag) {
		return program.PrintJSON(c.App.Writer, report)
	}
	_, err = fmt.Fprintf(c.App.Writer, `chain id    %d
genesis     %s
sequencer   %s
key         %s

Start it:
   sequencer run --datadir %s
`, report.ChainID, report.Genesis, report.Sequencer, report.Key, dir)
	return err
}
