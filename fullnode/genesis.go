package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/netio/stream"
)

// openLedger opens the chain in the data folder. A new one begins with the
// genesis of the flag, else with that of the sequencer, which is trusted this
// once and kept.
func openLedger(c *cli.Context, dir string) (*ledger.Ledger, error) {
	opts := ledger.Options{Dir: dir, StateBlocks: c.Uint64(program.HistoryFlag), Log: slog.Default()}
	if path := c.String(program.GenesisFlag); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read the genesis (--%s): %w", program.GenesisFlag, err)
		}
		if opts.Genesis, err = chain.ParseGenesis(data); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return explainOther(ledger.Open(opts))
	}
	l, err := ledger.Open(opts)
	if !errors.Is(err, fs.ErrNotExist) {
		return l, err
	}
	if opts.Genesis, err = fetchGenesis(c); err != nil {
		return nil, err
	}
	if l, err = ledger.Open(opts); err != nil {
		return nil, err
	}
	slog.Warn("the genesis came from the sequencer and is kept from now on; compare its hash with one that you trust, or give the file by --"+program.GenesisFlag,
		"genesis", l.GenesisHash(), "chain", l.Config().ChainID, "sequencer", l.Genesis().Sequencer)
	return l, nil
}

func fetchGenesis(c *cli.Context) (*chain.Genesis, error) {
	url := sequencerURL(c)
	data, err := stream.FetchGenesis(c.Context, url)
	if err != nil {
		return nil, fmt.Errorf("%w; is the sequencer running there? With --%s FILE this node can start without it", err, program.GenesisFlag)
	}
	genesis, err := chain.ParseGenesis(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	return genesis, nil
}

func explainOther(l *ledger.Ledger, err error) (*ledger.Ledger, error) {
	if errors.Is(err, ledger.ErrOtherGenesis) {
		return nil, fmt.Errorf("%w; choose another folder by --%s, or leave --%s away", err, program.DataDirFlag, program.GenesisFlag)
	}
	return l, err
}
