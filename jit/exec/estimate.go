package exec

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit"
)

// estimateErrorRatio is how far above the least sufficient gas limit an
// estimate may be, relative to it; go-ethereum's figure.
const estimateErrorRatio = 0.015

// EstimateGas looks for a low gas limit with which the message succeeds: result
// Gas. A message that fails for another reason than gas is a result with its
// halt and output. The search is go-ethereum's, step by step, so that clients
// see the same numbers.
func (s *Simulator) EstimateGas(ctx context.Context, in *CallInput) (*CallResult, error) {
	sim, err := s.start(ctx, in)
	if err != nil {
		return nil, err
	}
	defer s.release(sim)
	high, err := sim.allowance(in)
	if err != nil {
		return nil, err
	}
	if used, ok := sim.plainTransferGas(); ok {
		return &CallResult{Gas: used}, nil
	}
	out, err := sim.try(high)
	switch {
	case err != nil:
		return nil, err
	case out == nil || out.result.Halt == jit.OutOfGas:
		return nil, fmt.Errorf("gas required exceeds allowance (%d)", high)
	case out.result.Halt != jit.Success:
		return &CallResult{Halt: out.result.Halt, Output: append([]byte(nil), out.result.Output...)}, nil
	}
	gas, err := sim.search(out, high)
	if err != nil {
		return nil, err
	}
	return &CallResult{Gas: gas}, nil
}

// allowance is the highest gas limit to try: that of the message or block,
// within the caps, and within what the sender can pay.
func (sim *simulation) allowance(in *CallInput) (uint64, error) {
	high := sim.block.ctx.GasLimit
	if in.Msg.Gas >= params.TxGas {
		high = in.Msg.Gas
	}
	high = min(high, sim.block.txGasMax())
	if !sim.msg.feeCap.IsZero() {
		payable, err := sim.payableGas()
		if err != nil {
			return 0, err
		}
		high = min(high, payable)
	}
	if in.GasCap != 0 {
		high = min(high, in.GasCap)
	}
	return high, nil
}

// payableGas is the gas that the sender can pay at its fee cap, after value and
// blobs.
func (sim *simulation) payableGas() (uint64, error) {
	m := &sim.msg
	var left, blobCost uint256.Int
	sim.block.journal.Balance(&m.from, &left)
	if !m.value.Lt(&left) {
		return 0, ErrInsufficientFundsForTransfer
	}
	left.Sub(&left, &m.value)
	if m.isBlob {
		_, overflow := blobCost.MulOverflow(uint256.NewInt(m.blobGas()), &m.blobFeeCap)
		if overflow || !blobCost.Lt(&left) {
			return 0, ErrInsufficientFunds
		}
		left.Sub(&left, &blobCost)
	}
	gas, overflow := left.Div(&left, &m.feeCap).Uint64WithOverflow()
	if overflow {
		gas = ^uint64(0)
	}
	return gas, nil
}

// plainTransferGas is what a transfer to an account without code uses; ok is
// false when the message is something else or does not work with that little.
func (sim *simulation) plainTransferGas() (used uint64, ok bool) {
	m := &sim.msg
	if len(m.data) > 0 || m.to == nil || sim.block.journal.CodeSize(m.to) > 0 {
		return 0, false
	}
	out, err := sim.try(params.TxGas)
	if err != nil || out == nil || out.result.Halt != jit.Success {
		return 0, false
	}
	return out.gasUsed, true
}

// search bisects between what the successful attempt used and high, which
// sufficed.
func (sim *simulation) search(first *outcome, high uint64) (uint64, error) {
	low := first.gasUsed - 1
	probe := func(gas uint64) error {
		out, err := sim.try(gas)
		switch {
		case err != nil:
			return err
		case out != nil && out.result.Halt == jit.Success:
			high = gas
		default:
			low = gas
		}
		return nil
	}
	// Most messages need what they use at their peak and a little for the
	// 63/64 rule.
	if guess := (first.gasPeak + params.CallStipend) * 64 / 63; guess < high {
		if err := probe(guess); err != nil {
			return 0, err
		}
	}
	for low+1 < high && float64(high-low)/float64(high) >= estimateErrorRatio {
		// Most messages need little more than they use: favour the low side.
		if err := probe(min(low+(high-low)/2, low*2)); err != nil {
			return 0, err
		}
	}
	return high, nil
}

// try attempts the message; the outcome is nil when the gas did not even pay
// for its start.
func (sim *simulation) try(gas uint64) (*outcome, error) {
	out, err := sim.attempt(gas)
	switch {
	case errors.Is(err, ErrIntrinsicGas):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("failed with %d gas: %w", gas, err)
	}
	return &out, nil
}
