package main

import (
	"fmt"
	"os"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/program"
)

// loadGenesis reads a genesis file and makes it that of a chain which the key
// signs.
func loadGenesis(path string, key *sequencerKey) (*chain.Genesis, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the genesis (--%s): %w", program.GenesisFlag, err)
	}
	genesis, err := chain.ParseGenesis(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if genesis.Sequencer == (common.Address{}) {
		genesis.Sequencer = key.address()
	}
	if err := checkSystemContracts(genesis); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return genesis, checkSigner(genesis, key)
}

func checkSigner(genesis *chain.Genesis, key *sequencerKey) error {
	if genesis.Sequencer != key.address() {
		return fmt.Errorf("cannot sign: the genesis names sequencer %s, but the key in %s is that of %s; name the right key by --%s",
			genesis.Sequencer, key.path, key.address(), keyFlag)
	}
	return nil
}

// systemContracts are those without which no EVM block can be closed from
// Prague on.
var systemContracts = []struct {
	eip     int
	address common.Address
}{
	{7002, params.WithdrawalQueueAddress},
	{7251, params.ConsolidationQueueAddress},
}

func checkSystemContracts(genesis *chain.Genesis) error {
	if genesis.Config.PragueTime == nil {
		return nil
	}
	for _, contract := range systemContracts {
		if len(genesis.Alloc[contract.address].Code) == 0 {
			return fmt.Errorf("cannot use genesis: alloc.%s: no code; the system contract of EIP-%d must stand there from Prague on", contract.address, contract.eip)
		}
	}
	return nil
}
