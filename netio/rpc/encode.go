package rpc

import (
	"encoding/hex"
	"math/big"
	"strconv"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// The appenders here write the JSON forms that Ethereum gives its values:
// quantities are hex without leading zeros, data is hex of whole bytes.

func appendQuantity(dst []byte, n uint64) []byte {
	dst = append(dst, `"0x`...)
	dst = strconv.AppendUint(dst, n, 16)
	return append(dst, '"')
}

func appendBigQuantity(dst []byte, n *big.Int) []byte {
	if n == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, `"0x`...)
	dst = n.Append(dst, 16)
	return append(dst, '"')
}

func appendWordQuantity(dst []byte, n *uint256.Int) []byte {
	dst = append(dst, '"')
	dst = append(dst, n.Hex()...)
	return append(dst, '"')
}

func appendData(dst []byte, data []byte) []byte {
	dst = append(dst, `"0x`...)
	dst = hex.AppendEncode(dst, data)
	return append(dst, '"')
}

// appendOptionalAddress writes null for a nil address.
func appendOptionalAddress(dst []byte, addr *common.Address) []byte {
	if addr == nil {
		return append(dst, "null"...)
	}
	return appendData(dst, addr[:])
}

func appendBool(dst []byte, b bool) []byte { return strconv.AppendBool(dst, b) }

func appendNull(dst []byte) []byte { return append(dst, "null"...) }

// appendList appends items, each by one call of item, as a JSON array.
func appendList[T any](dst []byte, items []T, item func(dst []byte, i int, v T) []byte) []byte {
	dst = append(dst, '[')
	for i, v := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = item(dst, i, v)
	}
	return append(dst, ']')
}

func appendHashes(dst []byte, hashes []common.Hash) []byte {
	return appendList(dst, hashes, func(dst []byte, _ int, hash common.Hash) []byte {
		return appendData(dst, hash[:])
	})
}

// object appends the members of a JSON object. Its methods are named after the
// form of the member's value.
type object struct{ dst []byte }

// beginObject opens an object at the end of dst.
func beginObject(dst []byte) object { return object{append(dst, '{')} }

// end closes the object and returns all the text.
func (o *object) end() []byte { return append(o.dst, '}') }

// key begins a member; the caller appends its value to o.dst.
func (o *object) key(name string) {
	if o.dst[len(o.dst)-1] != '{' {
		o.dst = append(o.dst, ',')
	}
	o.dst = append(o.dst, '"')
	o.dst = append(o.dst, name...)
	o.dst = append(o.dst, '"', ':')
}

func (o *object) quantity(name string, n uint64) {
	o.key(name)
	o.dst = appendQuantity(o.dst, n)
}

func (o *object) bigQuantity(name string, n *big.Int) {
	o.key(name)
	o.dst = appendBigQuantity(o.dst, n)
}

func (o *object) data(name string, data []byte) {
	o.key(name)
	o.dst = appendData(o.dst, data)
}

func (o *object) optionalAddress(name string, addr *common.Address) {
	o.key(name)
	o.dst = appendOptionalAddress(o.dst, addr)
}

func (o *object) null(name string) {
	o.key(name)
	o.dst = appendNull(o.dst)
}
