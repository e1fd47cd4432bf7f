package snapshot

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/memstate"
)

// Copy walks a state and hands it to c. What it reads of an account is true at
// some moment of the walk, with now the newest view at that moment; only which
// accounts there are is as of its begin.
func Copy(now func() *memstate.View, c *Cutter) error {
	start := now()
	codes := map[common.Hash]bool{types.EmptyCodeHash: true}
	var err error
	for addr := range start.Accounts {
		if err = copyAccount(now(), addr, codes, c); err != nil {
			return err
		}
	}
	if start.Expired() {
		return fmt.Errorf("cannot copy the state: it went on too far meanwhile")
	}
	return c.End()
}

// copyAccount hands over an account with its slots and its code, unless codes
// has it.
func copyAccount(v *memstate.View, addr common.Address, codes map[common.Hash]bool, c *Cutter) error {
	account, exists := v.Account(addr)
	if !exists {
		return nil
	}
	if err := c.Account(addr, account); err != nil {
		return err
	}
	for key, value := range v.Slots(addr) {
		if err := c.Slot(key, value); err != nil {
			return err
		}
	}
	if codes[account.CodeHash] {
		return nil
	}
	codes[account.CodeHash] = true
	return c.Code(chain.Code{Hash: account.CodeHash, Bytes: v.Code(account.CodeHash)})
}
