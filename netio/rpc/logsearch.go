package rpc

import (
	"context"
	"slices"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
)

// logSearch appends the logs that match a filter to a JSON array.
type logSearch struct {
	s      *Server
	filter *logFilter
	dst    []byte
	found  int
}

func (s *Server) newLogSearch(filter *logFilter, dst []byte) *logSearch {
	return &logSearch{s: s, filter: filter, dst: append(dst, '[')}
}

func (l *logSearch) end() []byte { return append(l.dst, ']') }

// blocks searches the blocks from first to last.
func (l *logSearch) blocks(ctx context.Context, first, last uint64) error {
	for number := first; number <= last; number++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		may, err := l.mayMatch(number)
		if err != nil {
			return err
		}
		if !may {
			continue
		}
		block, err := l.s.backend.Block(ByNumber(number))
		if err != nil {
			return err
		}
		if err := l.block(block, 0); err != nil {
			return err
		}
	}
	return nil
}

// mayMatch reports whether a block can hold a log that matches. Most cannot, and
// the node's filter or the bloom of the header, if there is no such filter, says
// so without the block.
func (l *logSearch) mayMatch(number uint64) (bool, error) {
	logs, err := l.s.backend.LogFilter(number)
	if err != nil {
		return false, err
	}
	if logs != nil {
		return l.filter.mayMatch(logs), nil
	}
	head, err := l.s.backend.Header(ByNumber(number))
	if head == nil || err != nil {
		return false, err
	}
	return !head.Sealed || l.filter.mayMatch((*bloomFilter)(&head.Header.Bloom)), nil
}

// block searches one block, from the log with index first on.
func (l *logSearch) block(block *chain.EVMBlock, first uint) error {
	if block == nil {
		return nil
	}
	for i, receipt := range block.Receipts {
		at := placeInBlock(block, i)
		for _, log := range receipt.Logs {
			if log.Index < first || !l.filter.matches(log) {
				continue
			}
			if err := l.add(log, block.Txs[i], at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *logSearch) add(log *types.Log, tx *types.Transaction, at *place) error {
	if l.found == l.s.cfg.MaxLogs {
		return limitExceeded("query returned more than %d results", l.s.cfg.MaxLogs)
	}
	if l.found > 0 {
		l.dst = append(l.dst, ',')
	}
	l.found++
	l.dst = appendLog(l.dst, log, tx.Hash(), at)
	if len(l.dst) > l.s.cfg.MaxReplyBytes {
		return errReplyTooLarge
	}
	return nil
}

func (s *Server) getLogs(c *call, dst []byte) ([]byte, error) {
	query := c.args.logQuery()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	return s.searchLogs(c.ctx, &query, dst)
}

func (s *Server) searchLogs(ctx context.Context, q *logQuery, dst []byte) ([]byte, error) {
	search := s.newLogSearch(&q.Filter, dst)
	if q.Hash != nil {
		block, err := s.backend.Block(ByHash(*q.Hash))
		if err != nil {
			return dst, err
		}
		if block == nil {
			return dst, errUnknownBlockLogs
		}
		err = search.block(block, 0)
		return search.end(), err
	}
	first, last, err := s.logRange(q)
	if err != nil {
		return dst, err
	}
	err = search.blocks(ctx, first, last)
	return search.end(), err
}

// logRange resolves the ends of a query and refuses ranges that go backwards,
// beyond the head, or over too many blocks.
func (s *Server) logRange(q *logQuery) (first, last uint64, err error) {
	head := s.backend.HeadNumber()
	if first, err = s.blockNumberOf(q.From, head); err != nil {
		return 0, 0, err
	}
	if last, err = s.blockNumberOf(q.To, head); err != nil {
		return 0, 0, err
	}
	switch {
	case first > last:
		return 0, 0, invalidParams("invalid block range params")
	case last > head:
		return 0, 0, invalidParams("block range extends beyond current head block")
	case last-first >= s.cfg.MaxLogBlocks:
		return 0, 0, invalidParams("exceed maximum block range %d", s.cfg.MaxLogBlocks)
	}
	return first, last, nil
}

func (s *Server) blockNumberOf(ref BlockRef, head uint64) (uint64, error) {
	switch ref.Tag {
	case TagNumber:
		return ref.Number, nil
	case TagLatest, TagPending:
		return head, nil
	}
	block, err := s.backend.Header(ref)
	if err != nil {
		return 0, err
	}
	if block == nil {
		return 0, ErrUnknownBlock
	}
	return block.Header.Number.Uint64(), nil
}

// logPosition is a place between two logs of the chain: before the log with
// this index in the block.
type logPosition struct {
	block uint64
	index uint
}

// endOfLogs returns the position after all logs of a block.
func endOfLogs(block *chain.EVMBlock) logPosition {
	at := logPosition{block: block.Header.Number.Uint64()}
	for _, receipt := range slices.Backward(block.Receipts) {
		if n := len(receipt.Logs); n > 0 {
			at.index = receipt.Logs[n-1].Index + 1
			break
		}
	}
	return at
}
