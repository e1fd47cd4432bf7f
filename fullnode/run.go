package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/fullnode/replica"
	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/node"
	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/internal/upkeep"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/netio/rpc"
	"github.com/redline-evm/redline/netio/stream"
	"github.com/redline-evm/redline/tuning"
)

const (
	sequencerFlag = "sequencer"
	chainFlag     = "chain"
	modeFlag      = "mode"

	modeDiff   = "diff"
	modeReplay = "replay"
)

var runCommand = &cli.Command{
	Name:  "run",
	Usage: "follow a sequencer and serve its chain",
	Description: `Follows the stream of mini-blocks, checks signatures, links and roots, and serves the same JSON-RPC
as the sequencer, to which it forwards transactions. It reconnects by itself, and catches up after
it or the sequencer was away. In mode diff it applies the signed state diffs and executes nothing; in
mode replay it executes every transaction and compares.

Without --genesis the first start takes the genesis from the sequencer and keeps it in the data folder.
With --chain HASH it follows no other chain than the one of that identity, which sequencer init prints and
which commits to the genesis, the sequencer's key and the rules; without, it trusts what it gets at the first
start, and prints the identity to compare. A genesis file must name the sequencer: the complete one is in the
sequencer's data folder, ledger/genesis.json.

Examples:
   fullnode run --sequencer http://127.0.0.1:8545
   fullnode run --sequencer http://10.0.0.1:8545 --chain 0x… --mode replay
   fullnode run --config fullnode.toml --metrics`,
	Flags: append(append(program.NodeFlags(program.Ports{HTTP: 9545, WS: 9546, Metrics: 6061}), upkeep.Flags()...),
		program.DataDir(program.DefaultDataDir("fullnode")),
		program.Genesis("genesis JSON `FILE` (default: the data folder's, else the sequencer's)"),
		program.String(program.CategoryChain, chainFlag, "", "identity of the chain, a `HASH`: refuse every other"),
		program.History(memstate.Horizon),
		program.Durability(ledger.Async.String()),
		program.String(program.CategoryChain, sequencerFlag, "http://127.0.0.1:8545", "`URL` of the sequencer"),
		program.String(program.CategoryChain, modeFlag, modeDiff, "how far to trust the sequencer: diff or replay"),
		program.JSON("print one line of JSON once the node follows the chain"),
	),
	Before: program.Before,
	Action: run,
}

func run(c *cli.Context) error {
	if err := checkFlags(c); err != nil {
		return err
	}
	if err := program.TuneProcess(c, tuning.FullNode, nil); err != nil {
		return err
	}
	n := &fullNode{failed: make(chan error, 8)}
	defer n.closers.Close()
	if err := n.open(c); err != nil {
		return err
	}
	return n.wait(c)
}

func checkFlags(c *cli.Context) error {
	if mode := c.String(modeFlag); mode != modeDiff && mode != modeReplay {
		return fmt.Errorf("cannot use --%s %s: want %s or %s", modeFlag, mode, modeDiff, modeReplay)
	}
	if err := new(common.Hash).UnmarshalText([]byte(c.String(chainFlag))); err != nil && c.String(chainFlag) != "" {
		return fmt.Errorf("cannot use --%s %s: want the 64 hexadecimal digits of an identity, after 0x", chainFlag, c.String(chainFlag))
	}
	if err := program.CheckNamespaces(c, rpc.Modules()); err != nil {
		return err
	}
	parsed, err := url.Parse(c.String(sequencerFlag))
	if err != nil || parsed.Scheme != "http" || parsed.Host == "" {
		return fmt.Errorf("cannot use --%s %s: want a URL such as http://127.0.0.1:8545", sequencerFlag, c.String(sequencerFlag))
	}
	return nil
}

// sequencerURL is the flag's URL without a slash at its end.
func sequencerURL(c *cli.Context) string { return strings.TrimRight(c.String(sequencerFlag), "/") }

// fullNode is a running full node.
type fullNode struct {
	ledger    *ledger.Ledger
	listeners program.Listeners
	client    *stream.Client
	metrics   string // URL; "" if they are not served
	closers   program.Closers
	failed    chan error
}

// open opens everything and begins to follow.
func (n *fullNode) open(c *cli.Context) error {
	dir := c.String(program.DataDirFlag)
	engine, err := node.NewEngine(node.EngineConfig{
		Native: c.String(program.JITFlag), Check: c.Bool(program.JITCheckFlag), CheckDir: dir,
	})
	if err != nil {
		return err
	}
	unlock, err := program.LockDataDir(dir)
	if err != nil {
		return err
	}
	n.closers.Add(unlock)
	if n.listeners, err = program.ListenRPC(c); err != nil {
		return err
	}
	n.closers.Add(n.listeners.Close)
	if n.ledger, err = openLedger(c, dir); err != nil {
		return err
	}
	n.closers.Add(n.ledger.Close)
	key, err := nodeKey(dir)
	if err != nil {
		return err
	}
	n.closers.Add(upkeep.Start(upkeep.ConfigOf(c, n.ledger, key)))
	follower, err := replica.New(replica.Config{Genesis: n.ledger.Genesis(), Chain: n.ledger.Appender(), Engine: replayEngine(c, engine)})
	if err != nil {
		return err
	}
	n.client = stream.NewClient(stream.ClientConfig{
		URL: sequencerURL(c), Chain: n.ledger.Identity().Hex(), Next: n.ledger.NextSeq(), Seed: rand.Uint64(),
		Own: n.ledger.Appender().Record, Deliver: follower.Accept, Log: slog.Default(),
	})
	n.follow()
	return n.serve(c, engine)
}

// replayEngine is the engine for mode replay, nil in mode diff.
func replayEngine(c *cli.Context, engine *jit.Engine) *jit.Engine {
	if c.String(modeFlag) == modeReplay {
		return engine
	}
	return nil
}

// follow follows the sequencer until the node closes.
func (n *fullNode) follow() {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := n.client.Run(ctx); ctx.Err() == nil {
			n.failed <- explainStream(err)
		}
	})
	n.closers.Add(func() error {
		cancel()
		n.ledger.StopWaiting()
		done.Wait()
		return nil
	})
}

func explainStream(err error) error {
	if errors.Is(err, stream.ErrOtherChain) {
		return fmt.Errorf("%w: it runs another chain than the one in this node's data folder; follow the right sequencer by --%s, or choose another folder by --%s",
			err, sequencerFlag, program.DataDirFlag)
	}
	if errors.Is(err, stream.ErrDiverged) {
		return fmt.Errorf("%w: the sequencer has another chain than this node: if it was started anew or lost its newest records, remove this node's data folder; if not, keep both as evidence", err)
	}
	return err
}

// serve serves JSON-RPC and the metrics.
func (n *fullNode) serve(c *cli.Context, engine *jit.Engine) error {
	var backend *node.Node
	forwarder := node.NewForwarder(node.ForwarderConfig{
		URL: sequencerURL(c), Ledger: n.ledger,
		Pending: func(txs []*types.Transaction) { backend.AnnouncePending(txs) },
	})
	backend = node.New(node.Config{Ledger: n.ledger, Engine: engine, Submitter: forwarder, Syncing: n.syncing(), PeerCount: n.peerCount})
	server := rpc.New(rpc.Config{
		ClientVersion: program.ClientVersion("fullnode"),
		Origins:       program.List(c.String(program.HTTPCORSFlag)),
		Modules:       program.List(c.String(program.HTTPAPIFlag)),
		GasCap:        c.Uint64(program.GasCapFlag),
		Logger:        slog.Default(),
	}, backend)
	n.closers.Add(n.listeners.Serve(server, n.failed))
	url, stopMetrics, err := program.ServeMetrics(c)
	if err != nil {
		return err
	}
	n.metrics = url
	n.closers.Add(stopMetrics)
	return nil
}
