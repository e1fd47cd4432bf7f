package rpc

import (
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// state returns the state that ref names.
func (s *Server) state(ref BlockRef) (State, error) {
	state, err := s.backend.State(ref)
	return state, blockError(ref, err)
}

// blockError gives ErrUnknownBlock geth's words for a block named by its hash.
func blockError(ref BlockRef, err error) error {
	if ref.Tag == TagHash && errors.Is(err, ErrUnknownBlock) {
		return errUnknownBlockHash
	}
	return err
}

func (s *Server) getBalance(c *call, dst []byte) ([]byte, error) {
	addr, ref := c.args.address(), c.args.optionalBlock()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	state, err := s.state(ref)
	if err != nil {
		return dst, err
	}
	account, _ := state.Account(addr)
	return appendWordQuantity(dst, &account.Balance), nil
}

func (s *Server) getCode(c *call, dst []byte) ([]byte, error) {
	addr, ref := c.args.address(), c.args.optionalBlock()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	state, err := s.state(ref)
	if err != nil {
		return dst, err
	}
	var code []byte
	if account, ok := state.Account(addr); ok && account.CodeHash != types.EmptyCodeHash {
		code = state.Code(account.CodeHash)
	}
	return appendData(dst, code), nil
}

func (s *Server) getStorageAt(c *call, dst []byte) ([]byte, error) {
	addr, key, ref := c.args.address(), c.args.storageKey(), c.args.optionalBlock()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	state, err := s.state(ref)
	if err != nil {
		return dst, err
	}
	value := state.Storage(addr, *new(uint256.Int).SetBytes32(key[:]))
	word := common.Hash(value.Bytes32())
	return appendData(dst, word[:]), nil
}

// getTransactionCount answers for `pending` with the nonce after the sender's
// transactions in the pool, and else with that of the state.
func (s *Server) getTransactionCount(c *call, dst []byte) ([]byte, error) {
	addr, ref := c.args.address(), c.args.optionalBlock()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	if ref.Tag == TagPending {
		nonce, err := s.backend.PendingNonce(c.ctx, addr)
		return appendQuantity(dst, nonce), err
	}
	state, err := s.state(ref)
	if err != nil {
		return dst, err
	}
	account, _ := state.Account(addr)
	return appendQuantity(dst, account.Nonce), nil
}
