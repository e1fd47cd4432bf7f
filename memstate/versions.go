package memstate

import (
	"math"
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
// Invariant: the stamps of older ascend and are below the stamp of the value.
type versioned[T comparable] struct {
	value T
	stamp
	older *[]past[T] // nil or not empty; a pointer, because most values have none
}

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
	older := *x.older
	next := sort.Search(len(older), func(i int) bool { return older[i].version > version })
	if next == 0 {
		return value
	}
	return older[next-1].value
}

// set writes a value, and reports whether it is the first that has a past, so
// that the past must be retired some day.
func (x *versioned[T]) set(value T, now stamp) (firstPast bool) {
	if x.version == 0 {
		x.value, x.stamp = value, now
		return false
	}
	if x.value == value {
		return false
	}
	if x.older == nil {
		firstPast = true
		x.older = new([]past[T])
	}
	*x.older = append(*x.older, past[T]{x.value, x.stamp})
	x.value, x.stamp = value, now
	return firstPast
}

// retire drops what no view can ask for when block is the open EVM block, and
// returns the EVM block in which it is worth doing it again; zero when no past
// is left.
//
// A past value that ended in EVM block `until` is needed by views of single
// mini-blocks while until is not more than ViewLife ago. If it also was the
// last of an EVM block, views of that block need it Horizon blocks longer.
func (x *versioned[T]) retire(block uint64) (again uint64) {
	if x.older == nil {
		return 0
	}
	older := *x.older
	kept := older[:0]
	again = math.MaxUint64
	for i, p := range older {
		until := x.block
		if i+1 < len(older) {
			until = older[i+1].block
		}
		switch {
		case until+ViewLife >= block: // a view of a single mini-block may ask
			again = block + ViewLife + 1
		case p.block < until && until+ViewLife+Horizon > block: // a view of an EVM block may
			again = min(again, max(until+ViewLife+Horizon, block+ViewLife+1))
		default:
			continue
		}
		kept = append(kept, p)
	}
	if len(kept) == 0 {
		x.older = nil
		return 0
	}
	if cap(kept) > 4*len(kept) {
		kept = slices.Clone(kept)
	}
	*x.older = kept
	return again
}
