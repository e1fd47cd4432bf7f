// Package exec is Ethereum's state transition: it turns transactions and
// blocks into receipts and a state diff. It owns the journal of one execution
// and all rules around a message call: validity, fees, refunds, access lists,
// delegations, system calls and block checks; the call itself is jit's work.
//
// The package reads the state only through a StateView. It must not know where
// that state lives, nor the network, nor the clock, and it uses none of
// go-ethereum's execution code, only its types, parameters and fee formulas.
//
// A Journal and the Block on top of it belong to one goroutine; a jit.Engine
// may be shared.
package exec

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// StateView is a consistent, unchanging view of the world state.
type StateView interface {
	// Account returns the account, and false when there is none.
	Account(addr common.Address) (chain.Account, bool)
	// Storage returns the slot's value, zero when it was never written.
	Storage(addr common.Address, key uint256.Int) uint256.Int
	// Code returns the code with that hash; the caller does not change it.
	Code(hash common.Hash) []byte
}
