package main

import (
	"fmt"
	"os"

	"github.com/ethereum/go-ethereum/common"
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/program"
)

// loadGenesis reads a genesis file from which a chain can be made.
func loadGenesis(path string) (*chain.Genesis, error) {
	genesis, err := readGenesis(path)
	if err != nil {
		return nil, err
	}
	return genesis, checkContracts(path, genesis)
}

func readGenesis(path string) (*chain.Genesis, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the genesis (--%s): %w", program.GenesisFlag, err)
	}
	genesis, err := chain.ParseGenesis(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return genesis, nil
}

func checkContracts(path string, genesis *chain.Genesis) error {
	if err := genesis.CheckSystemContracts(); err != nil {
		return fmt.Errorf("%s: %w; `sequencer init --%s` adds them", path, err, addContractsFlag)
	}
	return nil
}

// chainOf is the chain of a genesis and the key that signs it. The key is made
// if the genesis leaves open whose it is.
func chainOf(c *cli.Context, dir string, genesis *chain.Genesis) (settledChain, error) {
	path, named := keyPath(c, dir), c.IsSet(keyFlag)
	key, err := loadOrMakeKey(path, named || genesis.Sequencer != common.Address{})
	if err != nil {
		return settledChain{}, err
	}
	if genesis.Sequencer == (common.Address{}) {
		genesis.Sequencer = key.address()
	}
	return settledChain{key: key, genesis: genesis}, checkSigner(genesis, key)
}

func checkSigner(genesis *chain.Genesis, key *sequencerKey) error {
	if genesis.Sequencer != key.address() {
		return fmt.Errorf("cannot sign: the genesis names sequencer %s, but the key in %s is that of %s; name the right key by --%s",
			genesis.Sequencer, key.path, key.address(), keyFlag)
	}
	return nil
}
