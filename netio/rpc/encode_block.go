package rpc

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/redline-evm/redline/internal/chain"
)

// appendHeader appends the header of a block as an object.
func appendHeader(dst []byte, block *chain.EVMBlock) []byte {
	o := beginObject(dst)
	o.headerBeforeSize(clientHeader(block), block.Hash)
	o.headerAfterSize(clientHeader(block))
	return o.end()
}

// appendBlock appends a block as an object, with whole transactions or their
// hashes. The members stand in the order of their names, as geth sorts them.
func appendBlock(dst []byte, block *chain.EVMBlock, signer types.Signer, full bool) []byte {
	header := clientHeader(block)
	o := beginObject(dst)
	o.headerBeforeSize(header, block.Hash)
	o.quantity("size", blockSize(header, block.Txs))
	o.data("stateRoot", header.Root[:])
	o.quantity("timestamp", header.Time)
	o.key("transactions")
	o.dst = appendList(o.dst, block.Txs, func(dst []byte, i int, tx *types.Transaction) []byte {
		if full {
			return appendTransaction(dst, tx, placeInBlock(block, i), signer)
		}
		hash := tx.Hash()
		return appendData(dst, hash[:])
	})
	o.data("transactionsRoot", header.TxHash[:])
	o.key("uncles")
	o.dst = append(o.dst, "[]"...)
	if header.WithdrawalsHash != nil {
		o.key("withdrawals")
		o.dst = append(o.dst, "[]"...)
		o.data("withdrawalsRoot", header.WithdrawalsHash[:])
	}
	return o.end()
}

// headerBeforeSize appends the members whose names sort before "size".
func (o *object) headerBeforeSize(h *types.Header, hash common.Hash) {
	if h.BaseFee != nil {
		o.bigQuantity("baseFeePerGas", h.BaseFee)
	}
	if h.BlobGasUsed != nil {
		o.quantity("blobGasUsed", *h.BlobGasUsed)
	}
	o.bigQuantity("difficulty", h.Difficulty)
	if h.ExcessBlobGas != nil {
		o.quantity("excessBlobGas", *h.ExcessBlobGas)
	}
	o.data("extraData", h.Extra)
	o.quantity("gasLimit", h.GasLimit)
	o.quantity("gasUsed", h.GasUsed)
	o.data("hash", hash[:])
	o.data("logsBloom", h.Bloom[:])
	o.data("miner", h.Coinbase[:])
	o.data("mixHash", h.MixDigest[:])
	o.data("nonce", h.Nonce[:])
	o.bigQuantity("number", h.Number)
	if h.ParentBeaconRoot != nil {
		o.data("parentBeaconBlockRoot", h.ParentBeaconRoot[:])
	}
	o.data("parentHash", h.ParentHash[:])
	o.data("receiptsRoot", h.ReceiptHash[:])
	if h.RequestsHash != nil {
		o.data("requestsHash", h.RequestsHash[:])
	}
	o.data("sha3Uncles", h.UncleHash[:])
}

// headerAfterSize appends the rest of the members of a header alone.
func (o *object) headerAfterSize(h *types.Header) {
	o.data("stateRoot", h.Root[:])
	o.quantity("timestamp", h.Time)
	o.data("transactionsRoot", h.TxHash[:])
	if h.WithdrawalsHash != nil {
		o.data("withdrawalsRoot", h.WithdrawalsHash[:])
	}
}

// clientHeader returns the header that clients see. While the block is open
// its gas and bloom are those of its receipts so far. Its roots are not known:
// clients check that the transaction root is that of no transactions exactly
// if there are none, so that one is set then, and zero otherwise.
func clientHeader(block *chain.EVMBlock) *types.Header {
	if block.Sealed {
		return block.Header
	}
	h := types.CopyHeader(block.Header)
	h.TxHash, h.ReceiptHash = common.Hash{}, common.Hash{}
	if len(block.Txs) == 0 {
		h.TxHash, h.ReceiptHash = types.EmptyTxsHash, types.EmptyReceiptsHash
	}
	if n := len(block.Receipts); n > 0 {
		h.GasUsed = block.Receipts[n-1].CumulativeGasUsed
		h.Bloom = types.MergeBloom(block.Receipts)
	}
	return h
}

// blockSize is the length of the block's RLP: header, transactions, no uncles
// and, since Shanghai, no withdrawals.
func blockSize(header *types.Header, txs []*types.Transaction) uint64 {
	encoded, err := rlp.EncodeToBytes(header)
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot encode header %v: %v", header.Number, err))
	}
	const emptyListSize = 1
	size := uint64(len(encoded)) + rlp.ListSize(txsSize(txs)) + emptyListSize
	if header.WithdrawalsHash != nil {
		size += emptyListSize
	}
	return rlp.ListSize(size)
}

// txsSize is the length of the transactions in a block: a legacy transaction
// is a list, every other one a string, whose head is as long as a list's.
func txsSize(txs []*types.Transaction) (size uint64) {
	for _, tx := range txs {
		if tx.Type() == types.LegacyTxType {
			size += tx.Size()
		} else {
			size += rlp.ListSize(tx.Size())
		}
	}
	return size
}
