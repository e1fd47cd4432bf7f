package memstate

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

const (
	benchAddrs = 1 << 10
	benchKeys  = 1 << 8
)

func benchAddr(i uint64) (addr common.Address) {
	binary.BigEndian.PutUint64(addr[12:], i*0x9E3779B97F4A7C15)
	return addr
}

func benchState() *State {
	d := &chain.StateDiff{}
	for i := range uint64(benchAddrs) {
		a := chain.AccountDiff{Address: benchAddr(i), Account: chain.NewAccount()}
		for k := range uint64(benchKeys) {
			a.Slots = append(a.Slots, chain.SlotDiff{Key: uint256.NewInt(k).Bytes32(), Value: *uint256.NewInt(k + 1)})
		}
		d.Accounts = append(d.Accounts, a)
	}
	s := New()
	s.Commit(1, 1, d)
	return s
}

func BenchmarkRead(b *testing.B) {
	v := benchState().Latest()
	rng := rand.New(rand.NewPCG(1, 2))
	var picks [1 << 12]uint64
	for i := range picks {
		picks[i] = rng.Uint64()
	}
	b.Run("account", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			v.Account(benchAddr(picks[i%len(picks)] % benchAddrs))
		}
	})
	b.Run("slot", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			pick := picks[i%len(picks)]
			v.Storage(benchAddr(pick%benchAddrs), uint256.Int{pick / benchAddrs % benchKeys})
		}
	})
}

// BenchmarkStorages reads slots at random from more memory than caches hold, and
// one by one for comparison.
func BenchmarkStorages(b *testing.B) {
	const slots, perAccount, batch = 4 << 20, 1 << 16, 64
	s := New()
	key := func(i uint64) SlotKey {
		return SlotKey{benchAddr(i / perAccount), uint256.Int{i * 0x9E3779B97F4A7C15, i, i, i}}
	}
	for i := uint64(0); i < slots; i += 1 << 10 {
		a := chain.AccountDiff{Address: key(i).Address, Account: chain.NewAccount()}
		for j := range uint64(1 << 10) {
			k := key(i + j)
			a.Slots = append(a.Slots, chain.SlotDiff{Key: k.Key.Bytes32(), Value: *uint256.NewInt(i + j + 1)})
		}
		s.Commit(i, 0, &chain.StateDiff{Accounts: []chain.AccountDiff{a}})
	}
	v := s.Latest()
	keys, values := make([]SlotKey, batch), make([]uint256.Int, batch)
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func() {
		for i := range keys {
			keys[i] = key(rng.Uint64N(slots))
		}
	}
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			pick()
			for i := range keys {
				values[i] = v.Storage(keys[i].Address, keys[i].Key)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/slot")
	})
	b.Run("batch", func(b *testing.B) {
		for b.Loop() {
			pick()
			v.Storages(keys, values)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/slot")
	})
}

// BenchmarkCommit/transfers writes two slots and two accounts for each of
// 1,000 transfers, as a mini-block at 100,000 transfers a second does.
func BenchmarkCommit(b *testing.B) {
	b.Run("transfers", func(b *testing.B) {
		s := benchState()
		rng := rand.New(rand.NewPCG(1, 2))
		diffs := make([]*chain.StateDiff, 64)
		for i := range diffs {
			diffs[i] = transfersDiff(rng)
		}
		mini := uint64(1)
		for b.Loop() {
			mini++
			s.Commit(mini, mini/100+1, diffs[mini%64])
		}
	})
}

func transfersDiff(rng *rand.Rand) *chain.StateDiff {
	d := &chain.StateDiff{}
	for range 1000 {
		a := chain.AccountDiff{Address: benchAddr(rng.Uint64N(benchAddrs)), Account: chain.NewAccount()}
		a.Account.Nonce = rng.Uint64()
		for range 2 {
			a.Slots = append(a.Slots, chain.SlotDiff{
				Key:   uint256.NewInt(rng.Uint64N(benchKeys)).Bytes32(),
				Value: *uint256.NewInt(rng.Uint64()),
			})
		}
		d.Accounts = append(d.Accounts, a)
	}
	return d
}
