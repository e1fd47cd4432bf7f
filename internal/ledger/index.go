package ledger

import (
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/common"

	"github.com/redline-evm/redline/internal/chain"
)

// index says where things stand in the log, in numbers alone. EVM blocks and
// mini-blocks follow each other without gaps from the genesis block and
// mini-block 1 on, and each EVM block ends with one seal, so that sequence
// numbers need not be stored.
type index struct {
	mu     sync.RWMutex
	blocks []blockEntry // sealed EVM blocks by number; the genesis block first
	minis  []miniEntry  // mini-blocks by number, less one
	txs    hashIndex    // transaction hash to txPlace
	hashes hashIndex    // hash of a mini-block or a sealed EVM block to hashPlace
}

type blockEntry struct {
	hash     common.Hash
	lastMini uint64
}

type miniEntry struct {
	block   uint32
	firstTx uint32 // transactions of the EVM block before this mini-block
}

// txPlace is the number of the mini-block and the index in it, in one word.
func txPlace(mini uint64, i int) uint64 { return mini<<txIndexBits | uint64(i) }

const txIndexBits = 24

// hashPlace is the number of a mini-block or a sealed EVM block, and which of
// the two it is.
func hashPlace(number uint64, kind uint64) uint64 { return number<<1 | kind }

const (
	kindMini  = 0
	kindBlock = 1
)

func newIndex(genesisHash common.Hash) *index {
	x := &index{blocks: []blockEntry{{hash: genesisHash}}, txs: newHashIndex(), hashes: newHashIndex()}
	x.hashes.put(genesisHash, hashPlace(0, kindBlock))
	return x
}

func (x *index) addMiniBlock(m *chain.MiniBlock, hash common.Hash) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(m.Txs) >= 1<<txIndexBits || m.Header.BlockNumber > 1<<32-1 {
		panic(fmt.Sprintf("BUG: mini-block %d with %d transactions in EVM block %d", m.Header.Number, len(m.Txs), m.Header.BlockNumber))
	}
	x.minis = append(x.minis, miniEntry{block: uint32(m.Header.BlockNumber), firstTx: uint32(m.Header.FirstTxIndex)})
	x.hashes.put(hash, hashPlace(m.Header.Number, kindMini))
	for i, tx := range m.Txs {
		x.txs.put(tx.Hash(), txPlace(m.Header.Number, i))
	}
}

func (x *index) addSeal(block *chain.EVMBlock) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.blocks = append(x.blocks, blockEntry{hash: block.Hash, lastMini: block.LastMini})
	x.hashes.put(block.Hash, hashPlace(block.Header.Number.Uint64(), kindBlock))
}

// sealed returns the entry of a sealed EVM block and its first mini-block.
func (x *index) sealed(number uint64) (entry blockEntry, firstMini uint64, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if number >= uint64(len(x.blocks)) {
		return blockEntry{}, 0, false
	}
	if number > 0 {
		firstMini = x.blocks[number-1].lastMini + 1
	}
	return x.blocks[number], firstMini, true
}

func (x *index) mini(number uint64) (entry miniEntry, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if number == 0 || number > uint64(len(x.minis)) {
		return miniEntry{}, false
	}
	return x.minis[number-1], true
}

func (x *index) tx(hash common.Hash) (mini uint64, i int, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	place, ok := x.txs.get(hash)
	return place >> txIndexBits, int(place & (1<<txIndexBits - 1)), ok
}

func (x *index) byHash(hash common.Hash) (number, kind uint64, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	place, ok := x.hashes.get(hash)
	return place >> 1, place & 1, ok
}

// miniSeq and sealSeq are sequence numbers: before mini-block n stand n-1
// mini-blocks and the seals of the EVM blocks before its own.
func miniSeq(mini, block uint64) uint64     { return mini - 1 + block - 1 }
func sealSeq(lastMini, block uint64) uint64 { return lastMini + block - 1 }
