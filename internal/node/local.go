package node

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/netio/rpc"
)

// Pool is a pool of transactions in this process.
type Pool interface {
	Add(tx *types.Transaction) error
	Get(hash common.Hash) *types.Transaction
	PendingNonce(addr common.Address) (nonce uint64, ok bool)
	Status() (pending, queued int)
}

// Local is a Submitter that hands transactions to a pool in this process, unless
// fault says why the chain cannot go on.
func Local(pool Pool, fault func() error) Submitter { return local{pool, fault} }

type local struct {
	pool  Pool
	fault func() error
}

func (l local) Submit(_ context.Context, tx *types.Transaction, _ []byte) error {
	if err := l.fault(); err != nil {
		return fmt.Errorf("no transactions are taken now: %w", err)
	}
	return l.pool.Add(tx)
}

func (l local) PendingTransaction(hash common.Hash) *types.Transaction { return l.pool.Get(hash) }

func (l local) PendingNonce(addr common.Address) (uint64, bool) { return l.pool.PendingNonce(addr) }

func (l local) PoolStatus() rpc.PoolStatus {
	pending, queued := l.pool.Status()
	return rpc.PoolStatus{Pending: uint64(pending), Queued: uint64(queued)}
}
