package proof

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrInvalid says that a proof does not prove what it is asked for, or is none.
var ErrInvalid = errors.New("invalid proof")

// Single proves the value of one key, or that it has none: it has the digest
// beside each node on the way from the root to where the key's leaf is or would
// be. There is one valid proof for each key and root.
type Single struct {
	// Siblings are the digests beside the way, from the root down; that of an
	// empty sub-trie is zero.
	Siblings []Hash
	// Other is the leaf at the end of the way if it is of another key, which
	// proves that the key is absent; else nil.
	Other *Entry
}

// Entry is a key hash and its value.
type Entry struct{ Key, Value Hash }

// DepthMax is the length of the longest way.
const DepthMax = 256

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}

// Verify checks the proof of a key against a root: that its value is the one
// given, or, if value is zero, that the key is absent. The error wraps
// ErrInvalid.
func (p *Single) Verify(root, key, value Hash) error {
	if len(p.Siblings) > DepthMax {
		return invalid("%d siblings; want at most %d", len(p.Siblings), DepthMax)
	}
	h, err := p.end(key, value)
	if err != nil {
		return err
	}
	for i := len(p.Siblings) - 1; i >= 0; i-- {
		left, right := h, p.Siblings[i]
		if Bit(&key, i) == 1 {
			left, right = right, left
		}
		if h, err = inner(left, right); err != nil {
			return err
		}
	}
	if h != root {
		return invalid("it leads to root %x; want %x", h, root)
	}
	return nil
}

// inner is the digest of an inner node. A way must not go through a node that
// is not there because what is below it is one leaf or nothing: else the digest
// of a key's own leaf could stand beside an empty sub-trie and make the key look
// absent.
func inner(left, right Hash) (Hash, error) {
	if _, lifted := Lift(&left, &right); lifted {
		return Hash{}, invalid("it goes on below a leaf")
	}
	return Node(left, right), nil
}

// end is the digest at the end of the way.
func (p *Single) end(key, value Hash) (h Hash, err error) {
	switch {
	case value != Hash{}:
		if p.Other != nil {
			return h, invalid("the key is absent; want value %x", value)
		}
		return Leaf(key, value), nil
	case p.Other == nil:
		return h, nil
	case p.Other.Key == key || p.Other.Value == Hash{}:
		return h, invalid("the other leaf is that of the key, or has no value")
	case !shares(&p.Other.Key, &key, len(p.Siblings)):
		return h, invalid("the other leaf is not on the way of the key")
	}
	return Leaf(p.Other.Key, p.Other.Value), nil
}

// shares reports whether two key hashes have their first count bits in common.
func shares(x, y *Hash, count int) bool {
	for i := range count {
		if Bit(x, i) != Bit(y, i) {
			return false
		}
	}
	return true
}

// The last byte of an encoded proof before the other leaf: whether there is one.
const (
	endHere  = 0
	endOther = 1
)

// AppendSingle appends the proof as bytes:
//
//	depth 2 | bitmap | siblings that are not zero | end 1 | other leaf
//
// Bit i of the bitmap, counted from the lowest of its first byte, says that
// sibling i is not zero.
func AppendSingle(dst []byte, p *Single) []byte {
	depth := len(p.Siblings)
	dst = binary.BigEndian.AppendUint16(dst, uint16(depth))
	bitmap := len(dst)
	dst = append(dst, make([]byte, (depth+7)/8)...)
	for i, s := range p.Siblings {
		if s != (Hash{}) {
			dst[bitmap+i/8] |= 1 << (i % 8)
			dst = append(dst, s[:]...)
		}
	}
	if p.Other == nil {
		return append(dst, endHere)
	}
	dst = append(dst, endOther)
	dst = append(dst, p.Other.Key[:]...)
	return append(dst, p.Other.Value[:]...)
}

// ParseSingle is the inverse of AppendSingle. It accepts nothing else, and
// nothing behind it. The error wraps ErrInvalid.
func ParseSingle(b []byte) (*Single, error) {
	r := reader{b}
	depth := int(r.uint16())
	if depth > DepthMax {
		return nil, invalid("depth %d; want at most %d", depth, DepthMax)
	}
	bitmap := r.bytes((depth + 7) / 8)
	if r.rest == nil {
		return nil, invalid("it is cut")
	}
	if depth%8 > 0 && bitmap[depth/8]>>(depth%8) != 0 {
		return nil, invalid("the bitmap has bits behind its end")
	}
	p := &Single{Siblings: make([]Hash, depth)}
	for i := range p.Siblings {
		if bitmap[i/8]>>(i%8)&1 != 0 {
			if p.Siblings[i] = r.hash(); p.Siblings[i] == (Hash{}) {
				return nil, invalid("a sibling that should not be is zero")
			}
		}
	}
	switch end := r.bytes(1); {
	case r.rest == nil:
	case end[0] == endOther:
		p.Other = &Entry{Key: r.hash(), Value: r.hash()}
	case end[0] != endHere:
		return nil, invalid("unknown end %d", end[0])
	}
	switch {
	case r.rest == nil:
		return nil, invalid("it is cut")
	case len(r.rest) > 0:
		return nil, invalid("%d bytes behind its end", len(r.rest))
	}
	return p, nil
}

// reader takes bytes from the front. What is cut gives zeros, and leaves rest
// nil.
type reader struct{ rest []byte }

func (r *reader) bytes(count int) []byte {
	if count > len(r.rest) {
		r.rest = nil
	}
	if r.rest == nil {
		return make([]byte, count)
	}
	b := r.rest[:count]
	r.rest = r.rest[count:]
	return b
}

func (r *reader) uint16() uint16 { return binary.BigEndian.Uint16(r.bytes(2)) }

func (r *reader) uint32() uint32 { return binary.BigEndian.Uint32(r.bytes(4)) }

func (r *reader) hash() Hash { return Hash(r.bytes(len(Hash{}))) }
