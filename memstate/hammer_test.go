package memstate

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// TestReadersHammer lets readers check a relation that holds in every version,
// all accounts and slots carry the number of the mini-block, while commits
// replace them one after the other.
func TestReadersHammer(t *testing.T) {
	const addrs, minis, readers = 16, 3000, 4
	s := New()
	commit := func(mini uint64) {
		d := &chain.StateDiff{}
		key := testKey(0)
		for i := range addrs {
			a := chain.AccountDiff{Address: testAddr(i), Account: chain.NewAccount()}
			a.Account.Nonce = mini
			a.Slots = []chain.SlotDiff{{Key: key.Bytes32(), Value: *uint256.NewInt(mini)}}
			d.Accounts = append(d.Accounts, a)
		}
		s.Commit(mini, mini/10, d)
	}
	commit(1)
	var done sync.WaitGroup
	stop := make(chan struct{})
	for range readers {
		done.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					readWhole(t, s.Latest(), addrs)
				}
			}
		})
	}
	for mini := range uint64(minis) {
		commit(mini + 2)
	}
	close(stop)
	done.Wait()
}

// TestGrowthHammer lets readers look up slots while the index grows below them:
// what is in a view must be found, what is not must not.
func TestGrowthHammer(t *testing.T) {
	const slots, perCommit, readers = 40_000, 8, 3
	s := New()
	commit := func(mini uint64) {
		a := chain.AccountDiff{Address: testAddr(0), Account: chain.NewAccount()}
		for i := range uint64(perCommit) {
			key := hostileKey(mini*perCommit + i)
			a.Slots = append(a.Slots, chain.SlotDiff{Key: key.Bytes32(), Value: *uint256.NewInt(mini + 1)})
		}
		s.Commit(mini, 0, &chain.StateDiff{Accounts: []chain.AccountDiff{a}})
	}
	commit(0)
	var done sync.WaitGroup
	stop := make(chan struct{})
	for reader := range uint64(readers) {
		done.Go(func() {
			rng := rand.New(rand.NewPCG(7, reader))
			for {
				select {
				case <-stop:
					return
				default:
				}
				v := s.Latest()
				mini := rng.Uint64N(2 * (v.MiniBlock() + 1))
				got := v.Storage(testAddr(0), hostileKey(mini*perCommit+rng.Uint64N(perCommit)))
				if known := mini <= v.MiniBlock(); known != (got.Uint64() == mini+1) || !known && !got.IsZero() {
					t.Errorf("view %d, slot of mini-block %d: got %s", v.MiniBlock(), mini, &got)
					return
				}
			}
		})
	}
	for mini := range uint64(slots / perCommit) {
		commit(mini + 1)
	}
	close(stop)
	done.Wait()
}

func readWhole(t *testing.T, v *View, addrs int) {
	for i := range addrs {
		a, _ := v.Account(testAddr(i))
		slot := v.Storage(testAddr(i), testKey(0))
		if (a.Nonce != v.MiniBlock() || slot.Uint64() != v.MiniBlock()) && !v.Expired() {
			t.Errorf("got nonce %d and slot %s; want %d", a.Nonce, &slot, v.MiniBlock())
			return
		}
	}
}
