package exec

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit"
	words "github.com/redline-evm/redline/jit/word"
)

// Journal is the state of an execution: what a StateView says, overlaid with
// all changes since. It lives through many transactions and many diffs.
//
//	view ─▶ base (at the last Diff) ─▶ value at the transaction's start ─▶ value
//	        ╰──────────── Diff ────────────────────────────────────────────╯
//	                                   ╰── Revert, through the undo log ───╯
//
// Marks that last for one transaction (warm, created, destroyed, touched) hold
// the number of that transaction, and marks that last until the next Diff hold
// the epoch's number: the next transaction or epoch need not clear them. All
// memory serves again, so that a transaction allocates nothing in the long run
// but its logs.
//
// The view must stay true until the next Reset; the owner resets the journal
// onto a newer view, which holds the diffs taken so far, before it expires or
// the journal becomes too large, say at each EVM block. A view that cannot
// answer panics.
type Journal struct {
	view     StateView
	handles  map[common.Address]uint32
	accounts slab[account]
	slots    slotTable
	codes    map[common.Hash][]byte // set since the last Reset

	last   *account                 // the account asked for last
	recent [recentAccounts]*account // by address, those asked for lately: a short cut past handles

	recentSlots [recentSlotCount]recentSlot // likewise past slots, by key

	tx      uint64 // number of the running transaction, from 1
	epoch   uint64 // number of the running diff, from 1
	undo    []undoEntry
	touched []uint32 // accounts touched by the transaction; may hold doubles
	logs    []*types.Log

	transient       map[transientKey]uint32 // position in transientValues
	transientValues []uint256.Int

	dirtyAccounts []uint32 // handles of what was written in this epoch
	dirtySlots    []uint32
}

var _ jit.State = (*Journal)(nil)

// account is one account that the journal has met.
type account struct {
	addr   common.Address
	handle uint32
	chain.Account
	code        []byte // nil until asked for
	base        chain.Account
	baseExists  bool // at the last diff
	exists      bool // at the start of the transaction
	noStorage   bool // slots that the journal has not met are zero
	alwaysWarm  bool // a precompile
	warmTx      uint64
	touchedTx   uint64
	createdTx   uint64
	destroyedTx uint64 // destroyed in this transaction (EIP-6780)
	dirtyIn     uint64
	firstSlot   uint32 // plus one; the rest through slot.next
}

// recentSlot is a slot asked for lately; nil for none.
type recentSlot struct {
	slot   *slot
	handle uint32
}

type transientKey struct {
	account uint32
	key     uint256.Int
}

// Bounds of the memory that a Reset keeps.
const (
	accountsKeep = 1 << 12
	undoKeep     = 1 << 16
)

// How many accounts and slots are found without a lookup at best.
const (
	recentAccounts  = 128
	recentSlotCount = 64
)

// NewJournal returns a journal without changes.
func NewJournal(view StateView) *Journal {
	j := &Journal{
		handles:   make(map[common.Address]uint32),
		slots:     newSlotTable(),
		codes:     make(map[common.Hash][]byte),
		transient: make(map[transientKey]uint32),
	}
	j.Reset(view)
	return j
}

// Reset drops everything and starts again over view. The journal keeps its
// memory up to a bound.
func (j *Journal) Reset(view StateView) {
	if j.accounts.count > accountsKeep {
		j.handles = make(map[common.Address]uint32)
	} else {
		clear(j.handles)
	}
	j.view = view
	j.accounts.reset(accountsKeep / slabChunkLen)
	j.slots.reset()
	clear(j.codes)
	j.last = nil
	clear(j.recent[:])
	clear(j.recentSlots[:])
	if cap(j.undo) > undoKeep {
		j.undo = nil
	}
	j.tx, j.epoch = 1, 1
	j.clearTx()
	j.dirtyAccounts, j.dirtySlots = j.dirtyAccounts[:0], j.dirtySlots[:0]
}

// Finish ends the transaction: accounts it destroyed and empty accounts it
// touched vanish (EIP-6780, EIP-161), and nothing can be reverted any more.
func (j *Journal) Finish() {
	for _, handle := range j.touched {
		a := j.accounts.at(handle)
		if a.touchedTx != j.tx {
			continue // the touch was reverted
		}
		if a.exists = !a.Empty() && a.destroyedTx != j.tx; !a.exists {
			j.delete(a)
		}
	}
	j.tx++
	j.clearTx()
}

func (j *Journal) clearTx() {
	j.undo, j.touched, j.logs = j.undo[:0], j.touched[:0], nil
	if len(j.transient) > 0 {
		clear(j.transient)
		j.transientValues = j.transientValues[:0]
	}
}

// delete removes the account and its storage.
func (j *Journal) delete(a *account) {
	a.Account, a.code = chain.NewAccount(), nil
	j.clearStorage(a)
}

// clearStorage makes all slots of the account zero, for good.
func (j *Journal) clearStorage(a *account) {
	a.noStorage = true
	for next := a.firstSlot; next != 0; {
		s := j.slots.slots.at(next - 1)
		j.markSlot(s, next-1)
		s.value.Clear()
		next = s.next
	}
}

// Logs returns the logs of the running transaction; the caller may keep them.
func (j *Journal) Logs() []*types.Log { return j.logs }

// Exists reports whether the account is in the state or has become more than
// empty in this transaction.
func (j *Journal) Exists(addr common.Address) bool {
	a := j.account(&addr)
	return a.exists || !a.Empty()
}

// Empty implements jit.State.
func (j *Journal) Empty(addr *common.Address) bool { return j.account(addr).Empty() }

// Balance implements jit.State.
func (j *Journal) Balance(addr *common.Address, out *uint256.Int) {
	words.Copy(out, &j.account(addr).Balance)
}

// Transfer implements jit.State.
func (j *Journal) Transfer(from, to *common.Address, amount *uint256.Int) {
	j.debit(from, amount)
	j.credit(to, amount)
}

// AddBalance credits the account and touches it, also with nothing.
func (j *Journal) AddBalance(addr common.Address, amount *uint256.Int) { j.credit(&addr, amount) }

func (j *Journal) credit(addr *common.Address, amount *uint256.Int) {
	a := j.change(addr)
	if !amount.IsZero() {
		j.push(undoBalance, &a.Balance)
		a.Balance.Add(&a.Balance, amount)
	}
}

// SubBalance debits the account, which must own the amount, and touches it.
func (j *Journal) SubBalance(addr common.Address, amount *uint256.Int) { j.debit(&addr, amount) }

func (j *Journal) debit(addr *common.Address, amount *uint256.Int) {
	a := j.change(addr)
	if a.Balance.Lt(amount) {
		panic(fmt.Sprintf("BUG: %s owns %s; cannot pay %s", a.addr, a.Balance.Dec(), amount.Dec()))
	}
	if !amount.IsZero() {
		j.push(undoBalance, &a.Balance)
		a.Balance.Sub(&a.Balance, amount)
	}
}

// SetBalance replaces the account's balance and touches it.
func (j *Journal) SetBalance(addr common.Address, wei *uint256.Int) {
	a := j.change(&addr)
	j.push(undoBalance, &a.Balance)
	a.Balance = *wei
}

// Nonce implements jit.State.
func (j *Journal) Nonce(addr common.Address) uint64 { return j.account(&addr).Nonce }

// SetNonce implements jit.State.
func (j *Journal) SetNonce(addr common.Address, nonce uint64) {
	a := j.change(&addr)
	j.push(undoNonce, &uint256.Int{a.Nonce})
	a.Nonce = nonce
}

// Code implements jit.State.
func (j *Journal) Code(addr *common.Address) ([]byte, common.Hash) {
	a := j.account(addr)
	return j.codeOf(a), a.visibleCodeHash()
}

// CodeSize implements jit.State.
func (j *Journal) CodeSize(addr *common.Address) int { return len(j.codeOf(j.account(addr))) }

// CodeHash implements jit.State.
func (j *Journal) CodeHash(addr *common.Address) common.Hash {
	return j.account(addr).visibleCodeHash()
}

// visibleCodeHash is the code hash as EXTCODEHASH shows it (EIP-1052).
func (a *account) visibleCodeHash() common.Hash {
	if a.Empty() {
		return common.Hash{}
	}
	return a.CodeHash
}

func (j *Journal) codeOf(a *account) []byte {
	if a.code != nil || a.CodeHash == types.EmptyCodeHash {
		return a.code
	}
	code, ok := j.codes[a.CodeHash]
	if !ok {
		code = j.view.Code(a.CodeHash)
	}
	if len(code) == 0 {
		panic(fmt.Sprintf("BUG: the state has no code %s of account %s", a.CodeHash, a.addr))
	}
	a.code = code
	return code
}

// SetCode implements jit.State.
func (j *Journal) SetCode(addr common.Address, code []byte) {
	a := j.change(&addr)
	j.push(undoCode, new(uint256.Int).SetBytes32(a.CodeHash[:]))
	if len(code) == 0 {
		a.CodeHash, a.code = types.EmptyCodeHash, nil
		return
	}
	var hash common.Hash
	words.Sum256((*[32]byte)(&hash), code)
	j.codes[hash] = code
	a.CodeHash, a.code = hash, code
}

// CanCreate implements jit.State. Storage alone does not stop a creation: on
// this chain no account has storage but neither code nor nonce (EIP-7610).
func (j *Journal) CanCreate(addr common.Address) bool {
	a := j.account(&addr)
	return a.Nonce == 0 && a.CodeHash == types.EmptyCodeHash
}

// CreateContract implements jit.State.
func (j *Journal) CreateContract(addr common.Address) {
	j.SetNonce(addr, 1)
	a := j.account(&addr)
	if a.createdTx != j.tx {
		a.createdTx = j.tx
		j.mark(undoCreated)
	}
}

// SelfDestruct implements jit.State. A contract that this transaction created
// loses its balance even when it is its own beneficiary; any other keeps it
// then.
func (j *Journal) SelfDestruct(addr, beneficiary common.Address) {
	a := j.change(&addr)
	balance := a.Balance
	if a.createdTx != j.tx {
		j.Transfer(&addr, &beneficiary, &balance)
		return
	}
	j.debit(&addr, &balance)
	if beneficiary != addr {
		j.credit(&beneficiary, &balance)
	}
	a = j.account(&addr)
	if a.destroyedTx != j.tx {
		a.destroyedTx = j.tx
		j.mark(undoDestroyed)
	}
}

// WarmAccount implements jit.State.
func (j *Journal) WarmAccount(addr *common.Address) (cold bool) {
	a := j.account(addr)
	if a.warmTx == j.tx || a.alwaysWarm {
		return false
	}
	a.warmTx = j.tx
	j.mark(undoWarmAccount)
	return true
}

// KeepWarm makes the accounts warm in every transaction until Reset, as
// precompiles are.
func (j *Journal) KeepWarm(addrs []common.Address) {
	for i := range addrs {
		j.account(&addrs[i]).alwaysWarm = true
	}
}

// AddLog implements jit.State.
func (j *Journal) AddLog(log *types.Log) {
	j.logs = append(j.logs, log)
	j.mark(undoLog)
}

// change returns the account for a change of its values, which also touches it.
func (j *Journal) change(addr *common.Address) *account {
	a := j.account(addr)
	j.markAccount(a)
	if a.touchedTx != j.tx {
		a.touchedTx = j.tx
		j.touched = append(j.touched, a.handle)
		j.mark(undoTouch)
	}
	return a
}

// push notes what brings the last account's value back.
func (j *Journal) push(kind undoKind, word *uint256.Int) {
	words.Copy(&j.note(kind, j.last.handle).word, word)
}

// mark notes what takes a mark of the last account away.
func (j *Journal) mark(kind undoKind) { j.note(kind, j.last.handle) }

// markAccount notes that the account was written.
func (j *Journal) markAccount(a *account) {
	if a.dirtyIn != j.epoch {
		a.dirtyIn = j.epoch
		j.dirtyAccounts = append(j.dirtyAccounts, a.handle)
	}
}

// account returns the account and makes it the last one asked for.
func (j *Journal) account(addr *common.Address) *account {
	a := j.recent[addr[len(addr)-1]%recentAccounts]
	if a == nil || !words.EqualAddresses((*[words.AddressSize]byte)(&a.addr), (*[words.AddressSize]byte)(addr)) {
		a = j.lookup(addr)
	}
	j.last = a
	return a
}

// lookup returns the account and makes it a recent one.
func (j *Journal) lookup(addr *common.Address) *account {
	recent := &j.recent[addr[len(addr)-1]%recentAccounts]
	if handle, ok := j.handles[*addr]; ok {
		*recent = j.accounts.at(handle)
	} else {
		*recent = j.load(*addr)
	}
	return *recent
}

func (j *Journal) load(addr common.Address) *account {
	values, exists := j.view.Account(addr)
	if !exists {
		values = chain.NewAccount()
	}
	a, handle := j.accounts.add()
	a.addr, a.handle = addr, handle
	a.Account, a.exists = values, exists
	a.base, a.baseExists = values, exists
	a.noStorage = !exists
	j.handles[addr] = handle
	return a
}
