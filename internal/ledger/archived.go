package ledger

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/history"
	"github.com/redline-evm/redline/memstate/wal"
	"github.com/redline-evm/redline/netio/wire"
)

// What is in the log no more is read from the history. What is in neither is nil.

// LogFilter says what the logs of an EVM block can be about; ok is false if the
// history does not have the block.
func (l *Ledger) LogFilter(number uint64) (filter history.LogFilter, ok bool, err error) {
	return l.history.Logs(number)
}

func (l *Ledger) archivedHeader(number uint64) (*chain.EVMBlock, error) {
	record, err := l.history.Seal(number)
	if record == nil || err != nil {
		return nil, err
	}
	records, err := parseRecords([][]byte{record})
	if err != nil {
		return nil, err
	}
	header := records[0].Seal.Header
	return sealedHeader(header, header.Hash()), nil
}

func (l *Ledger) archivedBlock(number uint64) (*chain.EVMBlock, error) {
	raw, err := l.history.Records(number)
	if raw == nil || err != nil {
		return nil, err
	}
	size := 0
	for _, record := range raw {
		size += len(record)
	}
	return l.blocks.getOrBuild(number, size, func() (*chain.EVMBlock, error) {
		records, err := parseRecords(raw)
		if err != nil {
			return nil, err
		}
		return l.assemble(records), nil
	})
}

func (l *Ledger) archivedMiniBlock(number uint64) (*chain.MiniBlock, error) {
	record, err := l.history.MiniBlock(number)
	if record == nil || err != nil {
		return nil, err
	}
	records, err := parseRecords([][]byte{record})
	if err != nil {
		return nil, err
	}
	return records[0].MiniBlock, nil
}

func (l *Ledger) archivedTransaction(hash common.Hash) (*Transaction, error) {
	m, i, err := l.history.Transaction(hash)
	if m == nil || err != nil {
		return nil, err
	}
	block, err := l.Header(m.Header.BlockNumber)
	if block == nil || err != nil {
		return nil, err
	}
	l.derive(m, block.Header, block.Hash)
	return &Transaction{Tx: m.Txs[i], Receipt: m.Receipts[i], Header: block.Header}, nil
}

func (l *Ledger) archivedRecords(from uint64, maxBytes int) ([][]byte, error) {
	records, err := l.history.ReadFrom(from, maxBytes)
	if records == nil && err == nil {
		err = fmt.Errorf("cannot read record %d: %w", from, wal.ErrPruned)
	}
	return records, err
}

func parseRecords(raw [][]byte) ([]wire.Record, error) {
	records := make([]wire.Record, len(raw))
	for i := range raw {
		var err error
		if records[i], err = wire.ParseRecord(raw[i]); err != nil {
			return nil, fmt.Errorf("cannot read the history: %w", err)
		}
	}
	return records, nil
}
