package rpc

import (
	"context"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// Backend is the node behind the server. Every method may be called from many
// goroutines at once and returns values that the caller only reads.
//
// An error that wraps *Error keeps its code and data on the way to
// the client; every other error becomes code -32000 with its text, so texts
// are those of geth where geth has one.
type Backend interface {
	// ChainConfig returns the rules of the chain. It never changes.
	ChainConfig() *params.ChainConfig

	// HeadNumber returns the number of the open EVM block, once it has a
	// mini-block, else of the newest sealed one. It is called very often.
	HeadNumber() uint64

	// Fault returns what keeps the node from going on with the chain, such as a
	// full disk; nil if nothing does.
	Fault() error

	// Header returns an EVM block without transactions and receipts, or nil
	// when no such block is known.
	Header(ref BlockRef) (*chain.EVMBlock, error)

	// Block returns an EVM block, or nil when no such block is known. Its
	// receipts have all derived fields: block hash (of the mini-block while
	// the EVM block is open), contract address, indices, effective gas price.
	Block(ref BlockRef) (*chain.EVMBlock, error)

	// LogFilter says what the logs of an EVM block can be about, for less than
	// the header costs; nil when the node keeps no filter of the block. It
	// never denies a log that is there.
	LogFilter(number uint64) (LogFilter, error)

	// State returns the state after an EVM block; for the open block, after
	// its newest mini-block. It stays as it is while the chain goes on, until
	// it is Expired.
	// Errors: ErrUnknownBlock, ErrStatePruned.
	State(ref BlockRef) (State, error)

	// Transaction returns an executed transaction, or nil when none with this
	// hash was executed.
	Transaction(hash common.Hash) (*Transaction, error)

	// Call runs a message on the state of req.Block and drops its effects.
	// EstimateGas looks for the lowest gas limit with which the message
	// succeeds; on the open block it runs with the timestamp of the next one.
	// Both stop soon after ctx ends and then return its error. What the
	// message does is in the result; errors are ErrUnknownBlock,
	// ErrStatePruned, ErrStateExpired, and reasons why the message could not begin.
	Call(ctx context.Context, req *CallRequest) (*CallResult, error)
	EstimateGas(ctx context.Context, req *CallRequest) (*CallResult, error)

	// Submit hands a transaction to the pool; raw is its canonical encoding.
	// A nil error means that the pool holds it. ErrAlreadyKnown (or an error
	// with its text, from another node) means that the pool held it before.
	Submit(ctx context.Context, tx *types.Transaction, raw []byte) error

	// PendingTransaction returns a transaction that waits in the pool, or nil.
	PendingTransaction(ctx context.Context, hash common.Hash) (*types.Transaction, error)

	// PendingNonce returns the next nonce of an account, after those of its
	// transactions that wait in the pool without a gap.
	PendingNonce(ctx context.Context, addr common.Address) (uint64, error)

	// PoolStatus counts the transactions in the pool.
	PoolStatus(ctx context.Context) (PoolStatus, error)

	// Syncing returns how far the node is behind, or nil when it is not.
	Syncing() *SyncStatus

	// PeerCount returns the number of nodes that this one is connected to.
	PeerCount() uint64

	// Subscribe delivers events from now on, in chain order. The backend
	// never waits for the receiver: when more than buffer events are not yet
	// received it closes the channel. cancel ends the delivery and closes the
	// channel; it may be called twice.
	Subscribe(buffer int) (events <-chan Event, cancel func())
}

var (
	// ErrUnknownBlock says that a BlockRef names no block of this chain.
	ErrUnknownBlock = errors.New("header not found")
	// ErrStatePruned says that the state of a block is no longer kept.
	ErrStatePruned = errors.New("historical state is not available")
	// ErrStateExpired says that the chain went on so far during the request
	// that the state it read is gone.
	ErrStateExpired = errors.New("the chain moved on too fast for this request: the node is catching up, try again")
	// ErrAlreadyKnown says that the pool holds the transaction already.
	ErrAlreadyKnown = errors.New("already known")
)

// BlockTag says how a BlockRef names its block.
type BlockTag uint8

// The ways to name a block.
const (
	TagLatest    BlockTag = iota // the open block at its newest mini-block
	TagPending                   // the same as TagLatest
	TagSafe                      // the newest sealed block
	TagFinalized                 // the same as TagSafe
	TagEarliest                  // the genesis block
	TagNumber                    // BlockRef.Number
	TagHash                      // BlockRef.Hash
)

// BlockRef names an EVM block. Hash is that of a sealed EVM block or of any of
// its mini-blocks; either names the same EVM block.
type BlockRef struct {
	Tag    BlockTag
	Number uint64
	Hash   common.Hash
}

// Latest names the newest block.
func Latest() BlockRef { return BlockRef{Tag: TagLatest} }

// ByNumber names the block with a number.
func ByNumber(number uint64) BlockRef { return BlockRef{Tag: TagNumber, Number: number} }

// ByHash names the block with a hash.
func ByHash(hash common.Hash) BlockRef { return BlockRef{Tag: TagHash, Hash: hash} }

// LogFilter says what the logs of an EVM block can be about.
type LogFilter interface {
	// Address reports whether there can be a log of an address.
	Address(addr common.Address) bool
	// Topic reports whether there can be a log with a topic in a position.
	Topic(position int, topic common.Hash) bool
}

// State reads the world state at one point of the chain.
type State interface {
	// Expired reports whether values may be gone because the chain went on too
	// far. A reader asks after it has read: false means that all was true.
	Expired() bool

	Account(addr common.Address) (chain.Account, bool)
	Storage(addr common.Address, key uint256.Int) uint256.Int
	Code(hash common.Hash) []byte
}

// Transaction is an executed transaction with where it stands. Receipt has all
// derived fields, as in Backend.Block.
type Transaction struct {
	Tx             *types.Transaction
	Receipt        *types.Receipt
	BlockTimestamp uint64
	BaseFee        *big.Int
}

// CallRequest is a message to run without leaving a trace.
type CallRequest struct {
	Block BlockRef

	// Msg has zero Gas when the client gave none; GasCap is the most that the
	// message may use in any case. GasPrice excludes the two EIP-1559 fields;
	// when none of them is set the message pays nothing and sees base fee 0.
	Msg    ethereum.CallMsg
	GasCap uint64

	Accounts map[common.Address]AccountOverride
	Header   HeaderOverride
}

// AccountOverride replaces parts of an account before the message runs; what
// is nil stays. Storage replaces all slots, StorageDiff single ones; at most
// one of them is set.
type AccountOverride struct {
	Nonce            *uint64
	Balance          *uint256.Int
	Code             []byte // not nil: the new code
	Storage          map[common.Hash]common.Hash
	StorageDiff      map[common.Hash]common.Hash
	MovePrecompileTo *common.Address
}

// HeaderOverride replaces fields of the block that the message sees; what is
// nil stays.
type HeaderOverride struct {
	Number      *uint256.Int
	Timestamp   *uint64
	GasLimit    *uint64
	Coinbase    *common.Address
	Random      *common.Hash
	BaseFee     *uint256.Int
	BlobBaseFee *uint256.Int
}

// CallResult is what a message did. When it failed, either Reverted is set or
// Failure says why in geth's words ("out of gas").
type CallResult struct {
	Gas      uint64 // used by a call; for an estimate, the gas limit that suffices
	Output   []byte // return data, or revert data
	Reverted bool
	Failure  string
}

// PoolStatus counts transactions: executable ones and those behind a gap.
type PoolStatus struct {
	Pending uint64
	Queued  uint64
}

// SyncStatus says where a node that catches up began, is, and wants to be, as
// EVM block numbers.
type SyncStatus struct {
	Starting uint64
	Current  uint64
	Highest  uint64
}

// Event is one thing that happened to the chain. Exactly one field is set.
type Event struct {
	// MiniBlock was appended. Its receipts have all derived fields, with the
	// mini-block's hash as block hash; Diff may be nil.
	MiniBlock *chain.MiniBlock
	// Sealed is an EVM block that was closed; it may come without
	// transactions and receipts.
	Sealed *chain.EVMBlock
	// Pending are transactions that became executable in the pool.
	Pending []*types.Transaction
}
