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

func (x *hashIndex) put(hash common.Hash, place uint64) {
	key := binary.BigEndian.Uint64(hash[:])
	if _, taken := x.places[key]; taken {
		x.twins[hash] = place
		return
	}
	x.places[key] = place
}

// get returns the only place where hash can be.
func (x *hashIndex) get(hash common.Hash) (place uint64, ok bool) {
	if place, ok := x.twins[hash]; ok {
		return place, true
	}
	place, ok = x.places[binary.BigEndian.Uint64(hash[:])]
	return place, ok
}
