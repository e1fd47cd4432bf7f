package wire

import (
	"bytes"
	"encoding/binary"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// topicCountMax is how many topics a log can have: LOG4 is the largest.
const topicCountMax = 4

// Least sizes of a receipt (status, gas, count of logs) and a log (address,
// count of topics, length of data) in bytes, for bounding counts.
const (
	receiptSizeMin = 3
	logSizeMin     = common.AddressLength + 2
)

// AppendReceipts appends receipts: status, gas used and logs of each. Their
// number is that of the mini-block's transactions and is not written.
func AppendReceipts(dst []byte, receipts []*types.Receipt) []byte {
	for _, receipt := range receipts {
		dst = append(dst, byte(receipt.Status))
		dst = binary.AppendUvarint(dst, receipt.GasUsed)
		dst = binary.AppendUvarint(dst, uint64(len(receipt.Logs)))
		for _, log := range receipt.Logs {
			dst = appendLog(dst, log)
		}
	}
	return dst
}

func appendLog(dst []byte, log *types.Log) []byte {
	dst = append(dst, log.Address[:]...)
	dst = append(dst, byte(len(log.Topics)))
	for _, topic := range log.Topics {
		dst = append(dst, topic[:]...)
	}
	return appendSized(dst, log.Data)
}

// ParseReceipts is the inverse of AppendReceipts for a known number of
// receipts. Status, gas used and logs are set.
func ParseReceipts(src []byte, count int) ([]*types.Receipt, error) {
	return parse("receipts", src, func(r *reader) []*types.Receipt { return r.receipts(count) })
}

func (r *reader) receipts(count int) []*types.Receipt {
	if fit := len(r.rest) / receiptSizeMin; count > fit {
		r.truncated("got room for %d receipts; want %d", fit, count)
		return nil
	}
	receipts := make([]*types.Receipt, 0, count)
	for range count {
		receipts = append(receipts, r.receipt())
		if r.err != nil {
			return nil
		}
	}
	return receipts
}

func (r *reader) receipt() *types.Receipt {
	status := r.byte()
	if status > 1 {
		r.corrupt("receipt status %d", status)
		return nil
	}
	receipt := &types.Receipt{Status: uint64(status), GasUsed: r.uvarint()}
	receipt.Logs = make([]*types.Log, 0, r.count(logSizeMin))
	for range cap(receipt.Logs) {
		receipt.Logs = append(receipt.Logs, r.log())
		if r.err != nil {
			return nil
		}
	}
	return receipt
}

func (r *reader) log() *types.Log {
	log := &types.Log{}
	r.fixed(log.Address[:])
	topicCount := r.byte()
	if topicCount > topicCountMax {
		r.corrupt("log with %d topics", topicCount)
		return nil
	}
	log.Topics = make([]common.Hash, topicCount)
	for i := range log.Topics {
		r.fixed(log.Topics[i][:])
	}
	log.Data = bytes.Clone(r.sized())
	return log
}
