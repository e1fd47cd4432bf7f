package memstate

import (
	"encoding/binary"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// This file turns what the chain speaks of into words of records, and back.

func addressKey(addr *common.Address) (k tableKey) {
	k.words[0] = binary.LittleEndian.Uint64(addr[0:])
	k.words[1] = binary.LittleEndian.Uint64(addr[8:])
	k.words[2] = uint64(binary.LittleEndian.Uint32(addr[16:]))
	return k
}

func (k *tableKey) address() (addr common.Address) {
	binary.LittleEndian.PutUint64(addr[0:], k.words[0])
	binary.LittleEndian.PutUint64(addr[8:], k.words[1])
	binary.LittleEndian.PutUint32(addr[16:], uint32(k.words[2]))
	return addr
}

func slotKey(owner uint64, key *uint256.Int) tableKey {
	return tableKey{words: *key, owner: owner}
}

// An account's value: four words of balance, the nonce, and the number of its code
// with a mark that it exists.
const (
	accountNonce  = 4
	accountCode   = 5
	accountExists = 1 << 63
)

func accountWords(a *chain.Account, code uint64) (value [accountValue]uint64) {
	copy(value[:], a.Balance[:])
	value[accountNonce] = a.Nonce
	value[accountCode] = code | accountExists
	return value
}

// accountOf is the account of a value, and whether it exists.
func (t *codeTable) accountOf(value *[accountValue]uint64) (a chain.Account, exists bool) {
	if value[accountCode]&accountExists == 0 {
		return a, false
	}
	copy(a.Balance[:], value[:accountNonce])
	a.Nonce = value[accountNonce]
	a.CodeHash = t.hash(value[accountCode] &^ accountExists)
	return a, true
}

func wordsOfHash(hash common.Hash) (words [4]uint64) {
	for i := range words {
		words[i] = binary.LittleEndian.Uint64(hash[8*i:])
	}
	return words
}

func hashOfWords(words *[4]uint64) (hash common.Hash) {
	for i, word := range words {
		binary.LittleEndian.PutUint64(hash[8*i:], word)
	}
	return hash
}
