package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/node"
	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/internal/upkeep"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/memstate/wal"
	"github.com/redline-evm/redline/netio/rpc"
	"github.com/redline-evm/redline/netio/stream"
	"github.com/redline-evm/redline/sequencer/producer"
	"github.com/redline-evm/redline/tuning"
)

const (
	intervalFlag  = "miniblock.interval"
	priceFlag     = "txpool.pricelimit"
	poolBytesFlag = "txpool.megabytes"
	tickFlag      = "miniblock.tick"
	cpuFlag       = "cpu.producer"

	categoryProducer = "BLOCKS AND POOL"
	intervalDefault  = 10 * time.Millisecond
	intervalMax      = time.Second

	futureMax = 2 * time.Second // a chain whose newest block is later than this deserves a warning
)

func producerFlags() []cli.Flag {
	return []cli.Flag{
		&cli.DurationFlag{
			Name: intervalFlag, Category: categoryProducer, EnvVars: []string{program.EnvVar(intervalFlag)},
			Usage: "shortest time between two mini-blocks", DefaultText: "the genesis's, else 10ms",
		},
		program.String(categoryProducer, tickFlag, string(tuning.TickAuto), "how to wait for the next mini-block: timerfd, thread, runtime, or auto, the first of them that the system has; sequencer bench tick compares them"),
		program.Int(categoryProducer, cpuFlag, -1, "processor that makes mini-blocks and does nothing else of this program; -1 is none"),
		program.Uint64(categoryProducer, priceFlag, 0, "least tip in wei per gas that the pool takes"),
		program.Uint64(categoryProducer, poolBytesFlag, 256, "memory for transactions that wait, in MiB"),
	}
}

// settledChain is what a chain is begun or opened with.
type settledChain struct {
	genesis *chain.Genesis // nil: the one that the data folder has
	key     *sequencerKey
}

// sequencerNode is a running sequencer.
type sequencerNode struct {
	ledger    *ledger.Ledger
	key       *sequencerKey
	listeners program.Listeners
	metrics   string          // URL; "" if they are not served
	servers   program.Closers // end requests
	engine    *jit.Engine
	closers   program.Closers // end all else
	failed    chan error
}

// start opens everything and begins to produce. settle says which chain; it is
// called with the data folder locked.
func start(c *cli.Context, dir string, settle func(*cli.Context, string) (settledChain, error)) (*sequencerNode, error) {
	n := &sequencerNode{failed: make(chan error, 8)}
	if err := n.open(c, dir, settle); err != nil {
		n.close()
		return nil, err
	}
	slog.Info("sequencer runs", "http", n.listeners.HTTPURL(), "ws", n.listeners.WSURL(),
		"chain", n.ledger.Identity(), "chainId", n.ledger.Config().ChainID, "block", n.ledger.HeadNumber(), "sequencer", n.key.address())
	return n, nil
}

func engineConfig(c *cli.Context, dir string) node.EngineConfig {
	return node.EngineConfig{Native: c.String(program.JITFlag), Check: c.Bool(program.JITCheckFlag), CheckDir: dir}
}

func (n *sequencerNode) open(c *cli.Context, dir string, settle func(*cli.Context, string) (settledChain, error)) error {
	if err := program.CheckNamespaces(c, rpc.Modules()); err != nil {
		return err
	}
	var err error
	if n.engine, err = node.NewEngine(engineConfig(c, dir)); err != nil {
		return err
	}
	durability, err := ledger.ParseDurability(c.String(program.DurabilityFlag))
	if err != nil {
		return fmt.Errorf("cannot use --%s: %w", program.DurabilityFlag, err)
	}
	memory, prefaultBytes, err := program.StateMemory(c, producerCPUs(c))
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
	settled, err := settle(c, dir)
	if err != nil {
		return err
	}
	n.key = settled.key
	if n.ledger, err = ledger.Open(ledger.Options{
		Dir: dir, Genesis: settled.genesis, StateBlocks: c.Uint64(program.HistoryFlag), Durability: durability,
		Memory: memory, PrefaultBytes: prefaultBytes, Log: slog.Default(),
	}); err != nil {
		return explain(err, dir)
	}
	n.closers.Add(n.ledger.Close)
	if err := checkSigner(n.ledger.Genesis(), n.key); err != nil {
		return err
	}
	n.closers.Add(upkeep.Start(upkeep.ConfigOf(c, n.ledger, n.key.private)))
	return n.produceAndServe(c)
}

// produceAndServe starts the producer, the stream, JSON-RPC and the metrics.
func (n *sequencerNode) produceAndServe(c *cli.Context) error {
	var backend *node.Node
	pool := producer.NewPool(producer.PoolConfig{
		Chain:    n.ledger.Config(),
		Limits:   n.ledger.Genesis().Limits,
		TipMin:   c.Uint64(priceFlag),
		BytesMax: c.Uint64(poolBytesFlag) << 20,
		Pending:  func(txs []*types.Transaction) { backend.AnnouncePending(txs) },
	}, func() producer.Accounts { return n.ledger.State().Latest() }, nextHeader(n.ledger))
	backend = node.New(node.Config{Ledger: n.ledger, Engine: n.engine, Submitter: node.Local(pool, n.ledger.Err)})
	p, err := newProducer(c, n, pool)
	if err != nil {
		return err
	}
	publisher, err := newPublisher(n.ledger)
	if err != nil {
		return err
	}
	if err := n.produce(c, p); err != nil {
		return err
	}
	return n.serve(c, backend, publisher)
}

// nextHeader is by what rules transactions are admitted until an EVM block is
// open.
func nextHeader(l *ledger.Ledger) *types.Header {
	parent := l.Sealed()
	return chain.NextHeader(l.Config(), parent, parent.Time+1)
}

func newProducer(c *cli.Context, n *sequencerNode, pool *producer.Pool) (*producer.Producer, error) {
	interval, err := interval(c, n.ledger.Genesis())
	if err != nil {
		return nil, err
	}
	head, err := headOf(n.ledger)
	if err != nil {
		return nil, err
	}
	if ahead := time.Until(time.Unix(int64(head.Parent.Time), 0)); ahead > futureMax {
		slog.Warn("the newest block is in the future; the chain goes on when the clock is there", "wait", ahead.Round(time.Second))
	}
	return producer.New(producer.Config{
		Genesis:  n.ledger.Genesis(),
		Key:      n.key.private,
		Interval: interval,
		Engine:   n.engine,
		Pool:     pool,
		Chain:    n.ledger.Appender(),
	}, head)
}

// interval is the flag's, the genesis's or the default, in this order.
func interval(c *cli.Context, genesis *chain.Genesis) (time.Duration, error) {
	switch given := c.Duration(intervalFlag); {
	case c.IsSet(intervalFlag) && (given <= 0 || given > intervalMax):
		return 0, fmt.Errorf("cannot use --%s %v: want more than 0 and at most %v", intervalFlag, given, intervalMax)
	case c.IsSet(intervalFlag):
		return given, nil
	case genesis.MiniBlockMs != 0:
		return time.Duration(genesis.MiniBlockMs) * time.Millisecond, nil
	}
	return intervalDefault, nil
}

// headOf says where the ledger's chain stands.
func headOf(l *ledger.Ledger) (head producer.Head, err error) {
	head.Parent = l.Sealed()
	next := l.Appender().Expect()
	head.Last = producer.Link{Number: next.Number - 1, Hash: next.ParentHash}
	last, err := l.MiniBlock(head.Last.Number)
	switch {
	case err != nil:
		return head, err
	case last != nil:
		head.Last.TimestampUs = last.Header.TimestampUs
	case head.Last.Number > 0: // the chain begins with a snapshot; it was in the second of its EVM block
		head.Last.TimestampUs = (head.Parent.Time+1)*uint64(time.Second/time.Microsecond) - 1
	}
	open := l.Open()
	if open == nil {
		return head, nil
	}
	for number := open.FirstMini; number <= open.LastMini; number++ {
		m, err := l.MiniBlock(number)
		if err != nil {
			return head, err
		}
		head.Open = append(head.Open, m)
	}
	return head, nil
}

// produce runs the producer until the node closes, on a processor of its own if
// the flags say so.
func (n *sequencerNode) produce(c *cli.Context, p *producer.Producer) error {
	tick, err := tuning.NewTick(tuning.TickKind(c.String(tickFlag)), tuning.TickSpin)
	if err != nil {
		return fmt.Errorf("cannot use --%s: %w", tickFlag, err)
	}
	n.closers.Add(tick.Close)
	own := producerCPUs(c)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := pin(own); err != nil {
			n.failed <- err
			return
		}
		if err := producer.Run(ctx, p, tick, n.ledger.Appender().Append); err != nil {
			n.failed <- err
		}
	}()
	n.closers.Add(func() error {
		cancel()
		n.ledger.StopWaiting()
		<-done
		return nil
	})
	return nil
}

// producerCPUs are the processors that belong to the producer alone.
func producerCPUs(c *cli.Context) tuning.IDSet {
	if cpu := c.Int(cpuFlag); cpu >= 0 {
		return tuning.IDSet{cpu}
	}
	return nil
}

// pin gives the calling goroutine a thread of its own on the processors, if
// there are any. The thread ends with the goroutine.
func pin(cpus tuning.IDSet) error {
	if len(cpus) == 0 {
		return nil
	}
	runtime.LockOSThread()
	return tuning.PinThread(cpus)
}

// newPublisher returns the publisher of the ledger's records.
func newPublisher(l *ledger.Ledger) (*stream.Publisher, error) {
	genesis, err := json.Marshal(l.Genesis())
	if err != nil {
		return nil, err
	}
	publisher := stream.NewPublisher(stream.PublisherConfig{
		Source: prunedSource{l}, Chain: l.Identity().Hex(), Genesis: genesis, Log: slog.Default(),
	})
	l.Observe(func(ledger.Event) { publisher.Notify() })
	return publisher, nil
}

// prunedSource is a ledger as a source of the stream, to which records are gone
// that the ledger has pruned.
type prunedSource struct{ stream.Source }

func (s prunedSource) ReadRecords(from uint64, maxBytes int) ([][]byte, error) {
	records, err := s.Source.ReadRecords(from, maxBytes)
	if errors.Is(err, wal.ErrPruned) {
		err = fmt.Errorf("%w: %w", stream.ErrGone, err)
	}
	return records, err
}

// serve serves JSON-RPC and the stream on one port, and the metrics.
func (n *sequencerNode) serve(c *cli.Context, backend *node.Node, publisher *stream.Publisher) error {
	server := rpc.New(rpc.Config{
		ClientVersion: program.ClientVersion("sequencer"),
		Origins:       program.List(c.String(program.HTTPCORSFlag)),
		Modules:       program.List(c.String(program.HTTPAPIFlag)),
		GasCap:        c.Uint64(program.GasCapFlag),
		Logger:        slog.Default(),
	}, backend)
	streams, rest := program.Split(n.listeners.HTTP, "GET "+stream.PathStream, "GET "+stream.PathGenesis)
	n.listeners.HTTP = rest
	go func() {
		if err := publisher.Serve(streams); err != nil {
			n.failed <- err
		}
	}()
	n.closers.Add(func() error {
		publisher.Close()
		return nil
	})
	n.servers.Add(n.listeners.Serve(server, n.failed))
	url, stopMetrics, err := program.ServeMetrics(c)
	if err != nil {
		return err
	}
	n.metrics = url
	n.servers.Add(stopMetrics)
	return nil
}

// ready describes the node to the program that started it.
func (n *sequencerNode) ready() program.Ready {
	return program.Ready{
		HTTP: n.listeners.HTTPURL(), WS: n.listeners.WSURL(),
		ChainID: n.ledger.Config().ChainID.Uint64(), Chain: n.ledger.Identity().Hex(), Genesis: n.ledger.GenesisHash().Hex(),
		Metrics: n.metrics, PID: os.Getpid(),
	}
}

// wait returns when ctx ends or a part of the node fails.
func (n *sequencerNode) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.failed:
		return err
	}
}

// drain ends JSON-RPC and the metrics, after the requests that run or soon. The
// chain goes on.
func (n *sequencerNode) drain() { n.servers.Close() }

// close stops the node: no more requests, then no more mini-blocks, then the
// files.
func (n *sequencerNode) close() {
	n.drain()
	n.closers.Close()
}
