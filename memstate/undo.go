package memstate

import (
	"sync/atomic"
	"unsafe"
)

// This file keeps the values that records had, for views of the past.
//
// An undo record holds a value that was overwritten, and the version that had
// written it. Those of one state record are a list, newest first. There are two
// kinds, which live differently long:
//
//   - short: overwritten in the EVM block that wrote it. Only views of single
//     mini-blocks ask for it, for ViewLife EVM blocks.
//   - long: it was the value at the end of an EVM block. Views of that EVM block
//     ask for it, for the horizon.
//
// Each undo record points to the one before it and to the long one before it, so
// that the long ones hold together when the short ones between are gone.
//
// Undo records are given out in runs for one EVM block and one kind, and the runs
// of a kind form a queue in time: what has lived long enough is at its front.
//
// Memory order: all words are atomic. A record is filled while its first word is
// undoInvalid, and is referred to after it has its version. Its place is used
// again only when every view that was there when it died has expired, so a reader
// with a true view finds what it needs as it was written. It may come by a stale
// reference to a record that it does not need: then owner or version are not
// those that it expects.

// undo is the header of an undo record; the value follows.
//
//	0  version that wrote the value | undoDead | undoLong
//	1  id of the owner
//	2  the undo record before, zero if there is none
//	3  the long undo record before, zero if there is none
type undo [undoHeader]uint64

const (
	undoVersion  = 0
	undoOwner    = 1
	undoPrev     = 2
	undoPrevLong = 3
	undoHeader   = 4

	undoDead    = 1 << 63 // no view can ask for it
	undoLong    = 1 << 62
	undoMask    = undoLong - 1
	undoInvalid = 1<<64 - 1
)

// undoRun is how many undo records a run has. Their numbers follow each other.
const undoRun = 64

// undoLog holds undo records. All of it but reading is the committer's.
type undoLog struct {
	records arena
	size    int // of a value, in words
	queues  [2]undoQueue
	fresh   uint64      // the first number that was never in use
	pushed  int         // since it was last looked at
	spare   []usedUndos // runs to use again, oldest first
}

// undoQueue is the living runs of one kind, oldest first.
type undoQueue struct {
	runs []usedUndos
	done uint64 // so many of the first run are dead
}

// usedUndos is a run of undo records.
type usedUndos struct {
	block uint64 // the EVM block in which they were written, or the run died
	first uint64
	count uint64 // how many are used
}

const (
	short = 0
	long  = 1
)

func newUndoLog(m *memory, size int) undoLog {
	return undoLog{records: newArena(m, uintptr(undoHeader+size)*8), size: size, fresh: undoRun} // zero is no record
}

func (l *undoLog) at(ref uint64) *undo { return (*undo)(l.records.at(ref)) }

// value is the value of an undo record.
func (l *undoLog) value(u *undo) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Add(unsafe.Pointer(u), unsafe.Sizeof(undo{}))), l.size)
}

// push adds an undo record of a value in the open EVM block, and returns its
// number. Prev is the newest undo record of the same owner. A place is used again
// if it died so long before the EVM block `seen`, the newest that readers know of.
func (l *undoLog) push(kind int, owner, version, prev uint64, value []uint64, block, seen uint64) uint64 {
	ref := l.next(kind, block, seen)
	u := l.at(ref)
	atomic.StoreUint64(&u[undoVersion], undoInvalid)
	atomic.StoreUint64(&u[undoOwner], owner)
	atomic.StoreUint64(&u[undoPrev], prev)
	atomic.StoreUint64(&u[undoPrevLong], l.newestLong(prev))
	storeWords(l.value(u), value)
	if kind == long {
		version |= undoLong
	}
	l.pushed++
	atomic.StoreUint64(&u[undoVersion], version)
	return ref
}

// newestLong is the newest long undo record of a list that begins at ref.
func (l *undoLog) newestLong(ref uint64) uint64 {
	if ref == 0 {
		return 0
	}
	if u := l.at(ref); u[undoVersion]&undoLong == 0 {
		return u[undoPrevLong]
	}
	return ref
}

func (l *undoLog) next(kind int, block, seen uint64) uint64 {
	q := &l.queues[kind]
	if n := len(q.runs); n == 0 || q.runs[n-1].block != block || q.runs[n-1].count == undoRun {
		q.runs = append(q.runs, usedUndos{block: block, first: l.newRun(seen)})
	}
	run := &q.runs[len(q.runs)-1]
	run.count++
	return run.first + run.count - 1
}

func (l *undoLog) newRun(seen uint64) (first uint64) {
	if len(l.spare) > 0 && l.spare[0].block+ViewLife < seen {
		first = l.spare[0].first
		l.spare = l.spare[1:]
		return first
	}
	first = l.fresh
	l.fresh += undoRun
	l.records.grow(l.fresh)
	return first
}

// find copies the value that owner had at a version into value, and reports
// whether there is one. It begins at owner's last undo record, ref.
func (l *undoLog) find(ref, owner, version uint64, value []uint64) bool {
	next := uint64(undoMask) // the version that overwrote the value of ref, or one above
	for fallback := uint64(0); ref != 0; {
		u := l.at(ref)
		head := atomic.LoadUint64(&u[undoVersion])
		prev, prevLong := atomic.LoadUint64(&u[undoPrev]), atomic.LoadUint64(&u[undoPrevLong])
		wrote := head & undoMask
		known := atomic.LoadUint64(&u[undoOwner]) == owner && wrote < next
		loadWords(value, l.value(u))
		if !known || atomic.LoadUint64(&u[undoVersion])&undoMask != wrote { // it is another's by now
			ref, fallback = fallback, 0
			continue
		}
		if wrote <= version {
			return true
		}
		next = wrote
		ref, fallback = prev, prevLong
		if l.isAfter(prevLong, owner, version, next) {
			ref, fallback = prevLong, 0 // none of the short ones between is wanted
		}
	}
	return false
}

// isAfter reports whether ref is an undo record of owner that was written by a
// version above the given one and below next.
func (l *undoLog) isAfter(ref, owner, version, next uint64) bool {
	if ref == 0 {
		return false
	}
	u := l.at(ref)
	wrote := atomic.LoadUint64(&u[undoVersion]) & undoMask
	return atomic.LoadUint64(&u[undoOwner]) == owner && wrote > version && wrote < next
}

// lives reports whether ref is an undo record of owner that was written before
// version and may still be asked for.
func (l *undoLog) lives(ref, owner, version uint64) bool {
	if ref == 0 {
		return false
	}
	u := l.at(ref)
	return u[undoOwner] == owner && u[undoVersion]&undoDead == 0 && u[undoVersion]&undoMask < version
}

// due returns the number of the oldest undo record of a kind if it was written in
// EVM block until or before.
func (l *undoLog) due(kind int, until uint64) (ref uint64, is bool) {
	q := &l.queues[kind]
	if len(q.runs) == 0 || q.runs[0].block > until {
		return 0, false
	}
	return q.runs[0].first + q.done, true
}

// bury marks the oldest undo record of a kind as dead, in the open EVM block.
func (l *undoLog) bury(kind int, block uint64) {
	q := &l.queues[kind]
	run := &q.runs[0]
	u := l.at(run.first + q.done)
	atomic.StoreUint64(&u[undoVersion], u[undoVersion]|undoDead)
	q.done++
	if q.done < run.count {
		return
	}
	l.spare = append(l.spare, usedUndos{block: block, first: run.first})
	q.runs = q.runs[1:]
	q.done = 0
}

// len is how many undo records live.
func (l *undoLog) len() (n uint64) {
	for i := range l.queues {
		for _, run := range l.queues[i].runs {
			n += run.count
		}
		n -= l.queues[i].done
	}
	return n
}
