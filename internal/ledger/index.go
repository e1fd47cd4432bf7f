package ledger

import (
	"fmt"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"

	"github.com/redline-evm/redline/internal/chain"
)

// index says where the newest part of the chain stands in the log, in numbers
// alone. EVM blocks and mini-blocks follow each other without gaps, and each EVM
// block ends with one seal, so that sequence numbers need not be stored.
//
// What the history has is forgotten, so that the index does not grow for ever:
// hashes are kept in generations of some EVM blocks, which go as a whole.
type index struct {
	mu          sync.RWMutex
	first       uint64       // the EVM block from which on places are known
	blocksFrom  uint64       // number of the first of blocks, which is below first
	blocks      []blockEntry // sealed EVM blocks
	minisFrom   uint64       // number of the first of minis
	minis       []miniEntry
	generations []*generation // oldest first; never none
}

type blockEntry struct {
	hash     common.Hash
	lastMini uint64 // known from the EVM block before first on
}

type miniEntry struct {
	block   uint32
	firstTx uint32 // transactions of the EVM block before this mini-block
}

// generation finds what is in some consecutive EVM blocks.
type generation struct {
	last   uint64    // newest EVM block of which something is here
	seals  int       // count
	txs    hashIndex // transaction hash to txPlace
	hashes hashIndex // hash of a mini-block or a sealed EVM block to hashPlace
}

func newGeneration() *generation {
	return &generation{txs: newHashIndex(), hashes: newHashIndex()}
}

const (
	generationBlocks = 16
	// blockHashes is how many hashes of EVM blocks are kept at least: twice what
	// BLOCKHASH can ask for, because a snapshot says so many of an older moment.
	blockHashes = 512
)

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

// newIndex returns the index of a chain that goes on after an EVM block that ends
// with mini-block lastMini. hashes are those of the EVM blocks up to that one,
// oldest first.
func newIndex(block, lastMini uint64, hashes []common.Hash) *index {
	x := &index{first: block + 1, blocksFrom: block + 1 - uint64(len(hashes)), minisFrom: lastMini + 1, generations: []*generation{newGeneration()}}
	for _, hash := range hashes {
		x.blocks = append(x.blocks, blockEntry{hash: hash})
	}
	x.blocks[len(hashes)-1].lastMini = lastMini
	return x
}

func (x *index) addMiniBlock(m *chain.MiniBlock, hash common.Hash) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(m.Txs) >= 1<<txIndexBits || m.Header.BlockNumber > 1<<32-1 {
		panic(fmt.Sprintf("BUG: mini-block %d with %d transactions in EVM block %d", m.Header.Number, len(m.Txs), m.Header.BlockNumber))
	}
	x.minis = append(x.minis, miniEntry{block: uint32(m.Header.BlockNumber), firstTx: uint32(m.Header.FirstTxIndex)})
	x.generations[len(x.generations)-1].last = m.Header.BlockNumber
	x.putLocked(hashesOf, hash, hashPlace(m.Header.Number, kindMini))
	for i, tx := range m.Txs {
		x.putLocked(txsOf, tx.Hash(), txPlace(m.Header.Number, i))
	}
}

func txsOf(g *generation) *hashIndex    { return &g.txs }
func hashesOf(g *generation) *hashIndex { return &g.hashes }

// putLocked adds a hash to the newest generation.
func (x *index) putLocked(of func(*generation) *hashIndex, hash common.Hash, place uint64) {
	newest := len(x.generations) - 1
	taken := slices.ContainsFunc(x.generations[:newest], func(g *generation) bool { return of(g).has(hash) })
	of(x.generations[newest]).put(hash, place, taken)
}

func (x *index) addSeal(block *chain.EVMBlock) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.blocks = append(x.blocks, blockEntry{hash: block.Hash, lastMini: block.LastMini})
	x.putLocked(hashesOf, block.Hash, hashPlace(block.Header.Number.Uint64(), kindBlock))
	g := x.generations[len(x.generations)-1]
	if g.seals++; g.seals == generationBlocks {
		x.generations = append(x.generations, newGeneration())
	}
}

// forget drops what is said of the EVM blocks before a number, but for the newest
// hashes of EVM blocks.
func (x *index) forget(before uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	next := x.blocksFrom + uint64(len(x.blocks))
	if before <= x.first || before > next {
		return
	}
	lastMini := x.blocks[before-1-x.blocksFrom].lastMini
	x.first = before
	x.minis = slices.Clone(x.minis[lastMini+1-x.minisFrom:])
	x.minisFrom = lastMini + 1
	if keep := min(before-1, next-min(next, blockHashes)); keep > x.blocksFrom {
		x.blocks = slices.Clone(x.blocks[keep-x.blocksFrom:])
		x.blocksFrom = keep
	}
	old := 0
	for old < len(x.generations)-1 && x.generations[old].last < before {
		old++
	}
	x.generations = slices.Clone(x.generations[old:])
}

// sealed returns the entry of a sealed EVM block and its first mini-block.
func (x *index) sealed(number uint64) (entry blockEntry, firstMini uint64, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if number < x.first || number >= x.blocksFrom+uint64(len(x.blocks)) {
		return blockEntry{}, 0, false
	}
	i := number - x.blocksFrom
	return x.blocks[i], x.blocks[i-1].lastMini + 1, true
}

// blockHash is the hash of a sealed EVM block.
func (x *index) blockHash(number uint64) (hash common.Hash, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if number < x.blocksFrom || number >= x.blocksFrom+uint64(len(x.blocks)) {
		return common.Hash{}, false
	}
	return x.blocks[number-x.blocksFrom].hash, true
}

func (x *index) mini(number uint64) (entry miniEntry, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if number < x.minisFrom || number >= x.minisFrom+uint64(len(x.minis)) {
		return miniEntry{}, false
	}
	return x.minis[number-x.minisFrom], true
}

func (x *index) tx(hash common.Hash) (mini uint64, i int, ok bool) {
	place, ok := x.find(txsOf, hash)
	return place >> txIndexBits, int(place & (1<<txIndexBits - 1)), ok
}

func (x *index) byHash(hash common.Hash) (number, kind uint64, ok bool) {
	place, ok := x.find(hashesOf, hash)
	return place >> 1, place & 1, ok
}

// find asks the newest generation first.
func (x *index) find(of func(*generation) *hashIndex, hash common.Hash) (place uint64, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, g := range slices.Backward(x.generations) {
		if place, ok := of(g).get(hash); ok {
			return place, true
		}
	}
	return 0, false
}

// miniSeq and sealSeq are sequence numbers: before mini-block n stand n-1
// mini-blocks and the seals of the EVM blocks before its own.
func miniSeq(mini, block uint64) uint64     { return mini - 1 + block - 1 }
func sealSeq(lastMini, block uint64) uint64 { return lastMini + block - 1 }
