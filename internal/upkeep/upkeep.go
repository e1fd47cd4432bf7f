// Package upkeep keeps the disk of a node in order while the chain goes on: it
// moves old EVM blocks to the history, takes snapshots, and prunes what is not
// needed any more. Beside that it is the command by which both programs handle
// snapshots. It must not know which program it is part of.
package upkeep

import (
	"context"
	"crypto/ecdsa"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/memstate/snapshot"
)

// Config says what to keep.
type Config struct {
	Ledger *ledger.Ledger
	Key    *ecdsa.PrivateKey // that signs snapshots

	SnapshotEvery  uint64 // EVM blocks from one snapshot to the next; 0: none are taken
	SnapshotKeep   int
	BytesPerSecond uint64 // of state that a snapshot copies; 0: no limit
	HistoryBlocks  uint64 // newest EVM blocks in the history; 0: all

	Log *slog.Logger

	// Look is the time between two looks for work; 0 stands for 250 ms.
	Look time.Duration
}

const (
	lookDefault = 250 * time.Millisecond
	retryAfter  = 10 * time.Second // when something failed
	pruneEvery  = time.Minute
)

var (
	archiveErrors  = metrics.NewCounter("redline_history_errors_total")
	snapshotErrors = metrics.NewCounter("redline_snapshot_errors_total")
	snapshotTime   = metrics.NewHistogram("redline_snapshot_seconds")
)

// Start begins to work; stop ends it. Nothing that fails here stops the chain: it
// is logged, counted, and tried again.
func Start(cfg Config) (stop func() error) {
	if cfg.Look == 0 {
		cfg.Look = lookDefault
	}
	u := &upkeep{Config: cfg}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { u.every(ctx, archiveErrors, "cannot move EVM blocks to the history", u.archive) })
	if cfg.SnapshotEvery > 0 {
		done.Go(func() { u.every(ctx, snapshotErrors, "cannot take a snapshot", u.snapshot) })
	}
	return func() error {
		cancel()
		done.Wait()
		return nil
	}
}

type upkeep struct {
	Config
	pruned time.Time // the last time, by the one who archives
	swept  bool      // what a crash left of snapshots was removed
}

// every does work until ctx ends.
func (u *upkeep) every(ctx context.Context, failures *metrics.Counter, message string, work func(context.Context) error) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		next := u.Look
		if err := work(ctx); err != nil && ctx.Err() == nil {
			failures.Inc()
			u.Log.Error(message, "err", err, "again_in", retryAfter)
			next = retryAfter
		}
		wait.Reset(next)
	}
}

// archive moves all that can be moved, and now and then prunes.
func (u *upkeep) archive(ctx context.Context) error {
	for moved := true; moved && ctx.Err() == nil; {
		var err error
		if moved, err = u.Ledger.Archive(); err != nil {
			return err
		}
	}
	if time.Since(u.pruned) < pruneEvery {
		return nil
	}
	u.pruned = time.Now()
	return u.Ledger.Prune(u.SnapshotKeep, u.HistoryBlocks)
}

// snapshot takes a snapshot if it is time, and then prunes the old ones.
func (u *upkeep) snapshot(ctx context.Context) error {
	if !u.swept {
		if _, err := u.Ledger.Snapshots().Prune(u.SnapshotKeep); err != nil {
			return err
		}
		u.swept = true
	}
	due, err := u.due()
	if !due || err != nil {
		return err
	}
	start := time.Now()
	m, err := u.Ledger.Snapshot(ctx, u.Key, snapshot.WriteOptions{Workers: snapshotWorkers(), BytesPerSecond: u.BytesPerSecond})
	if err != nil {
		return err
	}
	snapshotTime.UpdateDuration(start)
	stored, raw := m.Size()
	u.Log.Info("took a snapshot", "block", m.Block(), "bytes", stored, "state_bytes", raw, "elapsed", time.Since(start).Round(time.Millisecond))
	_, err = u.Ledger.Snapshots().Prune(u.SnapshotKeep)
	return err
}

// due reports whether the newest snapshot is old enough.
func (u *upkeep) due() (bool, error) {
	blocks, err := u.Ledger.Snapshots().Blocks()
	if err != nil {
		return false, err
	}
	newest := uint64(0)
	if len(blocks) > 0 {
		newest = blocks[0]
	}
	return u.Ledger.Sealed().Number.Uint64() >= newest+u.SnapshotEvery, nil
}

// snapshotWorkers leaves most of a busy machine to the chain.
func snapshotWorkers() int { return max(1, runtime.GOMAXPROCS(0)/8) }
