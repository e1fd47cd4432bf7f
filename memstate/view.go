package memstate

import (
	"maps"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// View is the state after one commit. It may be read from any goroutine and
// needs no closing; it stays true until Expired.
type View struct {
	state   *State
	version uint64
	mini    uint64 // mini-block and EVM block of the commit
	block   uint64
	taken   uint64 // the open EVM block when the view was taken
}

// MiniBlock is the number of the newest mini-block that the view shows.
func (v *View) MiniBlock() uint64 { return v.mini }

// Block is the number of the EVM block that the view shows the end of, or the
// newest mini-block of if it is still open.
func (v *View) Block() uint64 { return v.block }

// Expired reports whether so much time has gone by that values of the view may
// be gone. A reader that can take long asks after it has read: false means that
// all it has read was true.
func (v *View) Expired() bool { return v.state.latest.Load().block > v.taken+ViewLife }

// Account returns an account, and whether it exists.
func (v *View) Account(addr common.Address) (chain.Account, bool) {
	sh := v.state.shard(addr)
	sh.mu.RLock()
	var value accountValue
	if a := sh.accounts[addr]; a != nil {
		value = a.at(v.version)
	}
	sh.mu.RUnlock()
	return value.Account, value.exists
}

// Storage returns the value of a slot; zero if there is none.
func (v *View) Storage(addr common.Address, key uint256.Int) (value uint256.Int) {
	sh := v.state.shard(addr)
	sh.mu.RLock()
	if a := sh.accounts[addr]; a != nil {
		if slot, known := a.slots[key]; known {
			value = slot.at(v.version)
		}
	}
	sh.mu.RUnlock()
	return value
}

// Code returns the code with a hash; nil if there is none. It is read-only.
func (v *View) Code(hash common.Hash) []byte { return v.state.codes.get(hash) }

// Accounts yields all accounts that exist, in no order.
func (v *View) Accounts(yield func(common.Address, chain.Account) bool) {
	for i := range v.state.shards {
		sh := &v.state.shards[i]
		sh.mu.RLock()
		addrs := slices.Collect(maps.Keys(sh.accounts))
		sh.mu.RUnlock()
		for _, addr := range addrs {
			if a, exists := v.Account(addr); exists && !yield(addr, a) {
				return
			}
		}
	}
}

// Slots returns a sequence of an account's slots that are not zero, in no
// order.
func (v *View) Slots(addr common.Address) func(yield func(key, value uint256.Int) bool) {
	return func(yield func(key, value uint256.Int) bool) {
		sh := v.state.shard(addr)
		var keys []uint256.Int
		sh.mu.RLock()
		if a := sh.accounts[addr]; a != nil {
			keys = slices.Collect(maps.Keys(a.slots))
		}
		sh.mu.RUnlock()
		for _, key := range keys {
			if value := v.Storage(addr, key); !value.IsZero() && !yield(key, value) {
				return
			}
		}
	}
}
