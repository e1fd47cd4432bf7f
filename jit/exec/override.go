package exec

import (
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit"
)

// AccountOverride replaces parts of an account before a simulation; what is nil
// stays. Storage replaces all slots, StorageDiff single ones; at most one of
// them is set.
type AccountOverride struct {
	Nonce            *uint64
	Balance          *uint256.Int
	Code             []byte // not nil: the new code
	Storage          map[common.Hash]common.Hash
	StorageDiff      map[common.Hash]common.Hash
	MovePrecompileTo *common.Address
}

// HeaderOverride replaces fields of the block that a simulated message sees;
// what is nil stays.
type HeaderOverride struct {
	Number      *uint256.Int
	Timestamp   *uint64
	GasLimit    *uint64
	Coinbase    *common.Address
	Random      *common.Hash
	BaseFee     *uint256.Int
	BlobBaseFee *uint256.Int // not part of a header; the caller applies it
}

// apply returns the header with the overrides in place.
func (o *HeaderOverride) apply(header *types.Header) (*types.Header, error) {
	h := *header
	if o.Number != nil {
		if !o.Number.IsUint64() {
			return nil, fmt.Errorf("cannot override block number with %s: more than 64 bits", o.Number)
		}
		h.Number = new(big.Int).SetUint64(o.Number.Uint64())
	}
	set(&h.Time, o.Timestamp)
	set(&h.GasLimit, o.GasLimit)
	set(&h.Coinbase, o.Coinbase)
	set(&h.MixDigest, o.Random)
	if o.BaseFee != nil {
		h.BaseFee = o.BaseFee.ToBig()
	}
	return &h, nil
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// override changes the block's state as a transaction before the simulation
// would. Accounts are taken in the order of their addresses.
func (b *Block) override(accounts map[common.Address]AccountOverride) error {
	if len(accounts) == 0 {
		b.evm.MovePrecompiles(nil)
		return nil
	}
	moved := make(map[common.Address]common.Address)
	for _, addr := range slices.SortedFunc(maps.Keys(accounts), common.Address.Cmp) {
		o := accounts[addr]
		if err := b.movePrecompile(moved, accounts, addr, o.MovePrecompileTo); err != nil {
			return err
		}
		if err := o.apply(b.journal, addr); err != nil {
			return err
		}
	}
	b.evm.MovePrecompiles(moved)
	b.journal.Finish()
	return nil
}

// movePrecompile notes that the account is overridden: no precompiled contract
// answers there any more, but may do so elsewhere.
func (b *Block) movePrecompile(moved map[common.Address]common.Address, accounts map[common.Address]AccountOverride, addr common.Address, to *common.Address) error {
	isPrecompile := jit.IsPrecompile(b.ctx.Fork, addr)
	if to != nil {
		if !isPrecompile {
			return fmt.Errorf("account %s is not a precompile", addr)
		}
		if _, overridden := accounts[*to]; overridden {
			return fmt.Errorf("account %s is already overridden", to)
		}
		moved[*to] = addr
	}
	if isPrecompile {
		moved[addr] = common.Address{}
	}
	return nil
}

// apply changes what the override names.
func (o *AccountOverride) apply(j *Journal, addr common.Address) error {
	if o.Storage != nil && o.StorageDiff != nil {
		return fmt.Errorf("account %s has both 'state' and 'stateDiff'", addr)
	}
	if o.Nonce != nil {
		j.SetNonce(addr, *o.Nonce)
	}
	if o.Code != nil {
		j.SetCode(addr, o.Code)
	}
	if o.Balance != nil {
		j.SetBalance(addr, o.Balance)
	}
	if o.Storage != nil {
		j.clearStorage(j.change(&addr))
	}
	for _, slots := range []map[common.Hash]common.Hash{o.Storage, o.StorageDiff} {
		var key, value uint256.Int
		for k, v := range slots {
			j.SetStorage(&addr, key.SetBytes32(k[:]), value.SetBytes32(v[:]), new(jit.SlotChange))
		}
	}
	return nil
}
