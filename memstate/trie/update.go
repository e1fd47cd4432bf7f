package trie

import (
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/redline-evm/redline/memstate/trie/proof"
	"github.com/redline-evm/redline/memstate/trie/sha64"
)

// A batch is cut into ranges, which share no node below some level; each is
// brought up to that level by itself, the buckets in chunks and then level by
// level, by as many goroutines as there are workers. The levels above are left
// to one.
const (
	chunkChanges  = 1024 // changes whose buckets are worked on together
	rangeChanges  = 1024 // least changes of a range, if there is one worker
	rangeShare    = 256  // the same if there are more
	rangesAWorker = 4
)

// Update applies changes and brings the root up to date. Each key may be in them
// once. The time is linear in their number.
func (t *Trie) Update(changes []Change) {
	if len(changes) == 0 {
		return
	}
	defer runtime.KeepAlive(t)
	order := t.sorter.sort(changes)
	level := t.rangeLevel(len(changes))
	ranges := t.ranges[:0]
	for start := 0; start < len(order); {
		end := start + 1
		for end < len(order) && order[end].prefix>>(64-level) == order[start].prefix>>(64-level) {
			end++
		}
		ranges = append(ranges, work{changes: changes, order: order[start:end], level: level})
		start = end
	}
	t.ranges = ranges
	t.runRanges()
	first := t.workers[0]
	first.dirty = first.dirty[:0]
	for i := range ranges {
		first.dirty = append(first.dirty, ranges[i].root)
	}
	first.climb(level, 0)
	t.grow(len(changes))
}

// rangeLevel is the level of the roots of ranges.
func (t *Trie) rangeLevel(changes int) int {
	if len(t.workers) == 1 {
		return min(bits.Len(uint(changes/rangeChanges)), poolBits)
	}
	most := bits.Len(uint(len(t.workers) * rangesAWorker))
	return min(bits.Len(uint(changes/rangeShare)), most, poolBits)
}

// work is a range of a batch: changes that share the bits above a level.
type work struct {
	changes []Change
	order   []sortItem
	level   int
	root    node // set when it is done
}

// runRanges has the workers do all ranges.
func (t *Trie) runRanges() {
	if len(t.workers) == 1 || len(t.ranges) == 1 {
		for i := range t.ranges {
			t.workers[0].do(&t.ranges[i])
		}
		return
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for _, w := range t.workers {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(t.ranges) {
					return
				}
				w.do(&t.ranges[i])
			}
		})
	}
	group.Wait()
}

type message = [sha64.MessageSize]byte

// worker is what one goroutine needs for its part of a batch.
type worker struct {
	bucketer
	items    []item
	messages []message
	digests  []Hash
	parents  []*Hash
	dirty    []node // whose digest has changed, in order
}

// node is a place in the upper levels: at is its position from the left.
type node struct {
	level int
	at    uint64
}

func newWorker(t *Trie) *worker {
	w := &worker{
		items:    make([]item, 0, chunkChanges),
		messages: make([]message, chunkChanges),
		digests:  make([]Hash, chunkChanges),
		parents:  make([]*Hash, 0, chunkChanges),
	}
	w.trie, w.batch = t, proof.NewBatch(sha64.Sum)
	return w
}

// do brings a range up to its level.
func (w *worker) do(r *work) {
	w.dirty = w.dirty[:0]
	for order := r.order; len(order) > 0; {
		count := w.cutChunk(order)
		w.loadChunk(r.changes, order[:count])
		w.updateBuckets()
		order = order[count:]
	}
	w.climb(w.trie.deepest(w.dirty), r.level)
	r.root = w.dirty[0]
}

// cutChunk is how many changes the next chunk has: some, and what else belongs
// in the bucket of the last.
func (w *worker) cutChunk(order []sortItem) int {
	if len(order) <= chunkChanges {
		return len(order)
	}
	count := chunkChanges
	last := w.trie.bucketAt(order[count-1].prefix)
	for count < len(order) && w.trie.bucketAt(order[count].prefix) == last {
		count++
	}
	return count
}

// loadChunk gets the changes of a chunk and the digests of their leaves.
func (w *worker) loadChunk(changes []Change, order []sortItem) {
	w.items = slices.Grow(w.items[:0], len(order))[:len(order)]
	for i, o := range order {
		w.items[i].prefix, w.items[i].change = o.prefix, &changes[o.index]
	}
	w.touch()
	for i := 0; i < len(w.items); i += chunkChanges {
		part := w.items[i:min(i+chunkChanges, len(w.items))]
		for k := range part {
			w.messages[k] = *(*message)(unsafe.Pointer(part[k].change)) // key and value
		}
		digests := w.digests[:len(part)]
		sha64.Sum(digests, w.messages[:len(part)])
		for k := range part {
			proof.AsLeaf(&digests[k])
			part[k].leaf = digests[k]
		}
	}
}

const _ = uint(0-unsafe.Offsetof(Change{}.Key)) + uint(32-unsafe.Offsetof(Change{}.Value)) // as loadChunk has it

// touch loads what the changes will need. The loads do not depend on each other,
// so that the processor waits for many at a time.
func (w *worker) touch() {
	var sum uint64
	for i := range w.items {
		s, bucket := w.trie.locate(w.items[i].prefix)
		sum += uint64(s.dir[bucket])
	}
	for i := range w.items {
		prefix := w.items[i].prefix
		s, bucket := w.trie.locate(prefix)
		if at := s.dir[bucket]; at != 0 && !at.nested() {
			block := w.trie.pools[prefix>>(64-poolBits)].blockAt(at)
			sum += *block.prefix(0) + uint64(block.leaf(at.count() - 1)[0])
		}
	}
	w.touched = sum
}

// updateBuckets makes the changes of the chunk in their buckets and hashes these.
func (w *worker) updateBuckets() {
	t := w.trie
	for items := w.items; len(items) > 0; {
		at := t.bucketAt(items[0].prefix)
		count := 1
		for count < len(items) && t.bucketAt(items[count].prefix) == at {
			count++
		}
		w.pool = &t.pools[items[0].prefix>>(64-poolBits)]
		s, bucket := t.locate(items[0].prefix)
		now, grown := w.apply(s.dir[bucket], items[:count], at.level)
		s.dir[bucket] = now
		s.keys += grown
		w.digest(now, at.level, t.digestOf(at))
		w.dirty = append(w.dirty, at)
		items = items[count:]
	}
	w.batch.Run()
}

// climb brings the nodes above the dirty ones up to date, from a level up to
// another; what is dirty there, or was dirty above, is dirty then.
func (w *worker) climb(from, to int) {
	for level := from; level > to; level-- {
		above := w.dirty[:0]
		for _, n := range w.dirty {
			if n.level < level {
				above = append(above, n)
				continue
			}
			parent := node{level - 1, n.at / 2}
			if last := len(above) - 1; last >= 0 && above[last] == parent {
				continue
			}
			above = append(above, parent)
			w.hashNode(parent)
		}
		w.hashNodes()
		w.dirty = above
	}
}

// hashNode hashes a node from its children, now or with the next hashNodes.
func (w *worker) hashNode(n node) {
	children := w.trie.pair(n.level+1, 2*n.at)
	to := w.trie.digestOf(n)
	if h, ok := proof.Lift(&children[0], &children[1]); ok {
		*to = h
		return
	}
	w.messages[len(w.parents)] = *(*message)(unsafe.Pointer(children))
	w.parents = append(w.parents, to)
	if len(w.parents) == cap(w.parents) {
		w.hashNodes()
	}
}

func (w *worker) hashNodes() {
	count := len(w.parents)
	sha64.Sum(w.digests[:count], w.messages[:count])
	for i, to := range w.parents {
		proof.AsInner(&w.digests[i])
		*to = w.digests[i]
	}
	w.parents = w.parents[:0]
}
