package ledger

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/memstate/wal"
	"github.com/redline-evm/redline/netio/wire"
)

// What readers get is shared: nobody may change it.

// Config is the chain's rules.
func (l *Ledger) Config() *params.ChainConfig { return l.genesis.Config }

// Genesis is what the chain started from.
func (l *Ledger) Genesis() *chain.Genesis { return l.genesis }

// Identity is the hash that names the chain: see chain.Genesis.
func (l *Ledger) Identity() common.Hash { return l.identity }

// GenesisHash is the hash of the genesis block.
func (l *Ledger) GenesisHash() common.Hash { return l.BlockHash(0) }

// Latest is the state after the newest mini-block.
func (l *Ledger) Latest() *memstate.View { return l.head.Load().view }

// StateAt is the state after the last mini-block of an EVM block; for the open
// one, after its newest. See memstate.State.At.
func (l *Ledger) StateAt(block uint64) (*memstate.View, error) {
	switch newest := l.Latest(); {
	case block == newest.Block():
		return newest, nil
	case block > newest.Block():
		return nil, fmt.Errorf("cannot view EVM block %d: %w: the newest is %d", block, memstate.ErrFuture, newest.Block())
	}
	return l.state.At(block)
}

// State is the world state with what readers do not see yet: for those who must
// know what is decided, such as a pool.
func (l *Ledger) State() *memstate.State { return l.state }

// Head is the open EVM block as of its newest mini-block, else the newest
// sealed one, as Block returns it.
func (l *Ledger) Head() (*chain.EVMBlock, error) {
	h := l.head.Load()
	if h.open != nil {
		return h.open, nil
	}
	return l.sealedBlock(h.headNumber())
}

// Block is the EVM block of a number: the open one as of its newest mini-block;
// nil if there is none. The receipts have all derived fields, with the hash of
// their mini-block as block hash while the EVM block is open.
func (l *Ledger) Block(number uint64) (*chain.EVMBlock, error) {
	if h := l.head.Load(); h.open != nil && number == h.headNumber() {
		return h.open, nil
	}
	return l.sealedBlock(number)
}

// Header is the same as Block, but a sealed block may come without transactions
// and receipts. It costs one small read.
func (l *Ledger) Header(number uint64) (*chain.EVMBlock, error) {
	h := l.head.Load()
	newest := h.sealed.Number.Uint64()
	switch {
	case h.open != nil && number == h.headNumber():
		return h.open, nil
	case number > newest:
		return nil, nil
	case number == newest:
		return sealedHeader(h.sealed, h.sealedHash), nil
	case number == 0:
		return sealedHeader(l.genesisHeader, l.genesisHeader.Hash()), nil
	}
	entry, _, ok := l.index.sealed(number)
	if !ok {
		return l.archivedHeader(number)
	}
	records, err := l.readParsed(sealSeq(entry.lastMini, number), 1)
	if errors.Is(err, wal.ErrPruned) {
		return l.archivedHeader(number)
	}
	if err != nil {
		return nil, err
	}
	return sealedHeader(records[0].Seal.Header, entry.hash), nil
}

// sealedHeader is a sealed EVM block without transactions and receipts.
func sealedHeader(header *types.Header, hash common.Hash) *chain.EVMBlock {
	first, last, _ := chain.ParseMiniBlockRange(header.Extra) // none in the genesis block
	return &chain.EVMBlock{Header: header, Hash: hash, Sealed: true, FirstMini: first, LastMini: last}
}

// sealedBlock returns a sealed EVM block from the cache, the log or the history;
// nil if there is none.
func (l *Ledger) sealedBlock(number uint64) (*chain.EVMBlock, error) {
	switch {
	case number == 0:
		return l.Header(0)
	case number > l.Sealed().Number.Uint64(): // the cache may have it already
		return nil, nil
	}
	if block, err := l.blocks.get(number); block != nil || err != nil {
		return block, err
	}
	entry, firstMini, ok := l.sealed(number)
	if !ok {
		return l.archivedBlock(number)
	}
	first, count := miniSeq(firstMini, number), entry.lastMini-firstMini+2
	block, err := l.blocks.getOrBuild(number, l.log.SizeBytes(first, count), func() (*chain.EVMBlock, error) {
		records, err := l.readParsed(first, count)
		if err != nil {
			return nil, err
		}
		return l.assemble(records), nil
	})
	if errors.Is(err, wal.ErrPruned) {
		return l.archivedBlock(number)
	}
	return block, err
}

// assemble makes a sealed EVM block of its records.
func (l *Ledger) assemble(records []wire.Record) *chain.EVMBlock {
	header := records[len(records)-1].Seal.Header
	block := sealedHeader(header, header.Hash())
	for _, rec := range records[:len(records)-1] {
		l.derive(rec.MiniBlock, block.Header, block.Hash)
		block.Txs = append(block.Txs, rec.MiniBlock.Txs...)
		block.Receipts = append(block.Receipts, rec.MiniBlock.Receipts...)
	}
	return block
}

// derive fills in all derived fields of a mini-block's receipts.
func (l *Ledger) derive(m *chain.MiniBlock, header *types.Header, hash common.Hash) {
	chain.DeriveReceipts(&m.Header, m.Txs, m.Receipts, header)
	l.setPlace(m, hash)
}

// sealed is what the index says of a sealed EVM block that readers see.
func (l *Ledger) sealed(number uint64) (entry blockEntry, firstMini uint64, ok bool) {
	if number > l.head.Load().sealed.Number.Uint64() {
		return blockEntry{}, 0, false
	}
	return l.index.sealed(number)
}

// BlockHash is the hash of a sealed EVM block; zero if there is none, or none that
// can be read.
func (l *Ledger) BlockHash(number uint64) common.Hash {
	if number > l.Sealed().Number.Uint64() {
		return common.Hash{}
	}
	if hash, ok := l.index.blockHash(number); ok {
		return hash
	}
	block, err := l.Header(number)
	if block == nil || err != nil {
		return common.Hash{}
	}
	return block.Hash
}

// BlockNumber is the number of the EVM block that hash names: its own, or that
// of one of its mini-blocks.
func (l *Ledger) BlockNumber(hash common.Hash) (number uint64, ok bool, err error) {
	for _, h := range []*types.Header{l.genesisHeader, l.base.sealed} {
		if h.Hash() == hash {
			return h.Number.Uint64(), true, nil
		}
	}
	place, kind, ok := l.index.byHash(hash)
	h := l.head.Load()
	switch {
	case !ok:
		return l.history.Block(hash)
	case kind == kindBlock:
		return place, place <= h.sealed.Number.Uint64() && l.BlockHash(place) == hash, nil
	case place > h.mini:
		return 0, false, nil
	case place == h.mini && hash == h.miniHash:
		return h.headNumber(), true, nil
	}
	m, err := l.readMiniBlock(place)
	if m == nil || err != nil || m.Header.Hash() != hash {
		return 0, false, err
	}
	return m.Header.BlockNumber, true, nil
}

// MiniBlock is the mini-block of a number, nil if there is none. Its receipts
// have all derived fields, with its own hash as block hash.
func (l *Ledger) MiniBlock(number uint64) (*chain.MiniBlock, error) {
	if number > l.head.Load().mini {
		return nil, nil
	}
	m, err := l.readMiniBlock(number)
	if m == nil || err != nil {
		return nil, err
	}
	block, err := l.Header(m.Header.BlockNumber)
	if block == nil || err != nil {
		return nil, err
	}
	l.derive(m, block.Header, m.Header.Hash())
	return m, nil
}

// Transaction is a transaction of the chain with its place.
type Transaction struct {
	Tx      *types.Transaction
	Receipt *types.Receipt // with all derived fields, as in Block
	Header  *types.Header  // of its EVM block
}

// Transaction is the transaction of a hash, nil if the chain has none.
func (l *Ledger) Transaction(hash common.Hash) (*Transaction, error) {
	mini, i, ok := l.index.tx(hash)
	entry, known := l.index.mini(mini)
	if !ok || !known {
		return l.archivedTransaction(hash)
	}
	if mini > l.head.Load().mini {
		return nil, nil
	}
	block, err := l.blockInMemory(uint64(entry.block))
	if err != nil {
		return nil, err
	}
	i += int(entry.firstTx)
	if block == nil {
		if block, err = l.partOfBlock(mini, uint64(entry.block)); block == nil || err != nil {
			return nil, err
		}
		i -= int(entry.firstTx)
	}
	if i >= len(block.Txs) || block.Txs[i].Hash() != hash {
		return nil, nil
	}
	return &Transaction{Tx: block.Txs[i], Receipt: block.Receipts[i], Header: block.Header}, nil
}

// blockInMemory returns an EVM block that need not be read; nil if it must.
func (l *Ledger) blockInMemory(number uint64) (*chain.EVMBlock, error) {
	if h := l.head.Load(); h.open != nil && number == h.headNumber() {
		return h.open, nil
	}
	return l.blocks.get(number)
}

// partOfBlock returns a sealed EVM block with the transactions of one
// mini-block only, because a part costs less to read than the whole; nil if
// the EVM block is not sealed.
func (l *Ledger) partOfBlock(mini, number uint64) (*chain.EVMBlock, error) {
	block, err := l.Header(number)
	if block == nil || err != nil {
		return nil, err
	}
	m, err := l.readMiniBlock(mini)
	if m == nil || err != nil {
		return nil, err
	}
	l.derive(m, block.Header, block.Hash)
	block.Txs, block.Receipts = m.Txs, m.Receipts
	return block, nil
}

// ReadRecords returns the encodings of consecutive records from sequence number
// from on: at least one if from < NextSeq, then as many as fit in maxBytes. Of
// what is kept no more, the error is a wal.ErrPruned.
func (l *Ledger) ReadRecords(from uint64, maxBytes int) ([][]byte, error) {
	next := l.NextSeq()
	if from >= next {
		return nil, nil
	}
	records, err := l.log.Read(from, maxBytes)
	if errors.Is(err, wal.ErrPruned) {
		return l.archivedRecords(from, maxBytes)
	}
	return records[:min(uint64(len(records)), next-from)], err
}

// readMiniBlock reads a mini-block from the log or the history; nil if it is in
// neither.
func (l *Ledger) readMiniBlock(number uint64) (*chain.MiniBlock, error) {
	entry, ok := l.index.mini(number)
	if !ok {
		return l.archivedMiniBlock(number)
	}
	records, err := l.readParsed(miniSeq(number, uint64(entry.block)), 1)
	if errors.Is(err, wal.ErrPruned) {
		return l.archivedMiniBlock(number)
	}
	if err != nil {
		return nil, err
	}
	return records[0].MiniBlock, nil
}

// readParsed reads count records from sequence number first on.
func (l *Ledger) readParsed(first, count uint64) ([]wire.Record, error) {
	records := make([]wire.Record, 0, count)
	for seq := first; seq < first+count; {
		payloads, err := l.log.Read(seq, l.log.SizeBytes(seq, first+count-seq))
		if err != nil {
			return nil, err
		}
		for _, payload := range payloads {
			rec, err := wire.ParseRecord(payload)
			if err != nil {
				return nil, fmt.Errorf("cannot read record %d: %w", seq, err)
			}
			records = append(records, rec)
			seq++
		}
	}
	return records, nil
}
