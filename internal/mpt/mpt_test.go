package mpt

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rlp"
	gethtrie "github.com/ethereum/go-ethereum/trie"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

func TestEmptyRoot(t *testing.T) {
	if got := New().Root(); got != types.EmptyRootHash {
		t.Errorf("got %s; want %s", got, types.EmptyRootHash)
	}
}

// TestKnownGenesisRoots uses the states of public networks.
func TestKnownGenesisRoots(t *testing.T) {
	check := func(g *core.Genesis, wantBlock common.Hash, wantRoot string) {
		t.Helper()
		state := New()
		state.Update((&chain.Genesis{Alloc: g.Alloc}).Diff())
		if got := state.Root().Hex(); got != wantRoot {
			t.Errorf("genesis %s: got %s; want %s", wantBlock, got, wantRoot)
		}
	}
	check(core.DefaultGenesisBlock(), params.MainnetGenesisHash, "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544")
	check(core.DefaultSepoliaGenesisBlock(), params.SepoliaGenesisHash, "0x5eb6e371a698b8d68f665192350ffcecbbbf322916f4b51bd79bb6887da3f494")
	check(core.DefaultHoodiGenesisBlock(), params.HoodiGenesisHash, "0xda87d7f5f91c51508791bbcbd4aa5baf04917830b86985eeb9ad3d5bfb657576")
}

// world is the state as plain maps.
type world struct {
	accounts map[common.Address]chain.Account
	slots    map[common.Address]map[common.Hash]uint256.Int
}

func (w world) apply(d *chain.StateDiff) {
	for _, a := range d.Accounts {
		if a.Deleted {
			delete(w.accounts, a.Address)
			delete(w.slots, a.Address)
			continue
		}
		w.accounts[a.Address] = a.Account
		if w.slots[a.Address] == nil {
			w.slots[a.Address] = map[common.Hash]uint256.Int{}
		}
		for _, s := range a.Slots {
			w.slots[a.Address][s.Key] = s.Value
			if s.Value.IsZero() {
				delete(w.slots[a.Address], s.Key)
			}
		}
	}
}

// root builds the root from nothing, key by key in order of their hashes.
func (w world) root() common.Hash {
	leaves := map[common.Hash][]byte{}
	for addr, a := range w.accounts {
		slots := map[common.Hash][]byte{}
		for key, value := range w.slots[addr] {
			slots[crypto.Keccak256Hash(key[:])], _ = rlp.EncodeToBytes(value.Bytes())
		}
		leaves[crypto.Keccak256Hash(addr[:])], _ = rlp.EncodeToBytes(&types.StateAccount{
			Nonce: a.Nonce, Balance: &a.Balance, Root: rootOf(slots), CodeHash: a.CodeHash[:],
		})
	}
	return rootOf(leaves)
}

func rootOf(leaves map[common.Hash][]byte) common.Hash {
	var keys []common.Hash
	for key := range leaves {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b common.Hash) int { return bytes.Compare(a[:], b[:]) })
	t := gethtrie.NewStackTrie(nil)
	for _, key := range keys {
		if err := t.Update(key[:], leaves[key]); err != nil {
			panic(err)
		}
	}
	return t.Hash()
}

func randomDiff(rng *rand.Rand) *chain.StateDiff {
	d := &chain.StateDiff{}
	for i := range 30 {
		if rng.IntN(4) != 0 {
			continue
		}
		a := chain.AccountDiff{Address: common.Address{byte(i + 1)}}
		if rng.IntN(5) == 0 {
			a.Deleted = true
			d.Accounts = append(d.Accounts, a)
			continue
		}
		a.Account = chain.NewAccount()
		a.Account.Nonce = rng.Uint64N(3)
		for k := range 8 {
			if rng.IntN(3) == 0 {
				a.Slots = append(a.Slots, chain.SlotDiff{Key: common.Hash{byte(k)}, Value: *uint256.NewInt(rng.Uint64N(3))})
			}
		}
		d.Accounts = append(d.Accounts, a)
	}
	return d
}

// TestRandomDiffs compares the root after many diffs, some of them between two
// roots, with one that is built from nothing.
func TestRandomDiffs(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	state := New()
	w := world{map[common.Address]chain.Account{}, map[common.Address]map[common.Hash]uint256.Int{}}
	for i := range 500 {
		d := randomDiff(rng)
		state.Update(d)
		w.apply(d)
		if rng.IntN(3) == 0 {
			continue
		}
		want := w.root()
		if got := state.Root(); got != want {
			t.Fatalf("after diff %d: got %s; want %s", i, got, want)
		}
		if got := state.Root(); got != want {
			t.Fatalf("after diff %d: asked again: got %s; want %s", i, got, want)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	b.Run("3k-of-100k", func(b *testing.B) {
		state := New()
		rng := rand.New(rand.NewPCG(5, 6))
		state.Update(touch(rng, 100_000))
		state.Root()
		for b.Loop() {
			state.Update(touch(rng, 3_000))
			state.Root()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*3_000), "ns/key")
	})
}

// touch changes count of 100,000 accounts. Order does not matter to the trie.
func touch(rng *rand.Rand, count int) *chain.StateDiff {
	d := &chain.StateDiff{}
	for range count {
		n := rng.Uint32N(100_000)
		a := chain.AccountDiff{Address: common.Address{byte(n), byte(n >> 8), byte(n >> 16)}, Account: chain.NewAccount()}
		a.Account.Nonce = rng.Uint64()
		d.Accounts = append(d.Accounts, a)
	}
	return d
}
