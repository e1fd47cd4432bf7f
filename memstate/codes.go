package memstate

import (
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
)

// codeTable holds codes by hash, and gives each hash a number that accounts refer
// to it by. Codes are kept for ever: a hash says the same in every version.
//
// Codes are few against accounts and slots, and large: they stay on the Go heap.
// The hash of number n is on an arena, for readers that must not wait.
type codeTable struct {
	hashes arena // of four words

	mu      sync.RWMutex
	numbers map[common.Hash]uint64 // for the committer and readers of codes
	bytes   [][]byte               // by number; nil if only the hash is known
}

// noCode is the number of the empty code.
const noCode = 0

func (t *codeTable) init(m *memory) {
	t.hashes = newArena(m, common.HashLength)
	t.numbers = map[common.Hash]uint64{}
	t.number(types.EmptyCodeHash) // noCode
}

// number is that of a hash, which is new if it was not known.
func (t *codeTable) number(hash common.Hash) uint64 {
	if n, known := t.numbers[hash]; known { // only the committer writes
		return n
	}
	n := uint64(len(t.numbers))
	t.hashes.grow(n + 1)
	words := wordsOfHash(hash)
	storeWords(t.hashWords(n)[:], words[:])
	t.mu.Lock()
	defer t.mu.Unlock()
	t.numbers[hash] = n
	t.bytes = append(t.bytes, nil)
	return n
}

func (t *codeTable) hashWords(number uint64) *[4]uint64 { return (*[4]uint64)(t.hashes.at(number)) }

func (t *codeTable) hash(number uint64) (hash common.Hash) {
	if number == noCode {
		return types.EmptyCodeHash
	}
	var words [4]uint64
	loadWords(words[:], t.hashWords(number)[:])
	return hashOfWords(&words)
}

func (t *codeTable) add(codes []chain.Code) {
	for i := range codes {
		n := t.number(codes[i].Hash)
		t.mu.Lock()
		t.bytes[n] = codes[i].Bytes
		t.mu.Unlock()
	}
}

func (t *codeTable) get(hash common.Hash) []byte {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if n, known := t.numbers[hash]; known {
		return t.bytes[n]
	}
	return nil
}

// count is how many codes there are, the empty one aside.
func (t *codeTable) count() uint64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return uint64(len(t.bytes)) - 1
}

// from returns the first code with a number not below from, and that number; nil
// bytes if there is none.
func (t *codeTable) from(number uint64) (uint64, []byte) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for ; number < uint64(len(t.bytes)); number++ {
		if code := t.bytes[number]; code != nil {
			return number, code
		}
	}
	return number, nil
}
