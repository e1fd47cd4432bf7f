package rpc

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// logFilter says which logs match: those of one of the addresses, with at each
// position one of its topics. An empty list matches all.
type logFilter struct {
	addresses []common.Address
	topics    [][]common.Hash
}

func (f *logFilter) matches(log *types.Log) bool {
	if len(f.addresses) > 0 && !slices.Contains(f.addresses, log.Address) {
		return false
	}
	if len(f.topics) > len(log.Topics) {
		return false
	}
	for i, alternatives := range f.topics {
		if len(alternatives) > 0 && !slices.Contains(alternatives, log.Topics[i]) {
			return false
		}
	}
	return true
}

// mayMatch reports whether a block with such logs can hold one that matches.
func (f *logFilter) mayMatch(logs LogFilter) bool {
	if len(f.addresses) > 0 && !slices.ContainsFunc(f.addresses, logs.Address) {
		return false
	}
	for i, alternatives := range f.topics {
		if len(alternatives) > 0 && !slices.ContainsFunc(alternatives, func(topic common.Hash) bool {
			return logs.Topic(i, topic)
		}) {
			return false
		}
	}
	return true
}

// bloomFilter is what the bloom of a header says about logs.
type bloomFilter types.Bloom

func (b *bloomFilter) Address(addr common.Address) bool { return (*types.Bloom)(b).Test(addr[:]) }

// Topic is the same for all positions.
func (b *bloomFilter) Topic(_ int, topic common.Hash) bool { return (*types.Bloom)(b).Test(topic[:]) }
