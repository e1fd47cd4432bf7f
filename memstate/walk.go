package memstate

import (
	"runtime"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// This file walks the whole state in pieces, for who writes it down while it goes
// on. A piece is taken from a view; so that none expires on the way, each may be
// from another. Ids stay with their keys: what has the same value in all those
// views is met exactly once, and what has not is in the diffs that were committed
// between the first and the last of them. Applied on top of the pieces, those
// diffs give the state of the last view.
//
// A walk begins at 0 and goes on at the place that the piece before returned, until
// that is 0.

// WalkAccounts yields the accounts among the next count places.
func (v *View) WalkAccounts(from uint64, count int, yield func(common.Address, chain.Account)) (next uint64) {
	s := v.state
	first, end, next := s.accounts.piece(from, count)
	for id := first; id < end; id++ {
		if a, exists := v.account(id); exists {
			key := s.accounts.keyOf(id)
			yield(key.address(), a)
		}
	}
	runtime.KeepAlive(s)
	return next
}

// WalkSlots yields the slots that are not zero among the next count places.
func (v *View) WalkSlots(from uint64, count int, yield func(addr common.Address, key, value uint256.Int)) (next uint64) {
	s := v.state
	first, end, next := s.slots.piece(from, count)
	for id := first; id < end; id++ {
		var value uint256.Int
		s.slots.valueAt(id, v.version, value[:])
		if value.IsZero() {
			continue
		}
		key := s.slots.keyOf(id)
		account := s.accounts.keyOf(key.owner)
		yield(account.address(), key.words, value)
	}
	runtime.KeepAlive(s)
	return next
}

// WalkSlotsOf yields the slots that are not zero among the next count of an account.
// A place is good until the view that returned it has expired.
func (v *View) WalkSlotsOf(addr common.Address, from uint64, count int, yield func(key, value uint256.Int)) (next uint64) {
	s := v.state
	defer runtime.KeepAlive(s)
	account := addressKey(&addr)
	owner := s.accounts.find(&account)
	if owner == 0 {
		return 0
	}
	id := from
	if id == 0 {
		_, words := s.accounts.at(owner)
		id = atomic.LoadUint64(&words[firstSlot])
	}
	for ; id != 0 && count > 0; count-- {
		key := s.slots.keyOf(id)
		if key.owner != owner {
			return 0
		}
		var value uint256.Int
		s.slots.valueAt(id, v.version, value[:])
		if !value.IsZero() {
			yield(key.words, value)
		}
		rec, _ := s.slots.at(id)
		id = rec.load(slotNext) & idMask
	}
	return id
}

// WalkCodes yields the next code.
func (v *View) WalkCodes(from uint64, yield func(common.Hash, []byte)) (next uint64) {
	s := v.state
	number, code := s.codes.from(from)
	if code == nil {
		return 0
	}
	yield(s.codes.hash(number), code)
	return number + 1
}

// piece returns the ids of a piece and the place after it.
func (t *table) piece(from uint64, count int) (first, end, next uint64) {
	first = max(from, 1)
	ids := t.count.Load() + 1
	if end = first + uint64(count); end < ids {
		return first, end, end
	}
	return first, ids, 0
}
