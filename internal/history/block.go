package history

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/netio/wire"
)

// block is an EVM block to be written: its records, and what it is found by.
type block struct {
	number    uint64
	firstMini uint64
	hash      common.Hash
	seal      []byte   // record
	minis     [][]byte // records
	parsed    []*chain.MiniBlock
}

// parseBlock takes a whole EVM block: mini-blocks that follow each other, and
// then their seal.
func parseBlock(records [][]byte) (*block, error) {
	if len(records) < 2 {
		return nil, fmt.Errorf("got %d records; want mini-blocks and a seal", len(records))
	}
	last := len(records) - 1
	rec, err := wire.ParseRecord(records[last])
	if err != nil {
		return nil, err
	}
	if rec.Seal == nil {
		return nil, errors.New("the last record is not a seal")
	}
	b := &block{
		number: rec.Seal.Header.Number.Uint64(), hash: rec.Seal.Header.Hash(),
		seal: records[last], minis: records[:last],
	}
	for i, encoded := range b.minis {
		rec, err := wire.ParseRecord(encoded)
		if err != nil {
			return nil, err
		}
		m := rec.MiniBlock
		if m == nil || m.Header.BlockNumber != b.number || m.Header.Index != uint64(i) {
			return nil, fmt.Errorf("record %d is not mini-block %d of EVM block %d", i, i, b.number)
		}
		if len(m.Txs) > txCountMax {
			return nil, fmt.Errorf("mini-block %d has %d transactions; want at most %d", m.Header.Number, len(m.Txs), txCountMax)
		}
		b.parsed = append(b.parsed, m)
	}
	b.firstMini = b.parsed[0].Header.Number
	return b, nil
}

// firstSeq is the sequence number of an EVM block's first record: before it stand
// the mini-blocks and the seals of the EVM blocks before.
func firstSeq(number, firstMini uint64) uint64 { return number - 1 + firstMini - 1 }
