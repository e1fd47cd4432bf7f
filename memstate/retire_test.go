package memstate

import (
	"testing"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

func slotDiff(value uint64) *chain.StateDiff {
	key := testKey(0)
	return &chain.StateDiff{Accounts: []chain.AccountDiff{{
		Address: testAddr(0),
		Account: chain.NewAccount(),
		Slots:   []chain.SlotDiff{{Key: key.Bytes32(), Value: *uint256.NewInt(value)}},
	}}}
}

func pastLen(s *State) int {
	slot := s.shard(testAddr(0)).accounts[testAddr(0)].slots[testKey(0)]
	if slot.older == nil {
		return 0
	}
	return len(*slot.older)
}

// TestHotSlotIsBounded writes one slot in every mini-block: the past must hold
// the recent mini-blocks and one value for each older EVM block, not all.
func TestHotSlotIsBounded(t *testing.T) {
	const minisPerBlock, blocks = 20, 3 * Horizon
	s := New()
	longest := 0
	for mini := range uint64(minisPerBlock * blocks) {
		s.Commit(mini, mini/minisPerBlock, slotDiff(mini+1))
		longest = max(longest, pastLen(s))
	}
	const most = (Horizon + 2*ViewLife + 2) + minisPerBlock*(2*ViewLife+2)
	if longest > most {
		t.Errorf("got %d past values; want at most %d", longest, most)
	}
	if longest < Horizon {
		t.Errorf("got %d past values; want one for each EVM block of the horizon", longest)
	}
}

// TestPastRetires leaves a value alone: its past must go when no view can ask.
func TestPastRetires(t *testing.T) {
	s := New()
	mini := uint64(0)
	for ; mini < 50; mini++ {
		s.Commit(mini, mini/10, slotDiff(mini+1))
	}
	idle := func(blocks uint64) {
		for range blocks {
			mini++
			s.Commit(mini, s.Latest().Block()+1, &chain.StateDiff{})
		}
	}
	idle(2 * (ViewLife + 1))
	if got := pastLen(s); got != 4 {
		t.Errorf("after views' life: got %d past values; want the ends of 4 EVM blocks", got)
	}
	idle(Horizon + ViewLife)
	if got := pastLen(s); got != 0 {
		t.Errorf("after the horizon: got %d past values; want none", got)
	}
	if len(s.retirement.due) != 0 || len(s.retirement.ready) != 0 {
		t.Errorf("got %d due, %d ready; want nothing left to retire", len(s.retirement.due), len(s.retirement.ready))
	}
}

// TestNothingRetiresWholly clears a slot and deletes an account: in the end
// they must take no memory.
func TestNothingRetiresWholly(t *testing.T) {
	s := New()
	s.Commit(1, 1, slotDiff(7))
	s.Commit(2, 2, &chain.StateDiff{Accounts: []chain.AccountDiff{{Address: testAddr(0), Deleted: true}}})
	for block := uint64(3); block < 3+ViewLife+Horizon; block++ {
		if len(s.shard(testAddr(0)).accounts) == 0 {
			t.Fatalf("EVM block %d: gone while views can ask", block)
		}
		s.Commit(block, block, &chain.StateDiff{})
	}
	for i := range s.shards {
		if n := len(s.shards[i].accounts); n != 0 {
			t.Errorf("got %d accounts; want none", n)
		}
	}
}
