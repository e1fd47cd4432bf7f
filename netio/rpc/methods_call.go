package rpc

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

func (s *Server) ethCall(c *call, dst []byte) ([]byte, error) {
	result, err := s.runMessage(c, s.backend.Call)
	if err != nil {
		return dst, err
	}
	return appendData(dst, result.Output), nil
}

func (s *Server) estimateGas(c *call, dst []byte) ([]byte, error) {
	result, err := s.runMessage(c, s.backend.EstimateGas)
	if err != nil {
		return dst, err
	}
	return appendQuantity(dst, result.Gas), nil
}

// runMessage reads the parameters that eth_call and eth_estimateGas share and
// runs the message. What the message did wrong comes back as an error.
func (s *Server) runMessage(c *call, run func(context.Context, *CallRequest) (*CallResult, error)) (*CallResult, error) {
	req, err := s.callRequest(&c.args)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.ctx, s.cfg.CallTimeout)
	defer cancel()
	result, err := run(ctx, req)
	switch {
	case errors.Is(err, context.DeadlineExceeded) && c.ctx.Err() == nil:
		return nil, fmt.Errorf("execution aborted (timeout = %v)", s.cfg.CallTimeout)
	case err != nil:
		return nil, blockError(req.Block, err)
	case result.Reverted:
		return nil, revertError(result.Output)
	case result.Failure != "":
		return nil, errors.New(result.Failure)
	}
	return result, nil
}

func (s *Server) callRequest(a *args) (*CallRequest, error) {
	var (
		message  callArgs
		accounts map[common.Address]accountOverrideJSON
		header   headerOverrideJSON
	)
	a.decodeAny(a.required(), &message)
	ref := a.optionalBlock()
	a.decodeAny(a.optional(), &accounts)
	a.decodeAny(a.optional(), &header)
	if err := a.end(); err != nil {
		return nil, err
	}
	if err := message.check(s.config.ChainID); err != nil {
		return nil, err
	}
	req := &CallRequest{Block: ref, Msg: message.message(), GasCap: s.cfg.GasCap}
	req.Msg.Gas = min(req.Msg.Gas, req.GasCap)
	var err error
	if req.Accounts, err = accountOverrides(accounts); err != nil {
		return nil, err
	}
	req.Header, err = header.override()
	return req, err
}
