package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/ethereum/go-ethereum/common"
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/netio/stream"
)

// openLedger opens the chain in the data folder. A new one begins with the
// genesis of the flag, else with that of the sequencer, which is kept. Unless
// the user says which chain it must be, it is trusted this once.
func openLedger(c *cli.Context, dir string) (*ledger.Ledger, error) {
	durability, err := ledger.ParseDurability(c.String(program.DurabilityFlag))
	if err != nil {
		return nil, fmt.Errorf("cannot use --%s: %w", program.DurabilityFlag, err)
	}
	memory, prefaultBytes, err := program.StateMemory(c, nil)
	if err != nil {
		return nil, err
	}
	opts := ledger.Options{
		Dir: dir, Chain: common.HexToHash(c.String(chainFlag)), StateBlocks: c.Uint64(program.HistoryFlag),
		Durability: durability, Memory: memory, PrefaultBytes: prefaultBytes, Log: slog.Default(),
	}
	if path := c.String(program.GenesisFlag); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read the genesis (--%s): %w", program.GenesisFlag, err)
		}
		if opts.Genesis, err = parseGenesis(path, data); err != nil {
			return nil, err
		}
		return explainOther(ledger.Open(opts))
	}
	l, err := ledger.Open(opts)
	if !errors.Is(err, fs.ErrNotExist) {
		return explainOther(l, err)
	}
	if opts.Genesis, err = fetchGenesis(c); err != nil {
		return nil, err
	}
	if l, err = ledger.Open(opts); err != nil {
		return explainOther(l, err)
	}
	if opts.Chain == (common.Hash{}) {
		slog.Warn("the genesis came from the sequencer and is kept from now on; compare the chain with one that you trust, or name it by --"+chainFlag,
			"chain", l.Identity(), "chainId", l.Config().ChainID, "sequencer", l.Genesis().Sequencer)
	}
	return l, nil
}

// parseGenesis reads a genesis that says whose signatures to trust.
func parseGenesis(source string, data []byte) (*chain.Genesis, error) {
	genesis, err := chain.ParseGenesis(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	if genesis.Sequencer == (common.Address{}) {
		return nil, fmt.Errorf("%s: cannot follow: config.redline.sequencer: is missing; use the complete genesis, which is ledger/genesis.json in the sequencer's data folder, or leave --%s away",
			source, program.GenesisFlag)
	}
	return genesis, nil
}

func fetchGenesis(c *cli.Context) (*chain.Genesis, error) {
	url := sequencerURL(c)
	data, err := stream.FetchGenesis(c.Context, url)
	if err != nil {
		return nil, fmt.Errorf("%w; is the sequencer running there? With --%s FILE this node can start without it", err, program.GenesisFlag)
	}
	return parseGenesis(url, data)
}

func explainOther(l *ledger.Ledger, err error) (*ledger.Ledger, error) {
	if errors.Is(err, ledger.ErrOtherGenesis) {
		return nil, fmt.Errorf("%w; choose another folder by --%s, or leave --%s away", err, program.DataDirFlag, program.GenesisFlag)
	}
	if errors.Is(err, ledger.ErrOtherChain) {
		return nil, fmt.Errorf("%w; is --%s right? Then choose another folder by --%s, or follow another sequencer by --%s",
			err, chainFlag, program.DataDirFlag, sequencerFlag)
	}
	return l, err
}
