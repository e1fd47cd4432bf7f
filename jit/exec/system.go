package exec

import (
	"bytes"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/jit"
)

// systemCallGas is the gas of a call by the protocol itself; nobody pays it.
const systemCallGas = 30_000_000

// depositTopic marks the deposit contract's event (EIP-6110).
var depositTopic = common.HexToHash("0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5")

// requestQueues are the contracts whose queues a block's end empties.
var requestQueues = [...]struct {
	requestType byte
	contract    common.Address
}{
	{0x01, params.WithdrawalQueueAddress},    // EIP-7002
	{0x02, params.ConsolidationQueueAddress}, // EIP-7251
}

const depositRequestType = 0x00

// Begin makes the system calls of a block's start: it stores the beacon root
// (EIP-4788) and the parent's hash (EIP-2935). A call that fails is ignored.
func (b *Block) Begin() {
	if root := b.header.ParentBeaconRoot; root != nil {
		b.systemCall(params.BeaconRootsAddress, root[:])
	}
	if b.ctx.Fork >= jit.Prague {
		b.systemCall(params.HistoryStorageAddress, b.header.ParentHash[:])
	}
}

// End makes the system calls of a block's end and returns the block's requests
// (EIP-7685): deposits, withdrawals and consolidations, each list with its type
// as first byte, empty lists left out. Before Prague requests is nil. An error
// makes the block invalid.
func (b *Block) End() (requests [][]byte, err error) {
	if b.ctx.Fork < jit.Prague {
		return nil, nil
	}
	requests = [][]byte{}
	deposits, err := b.deposits()
	if err != nil {
		return nil, err
	}
	if len(deposits) > 0 {
		requests = append(requests, append([]byte{depositRequestType}, deposits...))
	}
	for _, queue := range requestQueues {
		list, err := b.dequeue(queue.contract)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			requests = append(requests, append([]byte{queue.requestType}, list...))
		}
	}
	return requests, nil
}

// deposits returns the deposit requests in the block's logs (EIP-6110).
func (b *Block) deposits() (requests []byte, err error) {
	for _, receipt := range b.receipts {
		for _, log := range receipt.Logs {
			if log.Address != b.config.DepositContractAddress || len(log.Topics) == 0 || log.Topics[0] != depositTopic {
				continue
			}
			request, err := types.DepositLogToRequest(log.Data)
			if err != nil {
				return nil, fmt.Errorf("cannot parse deposit of transaction %s: %w", receipt.TxHash, err)
			}
			requests = append(requests, request...)
		}
	}
	return requests, nil
}

// dequeue returns the requests that wait in the contract. Without a contract,
// or when the call fails, the block is invalid.
func (b *Block) dequeue(contract common.Address) ([]byte, error) {
	if b.journal.CodeSize(&contract) == 0 {
		return nil, fmt.Errorf("empty system contract: no code at %s", contract)
	}
	result := b.systemCall(contract, nil)
	if result.Halt != jit.Success {
		return nil, fmt.Errorf("system call to %s failed: %s", contract, result.Halt)
	}
	return bytes.Clone(result.Output), nil
}

// systemCall is a transaction of its own, without nonce and fees.
func (b *Block) systemCall(contract common.Address, input []byte) jit.Result {
	b.evm.SetTx(jit.TxContext{Origin: params.SystemAddress})
	b.journal.WarmAccount(&contract)
	b.call = jit.Message{Caller: params.SystemAddress, To: contract, Input: input, Gas: systemCallGas}
	result := b.evm.Call(&b.call)
	b.journal.Finish()
	return result
}
