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

func pastLen(s *State) int { return int(s.slots.undo.len()) }

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
	if got := s.accounts.undo.len(); got != 0 {
		t.Errorf("after the horizon: got %d past values of accounts; want none", got)
	}
}

// TestNothingRetiresWholly clears a slot and deletes an account: in the end
// they must take no memory.
func TestNothingRetiresWholly(t *testing.T) {
	s := New()
	s.Commit(1, 1, slotDiff(7))
	s.Commit(2, 2, &chain.StateDiff{Accounts: []chain.AccountDiff{{Address: testAddr(0), Deleted: true}}})
	for block := uint64(3); block < 3+ViewLife+Horizon; block++ {
		if s.Size().Accounts == 0 || s.Size().Slots == 0 {
			t.Fatalf("EVM block %d: gone while views can ask", block)
		}
		s.Commit(block, block, &chain.StateDiff{})
	}
	if size := s.Size(); size.Accounts != 0 || size.Slots != 0 {
		t.Errorf("got %d accounts and %d slots; want none", size.Accounts, size.Slots)
	}
}

// TestAllHistory keeps everything: each EVM block's end stays readable for ever, and
// what is between is retired as ever.
func TestAllHistory(t *testing.T) {
	const minisPerBlock, blocks = 10, 4 * Horizon
	s := New()
	s.Keep(0)
	for mini := range uint64(minisPerBlock * blocks) {
		s.Commit(mini, mini/minisPerBlock, slotDiff(mini+1))
	}
	for block := range uint64(blocks) {
		view, err := s.At(block)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := view.Storage(testAddr(0), testKey(0)), (block+1)*minisPerBlock; got.Uint64() != want {
			t.Fatalf("EVM block %d: got %s; want %d", block, &got, want)
		}
	}
	if got, most := pastLen(s), blocks+minisPerBlock*(2*ViewLife+2); got > most {
		t.Errorf("got %d past values; want at most %d", got, most)
	}
	for block := range uint64(2 * (ViewLife + 1)) {
		s.Commit(minisPerBlock*blocks, blocks+block, &chain.StateDiff{})
	}
	if got := pastLen(s); got != blocks-1 {
		t.Errorf("got %d past values; want the ends of %d EVM blocks", got, blocks-1)
	}
}

// TestBusyAfterAPause writes a slot, leaves it alone until retirement looks at it
// for the horizon only, and then writes it often: what is between the ends of
// EVM blocks must go within the life of views, not of the horizon.
func TestBusyAfterAPause(t *testing.T) {
	const minisPerBlock, pause = 20, 3 * ViewLife
	s := New()
	mini := uint64(0)
	for block := range uint64(Horizon) {
		for range minisPerBlock {
			d := slotDiff(mini + 1)
			if block > 2 && block < pause {
				d = &chain.StateDiff{}
			}
			s.Commit(mini, block, d)
			mini++
		}
		if got, most := pastLen(s), int(block)+minisPerBlock*(2*ViewLife+2); got > most {
			t.Fatalf("EVM block %d: got %d past values; want at most %d", block, got, most)
		}
	}
}
