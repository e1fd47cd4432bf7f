package chain

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// Account is the state of one address. CodeHash is types.EmptyCodeHash for an
// account without code; it is never the zero hash.
type Account struct {
	Nonce    uint64
	Balance  uint256.Int // wei
	CodeHash common.Hash
}

// NewAccount returns an existing account without nonce, balance or code.
func NewAccount() Account { return Account{CodeHash: types.EmptyCodeHash} }

// Empty reports whether the account counts as empty: no nonce, no balance and
// no code (EIP-161).
func (a *Account) Empty() bool {
	return a.Nonce == 0 && a.Balance.IsZero() && a.CodeHash == types.EmptyCodeHash
}
