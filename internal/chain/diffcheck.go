package chain

import (
	"bytes"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Check reports the first broken invariant of the diff: order, duplicates, a
// deleted account that holds something, a code that does not match its hash.
func (d *StateDiff) Check() error {
	for i := range d.Accounts {
		a := &d.Accounts[i]
		if i > 0 && bytes.Compare(d.Accounts[i-1].Address[:], a.Address[:]) >= 0 {
			return fmt.Errorf("cannot accept state diff: account %s after %s", a.Address, d.Accounts[i-1].Address)
		}
		if err := a.check(); err != nil {
			return fmt.Errorf("cannot accept state diff: account %s: %w", a.Address, err)
		}
	}
	for i := range d.Codes {
		c := &d.Codes[i]
		if i > 0 && bytes.Compare(d.Codes[i-1].Hash[:], c.Hash[:]) >= 0 {
			return fmt.Errorf("cannot accept state diff: code %s after %s", c.Hash, d.Codes[i-1].Hash)
		}
		if len(c.Bytes) == 0 {
			return fmt.Errorf("cannot accept state diff: code %s is empty", c.Hash)
		}
		if got := crypto.Keccak256Hash(c.Bytes); got != c.Hash {
			return fmt.Errorf("cannot accept state diff: code hashes to %s; want %s", got, c.Hash)
		}
	}
	return nil
}

func (a *AccountDiff) check() error {
	switch {
	case a.Deleted && a.Account != (Account{}):
		return fmt.Errorf("deleted, but has values")
	case a.Deleted && len(a.Slots) > 0:
		return fmt.Errorf("deleted, but has %d slots", len(a.Slots))
	case !a.Deleted && a.Account.CodeHash == (common.Hash{}):
		return fmt.Errorf("code hash is zero")
	}
	for i := 1; i < len(a.Slots); i++ {
		if bytes.Compare(a.Slots[i-1].Key[:], a.Slots[i].Key[:]) >= 0 {
			return fmt.Errorf("slot %s after %s", a.Slots[i].Key, a.Slots[i-1].Key)
		}
	}
	return nil
}
