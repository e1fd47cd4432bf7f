package trie

import (
	"runtime"
	"slices"

	"github.com/redline-evm/redline/memstate/trie/proof"
	"github.com/redline-evm/redline/memstate/trie/sha64"
)

// Prove returns the proof of a key, whether it is in the trie or not.
func (t *Trie) Prove(key Hash) *proof.Single {
	defer runtime.KeepAlive(t)
	p := new(proof.Single)
	s := t.rootSpot()
	for s.kind() == innerKind {
		left, right := s.sides()
		if proof.Bit(&key, s.bit) == 1 {
			left, right = right, left
		}
		p.Siblings = append(p.Siblings, right.digest())
		s = left
	}
	if s.kind() == leafKind {
		if found, value := t.source.Leaf(s.ref()); found != key {
			p.Other = &proof.Entry{Key: found, Value: value}
		}
	}
	return p
}

// ProveAll returns the proof of many keys, which are in ascending order and
// unique.
func (t *Trie) ProveAll(keys []Hash) *proof.Multi {
	defer runtime.KeepAlive(t)
	p := prover{proof: new(proof.Multi)}
	p.walk(t.rootSpot(), keys)
	p.fillSiblings()
	return p.proof
}

// prover makes a proof of many keys.
type prover struct {
	proof *proof.Multi
	open  []openSibling
}

// openSibling is a sibling whose digest is to be computed.
type openSibling struct {
	index int
	spot  spot
}

func (p *prover) walk(s spot, keys []Hash) {
	kind := s.kind()
	shape := &p.proof.Shape
	switch {
	case len(keys) == 0:
		shape.Append(kind != emptyKind)
		if kind != emptyKind {
			p.sibling(s)
		}
	case kind == innerKind:
		shape.Append(true)
		middle, _ := slices.BinarySearchFunc(keys, byte(1), func(key Hash, want byte) int { return int(proof.Bit(&key, s.bit)) - int(want) })
		left, right := s.sides()
		p.walk(left, keys[:middle])
		p.walk(right, keys[middle:])
	default:
		shape.Append(false)
		shape.Append(kind == leafKind)
		if kind == leafKind {
			p.leaf(s, keys)
		}
	}
}

// leaf adds the leaf at the end of the way of some keys, unless it is of one of
// them.
func (p *prover) leaf(s spot, keys []Hash) {
	key, value := s.trie.source.Leaf(s.ref())
	if _, known := slices.BinarySearchFunc(keys, key, func(x, y Hash) int { return compare(&x, &y) }); !known {
		p.proof.Others = append(p.proof.Others, proof.Entry{Key: key, Value: value})
	}
}

// sibling adds a digest, or makes room for one that has to be computed.
func (p *prover) sibling(s spot) {
	if s.leaves && s.kind() == innerKind {
		p.open = append(p.open, openSibling{len(p.proof.Siblings), s})
		p.proof.Siblings = append(p.proof.Siblings, Hash{})
		return
	}
	p.proof.Siblings = append(p.proof.Siblings, s.digest())
}

func (p *prover) fillSiblings() {
	batch := proof.NewBatch(sha64.Sum)
	for _, o := range p.open {
		b := bucketer{trie: o.spot.trie, batch: batch}
		batch.Deliver(b.plan(o.spot.block, o.spot.first, o.spot.end, o.spot.bit), &p.proof.Siblings[o.index])
		if batch.Len() >= chunkChanges {
			batch.Run()
		}
	}
	batch.Run()
}

// spot is a node of the trie wherever it is kept: in the upper levels, in a
// nested directory, or as a stretch of the leaves of a block.
type spot struct {
	trie *Trie
	pool *pool
	bit  int // its depth

	at     node // in the upper levels, unless one of the following is set
	nested *nested
	heap   int // index of the node in nested
	leaves bool
	block  block
	first  int // leaves first to end of the block
	end    int
}

type spotKind uint8

const (
	emptyKind spotKind = iota
	leafKind
	innerKind
)

// rootSpot is the root of the trie.
func (t *Trie) rootSpot() spot { return spot{trie: t} }

// kind says what the node is.
func (s *spot) kind() spotKind {
	if s.leaves {
		return spotKind(min(s.end-s.first, int(innerKind)))
	}
	switch h := s.stored(); {
	case *h == Hash{}:
		return emptyKind
	case proof.IsLeaf(h):
		return leafKind
	}
	return innerKind
}

// stored is the digest of a node that has it kept.
func (s *spot) stored() *Hash {
	if s.nested != nil {
		return &s.nested.heap[s.heap]
	}
	return s.trie.digestOf(s.at)
}

// digest is the digest of the node.
func (s *spot) digest() Hash {
	if !s.leaves {
		return *s.stored()
	}
	b := bucketer{trie: s.trie}
	return b.hashNow(s.block, s.first, s.end, s.bit)
}

// sides are the nodes below one that is not empty.
func (s *spot) sides() (left, right spot) {
	s.enter()
	left, right = *s, *s
	left.bit++
	right.bit++
	switch {
	case s.leaves:
		b := bucketer{trie: s.trie}
		left.end = b.middle(s.block, s.first, s.end, s.bit)
		right.first = left.end
	case s.nested != nil:
		left.heap, right.heap = 2*s.heap, 2*s.heap+1
	default:
		left.at = node{s.at.level + 1, 2 * s.at.at}
		right.at = node{s.at.level + 1, 2*s.at.at + 1}
	}
	return left, right
}

// enter goes from the node of a bucket to what is in it.
func (s *spot) enter() {
	switch {
	case s.leaves:
	case s.nested != nil:
		if s.heap >= len(s.nested.dir) {
			s.enterPlace(s.nested.dir[s.heap-len(s.nested.dir)])
		}
	case s.at.level >= fixedDepth:
		below := s.at.level - fixedDepth
		sub := &s.trie.subtrees[s.at.at>>below]
		if below == len(sub.levels) {
			s.pool = &s.trie.pools[s.at.at>>(s.at.level-poolBits)]
			s.enterPlace(sub.dir[s.at.at&(1<<below-1)])
		}
	}
}

func (s *spot) enterPlace(at place) {
	switch {
	case at == 0:
		s.leaves, s.first, s.end = true, 0, 0
	case at.nested():
		s.nested, s.heap = s.pool.nestedAt(at), 1
	default:
		s.leaves, s.block, s.first, s.end = true, s.pool.blockAt(at), 0, at.count()
	}
}

// ref is the ref of the only leaf in a sub-trie.
func (s *spot) ref() uint64 {
	for !s.leaves || s.end-s.first > 1 {
		left, right := s.sides()
		if left.kind() == emptyKind {
			left = right
		}
		s = &left
		s.enter()
	}
	return *s.block.ref(s.first)
}
