// Package trie keeps the state's commitment: a binary Merkle trie over key
// hashes, whose root changes with every mini-block. What the root commits to is
// said by package proof and docs/formats/trie.md; here is how it is kept and
// updated fast. Nothing of that shows in the root.
//
// The package knows key hashes and values; it knows neither accounts nor who
// keeps them, nor files nor the network.
//
// The trie is cut into subtrees at a fixed depth. A subtree keeps its upper
// levels in full, one array of digests a level, and below them the leaves in
// small sorted buckets, whose inner nodes are computed when they are needed. A
// subtree that has more than a few keys a bucket gets one more level, a few
// subtrees with each batch, so that no batch waits for it.
//
//	level 0                     .                root
//	                           / \
//	level fixedDepth      .   .   .   .          the root of each subtree
//	                     / \
//	its last level      .   .                    digests of buckets
//	                    |   |
//	buckets            ...  ....                 prefix, ref and digest of each leaf
//
// A Trie belongs to one goroutine; Update uses more inside.
package trie

import (
	"unsafe"

	"github.com/redline-evm/redline/memstate/trie/proof"
)

// Hash is a digest, a key hash or a value.
type Hash = proof.Hash

// fixedDepth is the level at which the subtrees begin. It is a matter of speed
// alone: subtrees of a billion keys are still small enough to get a level in a
// few milliseconds.
const fixedDepth = 12

// Change is a new value of a key.
//
// Key and Value come first and in this order: together they are the preimage of
// the leaf.
type Change struct {
	Key   Hash
	Value Hash   // zero deletes the key
	Ref   uint64 // by which the trie asks its Source for the key again
}

// Source knows what the trie does not keep: its keys and values in full.
type Source interface {
	// Leaf returns the key hash and the value of a key by the Ref that it was
	// put into the trie with.
	Leaf(ref uint64) (key, value Hash)
}

// Trie is the commitment to a state.
type Trie struct {
	source   Source
	top      [fixedDepth + 1][]Hash // the levels down to the roots of the subtrees
	subtrees []subtree
	pools    []pool // by the first bits of a key hash
	memory   *memory
	growNext int // the subtree to look at next

	workers []*worker
	sorter  sorter
	ranges  []work
}

// subtree holds the keys that share their first fixedDepth bits.
//
// Invariant: dir has 1<<len(levels) buckets, and levels[i] has 2<<i digests.
type subtree struct {
	levels [][]Hash // below its root
	dir    []place  // of its buckets, by the bits behind the first
	keys   int
}

// New returns the trie of the empty state, for SetWorkers.
func New(source Source, workers int) *Trie {
	t := &Trie{
		source:   source,
		subtrees: make([]subtree, 1<<fixedDepth),
		pools:    make([]pool, 1<<poolBits),
	}
	t.memory = newMemory(t)
	for d := range t.top {
		t.top[d] = make([]Hash, 1<<d)
	}
	dirs := make([]place, len(t.subtrees))
	for i := range t.subtrees {
		t.subtrees[i].dir = dirs[i : i+1 : i+1]
	}
	for i := range t.pools {
		t.pools[i].memory = t.memory
	}
	t.SetWorkers(workers)
	return t
}

// SetWorkers has Update use so many goroutines from now on; at least one.
func (t *Trie) SetWorkers(count int) {
	count = max(count, 1)
	for len(t.workers) < count {
		t.workers = append(t.workers, newWorker(t))
	}
	t.workers = t.workers[:count]
}

// Root is the digest of the whole state after all updates.
func (t *Trie) Root() Hash { return t.top[0][0] } // top is on the Go heap

// Len is the number of keys.
func (t *Trie) Len() (keys int) {
	for i := range t.subtrees {
		keys += t.subtrees[i].keys
	}
	return keys
}

// locate returns the subtree and the number of the bucket in which a key hash
// with a prefix belongs.
func (t *Trie) locate(prefix uint64) (s *subtree, bucket uint64) {
	s = &t.subtrees[prefix>>(64-fixedDepth)]
	return s, prefix << fixedDepth >> (64 - len(s.levels))
}

// bucketAt is the node of the bucket in which a key hash with a prefix belongs.
func (t *Trie) bucketAt(prefix uint64) node {
	level := fixedDepth + len(t.subtrees[prefix>>(64-fixedDepth)].levels)
	return node{level, prefix >> (64 - level)}
}

// digestOf is where the digest of a node is kept.
func (t *Trie) digestOf(n node) *Hash {
	if n.level <= fixedDepth {
		return &t.top[n.level][n.at]
	}
	below := n.level - fixedDepth
	return &t.subtrees[n.at>>below].levels[below-1][n.at&(1<<below-1)]
}

// pair is where the digests of two siblings are kept, of which at is the left
// one's position.
func (t *Trie) pair(level int, at uint64) *[2]Hash {
	return (*[2]Hash)(unsafe.Pointer(t.digestOf(node{level, at})))
}

// deepest is the lowest level of some nodes.
func (t *Trie) deepest(nodes []node) (level int) {
	for _, n := range nodes {
		level = max(level, n.level)
	}
	return level
}
