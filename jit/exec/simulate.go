package exec

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"sync"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit"
)

// CallMsg is a message to simulate: a transaction without nonce and signature.
// Zero Gas means as much as allowed. GasPrice excludes the two EIP-1559 fields;
// without any of them the message pays nothing and sees base fee zero.
type CallMsg = ethereum.CallMsg

// CallInput is one simulation: a message, and the state and block it runs on.
type CallInput struct {
	View      StateView
	Header    *types.Header
	BlockHash func(number uint64) common.Hash

	Msg    CallMsg
	GasCap uint64 // the most gas in any case; zero for no cap

	Accounts map[common.Address]AccountOverride
	Block    HeaderOverride
}

// CallResult is what a simulated message did.
type CallResult struct {
	Gas    uint64   // used by a call; for an estimate, the limit that suffices
	Halt   jit.Halt // not Success when the message failed
	Output []byte   // return or revert data; the caller's
}

// Failure says in go-ethereum's words why the message failed; it is empty for a
// success.
func (r *CallResult) Failure() string {
	if r.Halt == jit.Success {
		return ""
	}
	return r.Halt.String()
}

// Simulator runs messages and drops their effects, as eth_call and
// eth_estimateGas do. It may be used by any number of goroutines.
type Simulator struct {
	config *params.ChainConfig
	limits chain.Limits
	engine *jit.Engine
	idle   sync.Pool // of *Block, each with its journal and EVM
}

// NewSimulator returns a simulator for a chain.
func NewSimulator(config *params.ChainConfig, limits chain.Limits, engine *jit.Engine) *Simulator {
	return &Simulator{config: config, limits: limits, engine: engine}
}

// Call runs the message once. An error says why it could not begin, or that ctx
// ended; what the message itself did is in the result.
func (s *Simulator) Call(ctx context.Context, in *CallInput) (*CallResult, error) {
	sim, err := s.start(ctx, in)
	if err != nil {
		return nil, err
	}
	defer s.release(sim)
	gas := callGas(in)
	out, err := sim.attempt(gas)
	if err != nil {
		return nil, fmt.Errorf("err: %w (supplied gas %d)", err, gas)
	}
	return &CallResult{Gas: out.gasUsed, Halt: out.result.Halt, Output: common.CopyBytes(out.result.Output)}, nil
}

// callGas is the gas that a call may use: what it asks for, within the cap.
func callGas(in *CallInput) uint64 {
	gasCap := in.GasCap
	if gasCap == 0 {
		gasCap = math.MaxUint64 / 2
	}
	if in.Msg.Gas == 0 {
		return gasCap
	}
	return min(in.Msg.Gas, gasCap)
}

// simulation is one message on one state. It can be attempted again and again:
// each attempt begins with the same state.
type simulation struct {
	block *Block
	msg   message
}

// start prepares state, block and message.
func (s *Simulator) start(ctx context.Context, in *CallInput) (*simulation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	header, err := in.Block.apply(in.Header)
	if err != nil {
		return nil, err
	}
	sim := &simulation{block: s.block(in, header)}
	if in.Block.BlobBaseFee != nil {
		sim.block.ctx.BlobBaseFee = *in.Block.BlobBaseFee
	}
	err = sim.block.override(in.Accounts)
	if err == nil {
		err = sim.setMessage(ctx, &in.Msg)
	}
	if err != nil {
		s.release(sim)
		return nil, err
	}
	return sim, nil
}

// block returns a block over the input's state.
func (s *Simulator) block(in *CallInput, header *types.Header) *Block {
	b, ok := s.idle.Get().(*Block)
	if !ok {
		return newBlock(s.config, s.limits, header, s.engine, NewJournal(in.View), in.BlockHash)
	}
	b.journal.Reset(in.View)
	b.open(s.config, s.limits, header, in.BlockHash)
	return b
}

// release keeps the block for the next simulation, without its view.
func (s *Simulator) release(sim *simulation) {
	sim.block.journal.Reset(nil)
	sim.block.ctx.BlockHash = nil
	s.idle.Put(sim.block)
}

var (
	errNegative     = errors.New("negative or more than 256 bits")
	errBothGasKinds = errors.New("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
)

// setMessage reads msg, and lowers the block's base fees to zero for a message
// that does not pay them, so that the fee rules hold.
func (sim *simulation) setMessage(ctx context.Context, msg *CallMsg) error {
	m := &sim.msg
	*m = message{
		ctx:        ctx,
		from:       msg.From,
		to:         msg.To,
		data:       msg.Data,
		accessList: msg.AccessList,
		blobHashes: msg.BlobHashes,
		auths:      msg.AuthorizationList,
		isBlob:     msg.BlobHashes != nil,
		isSetCode:  msg.AuthorizationList != nil,
	}
	switch {
	case m.isBlob && m.to == nil:
		return ErrBlobTxCreate
	case m.isSetCode && m.to == nil:
		return ErrSetCodeTxCreate
	case msg.GasPrice != nil && (msg.GasFeeCap != nil || msg.GasTipCap != nil):
		return errBothGasKinds
	}
	if err := m.setAmounts(msg); err != nil {
		return err
	}
	ctxBlock := &sim.block.ctx
	if !m.free() {
		m.gasPrice = effectivePrice(&m.tipCap, &m.feeCap, &ctxBlock.BaseFee)
	}
	if m.gasPrice.IsZero() {
		ctxBlock.BaseFee.Clear()
	}
	if (m.isBlob || msg.BlobGasFeeCap != nil) && m.blobFeeCap.IsZero() {
		ctxBlock.BlobBaseFee.Clear()
	}
	return nil
}

// setAmounts reads the amounts in wei; what is absent is zero.
func (m *message) setAmounts(msg *CallMsg) error {
	feeCap, tipCap := msg.GasFeeCap, msg.GasTipCap
	if msg.GasPrice != nil {
		feeCap, tipCap = msg.GasPrice, msg.GasPrice
	}
	for _, amount := range []struct {
		name string
		from *big.Int
		to   *uint256.Int
	}{
		{"value", msg.Value, &m.value},
		{"gas price", feeCap, &m.feeCap},
		{"maxPriorityFeePerGas", tipCap, &m.tipCap},
		{"maxFeePerBlobGas", msg.BlobGasFeeCap, &m.blobFeeCap},
	} {
		if amount.from == nil {
			continue
		}
		if amount.from.Sign() < 0 || amount.to.SetFromBig(amount.from) {
			return fmt.Errorf("cannot use %s %s: %w", amount.name, amount.from, errNegative)
		}
	}
	return nil
}

// attempt runs the message with a gas limit and undoes it. The output is valid
// until the next attempt.
func (sim *simulation) attempt(gas uint64) (outcome, error) {
	journal := sim.block.journal
	defer journal.Revert(journal.Checkpoint())
	sim.msg.gas = gas
	out, err := sim.block.run(&sim.msg)
	if err == nil && out.result.Halt == jit.Cancelled {
		err = context.Cause(sim.msg.ctx)
	}
	return out, err
}
