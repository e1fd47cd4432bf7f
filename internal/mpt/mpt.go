// Package mpt turns state diffs into Ethereum's state root, by go-ethereum's
// Merkle-Patricia trie held in memory. It knows diffs and hashes; it knows neither
// who owns the state nor files nor the network.
//
// A Trie belongs to one goroutine.
package mpt

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	gethtrie "github.com/ethereum/go-ethereum/trie"

	"github.com/redline-evm/redline/internal/chain"
)

// Trie holds the keys and values of the state and computes their root. The
// cost of Update and Root grows with what changed since the last Root.
type Trie struct {
	accounts *gethtrie.Trie
	storage  map[common.Address]*gethtrie.Trie // only of accounts that have storage
	changed  map[common.Address]chain.Account  // accounts whose leaf waits for Root
}

// New returns the trie of the empty state.
func New() *Trie {
	return &Trie{
		accounts: newTrie(),
		storage:  map[common.Address]*gethtrie.Trie{},
		changed:  map[common.Address]chain.Account{},
	}
}

// newTrie needs no database: nodes are never committed, so all stay in memory.
func newTrie() *gethtrie.Trie { return gethtrie.NewEmpty(nil) }

// Update applies a diff.
func (t *Trie) Update(d *chain.StateDiff) {
	for i := range d.Accounts {
		a := &d.Accounts[i]
		if a.Deleted {
			remove(t.accounts, a.Address[:])
			delete(t.storage, a.Address)
			delete(t.changed, a.Address)
			continue
		}
		t.changed[a.Address] = a.Account
		t.updateStorage(a.Address, a.Slots)
	}
}

func (t *Trie) updateStorage(addr common.Address, slots []chain.SlotDiff) {
	if len(slots) == 0 {
		return
	}
	storage := t.storage[addr]
	if storage == nil {
		storage = newTrie()
		t.storage[addr] = storage
	}
	for i := range slots {
		if slots[i].Value.IsZero() {
			remove(storage, slots[i].Key[:])
		} else {
			put(storage, slots[i].Key[:], slots[i].Value.Bytes())
		}
	}
}

// Root is the state root after all updates.
func (t *Trie) Root() common.Hash {
	for addr, account := range t.changed {
		put(t.accounts, addr[:], &types.StateAccount{
			Nonce:    account.Nonce,
			Balance:  &account.Balance,
			Root:     t.storageRoot(addr),
			CodeHash: account.CodeHash[:],
		})
	}
	clear(t.changed)
	return t.accounts.Hash()
}

func (t *Trie) storageRoot(addr common.Address) common.Hash {
	storage := t.storage[addr]
	if storage == nil {
		return types.EmptyRootHash
	}
	root := storage.Hash()
	if root == types.EmptyRootHash {
		delete(t.storage, addr)
	}
	return root
}

// put stores the RLP of value under the hash of key.
func put(t *gethtrie.Trie, key []byte, value any) {
	encoded, err := rlp.EncodeToBytes(value)
	if err == nil {
		err = t.Update(crypto.Keccak256(key), encoded)
	}
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot put key %x: %v", key, err))
	}
}

func remove(t *gethtrie.Trie, key []byte) {
	if err := t.Delete(crypto.Keccak256(key)); err != nil {
		panic(fmt.Sprintf("BUG: cannot remove key %x: %v", key, err))
	}
}
