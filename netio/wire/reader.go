package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/holiman/uint256"
)

// reader consumes bytes from the front. After the first failure it returns
// zeros and keeps that failure, so that a parser checks it once at the end;
// loops over a count end at once, because count returns zero.
type reader struct {
	rest []byte
	size int // of the whole input, for messages
	err  error
}

func (r *reader) corrupt(format string, args ...any)   { r.failAt(ErrCorrupt, format, args...) }
func (r *reader) truncated(format string, args ...any) { r.failAt(ErrTruncated, format, args...) }

// failAt keeps the first failure with its place.
func (r *reader) failAt(cause error, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w at byte %d of %d: %s", cause, r.size-len(r.rest), r.size, fmt.Sprintf(format, args...))
	}
	r.rest = nil
}

// bytes returns the next n bytes, still inside the input.
func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.truncated("got %d bytes; want %d", len(r.rest), n)
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// fixed fills dst.
func (r *reader) fixed(dst []byte) { copy(dst, r.bytes(uint64(len(dst)))) }

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	switch {
	case r.err != nil:
		return 0
	case n == 0:
		r.truncated("in a number")
		return 0
	case n < 0:
		r.corrupt("number above 64 bits")
		return 0
	case n > 1 && r.rest[n-1] == 0:
		r.corrupt("number with needless bytes")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// count reads how many items follow, each at least itemSizeMin bytes long.
func (r *reader) count(itemSizeMin int) int {
	n := r.uvarint()
	if fit := uint64(len(r.rest) / itemSizeMin); n > fit {
		r.truncated("got %d items; want at most %d in the bytes left", n, fit)
		return 0
	}
	return int(n)
}

// sized reads a length and that many bytes, still inside the input.
func (r *reader) sized() []byte { return r.bytes(r.uvarint()) }

// word reads a length byte and that many bytes of a big-endian number.
func (r *reader) word(dst *uint256.Int) {
	n := r.byte()
	if n > 32 {
		r.corrupt("word of %d bytes", n)
		return
	}
	b := r.bytes(uint64(n))
	if len(b) > 0 && b[0] == 0 {
		r.corrupt("word with needless bytes")
		return
	}
	dst.SetBytes(b)
}

// appendWord writes a big-endian number without leading zeros after its length.
func appendWord(dst []byte, v *uint256.Int) []byte {
	n := v.ByteLen()
	full := v.Bytes32()
	return append(append(dst, byte(n)), full[32-n:]...)
}

// appendSized writes a length and the bytes.
func appendSized(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}
