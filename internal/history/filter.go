package history

import (
	"encoding/binary"
	"math/bits"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// LogFilter says what the logs of an EVM block can be about. It is a Bloom filter
// that is as large as the block needs; the one of the header has 2,048 bits,
// which some hundred logs fill. It never denies what is there; of what is not,
// it denies all but some 3 in 1,000.
type LogFilter []byte

const (
	filterBitsPerKey = 12
	filterProbes     = 8
)

// Address reports whether there can be a log of an address.
func (f LogFilter) Address(addr common.Address) bool { return f.has(addressKey(addr)) }

// Topic reports whether there can be a log with a topic in a position.
func (f LogFilter) Topic(position int, topic common.Hash) bool {
	return f.has(topicKey(position, topic))
}

// newLogFilter returns the filter of the logs of a block.
func newLogFilter(b *block) LogFilter {
	keys := map[uint64]struct{}{}
	for _, m := range b.parsed {
		for _, receipt := range m.Receipts {
			for _, log := range receipt.Logs {
				addLogKeys(keys, log)
			}
		}
	}
	filter := make(LogFilter, (len(keys)*filterBitsPerKey+7)/8)
	for key := range keys {
		filter.set(key)
	}
	return filter
}

func addLogKeys(keys map[uint64]struct{}, log *types.Log) {
	keys[addressKey(log.Address)] = struct{}{}
	for i, topic := range log.Topics {
		keys[topicKey(i, topic)] = struct{}{}
	}
}

// addressKey and topicKey are part of the format.
func addressKey(addr common.Address) uint64 {
	var padded common.Hash
	copy(padded[:], addr[:])
	return filterKey(0, padded)
}

func topicKey(position int, topic common.Hash) uint64 { return filterKey(uint64(position)+1, topic) }

// filterKey mixes kind and value into 64 bits.
func filterKey(kind uint64, value common.Hash) uint64 {
	key := mix(kind)
	for i := 0; i < len(value); i += 8 {
		key = mix(key ^ binary.BigEndian.Uint64(value[i:]))
	}
	return key
}

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

func (f LogFilter) set(key uint64) {
	for range filterProbes {
		bit := f.bit(key)
		f[bit/8] |= 1 << (bit % 8)
		key = mix(key)
	}
}

func (f LogFilter) has(key uint64) bool {
	if len(f) == 0 {
		return false
	}
	for range filterProbes {
		if bit := f.bit(key); f[bit/8]&(1<<(bit%8)) == 0 {
			return false
		}
		key = mix(key)
	}
	return true
}

// bit spreads keys evenly over the filter.
func (f LogFilter) bit(key uint64) uint64 {
	bit, _ := bits.Mul64(key, uint64(len(f))*8)
	return bit
}
