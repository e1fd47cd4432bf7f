package exec

import (
	"math/bits"
	"math/rand/v2"

	"github.com/holiman/uint256"

	words "github.com/redline-evm/redline/jit/word"
)

// slot is one storage slot that the journal has met. It holds no pointers, so
// that the collector need not look at slots.
type slot struct {
	key      uint256.Int
	value    uint256.Int
	original uint256.Int // at the start of transaction warmTx
	base     uint256.Int // at the last diff
	warmTx   uint64      // transaction in which the slot is warm
	dirtyIn  uint64      // epoch in which it was written
	account  uint32      // handle of its account
	next     uint32      // next slot of the same account, plus one
}

// slotTable finds slots by account and key: open addressing with linear
// probing over handles. Nothing is ever removed but all at once.
//
// Keys come from contracts, hence from strangers: the hash is seeded per table,
// so that nobody can choose keys that collide.
type slotTable struct {
	cells []uint32 // handle plus one; zero is free. Length is a power of two
	slots slab[slot]
	seed  [5]uint64
}

const (
	slotCellsMin  = 1 << 8
	slotCellsKeep = 1 << 16 // cells and slots beyond this are given back at reset
)

func newSlotTable() slotTable {
	t := slotTable{cells: make([]uint32, slotCellsMin)}
	for i := range t.seed {
		t.seed[i] = rand.Uint64()
	}
	return t
}

// find returns the slot, or nil and the cell where it belongs.
func (t *slotTable) find(account uint32, key *uint256.Int) (*slot, uint32, uint64) {
	mask := uint64(len(t.cells) - 1)
	for cell := t.hash(account, key) & mask; ; cell = (cell + 1) & mask {
		handle := t.cells[cell]
		if handle == 0 {
			return nil, 0, cell
		}
		s := t.slots.at(handle - 1)
		if s.account == account && words.Equal(&s.key, key) {
			return s, handle - 1, cell
		}
	}
}

// insert adds a slot at the cell that find named.
func (t *slotTable) insert(cell uint64, account uint32, key *uint256.Int) (*slot, uint32) {
	s, handle := t.slots.add()
	s.account, s.key = account, *key
	t.cells[cell] = handle + 1
	if 2*int(t.slots.count) > len(t.cells) {
		t.grow()
	}
	return s, handle
}

func (t *slotTable) grow() {
	t.cells = make([]uint32, 2*len(t.cells))
	mask := uint64(len(t.cells) - 1)
	for handle := range t.slots.count {
		s := t.slots.at(handle)
		cell := t.hash(s.account, &s.key) & mask
		for t.cells[cell] != 0 {
			cell = (cell + 1) & mask
		}
		t.cells[cell] = handle + 1
	}
}

// hash folds 128-bit products of seeded words, as wyhash does.
func (t *slotTable) hash(account uint32, key *uint256.Int) uint64 {
	h1, l1 := bits.Mul64(key[0]^t.seed[0], key[1]^t.seed[1])
	h2, l2 := bits.Mul64(key[2]^t.seed[2], key[3]^t.seed[3])
	h3, l3 := bits.Mul64(h1^l1^uint64(account), h2^l2^t.seed[4])
	return h3 ^ l3
}

func (t *slotTable) reset() {
	if len(t.cells) > slotCellsKeep {
		t.cells = make([]uint32, slotCellsKeep)
	} else {
		clear(t.cells)
	}
	t.slots.reset(slotCellsKeep / slabChunkLen)
}
