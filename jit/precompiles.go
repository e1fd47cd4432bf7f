package jit

import (
	"encoding/binary"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/vm"
)

// precompiles holds go-ethereum's precompiled contracts of each fork.
var precompiles = [...]vm.PrecompiledContracts{
	Cancun: vm.PrecompiledContractsCancun,
	Prague: vm.PrecompiledContractsPrague,
	Osaka:  vm.PrecompiledContractsOsaka,
}

// precompileAddresses holds the addresses of precompiles.
var precompileAddresses = [...][]common.Address{
	Cancun: vm.PrecompiledAddressesCancun,
	Prague: vm.PrecompiledAddressesPrague,
	Osaka:  vm.PrecompiledAddressesOsaka,
}

// IsPrecompile reports whether addr is a precompiled contract under fork.
func IsPrecompile(fork Fork, addr common.Address) bool {
	return precompileAt(fork, &addr) != nil
}

// Precompiles returns the addresses of the precompiled contracts under fork, in
// no particular order. The caller must not change them.
func Precompiles(fork Fork) []common.Address { return precompileAddresses[fork] }

// precompileAt returns the precompiled contract at addr, or nil. Almost every
// address fails the first test, which keeps calls free of a map lookup.
func precompileAt(fork Fork, addr *common.Address) vm.PrecompiledContract {
	if uint64(binary.BigEndian.Uint32(addr[:]))|binary.BigEndian.Uint64(addr[4:])|binary.BigEndian.Uint64(addr[12:])>>16 != 0 {
		return nil
	}
	return precompiles[fork][*addr]
}

// precompileAt is the precompiled contract that answers at addr, or nil.
func (v *EVM) precompileAt(addr *common.Address) vm.PrecompiledContract {
	if v.moved != nil {
		if from, ok := v.moved[*addr]; ok {
			addr = &from
		}
	}
	return precompileAt(v.block.Fork, addr)
}
