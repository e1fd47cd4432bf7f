package spectest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/mpt"
	"github.com/redline-evm/redline/memstate"
)

// world is the state of a case: values, their root, and what led there.
type world struct {
	state *memstate.State
	trie  *mpt.Trie
	diffs []*chain.StateDiff
}

func newWorld(alloc types.GenesisAlloc) (*world, error) {
	w := &world{state: memstate.New(), trie: mpt.New()}
	return w, w.commit((&chain.Genesis{Alloc: alloc}).Diff())
}

func (w *world) view() *memstate.View { return w.state.Latest() }

// rootAfter is the state root if diff were committed.
func (w *world) rootAfter(diff *chain.StateDiff) common.Hash {
	w.trie.Update(diff)
	return w.trie.Root()
}

// undoRoot forgets a diff that rootAfter has seen and that will not be
// committed.
func (w *world) undoRoot() {
	w.trie = mpt.New()
	for _, diff := range w.diffs {
		w.trie.Update(diff)
	}
}

// commit applies the diff to values and trie.
func (w *world) commit(diff *chain.StateDiff) error {
	w.trie.Update(diff)
	return w.commitValues(diff)
}

// commitValues applies a diff that the trie has seen already.
func (w *world) commitValues(diff *chain.StateDiff) error {
	if err := diff.Check(); err != nil {
		return fmt.Errorf("the diff is not canonical: %w", err)
	}
	w.diffs = append(w.diffs, diff)
	n := uint64(len(w.diffs))
	w.state.Commit(n, n, diff)
	return nil
}

// differencesMax bounds what a failure tells about a wrong state.
const differencesMax = 5

// differences says where the state is not as expected. It looks at the expected
// accounts only, and at those that diff wrote.
func (w *world) differences(want types.GenesisAlloc, diff *chain.StateDiff) []string {
	var found []string
	view := w.view()
	for _, addr := range slices.SortedFunc(maps.Keys(want), common.Address.Cmp) {
		account := want[addr]
		found = append(found, accountDifferences(view, addr, &account)...)
	}
	for _, d := range diff.Accounts {
		if _, expected := want[d.Address]; !expected && !d.Deleted {
			found = append(found, fmt.Sprintf("account %s exists; want none", d.Address))
		}
	}
	if len(found) > differencesMax {
		found = append(found[:differencesMax], fmt.Sprintf("and %d more", len(found)-differencesMax))
	}
	return found
}

func accountDifferences(view *memstate.View, addr common.Address, want *types.Account) []string {
	var found []string
	note := func(what string, got, want any) {
		found = append(found, fmt.Sprintf("%s of %s is %v; want %v", what, addr, got, want))
	}
	got, exists := view.Account(addr)
	if !exists {
		return []string{fmt.Sprintf("account %s is missing", addr)}
	}
	if got.Balance.ToBig().Cmp(want.Balance) != 0 {
		note("balance", &got.Balance, want.Balance)
	}
	if got.Nonce != want.Nonce {
		note("nonce", got.Nonce, want.Nonce)
	}
	if code := codeOf(view, got); !bytes.Equal(code, want.Code) {
		note("code", fmt.Sprintf("%x", code), fmt.Sprintf("%x", want.Code))
	}
	for _, key := range slices.SortedFunc(maps.Keys(want.Storage), common.Hash.Cmp) {
		value := view.Storage(addr, *new(uint256.Int).SetBytes32(key[:]))
		if wantValue := want.Storage[key]; value.Bytes32() != wantValue {
			note("slot "+key.Hex(), value.Hex(), wantValue.Hex())
		}
	}
	return found
}

func codeOf(view *memstate.View, account chain.Account) []byte {
	if account.CodeHash == types.EmptyCodeHash {
		return nil
	}
	return view.Code(account.CodeHash)
}
