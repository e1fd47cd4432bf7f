package ledger

import (
	"encoding/binary"

	"github.com/ethereum/go-ethereum/common"
)

// hashIndex finds places by hash. It keeps the first 8 bytes of a hash, which
// is a quarter of the memory: a place found is a likely one, to be compared
// with what stands there. Hashes that share their first 8 bytes with an earlier
// one, as somebody could make on purpose, are kept whole.
type hashIndex struct {
	places map[uint64]uint64
	twins  map[common.Hash]uint64
}

func newHashIndex() hashIndex {
	return hashIndex{places: map[uint64]uint64{}, twins: map[common.Hash]uint64{}}
}

// put adds a hash. whole says that the hash must be kept whole, because an older
// index has one with the same first bytes.
func (x *hashIndex) put(hash common.Hash, place uint64, whole bool) {
	if whole || x.has(hash) {
		x.twins[hash] = place
		return
	}
	x.places[binary.BigEndian.Uint64(hash[:])] = place
}

// has reports whether there is a hash with the same first 8 bytes.
func (x *hashIndex) has(hash common.Hash) bool {
	_, taken := x.places[binary.BigEndian.Uint64(hash[:])]
	return taken
}

// get returns the only place where hash can be.
func (x *hashIndex) get(hash common.Hash) (place uint64, ok bool) {
	if place, ok := x.twins[hash]; ok {
		return place, true
	}
	place, ok = x.places[binary.BigEndian.Uint64(hash[:])]
	return place, ok
}
