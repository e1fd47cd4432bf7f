package exec

import (
	"bytes"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
)

// Diff returns what changed since the last Diff, or since Reset: final values,
// and only those that differ. The journal goes on from there. It is called
// between transactions.
func (j *Journal) Diff() *chain.StateDiff {
	if len(j.undo) > 0 {
		panic("BUG: diff inside a transaction")
	}
	accounts, slots := j.changedAccounts(), j.changedSlots()
	diff := &chain.StateDiff{}
	codes := make(map[common.Hash][]byte)
	for _, a := range accounts {
		own := j.takeSlots(&slots, a.addr)
		if !a.valuesChanged() && len(own) == 0 {
			continue
		}
		entry := chain.AccountDiff{Address: a.addr, Deleted: !a.exists}
		if a.exists {
			entry.Account, entry.Slots = a.Account, own
			if a.CodeHash != a.base.CodeHash && a.CodeHash != types.EmptyCodeHash {
				codes[a.CodeHash] = j.codeOf(a)
			}
		}
		diff.Accounts = append(diff.Accounts, entry)
	}
	diff.Codes = sortedCodes(codes)
	j.rebase()
	return diff
}

// changedAccounts returns the accounts that may have changed, sorted by
// address.
func (j *Journal) changedAccounts() []*account {
	accounts := make([]*account, len(j.dirtyAccounts))
	for i, handle := range j.dirtyAccounts {
		accounts[i] = j.accounts.at(handle)
	}
	slices.SortFunc(accounts, func(a, b *account) int { return bytes.Compare(a.addr[:], b.addr[:]) })
	return accounts
}

// changedSlots returns the slots with another value, sorted by address and key.
func (j *Journal) changedSlots() []*slot {
	var slots []*slot
	for _, handle := range j.dirtySlots {
		if s := j.slots.slots.at(handle); s.value != s.base {
			slots = append(slots, s)
		}
	}
	slices.SortFunc(slots, func(a, b *slot) int {
		if a.account != b.account {
			addrA, addrB := j.accounts.at(a.account).addr, j.accounts.at(b.account).addr
			return bytes.Compare(addrA[:], addrB[:])
		}
		return a.key.Cmp(&b.key)
	})
	return slots
}

// takeSlots moves the slots of one account off the front of slots.
func (j *Journal) takeSlots(slots *[]*slot, addr common.Address) []chain.SlotDiff {
	n := 0
	for n < len(*slots) && j.accounts.at((*slots)[n].account).addr == addr {
		n++
	}
	if n == 0 {
		return nil
	}
	own := make([]chain.SlotDiff, n)
	for i, s := range (*slots)[:n] {
		own[i] = chain.SlotDiff{Key: s.key.Bytes32(), Value: s.value}
	}
	*slots = (*slots)[n:]
	return own
}

// valuesChanged reports whether the account differs from its base, its slots
// aside. An account that vanished and was not there before does not.
func (a *account) valuesChanged() bool {
	return a.exists != a.baseExists || a.exists && a.Account != a.base
}

func sortedCodes(codes map[common.Hash][]byte) []chain.Code {
	var sorted []chain.Code
	for hash, code := range codes {
		sorted = append(sorted, chain.Code{Hash: hash, Bytes: code})
	}
	slices.SortFunc(sorted, func(a, b chain.Code) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	return sorted
}

// rebase makes the present values the base of the next diff.
func (j *Journal) rebase() {
	for _, handle := range j.dirtyAccounts {
		a := j.accounts.at(handle)
		a.base, a.baseExists = a.Account, a.exists
	}
	for _, handle := range j.dirtySlots {
		s := j.slots.slots.at(handle)
		s.base = s.value
	}
	j.dirtyAccounts, j.dirtySlots = j.dirtyAccounts[:0], j.dirtySlots[:0]
	j.epoch++
}
