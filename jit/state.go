package jit

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// State is what the engine asks of the world while it runs one transaction.
// Its implementer keeps the journal: whatever a method changes since a
// Checkpoint (values, warm sets, logs, transient storage, created and destroyed
// marks) is undone by Revert. Words are passed by pointer so that they need not
// be copied, and so are addresses where code asks often; an implementation keeps
// no such pointer.
//
// A State belongs to one goroutine.
type State interface {
	// Empty reports whether the account is absent or empty (EIP-161).
	Empty(addr *common.Address) bool
	// Balance stores the account's balance in wei in out.
	Balance(addr *common.Address, out *uint256.Int)
	// Transfer moves amount; the engine has checked that the sender owns it.
	// It touches both accounts, also when amount is zero (EIP-161).
	Transfer(from, to *common.Address, amount *uint256.Int)

	Nonce(addr common.Address) uint64
	SetNonce(addr common.Address, nonce uint64)

	// Code returns the account's code (read-only) and its hash. The hash is
	// zero for an empty account and types.EmptyCodeHash for an account without
	// code.
	Code(addr *common.Address) ([]byte, common.Hash)
	CodeSize(addr *common.Address) int
	CodeHash(addr *common.Address) common.Hash
	// SetCode sets the account's code; the implementer keeps code.
	SetCode(addr common.Address, code []byte)

	// CanCreate reports whether a contract may be created at addr: no nonce, no
	// code and no storage there (EIP-684, EIP-7610 as far as the state can
	// know).
	CanCreate(addr common.Address) bool
	// CreateContract marks addr as created by this transaction (EIP-6780) and
	// sets its nonce to 1; its balance stays.
	CreateContract(addr common.Address)
	// SelfDestruct moves the balance of addr to beneficiary and, when addr was
	// created by this transaction, marks it for deletion at the transaction's
	// end (EIP-6780).
	SelfDestruct(addr, beneficiary common.Address)

	// Storage stores the slot's value in out, marks the slot warm, and reports
	// whether it was cold (EIP-2929).
	Storage(addr *common.Address, key, out *uint256.Int) (cold bool)
	// SetStorage writes the slot, marks it warm, and stores in change what the gas
	// rules need (EIP-2200, EIP-2929). The engine may halt for lack of gas afterwards
	// and revert the write.
	SetStorage(addr *common.Address, key, value *uint256.Int, change *SlotChange)
	TransientStorage(addr *common.Address, key, out *uint256.Int)
	SetTransientStorage(addr *common.Address, key, value *uint256.Int)

	// WarmAccount marks the account warm and reports whether it was cold.
	WarmAccount(addr *common.Address) (cold bool)

	// AddLog records a log; the implementer keeps it.
	AddLog(log *types.Log)

	Checkpoint() int
	Revert(checkpoint int)
}

// SlotChange says what a storage write met: the value at the start of the
// transaction, the value just before the write, and whether the slot was cold.
type SlotChange struct {
	Original, Current uint256.Int
	Cold              bool
}
