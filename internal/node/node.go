// Package node answers the RPC server's questions from a node's ledger: blocks,
// receipts and state as they are kept, calls and estimates by executing them,
// transactions by handing them to whoever takes them. Both programs use it; they
// differ in the Submitter alone: the sequencer's is its pool, the full node's
// forwards to the sequencer.
//
// The package must not know how records are made, followed or stored. All
// methods may be called from any goroutine.
package node

import (
	"context"
	"errors"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/netio/rpc"
)

// Submitter takes transactions and knows those that wait.
type Submitter interface {
	// Submit hands over a transaction; raw is its canonical encoding. A nil
	// error means that it waits to be executed.
	Submit(ctx context.Context, tx *types.Transaction, raw []byte) error
	// PendingTransaction returns a waiting transaction, or nil.
	PendingTransaction(hash common.Hash) *types.Transaction
	// PendingNonce returns the nonce after those of the account's transactions
	// that wait without a gap; ok is false when none waits.
	PendingNonce(addr common.Address) (nonce uint64, ok bool)
	// PoolStatus counts the waiting transactions.
	PoolStatus() rpc.PoolStatus
}

// Config is what a node consists of.
type Config struct {
	Ledger    *ledger.Ledger
	Engine    *jit.Engine
	Submitter Submitter
	Syncing   func() *rpc.SyncStatus // nil: the node is never behind
	PeerCount func() uint64          // nil: the node has no peers
	Now       func() time.Time       // nil: the system's clock
}

// Node implements rpc.Backend.
type Node struct {
	cfg       Config
	ledger    *ledger.Ledger
	simulator *exec.Simulator
	feed      *feed
}

var _ rpc.Backend = (*Node)(nil)

// New returns a node that tells its subscribers what the ledger appends.
func New(cfg Config) *Node {
	if cfg.Syncing == nil {
		cfg.Syncing = func() *rpc.SyncStatus { return nil }
	}
	if cfg.PeerCount == nil {
		cfg.PeerCount = func() uint64 { return 0 }
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	n := &Node{
		cfg:       cfg,
		ledger:    cfg.Ledger,
		simulator: exec.NewSimulator(cfg.Ledger.Config(), cfg.Ledger.Genesis().Limits, cfg.Engine),
		feed:      newFeed(),
	}
	tellMemory(cfg.Ledger)
	cfg.Ledger.Observe(func(e ledger.Event) { n.feed.publish(rpc.Event{MiniBlock: e.MiniBlock, Sealed: e.Sealed}) })
	return n
}

// AnnouncePending tells the subscribers of transactions that became executable.
func (n *Node) AnnouncePending(txs []*types.Transaction) { n.feed.publish(rpc.Event{Pending: txs}) }

// Subscribe delivers events; see rpc.Backend.
func (n *Node) Subscribe(buffer int) (events <-chan rpc.Event, cancel func()) {
	return n.feed.subscribe(buffer)
}

// ChainConfig returns the rules of the chain.
func (n *Node) ChainConfig() *params.ChainConfig { return n.ledger.Config() }

// HeadNumber returns the number of the newest EVM block.
func (n *Node) HeadNumber() uint64 { return n.ledger.HeadNumber() }

// Syncing returns how far the node is behind, or nil when it is not.
func (n *Node) Syncing() *rpc.SyncStatus { return n.cfg.Syncing() }

// Fault returns what keeps the chain from going on, or nil.
func (n *Node) Fault() error { return n.ledger.Err() }

// PeerCount returns the number of nodes that this one is connected to.
func (n *Node) PeerCount() uint64 { return n.cfg.PeerCount() }

// Header returns an EVM block, a sealed one without its body; nil if there is
// none.
func (n *Node) Header(ref rpc.BlockRef) (*chain.EVMBlock, error) {
	return n.lookUp(ref, n.ledger.Header)
}

// Block returns an EVM block with its body; nil if there is none.
func (n *Node) Block(ref rpc.BlockRef) (*chain.EVMBlock, error) {
	return n.lookUp(ref, n.ledger.Block)
}

// LogFilter says what the logs of an EVM block can be about; nil if the history
// does not have the block.
func (n *Node) LogFilter(number uint64) (rpc.LogFilter, error) {
	filter, ok, err := n.ledger.LogFilter(number)
	if !ok || err != nil {
		return nil, err
	}
	return filter, nil
}

func (n *Node) lookUp(ref rpc.BlockRef, byNumber func(uint64) (*chain.EVMBlock, error)) (*chain.EVMBlock, error) {
	number, ok, err := n.number(ref)
	if !ok || err != nil {
		return nil, err
	}
	return byNumber(number)
}

// number is the number of the EVM block that ref names; ok is false when a hash
// names none. There need not be a block of that number.
func (n *Node) number(ref rpc.BlockRef) (number uint64, ok bool, err error) {
	switch ref.Tag {
	case rpc.TagLatest, rpc.TagPending:
		return n.ledger.HeadNumber(), true, nil
	case rpc.TagSafe, rpc.TagFinalized:
		return n.ledger.Sealed().Number.Uint64(), true, nil
	case rpc.TagEarliest:
		return 0, true, nil
	case rpc.TagNumber:
		return ref.Number, true, nil
	}
	return n.ledger.BlockNumber(ref.Hash)
}

// State returns the state after an EVM block.
func (n *Node) State(ref rpc.BlockRef) (rpc.State, error) { return n.view(ref) }

func (n *Node) view(ref rpc.BlockRef) (*memstate.View, error) {
	if ref.Tag == rpc.TagLatest || ref.Tag == rpc.TagPending {
		return n.ledger.Latest(), nil
	}
	number, ok, err := n.number(ref)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, rpc.ErrUnknownBlock
	}
	view, err := n.ledger.StateAt(number)
	switch {
	case errors.Is(err, memstate.ErrFuture):
		return nil, rpc.ErrUnknownBlock
	case errors.Is(err, memstate.ErrPruned):
		return nil, rpc.ErrStatePruned
	}
	return view, err
}

// Transaction returns an executed transaction; nil if there is none.
func (n *Node) Transaction(hash common.Hash) (*rpc.Transaction, error) {
	t, err := n.ledger.Transaction(hash)
	if t == nil || err != nil {
		return nil, err
	}
	return &rpc.Transaction{Tx: t.Tx, Receipt: t.Receipt, BlockTimestamp: t.Header.Time, BaseFee: t.Header.BaseFee}, nil
}

// Submit hands a transaction to the submitter.
func (n *Node) Submit(ctx context.Context, tx *types.Transaction, raw []byte) error {
	return n.cfg.Submitter.Submit(ctx, tx, raw)
}

// PendingTransaction returns a transaction that waits, or nil.
func (n *Node) PendingTransaction(_ context.Context, hash common.Hash) (*types.Transaction, error) {
	if tx := n.cfg.Submitter.PendingTransaction(hash); tx != nil {
		return tx, nil
	}
	return n.ledger.Unpublished(hash) // executed, and soon to be seen
}

// PendingNonce returns the next nonce of an account, transactions counted that
// wait to be executed or to be seen.
func (n *Node) PendingNonce(_ context.Context, addr common.Address) (uint64, error) {
	account, _ := n.ledger.State().Latest().Account(addr)
	if pending, ok := n.cfg.Submitter.PendingNonce(addr); ok {
		return max(pending, account.Nonce), nil
	}
	return account.Nonce, nil
}

// PoolStatus counts the transactions that wait.
func (n *Node) PoolStatus(context.Context) (rpc.PoolStatus, error) {
	return n.cfg.Submitter.PoolStatus(), nil
}
