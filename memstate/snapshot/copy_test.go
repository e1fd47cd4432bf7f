package snapshot

import (
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/memstate"
)

// randomDiff changes some of few accounts: creates, deletes, sets and clears
// slots, adds codes.
func randomDiff(random *rand.Rand) *chain.StateDiff {
	d := &chain.StateDiff{}
	for i := range 600 {
		if random.IntN(40) != 0 {
			continue
		}
		a := chain.AccountDiff{Address: common.BytesToAddress([]byte{1, byte(i >> 8), byte(i)})}
		if random.IntN(5) == 0 {
			a.Deleted = true
			d.Accounts = append(d.Accounts, a)
			continue
		}
		a.Account = chain.NewAccount()
		a.Account.Nonce = random.Uint64N(1000)
		for key := range byte(20) {
			if random.IntN(4) == 0 {
				a.Slots = append(a.Slots, chain.SlotDiff{Key: common.Hash{31: key}, Value: *uint256.NewInt(random.Uint64N(3))})
			}
		}
		d.Accounts = append(d.Accounts, a)
	}
	if random.IntN(10) == 0 {
		code := []byte{0x60, byte(random.IntN(200))}
		d.Codes = []chain.Code{{Hash: crypto.Keccak256Hash(code), Bytes: code}}
	}
	return d
}

// stateSink fills a state.
type stateSink struct {
	state  *memstate.State
	loader *memstate.Loader
}

func (s *stateSink) Base(d *chain.StateDiff) { s.loader.Add(d) }

func (s *stateSink) Tail(d *chain.StateDiff) {
	if s.loader != nil {
		s.loader.Done(0, 0)
		s.loader = nil
	}
	s.state.Commit(0, 0, d)
}

// TestCopyWhileCommitting commits before every look of a copy at the state. What
// is loaded must be the state at the end.
func TestCopyWhileCommitting(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	state := memstate.New()
	mini := uint64(0)
	commit := func() *chain.StateDiff {
		d := randomDiff(random)
		mini++
		state.Commit(mini, mini/50, d)
		return d
	}
	for range 100 {
		commit()
	}
	s := openStore(t, vfs.NewMemory())
	w, err := s.NewWriter(t.Context(), WriteOptions{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	var tail []*chain.StateDiff
	cutter := NewCutter(w.Base)
	cutter.cuts = cuts{1000, 3000, 7}
	if err := Copy(func() *memstate.View {
		tail = append(tail, commit())
		return state.Latest()
	}, cutter); err != nil {
		t.Fatal(err)
	}
	for _, d := range tail {
		if err := w.Tail(d); err != nil {
			t.Fatal(err)
		}
	}
	m := testManifest(1)
	if err := w.Commit(m, testKey); err != nil {
		t.Fatal(err)
	}
	if len(m.Base) < 20 || len(tail) < 100 {
		t.Errorf("got %d chunks and %d commits; want many", len(m.Base), len(tail))
	}
	loaded := &stateSink{state: memstate.New()}
	loaded.loader = loaded.state.Load()
	if err := s.Load(t.Context(), m, ReadOptions{Workers: 2}, loaded); err != nil {
		t.Fatal(err)
	}
	checkStates(t, loaded.state.Latest(), state.Latest())
}

func checkStates(t *testing.T, got, want *memstate.View) {
	t.Helper()
	accounts := maps.Collect(want.Accounts)
	if gotten := maps.Collect(got.Accounts); len(accounts) < 100 || !maps.Equal(gotten, accounts) {
		t.Fatalf("got %d accounts; want the %d of the state", len(gotten), len(accounts))
	}
	for addr := range accounts {
		if g, w := maps.Collect(got.Slots(addr)), maps.Collect(want.Slots(addr)); !maps.Equal(g, w) {
			t.Fatalf("account %s: got slots %v; want %v", addr, g, w)
		}
	}
	for i := range 200 {
		hash := crypto.Keccak256Hash([]byte{0x60, byte(i)})
		if string(got.Code(hash)) != string(want.Code(hash)) {
			t.Fatalf("code %s: got %x; want %x", hash, got.Code(hash), want.Code(hash))
		}
	}
}

// TestCopiesShareChunks copies a state twice, with few changes between.
func TestCopiesShareChunks(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	state := memstate.New()
	for i := range uint64(200) {
		state.Commit(i, 0, randomDiff(random))
	}
	take := func() map[common.Hash]bool {
		chunks := map[common.Hash]bool{}
		cutter := NewCutter(func(d *chain.StateDiff) error {
			chunks[crypto.Keccak256Hash(appendDiff(nil, d))] = true
			return nil
		})
		cutter.cuts = cuts{1000, 3000, 7}
		if err := Copy(state.Latest, cutter); err != nil {
			t.Fatal(err)
		}
		return chunks
	}
	before := take()
	a := chain.AccountDiff{Address: common.BytesToAddress([]byte{1, 1, 1}), Account: chain.NewAccount()}
	a.Account.Nonce = 77777
	state.Commit(1000, 0, &chain.StateDiff{Accounts: []chain.AccountDiff{a}})
	changed := 0
	for chunk := range take() {
		if !before[chunk] {
			changed++
		}
	}
	if len(before) < 20 || changed < 1 || changed > 3 {
		t.Errorf("got %d of %d chunks changed; want one or a few", changed, len(before))
	}
}
