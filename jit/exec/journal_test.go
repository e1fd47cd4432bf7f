package exec

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit"
)

// mapView is a StateView on maps, to which diffs can be applied.
type mapView struct {
	accounts map[common.Address]chain.Account
	storage  map[common.Address]map[uint256.Int]uint256.Int
	codes    map[common.Hash][]byte
}

func newMapView() *mapView {
	return &mapView{
		accounts: make(map[common.Address]chain.Account),
		storage:  make(map[common.Address]map[uint256.Int]uint256.Int),
		codes:    make(map[common.Hash][]byte),
	}
}

func (v *mapView) Account(addr common.Address) (chain.Account, bool) {
	a, ok := v.accounts[addr]
	return a, ok
}

func (v *mapView) Storage(addr common.Address, key uint256.Int) uint256.Int {
	return v.storage[addr][key]
}

func (v *mapView) Code(hash common.Hash) []byte { return v.codes[hash] }

func (v *mapView) setCode(addr common.Address, code []byte) {
	a, ok := v.accounts[addr]
	if !ok {
		a = chain.NewAccount()
	}
	a.CodeHash = crypto.Keccak256Hash(code)
	v.codes[a.CodeHash] = code
	v.accounts[addr] = a
}

func (v *mapView) setBalance(addr common.Address, wei uint64) {
	a, ok := v.accounts[addr]
	if !ok {
		a = chain.NewAccount()
	}
	a.Balance.SetUint64(wei)
	v.accounts[addr] = a
}

func (v *mapView) apply(diff *chain.StateDiff) {
	for _, c := range diff.Codes {
		v.codes[c.Hash] = c.Bytes
	}
	for _, d := range diff.Accounts {
		if d.Deleted {
			delete(v.accounts, d.Address)
			delete(v.storage, d.Address)
			continue
		}
		v.accounts[d.Address] = d.Account
		for _, s := range d.Slots {
			if v.storage[d.Address] == nil {
				v.storage[d.Address] = make(map[uint256.Int]uint256.Int)
			}
			key := *new(uint256.Int).SetBytes32(s.Key[:])
			if s.Value.IsZero() {
				delete(v.storage[d.Address], key)
			} else {
				v.storage[d.Address][key] = s.Value
			}
		}
	}
}

func word(n uint64) *uint256.Int { return uint256.NewInt(n) }

func addr(n byte) common.Address { return common.BytesToAddress([]byte{0xaa, n}) }

func ref(addr common.Address) *common.Address { return &addr }

func TestJournalRevert(t *testing.T) {
	view := newMapView()
	view.setBalance(addr(1), 100)
	view.storage[addr(1)] = map[uint256.Int]uint256.Int{*word(7): *word(70)}
	j := NewJournal(view)

	cp := j.Checkpoint()
	j.Transfer(ref(addr(1)), ref(addr(2)), word(40))
	j.SetNonce(addr(1), 9)
	j.SetCode(addr(3), []byte{1, 2, 3})
	var change jit.SlotChange
	if j.SetStorage(ref(addr(1)), word(7), word(71), &change); !change.Cold || change.Current != *word(70) || change.Original != *word(70) {
		t.Errorf("first write met %+v", change)
	}
	if j.SetStorage(ref(addr(1)), word(7), word(72), &change); change.Cold || change.Current != *word(71) || change.Original != *word(70) {
		t.Errorf("second write met %+v", change)
	}
	j.SetTransientStorage(ref(addr(1)), word(1), word(5))
	j.AddLog(&types.Log{})
	j.WarmAccount(ref(addr(4)))
	j.CreateContract(addr(5))
	j.SelfDestruct(addr(5), addr(6))
	j.Revert(cp)

	var w uint256.Int
	if j.Balance(ref(addr(1)), &w); w != *word(100) {
		t.Errorf("balance is %s; want 100", &w)
	}
	if n := j.Nonce(addr(1)); n != 0 {
		t.Errorf("nonce is %d; want 0", n)
	}
	if n := j.CodeSize(ref(addr(3))); n != 0 {
		t.Errorf("code has %d bytes; want none", n)
	}
	if cold := j.Storage(ref(addr(1)), word(7), &w); !cold || w != *word(70) {
		t.Errorf("slot is %s, cold %v; want 70, cold", &w, cold)
	}
	if j.TransientStorage(ref(addr(1)), word(1), &w); !w.IsZero() {
		t.Errorf("transient slot is %s; want 0", &w)
	}
	if len(j.Logs()) != 0 || !j.WarmAccount(ref(addr(4))) || !j.CanCreate(addr(5)) {
		t.Error("log, warm mark or creation survived the revert")
	}
	j.Finish()
	if diff := j.Diff(); !diff.Empty() {
		t.Errorf("diff is %+v; want empty", diff)
	}
}

func TestSelfDestruct(t *testing.T) {
	check := func(name string, created bool, beneficiary common.Address, wantExists bool, wantOwn, wantOther uint64) {
		t.Helper()
		view := newMapView()
		view.setBalance(addr(1), 100)
		if !created {
			view.setCode(addr(1), []byte{0xff})
		}
		j := NewJournal(view)
		if created {
			j.CreateContract(addr(1))
			j.SetStorage(ref(addr(1)), word(1), word(2), new(jit.SlotChange))
			j.SetCode(addr(1), []byte{0xfe})
		}
		j.SelfDestruct(addr(1), beneficiary)
		j.Finish()
		var own, other uint256.Int
		j.Balance(ref(addr(1)), &own)
		j.Balance(ref(addr(2)), &other)
		if j.Exists(addr(1)) != wantExists || own != *word(wantOwn) || other != *word(wantOther) {
			t.Errorf("%s: exists %v, owns %s, other owns %s; want %v, %d, %d", name, j.Exists(addr(1)), &own, &other, wantExists, wantOwn, wantOther)
		}
		var slot uint256.Int
		if j.Storage(ref(addr(1)), word(1), &slot); !slot.IsZero() {
			t.Errorf("%s: storage survived", name)
		}
		j.Finish()
		for _, d := range j.Diff().Accounts {
			if d.Deleted && (len(d.Slots) > 0 || d.Account != chain.Account{}) {
				t.Errorf("%s: deleted account in the diff has values: %+v", name, d)
			}
		}
	}
	check("old, to other", false, addr(2), true, 0, 100)
	check("old, to itself", false, addr(1), true, 100, 0)
	check("new, to other", true, addr(2), false, 0, 100)
	check("new, to itself", true, addr(1), false, 0, 0)
}

func TestTouchedEmptyAccountVanishes(t *testing.T) {
	view := newMapView()
	view.accounts[addr(1)] = chain.NewAccount()
	view.accounts[addr(2)] = chain.NewAccount()
	j := NewJournal(view)
	j.Empty(ref(addr(2))) // reading does not touch
	cp := j.Checkpoint()
	j.AddBalance(addr(2), word(0))
	j.Revert(cp)
	j.AddBalance(addr(1), word(0))
	j.AddBalance(addr(3), word(0))
	j.Finish()
	diff := j.Diff()
	if len(diff.Accounts) != 1 || diff.Accounts[0].Address != addr(1) || !diff.Accounts[0].Deleted {
		t.Errorf("diff is %+v; want deletion of %s", diff, addr(1))
	}
}

func TestDiffListsOnlyChanges(t *testing.T) {
	view := newMapView()
	view.setBalance(addr(1), 100)
	j := NewJournal(view)
	j.SetStorage(ref(addr(1)), word(1), word(5), new(jit.SlotChange))
	j.Finish()
	j.SetStorage(ref(addr(1)), word(1), word(0), new(jit.SlotChange))
	j.SetStorage(ref(addr(1)), word(3), word(9), new(jit.SlotChange))
	j.SetStorage(ref(addr(1)), word(2), word(8), new(jit.SlotChange))
	j.Transfer(ref(addr(1)), ref(addr(0)), word(10))
	j.Finish()
	j.Transfer(ref(addr(0)), ref(addr(1)), word(10))
	j.SetCode(addr(9), []byte{1})
	j.SetCode(addr(8), []byte{1})
	j.Finish()

	diff := j.Diff()
	if len(diff.Accounts) != 3 || len(diff.Codes) != 1 {
		t.Fatalf("diff has %d accounts, %d codes; want 3, 1", len(diff.Accounts), len(diff.Codes))
	}
	first := diff.Accounts[0]
	if first.Address != addr(1) || len(first.Slots) != 2 || first.Slots[0].Key[31] != 2 || first.Slots[1].Key[31] != 3 {
		t.Errorf("first account is %+v; want slots 2 and 3 of %s", first, addr(1))
	}
	if next := j.Diff(); !next.Empty() {
		t.Errorf("second diff is %+v; want empty", next)
	}
	j.SetStorage(ref(addr(1)), word(3), word(0), new(jit.SlotChange))
	j.Finish()
	if next := j.Diff(); len(next.Accounts) != 1 || len(next.Accounts[0].Slots) != 1 {
		t.Errorf("third diff is %+v; want one cleared slot", next)
	}
}

// TestJournalAgainstFreshJournals runs random operations on one journal across
// many transactions and diffs, and on journals that are thrown away after each
// transaction: both must yield the same state.
func TestJournalAgainstFreshJournals(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		long, short := newMapView(), newMapView()
		for n := range byte(6) {
			long.setBalance(addr(n), uint64(n)*1000)
			short.setBalance(addr(n), uint64(n)*1000)
		}
		j := NewJournal(long)
		for range 40 {
			ops := randomOps(rng, 30)
			fresh := NewJournal(short)
			for _, op := range ops {
				op(j)
				op(fresh)
			}
			j.Finish()
			fresh.Finish()
			short.apply(fresh.Diff())
			if rng.IntN(3) == 0 {
				long.apply(j.Diff())
				checkSameView(t, seed, long, short)
			}
			if rng.IntN(10) == 0 {
				long.apply(j.Diff())
				j.Reset(long)
			}
		}
	}
}

// randomOps returns operations that do the same on every journal in the same
// state: they keep their own checkpoints.
func randomOps(rng *rand.Rand, countMax int) []func(*Journal) {
	var ops []func(*Journal)
	for range rng.IntN(countMax + 1) {
		a, b, k, v := addr(byte(rng.IntN(8))), addr(byte(rng.IntN(8))), word(rng.Uint64N(4)), word(rng.Uint64N(3))
		switch rng.IntN(9) {
		case 0:
			ops = append(ops, func(j *Journal) {
				var balance uint256.Int
				if j.Balance(&a, &balance); !balance.Lt(v) {
					j.Transfer(&a, &b, v)
				}
			})
		case 1:
			ops = append(ops, func(j *Journal) { j.SetNonce(a, j.Nonce(a)+1) })
		case 2, 3, 4:
			ops = append(ops, func(j *Journal) {
				if j.CodeSize(&a) > 0 { // as on chain: no storage without code
					j.SetStorage(&a, k, v, new(jit.SlotChange))
				}
			})
		case 5:
			ops = append(ops, func(j *Journal) {
				if j.CanCreate(a) {
					j.CreateContract(a)
					j.SetStorage(&a, k, v, new(jit.SlotChange))
					j.SetCode(a, []byte{byte(k[0] + 1)})
				}
			})
		case 6:
			ops = append(ops, func(j *Journal) { j.SelfDestruct(a, b) })
		case 7:
			inner := randomOps(rng, countMax/2)
			ops = append(ops, func(j *Journal) {
				cp := j.Checkpoint()
				for _, op := range inner {
					op(j)
				}
				j.Revert(cp)
			})
		case 8:
			ops = append(ops, func(j *Journal) { j.AddBalance(a, v) })
		}
	}
	return ops
}

func checkSameView(t *testing.T, seed uint64, got, want *mapView) {
	t.Helper()
	if !maps.Equal(got.accounts, want.accounts) {
		t.Fatalf("seed %d: accounts are %v; want %v", seed, got.accounts, want.accounts)
	}
	for a := range want.accounts {
		if !maps.Equal(got.storage[a], want.storage[a]) {
			t.Fatalf("seed %d: storage of %s is %v; want %v", seed, a, got.storage[a], want.storage[a])
		}
		if hash := want.accounts[a].CodeHash; !bytes.Equal(got.codes[hash], want.codes[hash]) {
			t.Fatalf("seed %d: code of %s differs", seed, a)
		}
	}
}

// TestJournalDoesNotAllocate holds for transactions without logs, once the
// journal has met what they touch.
func TestJournalDoesNotAllocate(t *testing.T) {
	view := newMapView()
	view.setBalance(addr(1), 1<<40)
	j := NewJournal(view)
	var w uint256.Int
	run := func() {
		for range 100 {
			cp := j.Checkpoint()
			j.Transfer(ref(addr(1)), ref(addr(2)), word(1))
			j.Storage(ref(addr(1)), word(1), &w)
			j.SetStorage(ref(addr(1)), word(1), w.AddUint64(&w, 1), new(jit.SlotChange))
			j.SetTransientStorage(ref(addr(1)), word(1), &w)
			j.Revert(cp)
			j.SetStorage(ref(addr(1)), word(2), &w, new(jit.SlotChange))
		}
		j.Finish()
	}
	run()
	if n := testing.AllocsPerRun(10, run); n != 0 {
		t.Errorf("a transaction allocates %v times; want 0", n)
	}
}

// TestManySlots makes tables and slabs grow, and a Reset forget them.
func TestManySlots(t *testing.T) {
	const count = 3 * slotCellsKeep
	view := newMapView()
	view.setCode(addr(1), []byte{1})
	j := NewJournal(view)
	for n := range uint64(count) {
		j.SetStorage(ref(addr(1)), word(n), word(n+1), new(jit.SlotChange))
	}
	j.Finish()
	diff := j.Diff()
	if len(diff.Accounts) != 1 || len(diff.Accounts[0].Slots) != count {
		t.Fatalf("diff has %d accounts; want 1 with %d slots", len(diff.Accounts), count)
	}
	if err := diff.Check(); err != nil {
		t.Error(err)
	}
	var value uint256.Int
	for n := range uint64(count) {
		if j.Storage(ref(addr(1)), word(n), &value); value != *word(n + 1) {
			t.Fatalf("slot %d is %s; want %d", n, &value, n+1)
		}
	}
	j.Reset(view)
	if j.Storage(ref(addr(1)), word(5), &value); !value.IsZero() {
		t.Errorf("slot is %s after a reset; want 0", &value)
	}
	if len(j.slots.cells) > slotCellsKeep || len(j.slots.slots.chunks) > slotCellsKeep/slabChunkLen {
		t.Error("the reset kept all memory")
	}
}
