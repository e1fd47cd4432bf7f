package ledger

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/redline-evm/redline/internal/chain"
)

// setPlace fills in what chain.DeriveReceipts cannot know: the block hash,
// which is the mini-block's until its EVM block is sealed, and the address of a
// created contract.
func (l *Ledger) setPlace(m *chain.MiniBlock, hash common.Hash) {
	for i, receipt := range m.Receipts {
		receipt.BlockHash = hash
		for _, log := range receipt.Logs {
			log.BlockHash = hash
		}
		tx := m.Txs[i]
		if tx.To() != nil {
			continue
		}
		// Who is in the chain has a valid signature.
		if sender, err := types.Sender(l.signer, tx); err == nil {
			receipt.ContractAddress = crypto.CreateAddress(sender, tx.Nonce())
		}
	}
}

// withBlockHash returns copies of receipts that name another block hash. The
// copies are made in two allocations, because there can be very many.
func withBlockHash(receipts []*types.Receipt, hash common.Hash) []*types.Receipt {
	logCount := 0
	for _, receipt := range receipts {
		logCount += len(receipt.Logs)
	}
	copies, pointers := make([]types.Receipt, len(receipts)), make([]*types.Receipt, len(receipts))
	logs, logPointers := make([]types.Log, logCount), make([]*types.Log, logCount)
	at := 0
	for i, receipt := range receipts {
		copies[i] = *receipt
		copies[i].BlockHash = hash
		first := at
		for _, log := range receipt.Logs {
			logs[at] = *log
			logs[at].BlockHash = hash
			logPointers[at] = &logs[at]
			at++
		}
		copies[i].Logs = logPointers[first:at:at]
		pointers[i] = &copies[i]
	}
	return pointers
}
