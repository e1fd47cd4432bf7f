package jit

import (
	"unsafe"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// The stacks of all frames of an EVM lie one behind the other in a few chunks
// of memory. A frame's stack starts just above the words that its caller uses,
// so that a call costs no allocation and no clearing. A frame addresses its
// stack by a pointer to the top word, without bounds checks: the headers of the
// basic blocks have checked the height. The word at a frame's base is never
// used, so that the pointer of an empty stack points into the chunk as well.

type word = uint256.Int

const (
	frameWords = 1 + ir.StackMax + temporariesMax // what a frame may need, with the unused word
	chunkWords = 4 * frameWords                   // words of a chunk
	chunksKept = 8                                // chunks kept between top-level calls
	_          = uint(unsafe.Sizeof(word{}) - ir.WordSize)
	_          = uint(ir.WordSize - unsafe.Sizeof(word{}))
)

// stackArena hands out stacks.
type stackArena struct {
	chunks [][]word
	place  stackPlace // where the next stack goes
}

// stackPlace is a position in the arena.
type stackPlace struct {
	chunk int
	used  int // words of the chunk
}

// alloc returns the base of a new stack, to be freed by setting the arena's
// place to that of before.
func (a *stackArena) alloc() *word {
	if len(a.chunks) == 0 {
		a.chunks = append(a.chunks, make([]word, chunkWords))
	}
	if a.place.used+frameWords > chunkWords {
		a.place = stackPlace{chunk: a.place.chunk + 1}
		if a.place.chunk == len(a.chunks) {
			a.chunks = append(a.chunks, make([]word, chunkWords))
		}
	}
	return &a.chunks[a.place.chunk][a.place.used]
}

// protect makes the next stack start above the running one's top.
func (a *stackArena) protect(top *word) {
	first := unsafe.Pointer(unsafe.SliceData(a.chunks[a.place.chunk]))
	a.place.used = int(uintptr(unsafe.Pointer(top))-uintptr(first))/ir.WordSize + 1
}

// release frees all stacks.
func (a *stackArena) release() {
	a.place = stackPlace{}
	if len(a.chunks) > chunksKept {
		clear(a.chunks[chunksKept:])
		a.chunks = a.chunks[:chunksKept]
	}
}

// below returns the word that lies count words below sp.
func below(sp *word, count int) *word {
	return (*word)(unsafe.Add(unsafe.Pointer(sp), -count*ir.WordSize))
}

// above returns the word that lies one above sp.
func above(sp *word) *word {
	return (*word)(unsafe.Add(unsafe.Pointer(sp), ir.WordSize))
}

// heightLimbs is the size of the stack between base and sp, in limbs.
func heightLimbs(sp, base *word) uint64 {
	return uint64(uintptr(unsafe.Pointer(sp))-uintptr(unsafe.Pointer(base))) / 8
}
