package trie

import "github.com/redline-evm/redline/memstate/trie/proof"

// digest has the digest of the bucket at a place, whose keys share the bits
// before bit, computed into to by the next run of the batch.
func (b *bucketer) digest(at place, bit int, to *Hash) {
	switch {
	case at == 0:
		*to = Hash{}
	case at.nested():
		*to = b.pool.nestedAt(at).heap[1]
	default:
		b.batch.Deliver(b.plan(b.pool.blockAt(at), 0, at.count(), bit), to)
	}
}

// plan adds the nodes above leaves i to j of a block.
func (b *bucketer) plan(block block, i, j, bit int) proof.Digest {
	switch j - i {
	case 0:
		return proof.Digest{}
	case 1:
		return proof.Known(block.leaf(i))
	}
	mid := b.middle(block, i, j, bit)
	return b.batch.Node(b.plan(block, i, mid, bit+1), b.plan(block, mid, j, bit+1))
}

// middle is the first of leaves i to j whose key hash has a bit set, or j.
func (b *bucketer) middle(block block, i, j, bit int) int {
	for ; i < j; i++ {
		if bit < 64 {
			if *block.prefix(i)>>(63-bit)&1 != 0 {
				break
			}
		} else if key := b.trie.entryKey(*block.ref(i)); proof.Bit(&key, bit) != 0 {
			break
		}
	}
	return i
}

// digestNow is the digest of the bucket at a place, computed at once.
func (b *bucketer) digestNow(at place, bit int) (h Hash) {
	switch {
	case at == 0:
		return h
	case at.nested():
		return b.pool.nestedAt(at).heap[1]
	}
	return b.hashNow(b.pool.blockAt(at), 0, at.count(), bit)
}

func (b *bucketer) hashNow(block block, i, j, bit int) (h Hash) {
	switch j - i {
	case 0:
		return h
	case 1:
		return *block.leaf(i)
	}
	mid := b.middle(block, i, j, bit)
	return proof.Node(b.hashNow(block, i, mid, bit+1), b.hashNow(block, mid, j, bit+1))
}
