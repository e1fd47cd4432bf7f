package memstate

import (
	"encoding/binary"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// hostileKey is one of many that have the same low bits, and the same high ones.
func hostileKey(i uint64) uint256.Int { return uint256.Int{0, i << 32, 0, 1} }

// TestGrowth lets the index and the arenas grow from nothing, with keys that
// differ in few bits, and looks at every size whether what was there is there.
func TestGrowth(t *testing.T) {
	const slots, perCommit = 60_000, 61
	s := New()
	value := func(i uint64) uint256.Int { return *uint256.NewInt(i + 1) }
	keys := make([]SlotKey, 0, slots)
	values := make([]uint256.Int, 512)
	for mini := uint64(1); len(keys) < slots; mini++ {
		a := chain.AccountDiff{Address: testAddr(int(mini % 3)), Account: chain.NewAccount()}
		for range perCommit {
			n := uint64(len(keys))
			key := hostileKey(n)
			a.Slots = append(a.Slots, chain.SlotDiff{Key: key.Bytes32(), Value: value(n)})
			keys = append(keys, SlotKey{a.Address, key})
		}
		s.Commit(mini, mini, &chain.StateDiff{Accounts: []chain.AccountDiff{a}})
		v := s.Latest()
		for i := int(mini) % 97; i < len(keys); i += 97 {
			if got := v.Storage(keys[i].Address, keys[i].Key); got != value(uint64(i)) {
				t.Fatalf("of %d slots, number %d: got %s; want %d", len(keys), i, &got, i+1)
			}
		}
		missing := hostileKey(slots + mini)
		if got := v.Storage(a.Address, missing); !got.IsZero() {
			t.Fatalf("of %d slots, one that is not there: got %s", len(keys), &got)
		}
	}
	v := s.Latest()
	v.Prefetch(keys[:100])
	for from := 0; from < len(keys); from += len(values) {
		part := keys[from:min(from+len(values), len(keys))]
		v.Storages(part, values)
		for i := range part {
			if want := value(uint64(from + i)); values[i] != want {
				t.Fatalf("slot %d: got %s; want %s", from+i, &values[i], &want)
			}
		}
	}
	none := []SlotKey{{testAddr(9), testKey(0)}, {testAddr(0), testKey(7)}, keys[0]}
	v.Storages(none, values)
	if !values[0].IsZero() || !values[1].IsZero() || values[2] != value(0) {
		t.Errorf("got %v; want nothing, nothing and 1", values[:3])
	}
	if size := s.Size(); size.Slots != uint64(len(keys)) || size.Accounts != 3 {
		t.Errorf("got %d slots of %d accounts; want %d of 3", size.Slots, size.Accounts, len(keys))
	}
}

// TestReuse clears and writes slots for so long that ids are used again: memory
// must not grow with what is gone.
func TestReuse(t *testing.T) {
	s := New()
	s.Keep(1)
	for block := uint64(1); block < 1000; block++ {
		addr := common.Address{}
		binary.BigEndian.PutUint64(addr[:], block)
		a := chain.AccountDiff{Address: addr, Account: chain.NewAccount()}
		for i := range uint64(20) {
			a.Slots = append(a.Slots, chain.SlotDiff{Key: common.Hash{byte(i)}, Value: *uint256.NewInt(block)})
		}
		before := chain.AccountDiff{Deleted: true}
		binary.BigEndian.PutUint64(before.Address[:], block-1)
		s.Commit(block, block, &chain.StateDiff{Accounts: []chain.AccountDiff{before, a}})
		if got, _ := s.Latest().Account(before.Address); got != (chain.Account{}) {
			t.Fatalf("EVM block %d: got %v; want no account", block, got)
		}
		if got := s.Latest().Storage(addr, *new(uint256.Int).SetBytes32([]byte{19, 31: 0})); got.Uint64() != block {
			t.Fatalf("EVM block %d: got %s; want %d", block, &got, block)
		}
	}
	const most = 3 * ViewLife
	if got := s.accounts.count.Load(); got > most {
		t.Errorf("got %d ids of accounts; want at most %d", got, most)
	}
	if got := s.slots.count.Load(); got > 20*most {
		t.Errorf("got %d ids of slots; want at most %d", got, 20*most)
	}
}

// TestReadsDoNotAllocate holds for all that execution asks.
func TestReadsDoNotAllocate(t *testing.T) {
	s := New()
	s.Commit(1, 1, slotDiff(5))
	v := s.Latest()
	keys, values := []SlotKey{{testAddr(0), testKey(0)}}, make([]uint256.Int, 1)
	addrs := []common.Address{testAddr(0)}
	allocs := testing.AllocsPerRun(100, func() {
		v.Account(addrs[0])
		v.Storage(addrs[0], keys[0].Key)
		v.Storages(keys, values)
		v.Prefetch(keys)
		v.PrefetchAccounts(addrs)
	})
	if allocs != 0 {
		t.Errorf("got %v allocations; want none", allocs)
	}
}
