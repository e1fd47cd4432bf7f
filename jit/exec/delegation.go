package exec

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
)

// applyAuthorization sets, changes or clears the delegation of the account that
// signed auth (EIP-7702), and returns the gas refund for an account that was
// there before. An authorization that does not hold is skipped.
func (b *Block) applyAuthorization(auth *types.SetCodeAuthorization) (refund uint64) {
	if !auth.ChainID.IsZero() && (!auth.ChainID.IsUint64() || auth.ChainID.Uint64() != b.ctx.ChainID) {
		return 0
	}
	if auth.Nonce+1 == 0 {
		return 0
	}
	authority, err := auth.Authority()
	if err != nil {
		return 0
	}
	b.journal.WarmAccount(&authority)
	code, _ := b.journal.Code(&authority)
	before, delegated := types.ParseDelegation(code)
	if len(code) != 0 && !delegated || b.journal.Nonce(authority) != auth.Nonce {
		return 0
	}
	if b.journal.Exists(authority) {
		refund = params.CallNewAccountGas - params.TxAuthTupleGas
	}
	b.journal.SetNonce(authority, auth.Nonce+1)
	switch {
	case auth.Address == (common.Address{}): // clears the delegation
		if delegated {
			b.journal.SetCode(authority, nil)
		}
	case !delegated || before != auth.Address:
		b.journal.SetCode(authority, types.AddressToDelegation(auth.Address))
	}
	return refund
}
