package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/netio/rpc"
)

const (
	lagMax        = 256                   // records that a node may be behind without being called syncing
	readyInterval = 10 * time.Millisecond // between two looks whether the node has caught up
)

// wait announces the node once it follows the chain, and returns when it is
// stopped or a part of it fails.
func (n *fullNode) wait(c *cli.Context) error {
	slog.Info("full node starts", "http", n.listeners.HTTPURL(), "ws", n.listeners.WSURL(), "sequencer", sequencerURL(c),
		"mode", c.String(modeFlag), "chain", n.ledger.Identity(), "chainId", n.ledger.Config().ChainID, "block", n.ledger.HeadNumber())
	caughtUp := n.caughtUp(c.Context)
	for {
		select {
		case <-c.Context.Done():
			return nil
		case err := <-n.failed:
			return err
		case <-caughtUp:
			caughtUp = nil
			slog.Info("following the chain", "block", n.ledger.HeadNumber())
			if !c.Bool(program.JSONFlag) {
				continue
			}
			if err := program.PrintJSON(c.App.Writer, n.ready()); err != nil {
				return err
			}
		}
	}
}

func (n *fullNode) ready() program.Ready {
	return program.Ready{
		HTTP: n.listeners.HTTPURL(), WS: n.listeners.WSURL(),
		ChainID: n.ledger.Config().ChainID.Uint64(), Chain: n.ledger.Identity().Hex(), Genesis: n.ledger.GenesisHash().Hex(),
		Metrics: n.metrics, PID: os.Getpid(),
	}
}

// caughtUp is closed when the node has for the first time all that the
// sequencer has.
func (n *fullNode) caughtUp(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(readyInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if s := n.client.Status(); s.Streaming && s.ServerNext > 0 && s.Next >= s.ServerNext {
					close(done)
					return
				}
			}
		}
	}()
	return done
}

// syncing tells how far the node is behind. The stream counts records; EVM
// blocks come one a second, so that the age of the newest one says how many are
// missing.
func (n *fullNode) syncing() func() *rpc.SyncStatus {
	starting := n.ledger.HeadNumber()
	return func() *rpc.SyncStatus {
		s := n.client.Status()
		if s.Streaming && s.ServerNext <= s.Next+lagMax {
			return nil
		}
		current := n.ledger.HeadNumber()
		return &rpc.SyncStatus{Starting: starting, Current: current, Highest: current + n.age()}
	}
}

// age is how many seconds old the newest EVM block is.
func (n *fullNode) age() uint64 {
	newest := n.ledger.Sealed().Time
	if open := n.ledger.Open(); open != nil {
		newest = open.Header.Time
	}
	now := uint64(time.Now().Unix())
	return max(now, newest) - newest
}

// peerCount is 1 while the sequencer is connected.
func (n *fullNode) peerCount() uint64 {
	if n.client.Status().Streaming {
		return 1
	}
	return 0
}
