package jit

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// Recorder is a State that notes what is written to another one, so that what two
// runs did can be compared. It notes keys and what they held before; the values
// after a run are read when they are asked for, so that reverts need no care but
// for what has no value: logs and destroyed accounts.
type Recorder struct {
	State

	accounts  map[common.Address]AccountEffect
	slots     map[slotName]word
	transient map[slotName]word
	logs      []*types.Log
	destroyed []common.Address
	marks     []recorderMark

	value word // where the State stores what is not kept
}

// slotName names a slot of storage or transient storage.
type slotName struct {
	addr common.Address
	key  word
}

// recorderMark is how much was noted at a checkpoint.
type recorderMark struct{ checkpoint, logs, destroyed int }

// Effects are what a run left behind in a State: the values that are others than
// before, sorted, and logs and destroyed accounts in the order of events.
type Effects struct {
	Accounts  []AccountEffect  `json:"accounts"`
	Slots     []SlotEffect     `json:"slots"`
	Transient []SlotEffect     `json:"transient"`
	Logs      []LogEffect      `json:"logs"`
	Destroyed []common.Address `json:"destroyed"`
}

// AccountEffect is an account as a run left it.
type AccountEffect struct {
	Address  common.Address `json:"address"`
	Nonce    uint64         `json:"nonce"`
	Balance  uint256.Int    `json:"balance"`
	CodeHash common.Hash    `json:"codeHash"`
}

// SlotEffect is a slot as a run left it.
type SlotEffect struct {
	Address common.Address `json:"address"`
	Key     uint256.Int    `json:"key"`
	Value   uint256.Int    `json:"value"`
}

// LogEffect is a log.
type LogEffect struct {
	Address common.Address `json:"address"`
	Topics  []common.Hash  `json:"topics"`
	Data    hexutil.Bytes  `json:"data"`
}

// NewRecorder returns a recorder of what is written to state.
func NewRecorder(state State) *Recorder {
	r := &Recorder{State: state}
	r.Reset()
	return r
}

// recorderKeep is the number of keys that a recorder keeps memory for.
const recorderKeep = 256

// Reset forgets everything.
func (r *Recorder) Reset() {
	r.accounts = cleared(r.accounts)
	r.slots = cleared(r.slots)
	r.transient = cleared(r.transient)
	r.logs, r.destroyed, r.marks = r.logs[:0], r.destroyed[:0], r.marks[:0]
}

func cleared[K comparable, V any](m map[K]V) map[K]V {
	if m == nil || len(m) > recorderKeep {
		return make(map[K]V)
	}
	clear(m)
	return m
}

// Effects returns what was done since the last Reset.
func (r *Recorder) Effects() *Effects {
	e := &Effects{Destroyed: slices.Clone(r.destroyed)}
	for addr, before := range r.accounts {
		if now := r.account(addr); now != before {
			e.Accounts = append(e.Accounts, now)
		}
	}
	slices.SortFunc(e.Accounts, func(a, b AccountEffect) int { return a.Address.Cmp(b.Address) })
	checkpoint := r.State.Checkpoint() // reading makes a slot warm
	e.Slots = r.changed(r.slots, func(name *slotName) { r.State.Storage(&name.addr, &name.key, &r.value) })
	r.State.Revert(checkpoint)
	e.Transient = r.changed(r.transient, func(name *slotName) { r.State.TransientStorage(&name.addr, &name.key, &r.value) })
	for _, log := range r.logs {
		e.Logs = append(e.Logs, LogEffect{log.Address, log.Topics, log.Data})
	}
	return e
}

// changed returns the slots that read now gives another value for.
func (r *Recorder) changed(slots map[slotName]word, read func(*slotName)) []SlotEffect {
	var found []SlotEffect
	for name, before := range slots {
		if read(&name); r.value != before {
			found = append(found, SlotEffect{name.addr, name.key, r.value})
		}
	}
	slices.SortFunc(found, func(a, b SlotEffect) int {
		return cmp.Or(a.Address.Cmp(b.Address), a.Key.Cmp(&b.Key))
	})
	return found
}

// Equal reports whether both runs did the same.
func (e *Effects) Equal(other *Effects) bool {
	return slices.Equal(e.Accounts, other.Accounts) && slices.Equal(e.Slots, other.Slots) &&
		slices.Equal(e.Transient, other.Transient) && slices.Equal(e.Destroyed, other.Destroyed) &&
		slices.EqualFunc(e.Logs, other.Logs, func(a, b LogEffect) bool {
			return a.Address == b.Address && slices.Equal(a.Topics, b.Topics) && bytes.Equal(a.Data, b.Data)
		})
}

func (r *Recorder) account(addr common.Address) AccountEffect {
	r.State.Balance(&addr, &r.value)
	return AccountEffect{addr, r.State.Nonce(addr), r.value, r.State.CodeHash(&addr)}
}

// note notes an account that is about to change.
func (r *Recorder) note(addr common.Address) {
	if _, known := r.accounts[addr]; !known {
		r.accounts[addr] = r.account(addr)
	}
}

// Transfer implements State.
func (r *Recorder) Transfer(from, to *common.Address, amount *uint256.Int) {
	r.note(*from)
	r.note(*to)
	r.State.Transfer(from, to, amount)
}

// SetNonce implements State.
func (r *Recorder) SetNonce(addr common.Address, nonce uint64) {
	r.note(addr)
	r.State.SetNonce(addr, nonce)
}

// SetCode implements State.
func (r *Recorder) SetCode(addr common.Address, code []byte) {
	r.note(addr)
	r.State.SetCode(addr, code)
}

// CreateContract implements State.
func (r *Recorder) CreateContract(addr common.Address) {
	r.note(addr)
	r.State.CreateContract(addr)
}

// SelfDestruct implements State.
func (r *Recorder) SelfDestruct(addr, beneficiary common.Address) {
	r.note(addr)
	r.note(beneficiary)
	r.destroyed = append(r.destroyed, addr)
	r.State.SelfDestruct(addr, beneficiary)
}

// SetStorage implements State.
func (r *Recorder) SetStorage(addr *common.Address, key, value *uint256.Int, change *SlotChange) {
	r.State.SetStorage(addr, key, value, change)
	name := slotName{*addr, *key}
	if _, known := r.slots[name]; !known {
		r.slots[name] = change.Current
	}
}

// SetTransientStorage implements State.
func (r *Recorder) SetTransientStorage(addr *common.Address, key, value *uint256.Int) {
	name := slotName{*addr, *key}
	if _, known := r.transient[name]; !known {
		r.State.TransientStorage(addr, key, &r.value)
		r.transient[name] = r.value
	}
	r.State.SetTransientStorage(addr, key, value)
}

// AddLog implements State.
func (r *Recorder) AddLog(log *types.Log) {
	r.logs = append(r.logs, log)
	r.State.AddLog(log)
}

// Checkpoint implements State.
func (r *Recorder) Checkpoint() int {
	checkpoint := r.State.Checkpoint()
	r.marks = append(r.marks, recorderMark{checkpoint, len(r.logs), len(r.destroyed)})
	return checkpoint
}

// Revert implements State. A checkpoint may be reverted to more than once, and
// several with nothing between them have the same number.
func (r *Recorder) Revert(checkpoint int) {
	last := len(r.marks) - 1
	for ; last >= 0 && r.marks[last].checkpoint >= checkpoint; last-- {
		r.logs, r.destroyed = r.logs[:r.marks[last].logs], r.destroyed[:r.marks[last].destroyed]
	}
	if last+1 < len(r.marks) && r.marks[last+1].checkpoint == checkpoint {
		last++ // one of that number stays
	}
	r.marks = r.marks[:last+1]
	r.State.Revert(checkpoint)
}
