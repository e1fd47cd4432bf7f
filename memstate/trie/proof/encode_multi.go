package proof

import (
	"encoding/binary"
	"slices"
)

// AppendMulti appends the proof as bytes, numbers big-endian:
//
//	bits 4 | siblings 4 | others 4 | shape | siblings | other leaves
//
// The shape has the first bit in the lowest of its first byte; what is behind the
// last is zero.
func AppendMulti(dst []byte, p *Multi) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(p.Shape.Count))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(p.Siblings)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(p.Others)))
	var shape []byte
	for _, word := range p.Shape.Words {
		shape = binary.LittleEndian.AppendUint64(shape, word)
	}
	dst = append(dst, shape[:(p.Shape.Count+7)/8]...)
	for i := range p.Siblings {
		dst = append(dst, p.Siblings[i][:]...)
	}
	for i := range p.Others {
		dst = append(dst, p.Others[i].Key[:]...)
		dst = append(dst, p.Others[i].Value[:]...)
	}
	return dst
}

// ParseMulti is the inverse of AppendMulti. It accepts nothing else, and nothing
// behind it. The error wraps ErrInvalid.
func ParseMulti(b []byte) (*Multi, error) {
	r := reader{b}
	bits, siblings, others := int(r.uint32()), int(r.uint32()), int(r.uint32())
	if r.rest == nil {
		return nil, invalid("it is cut")
	}
	shapeBytes := (bits + 7) / 8
	if want := shapeBytes + len(Hash{})*siblings + 2*len(Hash{})*others; len(r.rest) != want {
		return nil, invalid("%d bytes behind the head; want %d", len(r.rest), want)
	}
	p := &Multi{Siblings: make([]Hash, siblings), Others: make([]Entry, others)}
	p.Shape = Bits{Words: make([]uint64, (bits+63)/64), Count: bits}
	for i, b := range r.bytes(shapeBytes) {
		p.Shape.Words[i/8] |= uint64(b) << (i % 8 * 8)
	}
	if last := bits % 64; last > 0 && p.Shape.Words[bits/64]>>last != 0 {
		return nil, invalid("the shape has bits behind its end")
	}
	for i := range p.Siblings {
		p.Siblings[i] = r.hash()
	}
	for i := range p.Others {
		p.Others[i] = Entry{Key: r.hash(), Value: r.hash()}
	}
	if slices.Contains(p.Siblings, Hash{}) {
		return nil, invalid("a sibling is zero")
	}
	return p, nil
}
