package exec

import (
	"fmt"
	"slices"

	"github.com/holiman/uint256"

	words "github.com/redline-evm/redline/jit/word"
)

// undoKind names what an undo entry brings back.
type undoKind uint8

const (
	undoBalance undoKind = iota
	undoNonce
	undoCode
	undoTouch
	undoCreated
	undoDestroyed
	undoWarmAccount
	undoWarmSlot
	undoSlot
	undoTransient
	undoLog
)

// undoEntry brings one value back. Marks are brought back as "not set", which
// is what they were when the entry was made.
type undoEntry struct {
	word   uint256.Int // balance, nonce, code hash or slot value
	handle uint32      // of the account, slot or transient slot
	kind   undoKind
}

// note appends an entry, whose word is not set, and returns it. It is valid until
// the next.
func (j *Journal) note(kind undoKind, handle uint32) *undoEntry {
	n := len(j.undo)
	if n == cap(j.undo) {
		j.undo = slices.Grow(j.undo, 1)
	}
	j.undo = j.undo[:n+1]
	e := &j.undo[n]
	e.kind, e.handle = kind, handle
	return e
}

// Checkpoint implements jit.State.
func (j *Journal) Checkpoint() int { return len(j.undo) }

// Revert implements jit.State.
func (j *Journal) Revert(checkpoint int) {
	if checkpoint > len(j.undo) {
		panic(fmt.Sprintf("BUG: revert to change %d of %d", checkpoint, len(j.undo)))
	}
	for i := len(j.undo) - 1; i >= checkpoint; i-- {
		j.revertEntry(&j.undo[i])
	}
	j.undo = j.undo[:checkpoint]
}

func (j *Journal) revertEntry(e *undoEntry) {
	switch e.kind {
	case undoBalance:
		j.accounts.at(e.handle).Balance = e.word
	case undoNonce:
		j.accounts.at(e.handle).Nonce = e.word[0]
	case undoCode:
		a := j.accounts.at(e.handle)
		a.CodeHash, a.code = e.word.Bytes32(), nil
	case undoTouch:
		j.accounts.at(e.handle).touchedTx = 0
	case undoCreated:
		j.accounts.at(e.handle).createdTx = 0
	case undoDestroyed:
		j.accounts.at(e.handle).destroyedTx = 0
	case undoWarmAccount:
		j.accounts.at(e.handle).warmTx = 0
	case undoWarmSlot:
		j.slots.slots.at(e.handle).warmTx = 0
	case undoSlot:
		words.Copy(&j.slots.slots.at(e.handle).value, &e.word)
	case undoTransient:
		j.transientValues[e.handle] = e.word
	case undoLog:
		j.logs = j.logs[:len(j.logs)-1]
	}
}
