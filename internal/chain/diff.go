package chain

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// StateDiff holds the final values of everything that a stretch of execution
// changed. Applied to the state before, it gives the state after; nothing else
// is needed.
//
// Invariants: Accounts is sorted by address and unique, the slots of an account
// are sorted by key and unique, Codes is sorted by hash and unique.
type StateDiff struct {
	Accounts []AccountDiff
	Codes    []Code
}

// AccountDiff is the new state of one account. A deleted account has neither
// account values nor slots: its storage goes with it.
type AccountDiff struct {
	Address common.Address
	Deleted bool
	Account Account
	Slots   []SlotDiff
}

// SlotDiff is the new value of one storage slot; zero clears the slot. Key and
// value are the big-endian words of the EVM.
type SlotDiff struct {
	Key   common.Hash
	Value uint256.Int
}

// Code is contract code with its Keccak-256 hash.
type Code struct {
	Hash  common.Hash
	Bytes []byte
}

// Empty reports whether the diff changes nothing.
func (d *StateDiff) Empty() bool { return len(d.Accounts) == 0 && len(d.Codes) == 0 }
