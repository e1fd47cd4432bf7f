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

// mayMatch reports whether a block or receipt with this bloom can hold a log
// that matches.
func (f *logFilter) mayMatch(bloom *types.Bloom) bool {
	if len(f.addresses) > 0 && !slices.ContainsFunc(f.addresses, func(addr common.Address) bool {
		return bloom.Test(addr[:])
	}) {
		return false
	}
	for _, alternatives := range f.topics {
		if len(alternatives) > 0 && !slices.ContainsFunc(alternatives, func(topic common.Hash) bool {
			return bloom.Test(topic[:])
		}) {
			return false
		}
	}
	return true
}
