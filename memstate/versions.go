package memstate

import (
	"slices"
	"sort"
)

// stamp says when a value was written: by which commit, and in which EVM block.
type stamp struct {
	version uint64
	block   uint64
}

// versioned is a value with as much of its past as views may ask for. The zero
// value was never written and reads as the zero T.
//
// Invariant: the stamps of the history ascend and are below the stamp of the
// value.
type versioned[T comparable] struct {
	value T
	stamp
	older *history[T] // a pointer, because most values have none
}

// history is the past of a value. It exists as long as there is some, or
// retirement holds a look at it.
type history[T comparable] struct {
	past    []past[T]
	settled int // so many of the oldest stay until they leave the horizon
	looks   [lookKinds]bool
}

// look is a reason for retirement to come back to a value. It holds each at
// most once for a value.
type look uint8

const (
	lookSoon  look = iota // views of single mini-blocks have expired
	lookLate              // the oldest end of an EVM block has left the horizon
	lookKinds             // how many there are
)

// past is a value that held from its stamp to the stamp of the next one.
type past[T comparable] struct {
	value T
	stamp
}

// at returns the value as of a version.
func (x *versioned[T]) at(version uint64) (value T) {
	if x.version <= version {
		return x.value
	}
	if x.older == nil {
		return value
	}
	older := x.older.past
	next := sort.Search(len(older), func(i int) bool { return older[i].version > version })
	if next == 0 {
		return value
	}
	return older[next-1].value
}

// set writes a value, and reports whether retirement must look at it soon.
func (x *versioned[T]) set(value T, now stamp) (lookAgain bool) {
	if x.version == 0 {
		x.value, x.stamp = value, now
		return false
	}
	if x.value == value {
		return false
	}
	if x.older == nil {
		x.older = &history[T]{}
	}
	h := x.older
	h.past = append(h.past, past[T]{x.value, x.stamp})
	x.value, x.stamp = value, now
	lookAgain = !h.looks[lookSoon]
	h.looks[lookSoon] = true
	return lookAgain
}

// retire drops what no view can ask for when block is the open EVM block, and
// returns the EVM blocks in which to come back for each kind of look; zero for
// what is not worth it or is held already.
//
// A past value that ended in EVM block `until` is needed by views of single
// mini-blocks while until is not more than ViewLife ago. If it also was the
// last of an EVM block, views of that block need it horizon blocks longer.
func (x *versioned[T]) retire(why look, block, horizon uint64) (again [lookKinds]uint64) {
	h := x.older
	if h == nil {
		return again
	}
	h.looks[why] = false
	if why == lookLate {
		h.settled = 0
	}
	first := h.settled
	kept := h.past[:first]
	for i := first; i < len(h.past); i++ {
		p, until := h.past[i], x.block
		if i+1 < len(h.past) {
			until = h.past[i+1].block
		}
		switch {
		case until+ViewLife >= block: // a view of a single mini-block may ask
			again[lookSoon] = block + ViewLife + 1
		case p.block < until && until+ViewLife+horizon > block: // a view of an EVM block may
			h.settled = len(kept) + 1
			if again[lookLate] == 0 && horizon != everything {
				again[lookLate] = max(until+ViewLife+horizon, block+ViewLife+1)
			}
		default:
			continue
		}
		kept = append(kept, p)
	}
	if cap(kept) > 4*len(kept) {
		kept = slices.Clone(kept)
	}
	h.past = kept
	for kind := range again {
		if h.looks[kind] {
			again[kind] = 0
		}
		h.looks[kind] = h.looks[kind] || again[kind] != 0
	}
	if len(kept) == 0 && h.looks == ([lookKinds]bool{}) {
		x.older = nil
	}
	return again
}
