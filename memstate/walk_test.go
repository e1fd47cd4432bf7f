package memstate

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// copyOf collects what a diff at a time says, as a snapshot does.
type copyOf struct {
	model
	codes map[common.Hash][]byte
}

// walkState copies a state piece by piece, and calls between before each.
func walkState(s *State, count int, between func()) copyOf {
	c := copyOf{newModel(), map[common.Hash][]byte{}}
	next := func(place uint64) bool { between(); return place != 0 }
	for place := uint64(0); ; {
		place = s.Latest().WalkAccounts(place, count, func(addr common.Address, a chain.Account) { c.accounts[addr] = a })
		if !next(place) {
			break
		}
	}
	for place := uint64(0); ; {
		place = s.Latest().WalkSlots(place, count, func(addr common.Address, key, value uint256.Int) {
			c.slots[modelSlot{addr, key}] = value
		})
		if !next(place) {
			break
		}
	}
	for place := uint64(0); ; {
		place = s.Latest().WalkCodes(place, func(hash common.Hash, code []byte) { c.codes[hash] = code })
		if !next(place) {
			break
		}
	}
	return c
}

// TestWalkWhileCommitting walks a state that goes on. The pieces and the diffs
// since the begin must give the state at the end, and a state that is loaded from
// that must be the same.
func TestWalkWhileCommitting(t *testing.T) {
	for _, count := range []int{1, 3, 1000} {
		s := New()
		rng := rand.New(rand.NewPCG(3, 4))
		want, mini := newModel(), uint64(0)
		var since []*chain.StateDiff
		commit := func() {
			d := randomDiff(rng)
			mini++
			code := fmt.Appendf(nil, "code %d", mini%7)
			d.Codes = []chain.Code{{Hash: crypto.Keccak256Hash(code), Bytes: code}}
			s.Commit(mini, mini, d)
			want.apply(d)
			since = append(since, d)
		}
		for range 3 * Horizon {
			commit()
		}
		since = nil
		got := walkState(s, count, commit)
		loaded := New()
		loader := loaded.Load()
		loader.Add(got.diff())
		loader.Done(1, 1)
		for i, d := range since {
			loaded.Commit(uint64(i)+2, uint64(i)+2, d)
		}
		if len(got.codes) != 7 {
			t.Errorf("got %d codes; want 7", len(got.codes))
		}
		checkExport(t, loaded.Latest(), want)
	}
}

// diff is the whole copy as a diff.
func (c copyOf) diff() *chain.StateDiff {
	d := &chain.StateDiff{}
	for _, addr := range slices.SortedFunc(maps.Keys(c.accounts), common.Address.Cmp) {
		a := chain.AccountDiff{Address: addr, Account: c.accounts[addr]}
		for k := range universeKeys {
			key := testKey(k)
			if value, known := c.slots[modelSlot{addr, key}]; known {
				a.Slots = append(a.Slots, chain.SlotDiff{Key: key.Bytes32(), Value: value})
			}
		}
		d.Accounts = append(d.Accounts, a)
	}
	return d
}

func TestWalkSlotsOfInPieces(t *testing.T) {
	s := New()
	d := slotDiff(1)
	for i := 1; i < 100; i++ {
		key := testKey(i)
		d.Accounts[0].Slots = append(d.Accounts[0].Slots, chain.SlotDiff{Key: key.Bytes32(), Value: *uint256.NewInt(1)})
	}
	s.Commit(1, 1, d)
	for _, count := range []int{1, 7, 100, 1000} {
		seen := map[uint256.Int]bool{}
		for place := uint64(0); ; {
			place = s.Latest().WalkSlotsOf(testAddr(0), place, count, func(key, _ uint256.Int) { seen[key] = true })
			if place == 0 {
				break
			}
		}
		if len(seen) != 100 {
			t.Errorf("in pieces of %d: got %d slots; want 100", count, len(seen))
		}
	}
	if s.Latest().WalkSlotsOf(testAddr(1), 0, 1, nil) != 0 {
		t.Error("got a place; want none for an account that is not there")
	}
}
