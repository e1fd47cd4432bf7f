package memstate

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// model is the state as plain maps: what every view is compared with.
type model struct {
	accounts map[common.Address]chain.Account
	slots    map[modelSlot]uint256.Int
}

type modelSlot struct {
	addr common.Address
	key  uint256.Int
}

func newModel() model {
	return model{accounts: map[common.Address]chain.Account{}, slots: map[modelSlot]uint256.Int{}}
}

func (m model) clone() model {
	return model{accounts: maps.Clone(m.accounts), slots: maps.Clone(m.slots)}
}

func (m model) apply(d *chain.StateDiff) {
	for _, a := range d.Accounts {
		if a.Deleted {
			delete(m.accounts, a.Address)
			maps.DeleteFunc(m.slots, func(k modelSlot, _ uint256.Int) bool { return k.addr == a.Address })
			continue
		}
		m.accounts[a.Address] = a.Account
		for _, s := range a.Slots {
			m.slots[modelSlot{a.Address, *new(uint256.Int).SetBytes32(s.Key[:])}] = s.Value
		}
	}
}

// universe is small, so that values are written, deleted and written again.
const (
	universeAddrs = 12
	universeKeys  = 5
)

func testAddr(i int) common.Address {
	return common.BigToAddress(uint256.NewInt(uint64(i + 1)).ToBig())
}
func testKey(i int) uint256.Int { return *uint256.NewInt(uint64(i)) }

func randomDiff(rng *rand.Rand) *chain.StateDiff {
	d := &chain.StateDiff{}
	for i := range universeAddrs {
		if rng.IntN(3) != 0 {
			continue
		}
		a := chain.AccountDiff{Address: testAddr(i)}
		if rng.IntN(6) == 0 {
			a.Deleted = true
			d.Accounts = append(d.Accounts, a)
			continue
		}
		a.Account = chain.NewAccount()
		a.Account.Nonce = rng.Uint64N(3)
		a.Account.Balance.SetUint64(rng.Uint64N(1000))
		for k := range universeKeys {
			if rng.IntN(2) == 0 {
				key := testKey(k)
				a.Slots = append(a.Slots, chain.SlotDiff{Key: key.Bytes32(), Value: *uint256.NewInt(rng.Uint64N(4))})
			}
		}
		d.Accounts = append(d.Accounts, a)
	}
	return d
}

func checkView(t *testing.T, v *View, want model) {
	t.Helper()
	for i := range universeAddrs {
		addr := testAddr(i)
		got, exists := v.Account(addr)
		wantAccount, wantExists := want.accounts[addr]
		if got != wantAccount || exists != wantExists {
			t.Fatalf("mini-block %d: account %s: got %v, %v; want %v, %v", v.MiniBlock(), addr, got, exists, wantAccount, wantExists)
		}
		for k := range universeKeys {
			if got, want := v.Storage(addr, testKey(k)), want.slots[modelSlot{addr, testKey(k)}]; got != want {
				t.Fatalf("mini-block %d: slot %s %d: got %s; want %s", v.MiniBlock(), addr, k, &got, &want)
			}
		}
	}
}

// TestViewsAgainstModel commits random diffs and holds many views open, of
// single mini-blocks and of EVM blocks: each must show its moment as long as
// it has not expired.
func TestViewsAgainstModel(t *testing.T) {
	for _, horizon := range []uint64{Horizon, 3, 0} {
		s := New()
		s.Keep(horizon)
		checkViews(t, s)
	}
}

func checkViews(t *testing.T, s *State) {
	t.Helper()
	type held struct {
		view *View
		want model
	}
	rng := rand.New(rand.NewPCG(1, 2))
	now := newModel()
	ends := map[uint64]model{}
	var views []held
	block, checked := uint64(0), 0
	for mini := range uint64(6000) {
		if mini > 0 && rng.IntN(8) == 0 {
			ends[block] = now.clone()
			block += 1 + rng.Uint64N(2)*rng.Uint64N(3)
		}
		d := randomDiff(rng)
		s.Commit(mini, block, d)
		now.apply(d)
		switch rng.IntN(10) {
		case 0:
			views = append(views, held{s.Latest(), now.clone()})
		case 1:
			of := block - min(block, rng.Uint64N(min(s.horizon, 4*Horizon)+1))
			view, err := s.At(of)
			if err != nil {
				t.Fatalf("EVM block %d of %d: %v", of, block, err)
			}
			for of != block && ends[of].accounts == nil {
				of--
			}
			want := ends[of]
			if of == block {
				want = now.clone()
			}
			views = append(views, held{view, want})
		}
		views = slices.DeleteFunc(views, func(h held) bool { return h.view.Expired() })
		if len(views) > 0 {
			h := views[rng.IntN(len(views))]
			checkView(t, h.view, h.want)
			checked++
		}
	}
	if checked < 1000 || block < 2*Horizon {
		t.Fatalf("got %d views checked over %d EVM blocks; want many", checked, block)
	}
	checkExport(t, s.Latest(), now)
}

func checkExport(t *testing.T, v *View, want model) {
	t.Helper()
	accounts := maps.Collect(v.Accounts)
	if !maps.Equal(accounts, want.accounts) {
		t.Fatalf("got accounts %v; want %v", accounts, want.accounts)
	}
	maps.DeleteFunc(want.slots, func(_ modelSlot, value uint256.Int) bool { return value.IsZero() })
	got := map[modelSlot]uint256.Int{}
	for addr := range accounts {
		for key, value := range v.Slots(addr) {
			got[modelSlot{addr, key}] = value
		}
	}
	if !maps.Equal(got, want.slots) {
		t.Fatalf("got slots %v; want %v", got, want.slots)
	}
}

func TestAtBounds(t *testing.T) {
	s := New()
	const newest = Horizon + 10
	for block := range uint64(newest + 1) {
		s.Commit(block, block, &chain.StateDiff{})
	}
	check := func(block uint64, want error) {
		t.Helper()
		v, err := s.At(block)
		if !errors.Is(err, want) || (want == nil && v.Block() != block) {
			t.Errorf("At(%d): got %v, %v; want error %v", block, v, err, want)
		}
	}
	check(newest, nil)
	check(newest-1, nil)
	check(newest-Horizon, nil)
	check(newest-Horizon-1, ErrPruned)
	check(0, ErrPruned)
	check(newest+1, ErrFuture)
	if v, _ := s.At(newest); v != s.Latest() {
		t.Error("the open EVM block must be the latest view")
	}
}

func TestAtInGap(t *testing.T) {
	s := New()
	s.Commit(0, 5, &chain.StateDiff{})
	s.Commit(1, 9, &chain.StateDiff{})
	if v, err := s.At(7); err != nil || v.Block() != 5 {
		t.Errorf("got %v, %v; want the end of EVM block 5", v, err)
	}
	if _, err := s.At(4); !errors.Is(err, ErrPruned) {
		t.Errorf("got %v; want ErrPruned", err)
	}
}

func TestEmptyState(t *testing.T) {
	v := New().Latest()
	if a, exists := v.Account(testAddr(0)); exists || a != (chain.Account{}) {
		t.Errorf("got %v, %v; want no account", a, exists)
	}
	if v.Code(common.Hash{1}) != nil {
		t.Error("got code; want none")
	}
}

func TestCode(t *testing.T) {
	s := New()
	code := []byte{0x60, 0x00}
	hash := crypto.Keccak256Hash(code)
	s.Commit(1, 1, &chain.StateDiff{Codes: []chain.Code{{Hash: hash, Bytes: code}}})
	if got := s.Latest().Code(hash); !bytes.Equal(got, code) {
		t.Errorf("got %x; want %x", got, code)
	}
}

func TestCommitMustNotGoBack(t *testing.T) {
	for _, next := range [][2]uint64{{6, 3}, {5, 4}} {
		s := New()
		s.Commit(6, 4, &chain.StateDiff{})
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("commit of mini-block %d in EVM block %d: want a panic", next[0], next[1])
				}
			}()
			s.Commit(next[0], next[1], &chain.StateDiff{})
		}()
	}
}
