package evmfuzz

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/reference"
	"github.com/redline-evm/redline/jit"
)

// Every world has the same accounts; only the code of its contracts is its own.

// contracts are the accounts whose code is generated. They call each other.
var contracts = [...]common.Address{
	common.HexToAddress("0xca11ee"),
	common.HexToAddress("0xc1"),
	common.HexToAddress("0xc2"),
	common.HexToAddress("0xc3"),
}

var (
	sender   = common.HexToAddress("0xf0")
	coinbase = common.HexToAddress("0xc0")
	absent   = common.HexToAddress("0xab5e")
	empty    = common.Address{}
)

// delegations are accounts that delegate since Prague: to a contract, to another
// that delegates, to a precompiled contract, to nothing.
var delegations = map[common.Address]common.Address{
	common.HexToAddress("0xde1e"): contracts[1],
	common.HexToAddress("0xde2e"): common.HexToAddress("0xde1e"),
	common.HexToAddress("0xde3e"): common.HexToAddress("0x4"),
	common.HexToAddress("0xde4e"): absent,
}

// delegated runs the code of the second contract since Prague.
var delegated = common.HexToAddress("0xde1e")

// targets are whom programs call and ask about.
var targets = append([]common.Address{
	sender, absent, empty, coinbase, delegated,
	common.HexToAddress("0xde2e"), common.HexToAddress("0xde3e"), common.HexToAddress("0xde4e"),
	common.HexToAddress("0x1"), common.HexToAddress("0x2"), common.HexToAddress("0x3"), common.HexToAddress("0x4"),
	common.HexToAddress("0x5"), common.HexToAddress("0x6"), common.HexToAddress("0x9"), common.HexToAddress("0x100"),
}, append(contracts[:], contracts[:]...)...)

// watched are accounts that are compared whatever a run says it wrote. What is not
// in the state is not among them, since go-ethereum looks long for such accounts.
var watched = append([]common.Address{sender, delegated}, contracts[:]...)

// slotValue is what the slots of contracts hold in the beginning.
func slotValue(key uint64) uint64 {
	if key == 1 || key == 2 {
		return 0x1111 * key
	}
	return 0
}

// setup returns the world without the contracts' code.
func setup(fork jit.Fork) *reference.Setup {
	s := &reference.Setup{
		Alloc: types.GenesisAlloc{sender: {Balance: big.NewInt(1e18), Nonce: 7}},
		Block: jit.BlockContext{
			Fork: fork, ChainID: 1337, Number: 300, Timestamp: 1_700_000_000, GasLimit: 30_000_000,
			Coinbase: coinbase, PrevRandao: common.HexToHash("0xdada"),
			BaseFee: *uint256.NewInt(7), BlobBaseFee: *uint256.NewInt(3), CodeSizeMax: params.MaxCodeSize,
			BlockHash: func(n uint64) common.Hash { return common.BigToHash(new(big.Int).SetUint64(n + 1<<40)) },
		},
		Tx: jit.TxContext{
			Origin: sender, GasPrice: *uint256.NewInt(11),
			BlobHashes: []common.Hash{{0: 1, 31: 2}, {0: 1, 31: 3}},
		},
	}
	for _, addr := range contracts {
		account := types.Account{Balance: big.NewInt(1000), Nonce: 1, Storage: map[common.Hash]common.Hash{}}
		for key := range uint64(slotKeys) {
			if value := slotValue(key); value != 0 {
				account.Storage[hashOf(key)] = hashOf(value)
			}
		}
		s.Alloc[addr] = account
	}
	for addr, target := range delegations {
		s.Alloc[addr] = types.Account{Balance: big.NewInt(1000), Nonce: 1, Code: types.AddressToDelegation(target)}
	}
	return s
}

func hashOf(n uint64) common.Hash { return uint256.NewInt(n).Bytes32() }
