// Package proof says what a state root commits to, and checks proofs against it.
//
// It is all that a verifier needs: it knows hashes and bytes, and nothing of how
// a state is kept, of files or of the network; it imports the standard library
// only. The formats are those of docs/formats/trie.md and docs/formats/proof.md.
//
// The committed object is a binary trie over key hashes of 256 bits:
//
//	empty     the digest of a sub-trie without keys is zero
//	leaf      a sub-trie with one key is that key's leaf, wherever it lies:
//	          SHA-256(key hash | value), its highest bit 0
//	inner     any other is SHA-256(left | right), its highest bit 1
//
// Left are the keys whose bit at the depth of the node is 0; bits are counted
// from the highest. So the root depends on the set of keys and values alone. The
// highest bit of a digest says what its preimage is, so that none can be passed
// off as another.
//
// Everything may be called from any goroutine.
package proof

import (
	"crypto/sha256"
	"encoding/binary"
)

// Hash is a digest, a key hash or a value.
type Hash = [32]byte

// labelBit of the first byte of a digest is set for an inner node.
const labelBit = 0x80

// The kinds of keys, in the first byte of what is hashed.
const (
	accountKind = 1
	slotKind    = 2
)

// AccountKeyPreimage is what the key hash of an account is the hash of: the kind
// and the address.
func AccountKeyPreimage(address [20]byte) (m [64]byte) {
	m[0] = accountKind
	copy(m[1:], address[:])
	return m
}

// SlotKeyPreimage is what the key hash of a storage slot is the hash of: the
// kind, the address of its account, and the slot.
func SlotKeyPreimage(address [20]byte, slot Hash) (m [64]byte) {
	m[0] = slotKind
	copy(m[1:], address[:])
	copy(m[32:], slot[:])
	return m
}

// AccountKey is the key hash of an account.
func AccountKey(address [20]byte) Hash { return sum(AccountKeyPreimage(address)) }

// SlotKey is the key hash of a storage slot. The slot's value is the word in it;
// a slot that is zero is not in the trie.
func SlotKey(address [20]byte, slot Hash) Hash { return sum(SlotKeyPreimage(address, slot)) }

// Account is what is committed of an account. An account that is empty by EIP-161
// is not in the trie.
type Account struct {
	Nonce    uint64
	Balance  [16]byte // big-endian
	CodeHash Hash     // Keccak-256
	CodeSize uint32   // bytes
}

// recordVersion is the first byte of an account's record.
const recordVersion = 1

// Record is the account as bytes:
//
//	version 1 | zero 3 | code size 4 | nonce 8 | balance 16 | code hash 32
func (a *Account) Record() (m [64]byte) {
	m[0] = recordVersion
	binary.BigEndian.PutUint32(m[4:], a.CodeSize)
	binary.BigEndian.PutUint64(m[8:], a.Nonce)
	copy(m[16:], a.Balance[:])
	copy(m[32:], a.CodeHash[:])
	return m
}

// Value is the value of the account in the trie: the hash of its record.
func (a *Account) Value() Hash { return sum(a.Record()) }

func sum(m [64]byte) Hash { return sha256.Sum256(m[:]) }

// Leaf is the digest of a key alone.
func Leaf(key, value Hash) Hash {
	h := sum(join(key, value))
	AsLeaf(&h)
	return h
}

// AsLeaf makes the hash of a key and a value the digest of a leaf.
func AsLeaf(h *Hash) { h[0] &^= labelBit }

// AsInner makes the hash of two digests the digest of an inner node.
func AsInner(h *Hash) { h[0] |= labelBit }

// IsLeaf reports whether a digest is that of a leaf.
func IsLeaf(h *Hash) bool { return h[0]&labelBit == 0 && *h != Hash{} }

// Lift returns the digest of the node above two digests where no hash is needed
// for it: both are empty, or one is and the other is a leaf.
func Lift(left, right *Hash) (h Hash, ok bool) {
	switch {
	case *left == Hash{} && right[0]&labelBit == 0:
		return *right, true
	case *right == Hash{} && left[0]&labelBit == 0:
		return *left, true
	}
	return h, false
}

// Node is the digest of the node above two digests.
func Node(left, right Hash) Hash {
	h, ok := Lift(&left, &right)
	if !ok {
		h = sum(join(left, right))
		AsInner(&h)
	}
	return h
}

func join(x, y Hash) (m [64]byte) {
	copy(m[:32], x[:])
	copy(m[32:], y[:])
	return m
}

// Bit is a bit of a key hash, counted from the highest.
func Bit(key *Hash, i int) byte { return key[i/8] >> (7 - i%8) & 1 }
