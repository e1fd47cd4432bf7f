package rpc

import (
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
)

func (s *Server) getBlockByNumber(c *call, dst []byte) ([]byte, error) {
	return s.appendBlockAt(c, dst, c.args.blockNumber())
}

func (s *Server) getBlockByHash(c *call, dst []byte) ([]byte, error) {
	return s.appendBlockAt(c, dst, ByHash(c.args.hash()))
}

func (s *Server) appendBlockAt(c *call, dst []byte, ref BlockRef) ([]byte, error) {
	full := c.args.bool()
	return s.withBlock(c, dst, ref, func(dst []byte, block *chain.EVMBlock) []byte {
		return appendBlock(dst, block, s.signer, full)
	})
}

// withBlock ends the parameters and appends what show makes of a block, or
// null if there is no such block.
func (s *Server) withBlock(c *call, dst []byte, ref BlockRef, show func([]byte, *chain.EVMBlock) []byte) ([]byte, error) {
	if err := c.args.end(); err != nil {
		return dst, err
	}
	block, err := s.backend.Block(ref)
	if block == nil || err != nil {
		return appendNull(dst), err
	}
	return show(dst, block), nil
}

func (s *Server) getHeaderByNumber(c *call, dst []byte) ([]byte, error) {
	return s.withBlock(c, dst, c.args.blockNumber(), appendHeader)
}

func (s *Server) getHeaderByHash(c *call, dst []byte) ([]byte, error) {
	return s.withBlock(c, dst, ByHash(c.args.hash()), appendHeader)
}

func (s *Server) getBlockReceipts(c *call, dst []byte) ([]byte, error) {
	return s.withBlock(c, dst, c.args.block(), s.appendReceipts)
}

func (s *Server) appendReceipts(dst []byte, block *chain.EVMBlock) []byte {
	return appendList(dst, block.Receipts, func(dst []byte, i int, receipt *types.Receipt) []byte {
		return appendReceipt(dst, block.Txs[i], receipt, placeInBlock(block, i), s.signer)
	})
}

func (s *Server) getTxCountByNumber(c *call, dst []byte) ([]byte, error) {
	return s.withBlock(c, dst, c.args.blockNumber(), appendTxCount)
}

func (s *Server) getTxCountByHash(c *call, dst []byte) ([]byte, error) {
	return s.withBlock(c, dst, ByHash(c.args.hash()), appendTxCount)
}

func appendTxCount(dst []byte, block *chain.EVMBlock) []byte {
	return appendQuantity(dst, uint64(len(block.Txs)))
}

// This chain has no uncles: each known block has zero of them.

func (s *Server) getUncleCountByNumber(c *call, dst []byte) ([]byte, error) {
	return s.withBlock(c, dst, c.args.blockNumber(), appendNoUncles)
}

func (s *Server) getUncleCountByHash(c *call, dst []byte) ([]byte, error) {
	return s.withBlock(c, dst, ByHash(c.args.hash()), appendNoUncles)
}

func appendNoUncles(dst []byte, _ *chain.EVMBlock) []byte { return appendQuantity(dst, 0) }

func (s *Server) getUncleByNumber(c *call, dst []byte) ([]byte, error) {
	c.args.blockNumber()
	c.args.index()
	return appendNull(dst), c.args.end()
}

func (s *Server) getUncleByHash(c *call, dst []byte) ([]byte, error) {
	c.args.hash()
	c.args.index()
	return appendNull(dst), c.args.end()
}

func (s *Server) getTransactionByNumber(c *call, dst []byte) ([]byte, error) {
	return s.appendTxAt(c, dst, c.args.blockNumber())
}

func (s *Server) getTransactionByBlockHash(c *call, dst []byte) ([]byte, error) {
	return s.appendTxAt(c, dst, ByHash(c.args.hash()))
}

func (s *Server) appendTxAt(c *call, dst []byte, ref BlockRef) ([]byte, error) {
	index := c.args.index()
	return s.withBlock(c, dst, ref, func(dst []byte, block *chain.EVMBlock) []byte {
		if index >= uint64(len(block.Txs)) {
			return appendNull(dst)
		}
		return appendTransaction(dst, block.Txs[index], placeInBlock(block, int(index)), s.signer)
	})
}

func (s *Server) getTransaction(c *call, dst []byte) ([]byte, error) {
	hash := c.args.hash()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	executed, err := s.backend.Transaction(hash)
	if err != nil {
		return dst, err
	}
	if executed != nil {
		return appendTransaction(dst, executed.Tx, executed.place(), s.signer), nil
	}
	pending, err := s.backend.PendingTransaction(c.ctx, hash)
	if pending == nil || err != nil {
		return appendNull(dst), err
	}
	return appendTransaction(dst, pending, nil, s.signer), nil
}

func (s *Server) getRawTransaction(c *call, dst []byte) ([]byte, error) {
	hash := c.args.hash()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	var tx *types.Transaction
	executed, err := s.backend.Transaction(hash)
	if err != nil {
		return dst, err
	}
	if executed != nil {
		tx = executed.Tx
	} else if tx, err = s.backend.PendingTransaction(c.ctx, hash); tx == nil || err != nil {
		return appendData(dst, nil), err
	}
	raw, err := tx.MarshalBinary()
	return appendData(dst, raw), err
}

func (s *Server) getReceipt(c *call, dst []byte) ([]byte, error) {
	hash := c.args.hash()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	executed, err := s.backend.Transaction(hash)
	if executed == nil || err != nil {
		return appendNull(dst), err
	}
	return s.appendExecuted(dst, executed), nil
}

// appendExecuted appends the receipt of an executed transaction.
func (s *Server) appendExecuted(dst []byte, t *Transaction) []byte {
	return appendReceipt(dst, t.Tx, t.Receipt, t.place(), s.signer)
}
