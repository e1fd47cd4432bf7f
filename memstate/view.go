package memstate

import (
	"runtime"

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
func (v *View) Account(addr common.Address) (a chain.Account, exists bool) {
	s := v.state
	key := addressKey(&addr)
	if id := s.accounts.find(&key); id != 0 {
		a, exists = v.account(id)
	}
	runtime.KeepAlive(s) // its memory goes with it
	return a, exists
}

// account is the account with an id.
func (v *View) account(id uint64) (chain.Account, bool) {
	var value [accountValue]uint64
	v.state.accounts.valueAt(id, v.version, value[:])
	return v.state.codes.accountOf(&value)
}

// Storage returns the value of a slot; zero if there is none.
func (v *View) Storage(addr common.Address, key uint256.Int) (value uint256.Int) {
	s := v.state
	account := addressKey(&addr)
	if owner := s.accounts.find(&account); owner != 0 {
		slot := slotKey(owner, &key)
		if id := s.slots.find(&slot); id != 0 {
			s.slots.valueAt(id, v.version, value[:])
		}
	}
	runtime.KeepAlive(s)
	return value
}

// Code returns the code with a hash; nil if there is none. It is read-only.
func (v *View) Code(hash common.Hash) []byte { return v.state.codes.get(hash) }

// A SlotKey names a slot.
type SlotKey struct {
	Address common.Address
	Key     uint256.Int
}

// Storages sets values to those of slots. It is several times as fast as asking
// for one after the other.
func (v *View) Storages(keys []SlotKey, values []uint256.Int) {
	var b batch
	s := v.state
	for len(keys) > 0 {
		n := min(batchSize, len(keys))
		b.findOwners(s, keys[:n])
		b.find(&s.slots, n)
		for i, id := range b.ids[:n] {
			values[i].Clear()
			if id != 0 {
				s.slots.valueAt(id, v.version, values[i][:])
			}
		}
		keys, values = keys[n:], values[n:]
	}
	runtime.KeepAlive(s)
}

// Prefetch brings slots, and their accounts, near to the processor that calls it.
// They are a guess at what will be read soon; it has no other effect.
func (v *View) Prefetch(keys []SlotKey) {
	var b batch
	s := v.state
	for len(keys) > 0 {
		n := min(batchSize, len(keys))
		b.findOwners(s, keys[:n])
		b.prefetch(&s.slots, n)
		keys = keys[n:]
	}
	runtime.KeepAlive(s)
}

// PrefetchAccounts brings accounts near to the processor that calls it.
func (v *View) PrefetchAccounts(addrs []common.Address) {
	var b batch
	s := v.state
	for len(addrs) > 0 {
		n := min(batchSize, len(addrs))
		for i := range n {
			b.keys[i] = addressKey(&addrs[i])
		}
		b.prefetch(&s.accounts, n)
		addrs = addrs[n:]
	}
	runtime.KeepAlive(s)
}

// findOwners sets the batch's keys to those of slots. No slot has the key of one
// whose account is not there.
func (b *batch) findOwners(s *State, keys []SlotKey) {
	n := 0 // different accounts in a row
	var of [batchSize]int
	for i := range keys {
		if i == 0 || keys[i].Address != keys[i-1].Address {
			b.keys[n] = addressKey(&keys[i].Address)
			n++
		}
		of[i] = n - 1
	}
	b.find(&s.accounts, n)
	for i := range keys {
		b.keys[i] = slotKey(b.ids[of[i]], &keys[i].Key)
	}
}

// Accounts yields all accounts that exist, in no order.
func (v *View) Accounts(yield func(common.Address, chain.Account) bool) {
	s := v.state
	for id := uint64(1); id <= s.accounts.count.Load(); id++ {
		if a, exists := v.account(id); exists {
			key := s.accounts.keyOf(id)
			if !yield(key.address(), a) {
				break
			}
		}
	}
	runtime.KeepAlive(s)
}

// slotsAtOnce is how many slots a walk of all slots of an account passes before it
// looks whether the view has expired: then the list may lead anywhere.
const slotsAtOnce = 1024

// Slots returns a sequence of an account's slots that are not zero, in no
// order. It ends early when the view expires.
func (v *View) Slots(addr common.Address) func(yield func(key, value uint256.Int) bool) {
	return func(yield func(key, value uint256.Int) bool) {
		more := true
		for place := uint64(0); ; {
			place = v.WalkSlotsOf(addr, place, slotsAtOnce, func(key, value uint256.Int) {
				more = more && yield(key, value)
			})
			if place == 0 || !more || v.Expired() {
				return
			}
		}
	}
}
