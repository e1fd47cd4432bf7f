package word

import (
	"encoding/binary"

	"github.com/holiman/uint256"
)

// Words and addresses are copied and compared in the pieces in which the next
// reader loads them: limbs of a word, and 4, 8 and 8 bytes of an address, which
// are its limbs as a word. An assignment would copy an address in two moves of
// 16 bytes that overlap, and a word in two of 16; a load that needs bytes of two
// stores, or more bytes than one store has written, waits for the stores.

// Copy sets dst to src.
func Copy(dst, src *uint256.Int) {
	dst[0], dst[1], dst[2], dst[3] = src[0], src[1], src[2], src[3]
}

// Equal reports whether two words are equal.
func Equal(x, y *uint256.Int) bool {
	return (x[0]^y[0])|(x[1]^y[1])|(x[2]^y[2])|(x[3]^y[3]) == 0
}

// AddressSize is the size of an address in bytes.
const AddressSize = 20

// CopyAddress sets dst to src.
func CopyAddress(dst, src *[AddressSize]byte) {
	binary.LittleEndian.PutUint32(dst[0:], binary.LittleEndian.Uint32(src[0:]))
	binary.LittleEndian.PutUint64(dst[4:], binary.LittleEndian.Uint64(src[4:]))
	binary.LittleEndian.PutUint64(dst[12:], binary.LittleEndian.Uint64(src[12:]))
}

// EqualAddresses reports whether two addresses are equal.
func EqualAddresses(x, y *[AddressSize]byte) bool {
	a := binary.LittleEndian.Uint32(x[0:]) ^ binary.LittleEndian.Uint32(y[0:])
	b := binary.LittleEndian.Uint64(x[4:]) ^ binary.LittleEndian.Uint64(y[4:])
	c := binary.LittleEndian.Uint64(x[12:]) ^ binary.LittleEndian.Uint64(y[12:])
	return uint64(a)|b|c == 0
}

// SetAddress sets dst to the low bytes of x.
func SetAddress(dst *[AddressSize]byte, x *uint256.Int) {
	binary.BigEndian.PutUint32(dst[0:], uint32(x[2]))
	binary.BigEndian.PutUint64(dst[4:], x[1])
	binary.BigEndian.PutUint64(dst[12:], x[0])
}
