package memstate

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/invariants"
)

// committer is what the one goroutine that commits works with.
type committer struct {
	first    uint64 // the first version of the open EVM block
	accounts batch
	slots    batch
	values   [batchSize]*uint256.Int // of slots
	pending  int                     // slots in the batch
}

// stamp is what a commit's writes have in common.
type stamp struct {
	version uint64
	block   uint64
	first   uint64 // the first version of the EVM block
	seen    uint64 // the newest EVM block that readers know of
	undo    bool   // whether views of before are wanted
}

// Commit applies the diff of mini-block mini, which belongs to EVM block
// block. Neither number is below that of the commit before. The state keeps
// the codes of the diff.
func (s *State) Commit(mini, block uint64, d *chain.StateDiff) {
	last := s.latest.Load()
	if mini < last.mini || block < last.block {
		panic(fmt.Sprintf("BUG: commit of mini-block %d in EVM block %d after %d in %d", mini, block, last.mini, last.block))
	}
	if invariants.Enabled {
		if err := d.Check(); err != nil {
			panic(fmt.Sprintf("BUG: commit of mini-block %d: %v", mini, err))
		}
	}
	now := stamp{version: last.version + 1, block: block, seen: last.block, undo: true}
	if block != last.block || last.version == 0 {
		s.committer.first = now.version
	}
	now.first = s.committer.first
	s.codes.add(d.Codes)
	s.apply(d.Accounts, &now)
	s.publish(mini, &now)
	s.retire(block)
}

// publish makes a version the latest.
func (s *State) publish(mini uint64, now *stamp) {
	view := &View{state: s, version: now.version, mini: mini, block: now.block, taken: now.block}
	s.setEnd(view)
	s.latest.Store(view)
}

// apply writes accounts and their slots. Both are looked up in batches, so that
// they come from memory together.
func (s *State) apply(accounts []chain.AccountDiff, now *stamp) {
	b := &s.committer.accounts
	for len(accounts) > 0 {
		n := min(batchSize, len(accounts))
		for i := range n {
			b.keys[i] = addressKey(&accounts[i].Address)
		}
		b.find(&s.accounts, n)
		for i := range n {
			s.applyAccount(&accounts[i], b.ids[i], b.hashes[i], now)
		}
		accounts = accounts[n:]
	}
	s.flushSlots(now)
}

// applyAccount writes an account, which has no id if it is new, and collects its
// slots.
func (s *State) applyAccount(d *chain.AccountDiff, id, hash uint64, now *stamp) {
	if d.Deleted {
		if id != 0 {
			s.deleteAccount(id, now)
		}
		return
	}
	if id == 0 {
		key := addressKey(&d.Address)
		id = s.accounts.add(&key, hash, nil, now.seen)
	}
	value := accountWords(&d.Account, s.codes.number(d.Account.CodeHash))
	s.accounts.set(id, value[:], now)
	for i := range d.Slots {
		slot := &d.Slots[i]
		s.collectSlot(id, slot.Key, &slot.Value, now)
	}
}

// deleteAccount takes an account's storage with it.
func (s *State) deleteAccount(id uint64, now *stamp) {
	s.accounts.set(id, nothing[:accountValue], now)
	_, words := s.accounts.at(id)
	for slot := words[firstSlot]; slot != 0; {
		s.slots.set(slot, nothing[:slotValue], now)
		rec, _ := s.slots.at(slot)
		slot = rec[slotNext] & idMask
	}
}

func (s *State) collectSlot(owner uint64, key common.Hash, value *uint256.Int, now *stamp) {
	c := &s.committer
	c.slots.keys[c.pending] = slotKey(owner, new(uint256.Int).SetBytes32(key[:]))
	c.values[c.pending] = value
	c.pending++
	if c.pending == batchSize {
		s.flushSlots(now)
	}
}

// flushSlots writes the slots that were collected.
func (s *State) flushSlots(now *stamp) {
	c := &s.committer
	c.slots.find(&s.slots, c.pending)
	for i, value := range c.values[:c.pending] {
		id := c.slots.ids[i]
		if id == 0 {
			if value.IsZero() {
				continue
			}
			key := &c.slots.keys[i]
			_, words := s.accounts.at(key.owner)
			id = s.slots.add(key, c.slots.hashes[i], &words[firstSlot], now.seen)
		}
		s.slots.set(id, value[:], now)
	}
	clear(c.values[:c.pending]) // they are the diff's
	c.pending = 0
}
