package memstate

import (
	"testing"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
)

// TestPrefault grows a state into memory that was made ready: none is added.
func TestPrefault(t *testing.T) {
	const bytes = 16 << 20
	s := New()
	before := s.Size().Memory.Pages.Sum()
	var last uint64
	if err := s.Prefault(bytes, func(done, total uint64) {
		if done < last || done > total || total != bytes {
			t.Errorf("got %d of %d after %d", done, total, last)
		}
		last = done
	}); err != nil {
		t.Fatal(err)
	}
	ready := s.Size().Memory.Pages.Sum()
	if ready < before+bytes*9/10 {
		t.Errorf("got %d bytes after %d; want %d more", ready, before, bytes)
	}
	account := chain.AccountDiff{Address: testAddr(1), Account: chain.Account{Nonce: 1, CodeHash: types.EmptyCodeHash}}
	for i := range 100_000 {
		key := testKey(i)
		account.Slots = append(account.Slots, chain.SlotDiff{Key: key.Bytes32(), Value: testKey(i + 1)})
	}
	s.Commit(1, 1, &chain.StateDiff{Accounts: []chain.AccountDiff{account}})
	if got := s.Size().Memory.Pages.Sum(); got > ready+1<<20 { // the directory of the index is not made ready
		t.Errorf("got %d bytes; want the %d that were ready", got, ready)
	}
}
