package rpc

import (
	"context"

	"github.com/ethereum/go-ethereum/core/types"
)

func (s *Server) newLogFilter(c *call, dst []byte) ([]byte, error) {
	query := c.args.logQuery()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	head, err := s.knownBlock(Latest())
	if err != nil {
		return dst, err
	}
	return s.install(dst, &filter{kind: filterLogs, query: query, logs: endOfLogs(head)})
}

func (s *Server) newBlockFilter(c *call, dst []byte) ([]byte, error) {
	if err := c.args.end(); err != nil {
		return dst, err
	}
	sealed, err := s.sealedNumber()
	if err != nil {
		return dst, err
	}
	return s.install(dst, &filter{kind: filterBlocks, sealed: sealed})
}

func (s *Server) newPendingFilter(c *call, dst []byte) ([]byte, error) {
	full := c.args.optionalBool()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	return s.install(dst, &filter{kind: filterPending, pending: s.hub.pending.next(), full: full})
}

func (s *Server) install(dst []byte, f *filter) ([]byte, error) {
	id, err := s.filters.install(f)
	return appendString(dst, id), err
}

func (s *Server) uninstallFilter(c *call, dst []byte) ([]byte, error) {
	id := c.args.text()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	return appendBool(dst, s.filters.remove(id)), nil
}

// sealedNumber returns the number of the newest sealed block.
func (s *Server) sealedNumber() (uint64, error) {
	return s.blockNumberOf(BlockRef{Tag: TagSafe}, 0)
}

func (s *Server) getFilterChanges(c *call, dst []byte) ([]byte, error) {
	id := c.args.text()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	f, err := s.filters.get(id)
	if err != nil {
		return dst, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.kind {
	case filterBlocks:
		return s.blockChanges(f, dst)
	case filterPending:
		return s.pendingChanges(c.ctx, f, dst)
	default:
		return s.logChanges(c.ctx, f, dst)
	}
}

// blockChanges tells the hashes of the blocks that were sealed since, at most
// as many as a log query may cover; the next answer goes on from there.
func (s *Server) blockChanges(f *filter, dst []byte) ([]byte, error) {
	sealed, err := s.sealedNumber()
	if err != nil {
		return dst, err
	}
	last := min(sealed, f.sealed+s.cfg.MaxLogBlocks)
	dst = append(dst, '[')
	for number := f.sealed + 1; number <= last; number++ {
		block, err := s.backend.Header(ByNumber(number))
		if err != nil {
			return dst, err
		}
		if block == nil {
			return dst, ErrUnknownBlock
		}
		if number > f.sealed+1 {
			dst = append(dst, ',')
		}
		dst = appendData(dst, block.Hash[:])
	}
	f.sealed = max(f.sealed, last)
	return append(dst, ']'), nil
}

// pendingChanges tells the transactions that became pending since. Whole
// transactions that are gone again are left out.
func (s *Server) pendingChanges(ctx context.Context, f *filter, dst []byte) ([]byte, error) {
	hashes, next := s.hub.pending.since(f.pending)
	f.pending = next
	if !f.full {
		return appendHashes(dst, hashes), nil
	}
	var txs []*types.Transaction
	for _, hash := range hashes {
		tx, err := s.backend.PendingTransaction(ctx, hash)
		if err != nil {
			return dst, err
		}
		if tx != nil {
			txs = append(txs, tx)
		}
	}
	return appendList(dst, txs, func(dst []byte, _ int, tx *types.Transaction) []byte {
		return appendTransaction(dst, tx, nil, s.signer)
	}), nil
}

// logChanges tells the logs since the last answer and inside the range of the
// query, if it names one by numbers. When there are more than a query may
// return it fails and tells them next time again.
func (s *Server) logChanges(ctx context.Context, f *filter, dst []byte) ([]byte, error) {
	head, err := s.knownBlock(Latest())
	if err != nil {
		return dst, err
	}
	from, end := f.logs, endOfLogs(head)
	search := s.newLogSearch(&f.query.Filter, dst)
	for number := from.block; number <= end.block; number++ {
		if err := ctx.Err(); err != nil {
			return dst, err
		}
		block := head
		if number < end.block {
			if block, err = s.knownBlock(ByNumber(number)); err != nil {
				return dst, err
			}
		}
		if !f.query.inRange(number) {
			continue
		}
		first := uint(0)
		if number == from.block {
			first = from.index
		}
		if err := search.block(block, first); err != nil {
			return dst, err
		}
	}
	f.logs = end
	return search.end(), nil
}

// inRange reports whether a new block is inside the range that the query gives
// by numbers. Tags do not bound what is new.
func (q *logQuery) inRange(number uint64) bool {
	return (q.From.Tag != TagNumber || number >= q.From.Number) &&
		(q.To.Tag != TagNumber || number <= q.To.Number)
}

func (s *Server) getFilterLogs(c *call, dst []byte) ([]byte, error) {
	id := c.args.text()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	f, err := s.filters.get(id)
	if err != nil {
		return dst, err
	}
	if f.kind != filterLogs {
		return dst, errFilterNotFound
	}
	return s.searchLogs(c.ctx, &f.query, dst)
}
