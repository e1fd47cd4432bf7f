package memstate

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// retiree names a value that has a past, an account or one of its slots, and
// why to look at it.
type retiree struct {
	addr common.Address
	slot bool
	why  look
	key  uint256.Int
}

// retirement remembers which values have a past, and when it is worth looking
// at them.
type retirement struct {
	due       map[uint64][]retiree // by the EVM block in which to look
	ready     []retiree            // due now
	block     uint64               // newest EVM block whose due ones are ready
	scheduled int                  // since the last look
}

// schedule adds a value that got a past in an EVM block.
func (r *retirement) schedule(who retiree, block uint64) {
	r.add(who, block+ViewLife+1)
	r.scheduled++
}

func (r *retirement) add(who retiree, due uint64) { r.due[due] = append(r.due[due], who) }

// collect moves to ready what is due in an EVM block.
func (r *retirement) collect(block uint64) {
	if block == r.block {
		return
	}
	for due := r.block + 1; due <= block && block-r.block <= ViewLife; due++ {
		r.ready = append(r.ready, r.due[due]...)
		delete(r.due, due)
	}
	if block-r.block > ViewLife { // the chain leaped
		for due, who := range r.due {
			if due <= block {
				r.ready = append(r.ready, who...)
				delete(r.due, due)
			}
		}
	}
	r.block = block
}

// retireMin is how many values a commit looks at, if so many are due, even when
// it has changed nothing itself.
const retireMin = 1024

// retirePer is how many values a commit looks at for each that it scheduled. A
// value is looked at twice before its past is gone, more often
// while it keeps changing: four keeps the due ones from piling up.
const retirePer = 4

// retire drops some of the past that no view can ask for.
func (s *State) retire(block uint64) {
	r := &s.retirement
	r.collect(block)
	count := min(retireMin+retirePer*r.scheduled, len(r.ready))
	r.scheduled = 0
	for _, who := range r.ready[:count] {
		for why, due := range s.retireOne(who, block) {
			if due != 0 {
				who.why = look(why)
				r.add(who, due)
			}
		}
	}
	r.ready = r.ready[count:]
	if len(r.ready) == 0 {
		r.ready = nil
	}
}

// retireOne drops the past of one value, and the value itself if it says that
// there is nothing and no view knows otherwise. It returns the EVM blocks in
// which to look again.
func (s *State) retireOne(who retiree, block uint64) (again [lookKinds]uint64) {
	sh := s.shard(who.addr)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	a := sh.accounts[who.addr]
	if a == nil {
		return again
	}
	if who.slot {
		again = a.retireSlot(who.key, who.why, block, s.horizon)
	} else {
		again = a.retire(who.why, block, s.horizon)
	}
	if a.value == (accountValue{}) && a.older == nil && len(a.slots) == 0 {
		delete(sh.accounts, who.addr)
	}
	return again
}

func (a *account) retireSlot(key uint256.Int, why look, block, horizon uint64) (again [lookKinds]uint64) {
	slot := a.slots[key]
	again = slot.retire(why, block, horizon)
	if slot.older == nil && slot.value.IsZero() {
		delete(a.slots, key)
	} else {
		a.slots[key] = slot
	}
	return again
}
