package chain

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/misc/eip1559"
	"github.com/ethereum/go-ethereum/consensus/misc/eip4844"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
)

// NextHeader is the open header of the EVM block after parent: everything that
// is known before its first transaction. Roots, bloom, gas, extraData and the
// requests hash stay empty until CloseHeader. The result depends on the
// arguments only, so that replicas derive the same header.
//
// The timestamp must be later than the parent's; the caller sees to it.
func NextHeader(config *params.ChainConfig, parent *types.Header, timestamp uint64) *types.Header {
	excessBlobGas := eip4844.CalcExcessBlobGas(config, parent, timestamp)
	parentHash := parent.Hash()
	return &types.Header{
		ParentHash:       parentHash,
		UncleHash:        types.EmptyUncleHash,
		Coinbase:         parent.Coinbase,
		Difficulty:       new(big.Int),
		Number:           new(big.Int).Add(parent.Number, common.Big1),
		GasLimit:         parent.GasLimit,
		Time:             timestamp,
		MixDigest:        crypto.Keccak256Hash(parentHash[:]),
		BaseFee:          eip1559.CalcBaseFee(config, parent),
		WithdrawalsHash:  new(types.EmptyWithdrawalsHash),
		BlobGasUsed:      new(uint64),
		ExcessBlobGas:    &excessBlobGas,
		ParentBeaconRoot: new(common.Hash),
	}
}

// BlockBody is what an EVM block did: the contents that its final header
// commits to. Receipts need their consensus fields and blooms.
type BlockBody struct {
	Txs          []*types.Transaction
	Receipts     []*types.Receipt
	StateRoot    common.Hash
	RequestsHash *common.Hash // nil before Prague
	FirstMini    uint64
	LastMini     uint64
}

// CloseHeader is the final header of an EVM block that was opened by
// NextHeader. The open header is not changed.
func CloseHeader(open *types.Header, body *BlockBody) *types.Header {
	h := types.CopyHeader(open)
	h.Root = body.StateRoot
	h.TxHash, h.ReceiptHash = ListRoots(body.Txs, body.Receipts)
	h.RequestsHash = body.RequestsHash
	h.Extra = MiniBlockRange(body.FirstMini, body.LastMini)
	h.GasUsed = 0
	if n := len(body.Receipts); n > 0 {
		h.GasUsed = body.Receipts[n-1].CumulativeGasUsed
	}
	h.Bloom = types.MergeBloom(body.Receipts)
	blobGasUsed := uint64(0)
	for _, tx := range body.Txs {
		blobGasUsed += tx.BlobGas()
	}
	h.BlobGasUsed = &blobGasUsed
	return h
}
