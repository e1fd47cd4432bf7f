package proof

// Batch hashes nodes many at a time, those of one height in one go. The height of
// a node is one more than that of the higher of its children; that of a digest
// that is known is zero. So what a round needs is what the rounds before made.
type Batch struct {
	hasher  Hasher
	rounds  []round // by height, from 1
	finals  []*Hash
	digests []Hash
	count   int
}

// A Hasher sets each digest to SHA-256 of the message with the same index.
type Hasher func(digests []Hash, messages [][64]byte)

// NewBatch returns a batch that hashes by hasher.
func NewBatch(hasher Hasher) *Batch { return &Batch{hasher: hasher} }

// round is the nodes of one height.
type round struct {
	messages [][64]byte
	targets  []target
}

// target is where the digest of a node goes: into a half of the message of the
// node above it, or, if height is zero, to the final place of that index.
type target struct {
	height, index, half int32
}

// Digest is a digest of a batch: one that is known, or that of a node to be
// hashed. The zero Digest is that of nothing.
type Digest struct {
	height, index int32
	known         *Hash
}

// Known is a digest that is known. It is read before the batch runs.
func Known(h *Hash) Digest {
	if *h == (Hash{}) {
		return Digest{}
	}
	return Digest{known: h}
}

// empty and leaf say what a digest is of.
func (d *Digest) empty() bool { return d.height == 0 && d.known == nil }
func (d *Digest) leaf() bool  { return d.height == 0 && d.known != nil && d.known[0]&labelBit == 0 }

// lifts reports whether the node above two digests needs no hash.
func lifts(left, right *Digest) bool {
	return left.empty() && (right.empty() || right.leaf()) || right.empty() && left.leaf()
}

// Len is the number of nodes to be hashed.
func (b *Batch) Len() int { return b.count }

// Node adds the node above two digests.
func (b *Batch) Node(left, right Digest) Digest {
	if lifts(&left, &right) {
		if left.empty() {
			return right
		}
		return left
	}
	height := max(left.height, right.height) + 1
	for len(b.rounds) < int(height) {
		b.rounds = append(b.rounds, round{})
	}
	r := &b.rounds[height-1]
	index := int32(len(r.messages))
	r.messages = append(r.messages, [64]byte{})
	r.targets = append(r.targets, target{})
	b.count++
	b.fill(left, target{height, index, 0})
	b.fill(right, target{height, index, 1})
	return Digest{height: height, index: index}
}

// fill has a digest go into half a message.
func (b *Batch) fill(from Digest, to target) {
	switch {
	case from.height > 0:
		b.rounds[from.height-1].targets[from.index] = to
	case from.known != nil:
		copy(b.half(to), from.known[:])
	}
}

func (b *Batch) half(to target) []byte {
	return b.rounds[to.height-1].messages[to.index][32*to.half:][:32]
}

// Deliver has a digest written to a place by the next Run, or at once.
func (b *Batch) Deliver(from Digest, to *Hash) {
	switch {
	case from.height > 0:
		b.rounds[from.height-1].targets[from.index] = target{index: int32(len(b.finals))}
		b.finals = append(b.finals, to)
	case from.known != nil:
		*to = *from.known
	default:
		*to = Hash{}
	}
}

// Run hashes all nodes, delivers, and is ready for the next.
func (b *Batch) Run() {
	for i := range b.rounds {
		r := &b.rounds[i]
		if len(r.messages) > len(b.digests) {
			b.digests = make([]Hash, 2*len(r.messages))
		}
		digests := b.digests[:len(r.messages)]
		b.hasher(digests, r.messages)
		for k, to := range r.targets {
			AsInner(&digests[k])
			if to.height == 0 {
				*b.finals[to.index] = digests[k]
			} else {
				copy(b.half(to), digests[k][:])
			}
		}
		r.messages, r.targets = r.messages[:0], r.targets[:0]
	}
	b.finals, b.count = b.finals[:0], 0
}
