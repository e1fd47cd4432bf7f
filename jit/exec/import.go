package exec

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit"
)

// ExecuteBlock checks an EVM block whole, as a client that imports it from a
// stranger: header against parent, body against header, execution against
// header. Left to the caller, who has the trie, are the state root, which is
// known once the journal's Diff is applied, and the root of the withdrawals.
// After an error the journal holds part of the block and must be Reset.
func ExecuteBlock(config *params.ChainConfig, parent *types.Header, block *types.Block, engine *jit.Engine, journal *Journal, blockHash func(uint64) common.Hash) (*Block, error) {
	header := block.Header()
	if err := ValidateHeader(config, parent, header); err != nil {
		return nil, err
	}
	if err := validateBody(config, block); err != nil {
		return nil, err
	}
	b := NewBlock(config, header, engine, journal, blockHash)
	b.Begin()
	signer := types.MakeSigner(config, header.Number, header.Time)
	for i, tx := range block.Transactions() {
		sender, err := types.Sender(signer, tx)
		if err != nil {
			return nil, fmt.Errorf("could not apply tx %d [%s]: %w", i, tx.Hash(), err)
		}
		if _, err := b.Apply(tx, sender); err != nil {
			return nil, fmt.Errorf("could not apply tx %d [%s]: %w", i, tx.Hash(), err)
		}
	}
	b.Withdraw(block.Withdrawals())
	requests, err := b.End()
	if err != nil {
		return nil, err
	}
	return b, b.validateResult(block.Transactions(), requests)
}

// validateBody checks what can be said of the body before it is executed.
func validateBody(config *params.ChainConfig, block *types.Block) error {
	header := block.Header()
	if config.IsOsaka(header.Number, header.Time) && block.Size() > params.MaxBlockSize {
		return ErrBlockOversized
	}
	if len(block.Uncles()) > 0 {
		return errors.New("too many uncles")
	}
	if block.Withdrawals() == nil {
		return errors.New("missing withdrawals in block body")
	}
	blobGas := uint64(0)
	for i, tx := range block.Transactions() {
		blobGas += tx.BlobGas()
		if tx.BlobTxSidecar() != nil {
			return fmt.Errorf("unexpected blob sidecar in transaction at index %d", i)
		}
	}
	if blobGas != *header.BlobGasUsed {
		return fmt.Errorf("blob gas used mismatch (header %d, calculated %d)", *header.BlobGasUsed, blobGas)
	}
	return nil
}

// validateResult compares the header with the transactions and what they did.
func (b *Block) validateResult(txs []*types.Transaction, requests [][]byte) error {
	h := b.header
	if h.GasUsed != b.gasUsed {
		return fmt.Errorf("invalid gas used (remote: %d local: %d)", h.GasUsed, b.gasUsed)
	}
	if bloom := types.MergeBloom(b.receipts); bloom != h.Bloom {
		return fmt.Errorf("invalid bloom (remote: %x  local: %x)", h.Bloom, bloom)
	}
	txRoot, receiptRoot := chain.ListRoots(txs, b.receipts)
	if txRoot != h.TxHash {
		return fmt.Errorf("transaction root hash mismatch (header value %s, calculated %s)", h.TxHash, txRoot)
	}
	if receiptRoot != h.ReceiptHash {
		return fmt.Errorf("invalid receipt root hash (remote: %s local: %s)", h.ReceiptHash, receiptRoot)
	}
	if h.RequestsHash == nil {
		return nil
	}
	if hash := types.CalcRequestsHash(requests); hash != *h.RequestsHash {
		return fmt.Errorf("invalid requests hash (remote: %s local: %s)", h.RequestsHash, hash)
	}
	return nil
}
