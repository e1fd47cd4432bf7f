// Package snapshotbench measures snapshots: what it costs the commits of a busy
// state that one is taken, and how fast one is verified and restored. It knows
// state and snapshots, not the chain: the diffs are made up.
package snapshotbench

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"runtime"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/memstate/snapshot"
)

// Options say what to measure.
type Options struct {
	Dir      string            // a folder of its own, on the disk to measure
	Accounts int               // of the state; every fourth has a slot
	Rounds   int               // of commits without a snapshot, and with one at each limit
	Idle     time.Duration     // of commits without a snapshot, in each round
	RatesMB  []uint64          // limits of snapshots, in MB of state a second; 0 is none
	Workers  int               // that read, verify and write at once
	Revision string            // for the report
	Progress func(what string) // told what begins
}

// Bench measures.
func Bench(ctx context.Context, opts Options) (*evmbench.Report, error) {
	key, err := crypto.GenerateKey()
	if err != nil {
		return nil, err
	}
	store, err := snapshot.Open(vfs.OS, opts.Dir)
	if err != nil {
		return nil, err
	}
	opts.Progress("state")
	b := &bench{opts: opts, key: key, store: store, load: newLoad(opts.Accounts)}
	for round := range opts.Rounds {
		if err := b.round(ctx, uint64(round)); err != nil {
			return nil, err
		}
	}
	if err := b.restore(ctx); err != nil {
		return nil, err
	}
	return b.report(), nil
}

type bench struct {
	opts    Options
	key     *ecdsa.PrivateKey
	store   *snapshot.Store
	load    *load
	newest  *snapshot.Manifest
	figures []figure
}

// figure is a row that grows by a value in each round.
type figure struct {
	name, unit string
	values     []float64
}

func (b *bench) add(name, unit string, value float64) {
	i := slices.IndexFunc(b.figures, func(f figure) bool { return f.name == name })
	if i < 0 {
		i = len(b.figures)
		b.figures = append(b.figures, figure{name: name, unit: unit})
	}
	b.figures[i].values = append(b.figures[i].values, value)
}

// workload names the state in rows.
func (b *bench) workload() string {
	if b.opts.Accounts >= 1_000_000 {
		return fmt.Sprintf("%dM", b.opts.Accounts/1_000_000)
	}
	return fmt.Sprintf("%dk", b.opts.Accounts/1000)
}

// variant names a limit in rows.
func variant(rateMB uint64) string {
	if rateMB == 0 {
		return "unlimited"
	}
	return fmt.Sprintf("%dMBs", rateMB)
}

// round commits without a snapshot and with one at each limit.
func (b *bench) round(ctx context.Context, round uint64) error {
	b.opts.Progress("commits alone")
	b.load.keepDiffs(false)
	idle := b.load.during(func() { time.Sleep(b.opts.Idle) })
	b.addCommits("idle", idle)
	for i, rateMB := range b.opts.RatesMB {
		b.opts.Progress("commits and snapshot, " + variant(rateMB))
		var took time.Duration
		var err error
		busy := b.load.during(func() {
			start := time.Now()
			err = b.take(ctx, 1+round*uint64(len(b.opts.RatesMB))+uint64(i), rateMB)
			took = time.Since(start)
		})
		if err != nil {
			return err
		}
		b.addCommits(variant(rateMB), busy)
		b.add("throughput_loss_percent/"+b.workload()+"/"+variant(rateMB), "%", 100*(1-busy.transfersIn(busy.total)/idle.transfersIn(idle.total)))
		b.add("processor_loss_percent/"+b.workload()+"/"+variant(rateMB), "%", 100*(1-busy.transfersIn(busy.processor)/idle.transfersIn(idle.processor)))
		stored, raw := b.newest.Size()
		b.add("create_s/"+b.workload()+"/"+variant(rateMB), "s", took.Seconds())
		b.add("create_mb_per_s/"+b.workload()+"/"+variant(rateMB), "MB/s", megabytesPerSecond(raw, took))
		b.add("stored_bytes_per_account/"+b.workload()+"/"+variant(rateMB), "B", float64(stored)/float64(b.opts.Accounts))
	}
	return nil
}

func (b *bench) addCommits(variant string, c commits) {
	b.add("transfers_per_s/"+b.workload()+"/"+variant, "1/s", c.transfersIn(c.total))
	b.add("transfers_per_processor_s/"+b.workload()+"/"+variant, "1/s", c.transfersIn(c.processor))
	for _, q := range []struct {
		name string
		of   float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}} {
		b.add("commit_us_"+q.name+"/"+b.workload()+"/"+variant, "us", c.quantile(q.of))
	}
}

// take takes a snapshot while the load goes on.
func (b *bench) take(ctx context.Context, block, rateMB uint64) error {
	b.load.keepDiffs(true)
	w, err := b.store.NewWriter(ctx, snapshot.WriteOptions{
		Workers: b.opts.Workers, BytesPerSecond: rateMB * 1_000_000,
	})
	if err != nil {
		return err
	}
	err = snapshot.Copy(b.load.state.Latest, snapshot.NewCutter(w.Base))
	for _, d := range append(b.load.keepDiffs(true), &chain.StateDiff{}) { // a tail is never empty: see sink
		err = errors.Join(err, w.Tail(d))
	}
	if err != nil {
		w.Abort()
		return err
	}
	b.newest = manifest(block)
	return w.Commit(b.newest, b.key)
}

// manifest is that of a snapshot of an EVM block, with one mini-block in each.
func manifest(block uint64) *snapshot.Manifest {
	return &snapshot.Manifest{
		CreatedMs: uint64(time.Now().UnixMilli()), NextSeq: 2 * block, Mini: block,
		Header: &types.Header{
			Number: new(big.Int).SetUint64(block), Difficulty: new(big.Int), Extra: chain.MiniBlockRange(block, block),
		},
		Ancestors: make([]common.Hash, min(block, snapshot.AncestorsMax)),
	}
}

// restore verifies the newest snapshot, and then loads it.
func (b *bench) restore(ctx context.Context) error {
	stored, raw := b.newest.Size()
	options := snapshot.ReadOptions{Workers: b.opts.Workers}
	state := memstate.New()
	for _, work := range []struct {
		name string
		do   func() error
	}{
		{"verify", func() error { return b.store.Verify(ctx, b.newest, options) }},
		{"restore", func() error {
			return b.store.Load(ctx, b.newest, options, &sink{state: state, loader: state.Load()})
		}},
	} {
		b.opts.Progress(work.name)
		processor, start := processorTime(), time.Now()
		if err := work.do(); err != nil {
			return err
		}
		took, used := time.Since(start), processorTime()-processor
		b.add(work.name+"_s/"+b.workload()+"/redline", "s", took.Seconds())
		b.add(work.name+"_processor_s/"+b.workload()+"/redline", "s", used.Seconds())
		b.add(work.name+"_mb_per_s/"+b.workload()+"/redline", "MB/s", megabytesPerSecond(raw, took))
		b.add(work.name+"_stored_mb_per_s/"+b.workload()+"/redline", "MB/s", megabytesPerSecond(stored, took))
		b.add(work.name+"_accounts_per_s/"+b.workload()+"/redline", "1/s", float64(b.opts.Accounts)/took.Seconds())
	}
	return b.load.compare(state)
}

// sink fills a state. Its tail is never empty here.
type sink struct {
	state  *memstate.State
	loader *memstate.Loader
}

func (s *sink) Base(d *chain.StateDiff) { s.loader.Add(d) }

func (s *sink) Tail(d *chain.StateDiff) {
	if s.loader != nil {
		s.loader.Done(0, 0)
		s.loader = nil
	}
	s.state.Commit(0, 0, d)
}

func megabytesPerSecond(bytes uint64, took time.Duration) float64 {
	return float64(bytes) / 1e6 / took.Seconds()
}

func (b *bench) report() *evmbench.Report {
	r := &evmbench.Report{
		Bench: "snapshot", Commit: b.opts.Revision, Machine: evmbench.ThisMachine(),
		Settings: map[string]any{
			"accounts": b.opts.Accounts, "rounds": b.opts.Rounds, "workers": b.opts.Workers,
			"transfers_per_commit": transfersPerCommit, "go": runtime.Version(),
		},
	}
	slices.SortStableFunc(b.figures, func(x, y figure) int { return cmp.Compare(x.name, y.name) })
	for _, f := range b.figures {
		r.Results = append(r.Results, f.row())
	}
	return r
}

func (f *figure) row() evmbench.Row {
	slices.Sort(f.values)
	n := len(f.values)
	return evmbench.Row{Name: f.name, Value: f.values[n/2], Unit: f.unit, N: n, Min: f.values[0], Max: f.values[n-1]}
}
