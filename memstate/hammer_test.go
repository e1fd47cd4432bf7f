package memstate

import (
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
