package rpc

import (
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// readState lets read read the state that ref names. Only without an error is
// what it read true.
func (s *Server) readState(ref BlockRef, read func(State)) error {
	state, err := s.backend.State(ref)
	if err != nil {
		return blockError(ref, err)
	}
	read(state)
	if state.Expired() {
		return ErrStateExpired
	}
	return nil
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
	var account chain.Account
	err := s.readState(ref, func(state State) { account, _ = state.Account(addr) })
	return appendWordQuantity(dst, &account.Balance), err
}

func (s *Server) getCode(c *call, dst []byte) ([]byte, error) {
	addr, ref := c.args.address(), c.args.optionalBlock()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	var code []byte
	err := s.readState(ref, func(state State) {
		if account, ok := state.Account(addr); ok && account.CodeHash != types.EmptyCodeHash {
			code = state.Code(account.CodeHash)
		}
	})
	return appendData(dst, code), err
}

func (s *Server) getStorageAt(c *call, dst []byte) ([]byte, error) {
	addr, key, ref := c.args.address(), c.args.storageKey(), c.args.optionalBlock()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	var value uint256.Int
	err := s.readState(ref, func(state State) { value = state.Storage(addr, *new(uint256.Int).SetBytes32(key[:])) })
	word := common.Hash(value.Bytes32())
	return appendData(dst, word[:]), err
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
	var account chain.Account
	err := s.readState(ref, func(state State) { account, _ = state.Account(addr) })
	return appendQuantity(dst, account.Nonce), err
}
