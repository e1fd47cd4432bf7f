package memstate

import (
	"hash/maphash"
	"sync/atomic"
	"unsafe"
)

// This file keeps records by id: values that change, each with its key, its
// version and what it was before. There are two tables, of accounts and of slots.
//
// A record is a cache line, and its key half a line beside it. Two records share
// three lines, so that a record and its key are always neighbours:
//
//	| record 2n | key 2n, key 2n+1 | record 2n+1 |
//	  64 bytes    32       32        64
//
// A record has eight words. The value takes the last ones.
//
//	        account                    slot
//	0       version                    version
//	1       last undo record           last undo record, account (low 24 bits)
//	2       balance                    next slot, account (high 16 bits)
//	3       balance                    slot before
//	4…5     balance                    value
//	6…7     nonce, code                value
//	key     address (20 bytes),        key
//	        first slot (word 3)
//
// Memory order: one goroutine writes, and all words are atomic. It writes first
// the undo record and the reference to it, then the version, then the value; no
// view has that version yet. A reader takes the version, the value and the version
// again. If both are the same and not above its own, the value is whole, for it
// changes only after the version. Otherwise the value that it wants has been
// overwritten and is in the undo log, to which the reference was there before the
// version. So no reader ever waits.

const (
	accountValue = 6 // words
	slotValue    = 4
	valueMax     = accountValue

	recordVersion = 0
	recordUndo    = 1 // and bits of the slot's account
	slotNext      = 2 // and bits of the slot's account
	slotBefore    = 3
	recordWords   = 8

	keyWords  = 4
	firstSlot = 3 // word of an account's key

	lineBytes = 64
	pairBytes = 2*lineBytes + 2*keyWords*8
)

type record [recordWords]uint64

// nothing is the value that is not there.
var nothing [valueMax]uint64

// A tableKey is what a record is found by: a slot's key and the id of its account,
// or an address and zeros.
type tableKey struct {
	words [keyWords]uint64
	owner uint64
}

// table holds records.
type table struct {
	pairs  arena
	index  index
	undo   undoLog
	values int // words of a value
	seed   maphash.Seed

	count atomic.Uint64 // ids that are or were in use: 1 to count
	live  atomic.Uint64 // records that are in use
	free  freeList
}

// freeList is ids without a key, oldest first, each with the EVM block in which
// it got free. A list through the records would take no memory, but readers may
// still stand on them.
type freeList []freeID

type freeID struct{ id, block uint64 }

func (t *table) init(m *memory, values int) {
	t.pairs = newArena(m, pairBytes)
	t.pairs.grow(1)
	t.undo = newUndoLog(m, values)
	t.values = values
	t.seed = maphash.MakeSeed()
	t.index.init(m, t.hashes)
}

// hash spreads keys that others choose: nobody outside knows the seed.
func (t *table) hash(k *tableKey) uint64 {
	return maphash.Bytes(t.seed, unsafe.Slice((*byte)(unsafe.Pointer(k)), unsafe.Sizeof(*k)))
}

// at returns a record and its key.
func (t *table) at(id uint64) (*record, *[keyWords]uint64) {
	pair := t.pairs.at(id >> 1)
	odd := uintptr(id & 1)
	return (*record)(unsafe.Add(pair, odd*(pairBytes-lineBytes))),
		(*[keyWords]uint64)(unsafe.Add(pair, lineBytes+odd*keyWords*8))
}

// isAccounts tells the tables apart: accounts have no owner.
func (t *table) isAccounts() bool { return t.values == accountValue }

// matches reports whether a record with some words of a key has a key.
func (t *table) matches(rec *record, words *[keyWords]uint64, k *tableKey) bool {
	if atomic.LoadUint64(&words[0]) != k.words[0] || atomic.LoadUint64(&words[1]) != k.words[1] ||
		atomic.LoadUint64(&words[2]) != k.words[2] {
		return false
	}
	return t.isAccounts() || (atomic.LoadUint64(&words[3]) == k.words[3] && rec.owner() == k.owner)
}

// find returns the id of the record with a key, or zero.
func (t *table) find(k *tableKey) uint64 { return t.findHashed(k, t.hash(k)) }

func (t *table) findHashed(k *tableKey, hash uint64) uint64 {
	for {
		splits := t.index.splits.Load()
		leaf := t.index.leafOf(hash)
		for i := range uint64(leafBuckets) {
			b := t.index.bucket(leaf, home(hash)+i)
			for entries := b.tagged(entryTag(hash)); entries != 0; entries &= entries - 1 {
				if id := b.firstID(entries); id != 0 && t.has(id, k) {
					return id
				}
			}
			if !b.isOverflowed() {
				break
			}
		}
		if t.index.splits.Load() == splits {
			return 0
		}
	}
}

// has reports whether the record with an id has a key.
func (t *table) has(id uint64, k *tableKey) bool {
	rec, words := t.at(id)
	return t.matches(rec, words, k)
}

// keyOf is the key of a record.
func (t *table) keyOf(id uint64) (k tableKey) {
	rec, words := t.at(id)
	loadWords(k.words[:], words[:])
	if t.isAccounts() {
		k.words[firstSlot] = 0
	} else {
		k.owner = rec.owner()
	}
	return k
}

// hashes sets hashes to those of records, many of which are in no cache.
func (t *table) hashes(ids, hashes []uint64) {
	var lines [2 * batchSize]unsafe.Pointer
	for begin := 0; begin < len(ids); begin += batchSize {
		end := min(begin+batchSize, len(ids))
		t.prefetch(ids[begin:end], lines[:0])
		for i := begin; i < end; i++ {
			key := t.keyOf(ids[i])
			hashes[i] = t.hash(&key)
		}
	}
}

// prefetch asks for records and their keys. It uses lines, for two lines an id.
func (t *table) prefetch(ids []uint64, lines []unsafe.Pointer) {
	for _, id := range ids {
		rec, key := t.at(id)
		lines = append(lines, unsafe.Pointer(rec), unsafe.Pointer(key))
	}
	prefetch(lines)
}

// valueAt copies the value that a record had at a version into value: zeros if it
// had none.
func (t *table) valueAt(id, version uint64, value []uint64) {
	rec, _ := t.at(id)
	wrote := rec.load(recordVersion)
	if wrote <= version {
		loadWords(value, rec[recordWords-t.values:])
		if rec.load(recordVersion) == wrote {
			return
		}
	}
	if !t.undo.find(rec.load(recordUndo)&idMask, id, version, value) {
		clear(value)
	}
}

// add makes a record with a key and no value, as one of an account's slots if
// first is the head of that list.
func (t *table) add(k *tableKey, hash uint64, first *uint64, seen uint64) (id uint64) {
	id = t.newID(seen)
	rec, words := t.at(id)
	rec.store(recordVersion, 0)
	rec.store(recordUndo, k.owner<<idBits)
	storeWords(words[:], k.words[:])
	if first != nil {
		t.link(id, k.owner, first)
	}
	t.index.insert(hash, id)
	t.live.Add(1)
	return id
}

func (t *table) newID(seen uint64) (id uint64) {
	if len(t.free) > 0 && t.free[0].block+ViewLife < seen {
		id = t.free[0].id
		t.free = t.free[1:]
		return id
	}
	id = t.count.Load() + 1
	t.pairs.grow(id>>1 + 1)
	t.count.Store(id)
	return id
}

// set changes the value of a record. An undo record keeps the value before, if
// there was one and undo wants it.
func (t *table) set(id uint64, value []uint64, now *stamp) {
	rec, _ := t.at(id)
	old := rec[recordWords-t.values:]
	if equalWords(old, value) {
		return
	}
	if wrote := rec[recordVersion]; wrote != 0 && now.undo {
		kind := short
		if wrote < now.first {
			kind = long
		}
		ref := t.undo.push(kind, id, wrote, rec[recordUndo]&idMask, old, now.block, now.seen)
		rec.store(recordUndo, rec[recordUndo]&^idMask|ref)
	}
	rec.store(recordVersion, now.version)
	storeWords(old, value)
}

// remove takes a record out in an EVM block. It has neither a value nor a past,
// and is in no list. Readers may stand on it for as long as their views are true.
func (t *table) remove(id, block uint64) {
	key := t.keyOf(id)
	t.index.remove(t.hash(&key), id)
	t.free = append(t.free, freeID{id, block})
	t.live.Add(^uint64(0))
}

// isNothing reports whether a record has neither a value nor a past.
func (t *table) isNothing(id uint64) bool {
	rec, _ := t.at(id)
	return rec[recordUndo]&idMask == 0 && equalWords(rec[recordWords-t.values:], nothing[:t.values])
}

// link puts a slot at the front of an account's list.
func (t *table) link(id, owner uint64, first *uint64) {
	next := *first
	rec, _ := t.at(id)
	rec.store(slotNext, owner>>(64-idBits)<<idBits|next)
	rec.store(slotBefore, 0)
	if next != 0 {
		after, _ := t.at(next)
		after.store(slotBefore, id)
	}
	atomic.StoreUint64(first, id)
}

// unlink takes a slot out of an account's list. It still shows the way on.
func (t *table) unlink(id uint64, first *uint64) {
	rec, _ := t.at(id)
	next, before := rec[slotNext]&idMask, rec[slotBefore]
	if before == 0 {
		atomic.StoreUint64(first, next)
	} else {
		prev, _ := t.at(before)
		prev.store(slotNext, prev[slotNext]&^idMask|next)
	}
	if next != 0 {
		after, _ := t.at(next)
		after.store(slotBefore, before)
	}
}

func (r *record) load(word int) uint64         { return atomic.LoadUint64(&r[word]) }
func (r *record) store(word int, value uint64) { atomic.StoreUint64(&r[word], value) }

// owner is the id of a slot's account.
func (r *record) owner() uint64 {
	return r.load(recordUndo)>>idBits | r.load(slotNext)>>idBits<<(64-idBits)
}

func loadWords(dst, src []uint64) {
	for i := range dst {
		dst[i] = atomic.LoadUint64(&src[i])
	}
}

func storeWords(dst, src []uint64) {
	for i := range dst {
		atomic.StoreUint64(&dst[i], src[i])
	}
}

// equalWords is for the committer's own words.
func equalWords(a, b []uint64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
