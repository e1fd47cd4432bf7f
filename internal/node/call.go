package node

import (
	"context"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
	"github.com/redline-evm/redline/netio/rpc"
)

// Call runs a message on the state of an EVM block, with that block's header.
func (n *Node) Call(ctx context.Context, req *rpc.CallRequest) (*rpc.CallResult, error) {
	return n.simulate(ctx, req, n.simulator.Call, func(header *types.Header) *types.Header { return header })
}

// EstimateGas looks for a gas limit that suffices. On the newest state it runs
// in the block that comes next: what depends on the time has moved on when the
// transaction is executed.
func (n *Node) EstimateGas(ctx context.Context, req *rpc.CallRequest) (*rpc.CallResult, error) {
	return n.simulate(ctx, req, n.simulator.EstimateGas, func(header *types.Header) *types.Header {
		if req.Block.Tag != rpc.TagLatest && req.Block.Tag != rpc.TagPending {
			return header
		}
		next := types.CopyHeader(header)
		next.Number.Add(next.Number, big.NewInt(1))
		next.Time = max(next.Time+1, uint64(n.cfg.Now().Unix()))
		return next
	})
}

// simulate runs a message by run, on the state of the block that it asks for
// and with the header that inBlock makes of that block's.
func (n *Node) simulate(
	ctx context.Context, req *rpc.CallRequest,
	run func(context.Context, *exec.CallInput) (*exec.CallResult, error),
	inBlock func(*types.Header) *types.Header,
) (*rpc.CallResult, error) {
	block, err := n.Header(req.Block)
	if err != nil {
		return nil, err
	}
	if block == nil {
		return nil, rpc.ErrUnknownBlock
	}
	view, err := n.view(req.Block)
	if err != nil {
		return nil, err
	}
	result, err := run(ctx, &exec.CallInput{
		View:      view,
		Header:    inBlock(block.Header),
		BlockHash: n.ledger.BlockHash,
		Msg:       req.Msg,
		GasCap:    req.GasCap,
		Accounts:  accountOverrides(req.Accounts),
		Block:     exec.HeaderOverride(req.Header),
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, err
	case view.Expired(): // then err, too, may come of values that were gone
		return nil, rpc.ErrStateExpired
	case err != nil:
		return nil, err
	}
	answer := &rpc.CallResult{Gas: result.Gas, Output: result.Output, Reverted: result.Halt == jit.Reverted}
	if !answer.Reverted {
		answer.Failure = result.Failure()
	}
	return answer, nil
}

func accountOverrides(overrides map[common.Address]rpc.AccountOverride) map[common.Address]exec.AccountOverride {
	if overrides == nil {
		return nil
	}
	converted := make(map[common.Address]exec.AccountOverride, len(overrides))
	for addr, override := range overrides {
		converted[addr] = exec.AccountOverride(override)
	}
	return converted
}
