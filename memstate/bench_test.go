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
