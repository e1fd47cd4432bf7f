package snapshot

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/memstate"
)

// How much of a state is read from one view, which has to be long before it
// expires.
const (
	copyAccounts = 256
	copySlots    = 4096
)

// Copy walks a state and hands it to c; now is the newest view at each moment.
// Each value is true at some moment of the walk. The order is that of the ids, which
// stay from walk to walk, and so do the chunks of what does not change.
func Copy(now func() *memstate.View, c *Cutter) error {
	w := walk{now: now, cutter: c}
	for at, more := uint64(0), true; more && w.err == nil; more = at != 0 {
		w.accounts = w.accounts[:0]
		at = now().WalkAccounts(at, copyAccounts, func(addr common.Address, a chain.Account) {
			w.accounts = append(w.accounts, chain.AccountDiff{Address: addr, Account: a})
		})
		w.copyAccounts()
	}
	for at, more := uint64(0), true; more && w.err == nil; more = at != 0 {
		at = now().WalkCodes(at, func(hash common.Hash, code []byte) {
			w.err = c.Code(chain.Code{Hash: hash, Bytes: code})
		})
	}
	if w.err != nil {
		return w.err
	}
	return c.End()
}

// walk is the state of a Copy.
type walk struct {
	now      func() *memstate.View
	cutter   *Cutter
	accounts []chain.AccountDiff // of the piece
	err      error
}

// copyAccounts hands over the accounts of the piece, each with its slots.
func (w *walk) copyAccounts() {
	for i := range w.accounts {
		a := &w.accounts[i]
		if w.err == nil {
			w.err = w.cutter.Account(a.Address, a.Account)
		}
		for at, more := uint64(0), true; more && w.err == nil; more = at != 0 {
			at = w.now().WalkSlotsOf(a.Address, at, copySlots, w.slot)
		}
	}
}

func (w *walk) slot(key, value uint256.Int) {
	if w.err == nil {
		w.err = w.cutter.Slot(key, value)
	}
}
