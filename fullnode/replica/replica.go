// Package replica follows the chain of a sequencer: it checks each record that
// comes down the stream and appends it to the node's chain. In diff mode it
// executes nothing: it applies the state diffs that the sequencer signed, and
// checks every EVM block's state root. In replay mode it executes every
// transaction too and compares.
//
// A Replica is a step machine of one goroutine: Accept takes records, checks
// them and appends them, and depends on nothing else. The package must not know
// sockets, the clock, the disk or the sequencer's insides.
package replica

import (
	"fmt"

	"github.com/VictoriaMetrics/metrics"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/netio/wire"
)

// Chain is the node's chain, up to the newest record that was appended.
type Chain interface {
	Append(rec wire.Record) error
	NextSeq() uint64
	// Expect is the beginning of the next mini-block's header; its block
	// timestamp is 0 when the mini-block begins an EVM block.
	Expect() chain.MiniBlockHeader
	Sealed() *types.Header  // of the newest sealed EVM block
	Open() *chain.EVMBlock  // nil between a seal and the next mini-block
	StateRoot() common.Hash // of the newest state

	// For replay mode.
	State() *memstate.State
	BlockHash(number uint64) common.Hash
	MiniBlock(number uint64) (*chain.MiniBlock, error)
}

// Config is what a replica works on.
type Config struct {
	Genesis *chain.Genesis
	Chain   Chain
	Engine  *jit.Engine // not nil: replay mode
}

// Replica verifies records. After an error it must not be used any more.
type Replica struct {
	genesis *chain.Genesis
	chain   Chain
	replay  *replay // nil in diff mode
}

var (
	acceptedTxs = metrics.NewCounter("redline_replica_txs_total")
	// executedTxs stays 0 in diff mode.
	executedTxs = metrics.NewCounter("redline_replica_executed_txs_total")
)

// New returns a replica that goes on where the chain stands.
func New(cfg Config) (*Replica, error) {
	r := &Replica{genesis: cfg.Genesis, chain: cfg.Chain}
	if cfg.Engine == nil {
		return r, nil
	}
	r.replay = newReplay(cfg)
	if err := r.replay.resume(); err != nil {
		return nil, err
	}
	return r, nil
}

// Accept checks consecutive encoded records, the first of which has sequence
// number first, and appends them. Records that the chain has already are
// skipped. An error is an *Error, or one of the chain's; either is fatal.
func (r *Replica) Accept(first uint64, records [][]byte) error {
	for i, encoded := range records {
		seq := first + uint64(i)
		next := r.chain.NextSeq()
		switch {
		case seq < next:
			continue
		case seq > next:
			return &Error{Seq: seq, Record: "it", Err: ErrGap, Detail: fmt.Sprintf("got record %d; want %d", seq, next)}
		}
		if err := r.accept(seq, encoded); err != nil {
			return err
		}
	}
	return nil
}

func (r *Replica) accept(seq uint64, encoded []byte) error {
	rec, err := wire.ParseRecord(encoded)
	if err != nil {
		return &Error{Seq: seq, Record: "it", Err: ErrMalformed, Detail: err.Error()}
	}
	if fault := r.check(rec); fault != nil {
		fault.Seq, fault.Record = seq, describe(rec)
		return fault
	}
	if err := r.chain.Append(rec); err != nil {
		return fmt.Errorf("cannot append record %d: %w", seq, err)
	}
	if rec.MiniBlock != nil {
		acceptedTxs.Add(len(rec.MiniBlock.Txs))
	}
	return nil
}

func (r *Replica) check(rec wire.Record) *Error {
	if rec.Seal != nil {
		return r.checkSeal(rec.Seal)
	}
	return r.checkMiniBlock(rec.MiniBlock)
}

func describe(rec wire.Record) string {
	if s := rec.Seal; s != nil {
		return fmt.Sprintf("the seal of EVM block %d", s.Header.Number)
	}
	h := &rec.MiniBlock.Header
	return fmt.Sprintf("mini-block %d (EVM block %d, index %d)", h.Number, h.BlockNumber, h.Index)
}

// checkSigner checks what signed says of who signed.
func (r *Replica) checkSigner(signer common.Address, err error) *Error {
	if err != nil {
		return fault(ErrSignature, "%v", err)
	}
	if signer != r.genesis.Sequencer {
		return fault(ErrSignature, "got the signature of %s; want that of %s", signer, r.genesis.Sequencer)
	}
	return nil
}
