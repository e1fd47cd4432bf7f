package exec

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/misc/eip1559"
	"github.com/ethereum/go-ethereum/consensus/misc/eip4844"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/jit"
)

// ValidateHeader reports why header cannot follow parent, as far as the two
// headers tell.
func ValidateHeader(config *params.ChainConfig, parent, header *types.Header) error {
	if want := new(big.Int).Add(parent.Number, common.Big1); header.Number.Cmp(want) != 0 {
		return fmt.Errorf("invalid block number: have %s, want %s", header.Number, want)
	}
	if hash := parent.Hash(); header.ParentHash != hash {
		return fmt.Errorf("unknown ancestor: have %s, want %s", header.ParentHash, hash)
	}
	if header.Time <= parent.Time {
		return fmt.Errorf("invalid timestamp: have %d, parent %d", header.Time, parent.Time)
	}
	if err := validateConstants(header); err != nil {
		return err
	}
	if header.GasLimit > params.MaxGasLimit {
		return fmt.Errorf("invalid gasLimit: have %d, max %d", header.GasLimit, params.MaxGasLimit)
	}
	if header.GasUsed > header.GasLimit {
		return fmt.Errorf("invalid gasUsed: have %d, gasLimit %d", header.GasUsed, header.GasLimit)
	}
	if err := eip1559.VerifyEIP1559Header(config, parent, header); err != nil {
		return err
	}
	if err := validatePresence(config, header); err != nil {
		return err
	}
	return eip4844.VerifyEIP4844Header(config, parent, header)
}

// validateConstants checks the fields that proof of stake left without meaning,
// and the length of the free one.
func validateConstants(header *types.Header) error {
	switch {
	case len(header.Extra) > int(params.MaximumExtraDataSize):
		return fmt.Errorf("extra-data longer than 32 bytes (%d)", len(header.Extra))
	case header.Nonce != types.BlockNonce{}:
		return fmt.Errorf("invalid nonce: have %x, want 0", header.Nonce)
	case header.UncleHash != types.EmptyUncleHash:
		return fmt.Errorf("invalid uncle hash: have %s, want %s", header.UncleHash, types.EmptyUncleHash)
	case header.Difficulty.Sign() != 0:
		return fmt.Errorf("invalid difficulty: have %s, want 0", header.Difficulty)
	}
	return nil
}

// validatePresence checks that exactly the fields of the header's fork are
// there.
func validatePresence(config *params.ChainConfig, header *types.Header) error {
	prague := ForkAt(config, header.Number, header.Time) >= jit.Prague
	switch {
	case header.WithdrawalsHash == nil:
		return errors.New("missing withdrawalsHash")
	case header.ParentBeaconRoot == nil:
		return errors.New("header is missing beaconRoot")
	case prague && header.RequestsHash == nil:
		return errors.New("header is missing requestsHash")
	case !prague && header.RequestsHash != nil:
		return fmt.Errorf("invalid requestsHash: have %s, expected nil", header.RequestsHash)
	case header.BlockAccessListHash != nil:
		return fmt.Errorf("invalid block access list hash: have %s, expected nil", header.BlockAccessListHash)
	case header.SlotNumber != nil:
		return fmt.Errorf("invalid slotNumber: have %d, expected nil", *header.SlotNumber)
	}
	return nil
}
