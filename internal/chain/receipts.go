package chain

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/trie"
)

// ListRoots returns the Merkle-Patricia roots of transactions and receipts, as
// in an Ethereum header. The receipts need their consensus fields: type,
// status, cumulative gas, bloom and logs.
func ListRoots(txs []*types.Transaction, receipts []*types.Receipt) (txRoot, receiptRoot common.Hash) {
	hasher := trie.NewStackTrie(nil)
	txRoot = types.DeriveSha(types.Transactions(txs), hasher)
	receiptRoot = types.DeriveSha(types.Receipts(receipts), hasher)
	return txRoot, receiptRoot
}

// DeriveReceipts fills in what follows from the mini-block and the open header
// of its EVM block: type, gas used, bloom, transaction hash and place,
// effective gas price, block number and the place of each log. Each receipt
// must have its status, cumulative gas and logs; there is one for each
// transaction.
//
// Block hash and contract address stay as they are: they need the seal and the
// sender. So does the blob gas price, which needs the chain configuration.
func DeriveReceipts(h *MiniBlockHeader, txs []*types.Transaction, receipts []*types.Receipt, header *types.Header) {
	if len(txs) != len(receipts) {
		panic(fmt.Sprintf("BUG: mini-block %d: %d receipts for %d transactions", h.Number, len(receipts), len(txs)))
	}
	txIndex, logIndex, gasBefore := uint(h.FirstTxIndex), uint(h.FirstLogIndex), h.CumulativeGas
	for i, r := range receipts {
		tx := txs[i]
		r.Type = tx.Type()
		r.TxHash = tx.Hash()
		r.TransactionIndex = txIndex + uint(i)
		r.GasUsed = r.CumulativeGasUsed - gasBefore
		gasBefore = r.CumulativeGasUsed
		r.EffectiveGasPrice = effectiveGasPrice(tx, header.BaseFee)
		r.BlobGasUsed = tx.BlobGas()
		r.BlockNumber = new(big.Int).SetUint64(h.BlockNumber)
		for _, l := range r.Logs {
			l.BlockNumber = h.BlockNumber
			l.BlockTimestamp = h.BlockTimestamp
			l.TxHash = r.TxHash
			l.TxIndex = r.TransactionIndex
			l.Index = logIndex
			logIndex++
		}
		r.Bloom = types.CreateBloom(r)
	}
}

// effectiveGasPrice is what the sender pays per gas, in wei (EIP-1559).
func effectiveGasPrice(tx *types.Transaction, baseFee *big.Int) *big.Int {
	price := new(big.Int).Add(tx.GasTipCap(), baseFee)
	if feeCap := tx.GasFeeCap(); price.Cmp(feeCap) > 0 {
		return feeCap
	}
	return price
}
