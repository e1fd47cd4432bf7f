package exec

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit"
	words "github.com/redline-evm/redline/jit/word"
)

// Storage implements jit.State.
func (j *Journal) Storage(addr *common.Address, key, out *uint256.Int) (cold bool) {
	s, handle := j.slot(addr, key)
	cold = j.warmSlot(s, handle)
	words.Copy(out, &s.value)
	return cold
}

// SetStorage implements jit.State.
func (j *Journal) SetStorage(addr *common.Address, key, value *uint256.Int, change *jit.SlotChange) {
	s, handle := j.slot(addr, key)
	change.Cold = j.warmSlot(s, handle)
	words.Copy(&change.Original, &s.original)
	words.Copy(&change.Current, &s.value)
	if !words.Equal(&s.value, value) {
		j.markAccount(j.last)
		j.markSlot(s, handle)
		words.Copy(&j.note(undoSlot, handle).word, &s.value)
		words.Copy(&s.value, value)
	}
}

// WarmSlot marks the slot warm, as an access list does (EIP-2930).
func (j *Journal) WarmSlot(addr common.Address, key *uint256.Int) {
	s, handle := j.slot(&addr, key)
	j.warmSlot(s, handle)
}

// warmSlot marks the slot warm and reports whether it was cold. The first
// access also fixes the value that the transaction started with: a revert that
// makes the slot cold again has brought that value back.
func (j *Journal) warmSlot(s *slot, handle uint32) (cold bool) {
	if s.warmTx == j.tx {
		return false
	}
	s.warmTx = j.tx
	words.Copy(&s.original, &s.value)
	j.note(undoWarmSlot, handle)
	return true
}

// markSlot notes that the slot was written since the last diff.
func (j *Journal) markSlot(s *slot, handle uint32) {
	if s.dirtyIn != j.epoch {
		s.dirtyIn = j.epoch
		j.dirtySlots = append(j.dirtySlots, handle)
	}
}

// slot returns the slot, and makes its account the last one asked for.
func (j *Journal) slot(addr *common.Address, key *uint256.Int) (*slot, uint32) {
	a := j.account(addr)
	recent := &j.recentSlots[key[0]%recentSlotCount]
	if s := recent.slot; s == nil || s.account != a.handle || !words.Equal(&s.key, key) {
		recent.slot, recent.handle = j.lookupSlot(a, key)
	}
	return recent.slot, recent.handle
}

// lookupSlot returns the slot, which the journal meets now if it has not yet.
func (j *Journal) lookupSlot(a *account, key *uint256.Int) (*slot, uint32) {
	s, handle, cell := j.slots.find(a.handle, key)
	if s == nil {
		s, handle = j.slots.insert(cell, a.handle, key)
		if !a.noStorage {
			s.value = j.view.Storage(a.addr, *key)
		}
		s.base = s.value
		s.next, a.firstSlot = a.firstSlot, handle+1
	}
	return s, handle
}

// TransientStorage implements jit.State.
func (j *Journal) TransientStorage(addr *common.Address, key, out *uint256.Int) {
	a := j.account(addr)
	if i, ok := j.transient[transientKey{a.handle, *key}]; ok {
		*out = j.transientValues[i]
	} else {
		out.Clear()
	}
}

// SetTransientStorage implements jit.State.
func (j *Journal) SetTransientStorage(addr *common.Address, key, value *uint256.Int) {
	k := transientKey{j.account(addr).handle, *key}
	i, ok := j.transient[k]
	if !ok {
		i = uint32(len(j.transientValues))
		j.transient[k] = i
		j.transientValues = append(j.transientValues, uint256.Int{})
	}
	words.Copy(&j.note(undoTransient, i).word, &j.transientValues[i])
	j.transientValues[i] = *value
}
