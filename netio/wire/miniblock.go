package wire

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
)

// txSizeMin is the least size of a transaction in bytes: its length and one
// byte. The transaction's own parser asks for more.
const txSizeMin = 2

// AppendMiniBlock appends the encoding of m. It has one receipt for each
// transaction.
func AppendMiniBlock(dst []byte, m *chain.MiniBlock) []byte {
	dst = appendMiniBlockHeader(dst, &m.Header)
	dst = binary.AppendUvarint(dst, uint64(len(m.Txs)))
	for _, tx := range m.Txs {
		dst = appendTx(dst, tx)
	}
	dst = AppendReceipts(dst, m.Receipts)
	return AppendStateDiff(dst, m.Diff)
}

// ParseMiniBlock is the inverse of AppendMiniBlock. Of the receipts' derived
// fields only type and gas are set; chain.DeriveReceipts fills in the rest.
func ParseMiniBlock(src []byte) (*chain.MiniBlock, error) {
	return parse("mini-block", src, (*reader).miniBlock)
}

func (r *reader) miniBlock() *chain.MiniBlock {
	m := &chain.MiniBlock{}
	r.miniBlockHeader(&m.Header)
	m.Txs = make([]*types.Transaction, 0, r.count(txSizeMin))
	for range cap(m.Txs) {
		m.Txs = append(m.Txs, r.tx())
		if r.err != nil {
			return nil
		}
	}
	m.Receipts = r.receipts(len(m.Txs))
	m.Diff = r.stateDiff()
	if r.err != nil {
		return nil
	}
	cumulative := m.Header.CumulativeGas
	for i, receipt := range m.Receipts {
		receipt.Type = m.Txs[i].Type()
		sum, carry := bits.Add64(cumulative, receipt.GasUsed, 0)
		if carry != 0 {
			r.corrupt("gas of receipt %d: %d after %d", i, receipt.GasUsed, cumulative)
			return nil
		}
		cumulative, receipt.CumulativeGasUsed = sum, sum
	}
	return m
}

// headerNumbers and headerHashes list the header's fields in the order of the
// format: numbers first.
func headerNumbers(h *chain.MiniBlockHeader) [9]*uint64 {
	return [9]*uint64{
		&h.Number, &h.BlockNumber, &h.BlockTimestamp, &h.Index, &h.TimestampUs,
		&h.FirstTxIndex, &h.FirstLogIndex, &h.CumulativeGas, &h.GasUsed,
	}
}

func headerHashes(h *chain.MiniBlockHeader) [5][]byte {
	return [5][]byte{h.ParentHash[:], h.TxRoot[:], h.ReceiptRoot[:], h.DiffHash[:], h.Signature[:]}
}

func appendMiniBlockHeader(dst []byte, h *chain.MiniBlockHeader) []byte {
	for _, number := range headerNumbers(h) {
		dst = binary.AppendUvarint(dst, *number)
	}
	for _, hash := range headerHashes(h) {
		dst = append(dst, hash...)
	}
	return dst
}

func (r *reader) miniBlockHeader(h *chain.MiniBlockHeader) {
	for _, number := range headerNumbers(h) {
		*number = r.uvarint()
	}
	for _, hash := range headerHashes(h) {
		r.fixed(hash)
	}
}

// appendTx appends a transaction's canonical typed encoding (EIP-2718). Blobs
// are not part of the chain.
func appendTx(dst []byte, tx *types.Transaction) []byte {
	encoded, err := tx.WithoutBlobTxSidecar().MarshalBinary()
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot encode transaction %s: %v", tx.Hash(), err))
	}
	return appendSized(dst, encoded)
}

func (r *reader) tx() *types.Transaction {
	encoded := r.sized()
	if r.err != nil {
		return nil
	}
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(encoded); err != nil {
		r.corrupt("transaction: %v", err)
		return nil
	}
	if tx.BlobTxSidecar() != nil {
		r.corrupt("transaction %s with blobs", tx.Hash())
		return nil
	}
	return tx
}
