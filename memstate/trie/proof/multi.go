package proof

import (
	"crypto/sha256"
	"slices"
)

// Multi proves the values of many keys of one root at once, or that they have
// none. It is the trie as far as the ways to those keys go:
//
//   - Shape says, in the order of a walk from the root with the left side first,
//     what each sub-trie is. One without any of the keys has one bit: 1 if its
//     digest is the next of Siblings, 0 if it is empty. One with keys has 1 if it
//     is an inner node, whose two sides follow; else 0 and one more bit: 0 if it
//     is empty, 1 if it is a leaf, which is that of a key if one of them has a
//     value, else the next of Others.
//   - Siblings are the digests of sub-tries without any of the keys.
//   - Others are leaves that end the ways of keys without being theirs.
//
// There is one valid proof for each root and set of keys.
type Multi struct {
	Shape    Bits
	Siblings []Hash
	Others   []Entry
}

// Bits is a sequence of bits, the first in the lowest of the first word.
type Bits struct {
	Words []uint64
	Count int
}

// Append appends a bit.
func (b *Bits) Append(bit bool) {
	if b.Count%64 == 0 {
		b.Words = append(b.Words, 0)
	}
	if bit {
		b.Words[b.Count/64] |= 1 << (b.Count % 64)
	}
	b.Count++
}

// at is bit i.
func (b *Bits) at(i int) bool { return b.Words[i/64]>>(i%64)&1 != 0 }

// Standard is the hasher of the standard library, one message after the other.
func Standard(digests []Hash, messages [][64]byte) {
	for i := range messages {
		digests[i] = sha256.Sum256(messages[i][:])
	}
}

// Partial is the part of a trie that a Multi is the proof of: the keys with their
// values, and digests for all else. It was checked against the root, and gives
// the root again when the values of its keys are others.
type Partial struct {
	keys     []Hash
	nodes    []partialNode
	siblings []Hash
	others   []Entry
	hasher   Hasher
}

// partialNode is a node of the walk; its sides come behind it.
type partialNode struct {
	kind        nodeKind
	bit         uint16 // its depth
	index       int32  // of a sibling or other leaf
	first, end  int32  // keys of a terminal
	left, right int32
}

type nodeKind uint8

const (
	emptyNode nodeKind = iota
	siblingNode
	innerNode
	terminalNode // keys, without another leaf
	otherNode    // keys and another leaf
)

// Open checks a proof of keys, which are in ascending order and unique, against a
// root: that the value of each is the one with its index, zero if the key is
// absent. The error wraps ErrInvalid.
func (p *Multi) Open(root Hash, keys, values []Hash, hasher Hasher) (*Partial, error) {
	if len(values) != len(keys) {
		return nil, invalid("%d values of %d keys", len(values), len(keys))
	}
	for i := 1; i < len(keys); i++ {
		if slices.Compare(keys[i-1][:], keys[i][:]) >= 0 {
			return nil, invalid("the keys are not in order")
		}
	}
	w := walker{proof: p, values: values}
	w.out = &Partial{keys: keys, siblings: p.Siblings, others: p.Others, hasher: hasher}
	if len(p.Siblings) > p.Shape.Count || len(p.Others) > p.Shape.Count || len(p.Shape.Words) != (p.Shape.Count+63)/64 {
		return nil, invalid("more digests than places for them")
	}
	w.walk(0, len(keys), 0)
	switch {
	case w.err != nil:
		return nil, w.err
	case w.bits != p.Shape.Count || w.siblings != len(p.Siblings) || w.others != len(p.Others):
		return nil, invalid("something of it is left over")
	}
	got, lifted := w.out.root(values)
	if lifted {
		return nil, invalid("it goes on below a leaf")
	}
	if got != root {
		return nil, invalid("it leads to root %x; want %x", got, root)
	}
	return w.out, nil
}

// walker reads a proof.
type walker struct {
	proof                  *Multi
	values                 []Hash
	out                    *Partial
	bits, siblings, others int
	err                    error
}

func (w *walker) fail(format string, args ...any) {
	if w.err == nil {
		w.err = invalid(format, args...)
	}
}

func (w *walker) bit() bool {
	if w.bits == w.proof.Shape.Count {
		w.fail("the shape is cut")
	}
	if w.err != nil {
		return false
	}
	w.bits++
	return w.proof.Shape.at(w.bits - 1)
}

// walk reads the sub-trie of keys first to end, which share the bits before bit,
// and returns its index.
func (w *walker) walk(first, end, bit int) int32 {
	at := int32(len(w.out.nodes))
	w.out.nodes = append(w.out.nodes, partialNode{bit: uint16(bit), first: int32(first), end: int32(end)})
	switch {
	case first == end:
		if w.bit() {
			w.out.nodes[at].kind = siblingNode
			w.out.nodes[at].index = int32(w.siblings)
			w.sibling()
		}
	case w.bit():
		if bit == DepthMax {
			w.fail("it goes on behind the last bit")
			return at
		}
		middle := w.middle(first, end, bit)
		left := w.walk(first, middle, bit+1)
		right := w.walk(middle, end, bit+1)
		n := &w.out.nodes[at]
		n.kind, n.left, n.right = innerNode, left, right
	default:
		w.terminal(at, w.bit())
	}
	return at
}

func (w *walker) sibling() {
	if w.siblings == len(w.proof.Siblings) {
		w.fail("a sibling is missing")
		return
	}
	if w.proof.Siblings[w.siblings] == (Hash{}) {
		w.fail("a sibling is zero")
	}
	w.siblings++
}

// terminal reads the end of a way.
func (w *walker) terminal(at int32, leaf bool) {
	n := &w.out.nodes[at]
	n.kind = terminalNode
	present := 0
	for _, v := range w.values[n.first:n.end] {
		if v != (Hash{}) {
			present++
		}
	}
	switch {
	case present > 1, present == 1 && !leaf:
		w.fail("%d keys where the trie has %v leaf", present, leaf)
	case leaf && present == 0:
		w.other(n)
	}
}

// other reads the other leaf of a terminal.
func (w *walker) other(n *partialNode) {
	if w.others == len(w.proof.Others) {
		w.fail("a leaf is missing")
		return
	}
	n.kind, n.index = otherNode, int32(w.others)
	other := &w.proof.Others[w.others]
	w.others++
	keys := w.out.keys[n.first:n.end]
	if _, known := slices.BinarySearchFunc(keys, other.Key, func(x, y Hash) int { return slices.Compare(x[:], y[:]) }); known ||
		other.Value == (Hash{}) || !shares(&other.Key, &keys[0], int(n.bit)) {
		w.fail("another leaf is not where it should be")
	}
}

// middle is the first of keys first to end that has a bit set, or end.
func (w *walker) middle(first, end, bit int) int {
	i, _ := slices.BinarySearchFunc(w.out.keys[first:end], byte(1), func(key Hash, want byte) int { return int(Bit(&key, bit)) - int(want) })
	return first + i
}

// Root is the root when the values of the keys are those given, zero for a key
// that is absent: the state after a block, say.
func (p *Partial) Root(values []Hash) Hash {
	h, _ := p.root(values)
	return h
}

// root is Root. It also reports whether an inner node of the proof needs no hash,
// which must not be for the values that the keys have.
func (p *Partial) root(values []Hash) (h Hash, lifted bool) {
	s := solver{Partial: p, batch: NewBatch(p.hasher), leaves: make([]Hash, len(p.keys)), ends: make([]Hash, len(p.others))}
	s.hashLeaves(s.leaves, func(i int) (key, value Hash) { return p.keys[i], values[i] })
	s.hashLeaves(s.ends, func(i int) (key, value Hash) { return p.others[i].Key, p.others[i].Value })
	h = s.solve(0)
	return h, s.lifted
}

// solver computes a root.
type solver struct {
	*Partial
	batch  *Batch
	leaves []Hash // of the keys; zero for one that is absent
	ends   []Hash // of the other leaves
	lifted bool
	set    []pathLeaf
}

// pathLeaf is a leaf with its key.
type pathLeaf struct{ key, leaf *Hash }

const solverKeys = 4096 // keys of a sub-trie that is planned in one go: bounds the memory

// hashLeaves computes the leaves of keys that have a value.
func (s *solver) hashLeaves(leaves []Hash, entry func(i int) (key, value Hash)) {
	var messages [256][64]byte
	var digests [len(messages)]Hash
	var places [len(messages)]*Hash
	count := 0
	flush := func() {
		s.hasher(digests[:count], messages[:count])
		for k, place := range places[:count] {
			AsLeaf(&digests[k])
			*place = digests[k]
		}
		count = 0
	}
	for i := range leaves {
		key, value := entry(i)
		if value == (Hash{}) {
			continue
		}
		messages[count], places[count] = join(key, value), &leaves[i]
		if count++; count == len(messages) {
			flush()
		}
	}
	flush()
}

// solve computes the digest of a node.
func (s *solver) solve(at int32) (h Hash) {
	n := &s.nodes[at]
	if n.kind == innerNode && n.end-n.first > solverKeys {
		left, right := s.solve(n.left), s.solve(n.right)
		s.deliver(s.inner(Known(&left), Known(&right)), &h)
		return h
	}
	s.deliver(s.plan(at), &h)
	return h
}

func (s *solver) deliver(d Digest, to *Hash) {
	s.batch.Deliver(d, to)
	s.batch.Run()
}

// plan adds the nodes from one of the walk down to the batch.
func (s *solver) plan(at int32) Digest {
	n := &s.nodes[at]
	switch n.kind {
	case siblingNode:
		return Known(&s.siblings[n.index])
	case innerNode:
		return s.inner(s.plan(n.left), s.plan(n.right))
	case terminalNode, otherNode:
		return s.planEnd(n)
	}
	return Digest{}
}

func (s *solver) inner(left, right Digest) Digest {
	s.lifted = s.lifted || lifts(&left, &right)
	return s.batch.Node(left, right)
}

// planEnd adds the sub-trie at the end of a way: the leaves of the keys that have
// a value, and the other leaf.
func (s *solver) planEnd(n *partialNode) Digest {
	s.set = s.set[:0]
	for i := n.first; i < n.end; i++ {
		if s.leaves[i] != (Hash{}) {
			s.set = append(s.set, pathLeaf{&s.keys[i], &s.leaves[i]})
		}
	}
	if n.kind == otherNode {
		other := pathLeaf{&s.others[n.index].Key, &s.ends[n.index]}
		i, _ := slices.BinarySearchFunc(s.set, other, func(x, y pathLeaf) int { return slices.Compare(x.key[:], y.key[:]) })
		s.set = slices.Insert(s.set, i, other)
	}
	return s.planSet(s.set, int(n.bit))
}

// planSet adds the sub-trie of leaves that share the bits before bit.
func (s *solver) planSet(set []pathLeaf, bit int) Digest {
	switch len(set) {
	case 0:
		return Digest{}
	case 1:
		return Known(set[0].leaf)
	}
	middle, _ := slices.BinarySearchFunc(set, byte(1), func(l pathLeaf, want byte) int { return int(Bit(l.key, bit)) - int(want) })
	return s.batch.Node(s.planSet(set[:middle], bit+1), s.planSet(set[middle:], bit+1))
}
