package rpc

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// callArgs is the JSON of a message to call. Data is the older name of Input.
type callArgs struct {
	From                 *common.Address              `json:"from"`
	To                   *common.Address              `json:"to"`
	Gas                  *hexutil.Uint64              `json:"gas"`
	GasPrice             *hexutil.Big                 `json:"gasPrice"`
	MaxFeePerGas         *hexutil.Big                 `json:"maxFeePerGas"`
	MaxPriorityFeePerGas *hexutil.Big                 `json:"maxPriorityFeePerGas"`
	Value                *hexutil.Big                 `json:"value"`
	Nonce                *hexutil.Uint64              `json:"nonce"`
	Data                 *hexutil.Bytes               `json:"data"`
	Input                *hexutil.Bytes               `json:"input"`
	AccessList           *types.AccessList            `json:"accessList"`
	ChainID              *hexutil.Big                 `json:"chainId"`
	BlobFeeCap           *hexutil.Big                 `json:"maxFeePerBlobGas"`
	BlobHashes           []common.Hash                `json:"blobVersionedHashes"`
	AuthorizationList    []types.SetCodeAuthorization `json:"authorizationList"`
}

// check refuses combinations that mean nothing, in geth's order and words.
func (a *callArgs) check(chainID *big.Int) error {
	switch {
	case a.BlobFeeCap != nil && len(a.BlobHashes) == 0:
		return errors.New("maxFeePerBlobGas specified without blobVersionedHashes")
	case a.GasPrice != nil && (a.MaxFeePerGas != nil || a.MaxPriorityFeePerGas != nil):
		return errors.New("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
	case a.To == nil && a.BlobHashes != nil:
		return errors.New("blob transaction of type create")
	case a.To == nil && a.AuthorizationList != nil:
		return errors.New("EIP-7702 transaction cannot be used to create contract")
	case a.ChainID != nil && a.ChainID.ToInt().Cmp(chainID) != 0:
		return fmt.Errorf("chainId does not match node's (have=%v, want=%v)", a.ChainID.ToInt(), chainID)
	}
	return nil
}

func (a *callArgs) message() ethereum.CallMsg {
	msg := ethereum.CallMsg{
		To:                a.To,
		GasPrice:          (*big.Int)(a.GasPrice),
		GasFeeCap:         (*big.Int)(a.MaxFeePerGas),
		GasTipCap:         (*big.Int)(a.MaxPriorityFeePerGas),
		Value:             (*big.Int)(a.Value),
		BlobGasFeeCap:     (*big.Int)(a.BlobFeeCap),
		BlobHashes:        a.BlobHashes,
		AuthorizationList: a.AuthorizationList,
	}
	if a.From != nil {
		msg.From = *a.From
	}
	if a.Gas != nil {
		msg.Gas = uint64(*a.Gas)
	}
	if a.AccessList != nil {
		msg.AccessList = *a.AccessList
	}
	switch {
	case a.Input != nil:
		msg.Data = *a.Input
	case a.Data != nil:
		msg.Data = *a.Data
	}
	return msg
}

// accountOverrideJSON is the JSON of an AccountOverride.
type accountOverrideJSON struct {
	Nonce            *hexutil.Uint64             `json:"nonce"`
	Code             *hexutil.Bytes              `json:"code"`
	Balance          *hexutil.Big                `json:"balance"`
	State            map[common.Hash]common.Hash `json:"state"`
	StateDiff        map[common.Hash]common.Hash `json:"stateDiff"`
	MovePrecompileTo *common.Address             `json:"movePrecompileToAddress"`
}

func (o *accountOverrideJSON) override() AccountOverride {
	account := AccountOverride{
		Nonce:            (*uint64)(o.Nonce),
		Balance:          word(o.Balance),
		Storage:          o.State,
		StorageDiff:      o.StateDiff,
		MovePrecompileTo: o.MovePrecompileTo,
	}
	if o.Code != nil {
		account.Code = append([]byte{}, *o.Code...)
	}
	return account
}

func accountOverrides(accounts map[common.Address]accountOverrideJSON) (map[common.Address]AccountOverride, error) {
	overrides := make(map[common.Address]AccountOverride, len(accounts))
	for addr, account := range accounts {
		if account.State != nil && account.StateDiff != nil {
			return nil, fmt.Errorf("account %s has both 'state' and 'stateDiff'", addr.Hex())
		}
		overrides[addr] = account.override()
	}
	return overrides, nil
}

// headerOverrideJSON is the JSON of a HeaderOverride. Difficulty means nothing
// on this chain and is accepted.
type headerOverrideJSON struct {
	Number        *hexutil.Big    `json:"number"`
	Difficulty    *hexutil.Big    `json:"difficulty"`
	Time          *hexutil.Uint64 `json:"time"`
	GasLimit      *hexutil.Uint64 `json:"gasLimit"`
	FeeRecipient  *common.Address `json:"feeRecipient"`
	PrevRandao    *common.Hash    `json:"prevRandao"`
	BaseFeePerGas *hexutil.Big    `json:"baseFeePerGas"`
	BlobBaseFee   *hexutil.Big    `json:"blobBaseFee"`
	BeaconRoot    *common.Hash    `json:"beaconRoot"`
	Withdrawals   *[]any          `json:"withdrawals"`
}

func (o *headerOverrideJSON) override() (HeaderOverride, error) {
	for name, given := range map[string]bool{"beaconRoot": o.BeaconRoot != nil, "withdrawals": o.Withdrawals != nil} {
		if given {
			return HeaderOverride{}, fmt.Errorf("block override %q is not supported for this RPC method", name)
		}
	}
	return HeaderOverride{
		Number:      word(o.Number),
		Timestamp:   (*uint64)(o.Time),
		GasLimit:    (*uint64)(o.GasLimit),
		Coinbase:    o.FeeRecipient,
		Random:      o.PrevRandao,
		BaseFee:     word(o.BaseFeePerGas),
		BlobBaseFee: word(o.BlobBaseFee),
	}, nil
}

// word converts a number that hexutil has limited to 256 bits.
func word(b *hexutil.Big) *uint256.Int {
	if b == nil {
		return nil
	}
	return uint256.MustFromBig(b.ToInt())
}
