package rpc

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/redline-evm/redline/internal/chain"
)

// place says where an executed transaction stands.
type place struct {
	blockHash   common.Hash
	blockNumber uint64
	timestamp   uint64
	index       uint64
	baseFee     *big.Int
}

// placeInBlock returns the place of transaction i. While the block is open its
// hash is that of the mini-block that included the transaction.
func placeInBlock(block *chain.EVMBlock, i int) *place {
	p := &place{
		blockHash:   block.Hash,
		blockNumber: block.Header.Number.Uint64(),
		timestamp:   block.Header.Time,
		index:       uint64(i),
		baseFee:     block.Header.BaseFee,
	}
	if !block.Sealed && i < len(block.Receipts) {
		if hash := block.Receipts[i].BlockHash; hash != (common.Hash{}) {
			p.blockHash = hash
		}
	}
	return p
}

func (t *Transaction) place() *place {
	return &place{
		blockHash:   t.Receipt.BlockHash,
		blockNumber: t.Receipt.BlockNumber.Uint64(),
		timestamp:   t.BlockTimestamp,
		index:       uint64(t.Receipt.TransactionIndex),
		baseFee:     t.BaseFee,
	}
}

// appendTransaction appends a transaction as an object; at is nil while it is
// pending.
func appendTransaction(dst []byte, tx *types.Transaction, at *place, signer types.Signer) []byte {
	hash := tx.Hash()
	from := sender(signer, tx)
	o := beginObject(dst)
	o.txPlace(at)
	o.data("from", from[:])
	o.quantity("gas", tx.Gas())
	o.bigQuantity("gasPrice", gasPrice(tx, at))
	if tx.Type() >= types.DynamicFeeTxType {
		o.bigQuantity("maxFeePerGas", tx.GasFeeCap())
		o.bigQuantity("maxPriorityFeePerGas", tx.GasTipCap())
	}
	if tx.Type() == types.BlobTxType {
		o.bigQuantity("maxFeePerBlobGas", tx.BlobGasFeeCap())
	}
	o.data("hash", hash[:])
	o.data("input", tx.Data())
	o.quantity("nonce", tx.Nonce())
	o.optionalAddress("to", tx.To())
	o.key("transactionIndex")
	if at == nil {
		o.dst = appendNull(o.dst)
	} else {
		o.dst = appendQuantity(o.dst, at.index)
	}
	o.bigQuantity("value", tx.Value())
	o.quantity("type", uint64(tx.Type()))
	o.txTyped(tx)
	o.txSignature(tx)
	return o.end()
}

func (o *object) txPlace(at *place) {
	if at == nil {
		o.null("blockHash")
		o.null("blockNumber")
		o.null("blockTimestamp")
		return
	}
	o.data("blockHash", at.blockHash[:])
	o.quantity("blockNumber", at.blockNumber)
	o.quantity("blockTimestamp", at.timestamp)
}

// txTyped appends what only some types of transactions have.
func (o *object) txTyped(tx *types.Transaction) {
	if tx.Type() != types.LegacyTxType {
		o.key("accessList")
		o.dst = appendList(o.dst, tx.AccessList(), appendAccessTuple)
	}
	if id := tx.ChainId(); tx.Type() != types.LegacyTxType || id.Sign() != 0 {
		o.bigQuantity("chainId", id)
	}
	if hashes := tx.BlobHashes(); len(hashes) > 0 {
		o.key("blobVersionedHashes")
		o.dst = appendHashes(o.dst, hashes)
	}
	if auths := tx.SetCodeAuthorizations(); len(auths) > 0 {
		o.key("authorizationList")
		o.dst = appendList(o.dst, auths, appendAuthorization)
	}
}

func appendAccessTuple(dst []byte, _ int, tuple types.AccessTuple) []byte {
	o := beginObject(dst)
	o.data("address", tuple.Address[:])
	o.key("storageKeys")
	o.dst = appendHashes(o.dst, tuple.StorageKeys)
	return o.end()
}

func appendAuthorization(dst []byte, _ int, auth types.SetCodeAuthorization) []byte {
	o := beginObject(dst)
	o.key("chainId")
	o.dst = appendWordQuantity(o.dst, &auth.ChainID)
	o.data("address", auth.Address[:])
	o.quantity("nonce", auth.Nonce)
	o.quantity("yParity", uint64(auth.V))
	o.key("r")
	o.dst = appendWordQuantity(o.dst, &auth.R)
	o.key("s")
	o.dst = appendWordQuantity(o.dst, &auth.S)
	return o.end()
}

func (o *object) txSignature(tx *types.Transaction) {
	v, r, s := tx.RawSignatureValues()
	o.bigQuantity("v", v)
	o.bigQuantity("r", r)
	o.bigQuantity("s", s)
	if tx.Type() != types.LegacyTxType {
		o.quantity("yParity", uint64(v.Sign()))
	}
}

// gasPrice is what the sender pays for a unit of gas; while the transaction is
// pending, the most that it is ready to pay.
func gasPrice(tx *types.Transaction, at *place) *big.Int {
	if at == nil || at.baseFee == nil || tx.Type() < types.DynamicFeeTxType {
		return tx.GasPrice()
	}
	price := new(big.Int).Add(tx.GasTipCap(), at.baseFee)
	if price.Cmp(tx.GasFeeCap()) > 0 {
		return tx.GasFeeCap()
	}
	return price
}

// sender returns who signed the transaction. A transaction of the chain or the
// pool has a good signature; go-ethereum keeps what it has once recovered.
func sender(signer types.Signer, tx *types.Transaction) common.Address {
	from, err := types.Sender(signer, tx)
	if err != nil {
		return common.Address{}
	}
	return from
}

// appendReceipt appends a receipt as an object. The members stand in the order
// of their names, as geth sorts them.
func appendReceipt(dst []byte, tx *types.Transaction, r *types.Receipt, at *place, signer types.Signer) []byte {
	hash := tx.Hash()
	from := sender(signer, tx)
	o := beginObject(dst)
	if tx.Type() == types.BlobTxType {
		o.bigQuantity("blobGasPrice", r.BlobGasPrice)
		o.quantity("blobGasUsed", r.BlobGasUsed)
	}
	o.data("blockHash", at.blockHash[:])
	o.quantity("blockNumber", at.blockNumber)
	o.optionalAddress("contractAddress", createdAddress(from, tx))
	o.quantity("cumulativeGasUsed", r.CumulativeGasUsed)
	o.bigQuantity("effectiveGasPrice", r.EffectiveGasPrice)
	o.data("from", from[:])
	o.quantity("gasUsed", r.GasUsed)
	o.key("logs")
	o.dst = appendList(o.dst, r.Logs, func(dst []byte, _ int, log *types.Log) []byte {
		return appendLog(dst, log, hash, at)
	})
	o.data("logsBloom", r.Bloom[:])
	o.quantity("status", r.Status)
	o.optionalAddress("to", tx.To())
	o.data("transactionHash", hash[:])
	o.quantity("transactionIndex", at.index)
	o.quantity("type", uint64(tx.Type()))
	return o.end()
}

func createdAddress(from common.Address, tx *types.Transaction) *common.Address {
	if tx.To() != nil {
		return nil
	}
	addr := crypto.CreateAddress(from, tx.Nonce())
	return &addr
}

// appendLog appends a log of the transaction hash at the place at. Of what
// types.Log says about its place only the index in the block is used.
func appendLog(dst []byte, log *types.Log, hash common.Hash, at *place) []byte {
	o := beginObject(dst)
	o.data("address", log.Address[:])
	o.key("topics")
	o.dst = appendHashes(o.dst, log.Topics)
	o.data("data", log.Data)
	o.quantity("blockNumber", at.blockNumber)
	o.data("transactionHash", hash[:])
	o.quantity("transactionIndex", at.index)
	o.data("blockHash", at.blockHash[:])
	o.quantity("blockTimestamp", at.timestamp)
	o.quantity("logIndex", uint64(log.Index))
	o.key("removed")
	o.dst = append(o.dst, "false"...)
	return o.end()
}
