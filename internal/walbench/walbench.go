// Package walbench measures the write-ahead log on a disk: how long it takes
// until a mini-block may be shown, by each policy and each way to write, beside a
// file that simply grows. It knows records and their sizes, not the chain that
// they belong to.
package walbench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/memstate/wal"
)

// Options say what to measure.
type Options struct {
	Dir      string            // a folder of its own, on the disk to measure
	Rounds   int               // in each, every variant writes in turn
	Count    int               // mini-blocks of a variant in a round
	Interval time.Duration     // between two mini-blocks
	Bytes    int               // to measure throughput with, in each round
	Revision string            // for the report
	Progress func(what string) // told what begins
}

// transferCounts are the mini-blocks to measure, by how many ERC-20 transfers
// they hold.
var transferCounts = []int{0, 100, 1_000, 10_000}

// Bench measures.
func Bench(ctx context.Context, opts Options) (*evmbench.Report, error) {
	b := &bench{opts: opts}
	for _, transfers := range transferCounts {
		record, name := miniBlock(transfers), workload(transfers)
		b.add("record_bytes/"+name+"/redline", "B", []float64{float64(len(record))})
		for round := range opts.Rounds {
			opts.Progress(fmt.Sprintf("%s, round %d of %d", name, round+1, opts.Rounds))
			if err := b.round(ctx, name, record); err != nil {
				return nil, err
			}
		}
	}
	return b.report(), nil
}

// workload names a mini-block in rows.
func workload(transfers int) string {
	switch {
	case transfers == 0:
		return "empty"
	case transfers < 1000:
		return fmt.Sprintf("erc20-%d", transfers)
	}
	return fmt.Sprintf("erc20-%dk", transfers/1000)
}

type bench struct {
	opts    Options
	figures []figure
}

// figure is a row that grows with each round.
type figure struct {
	name, unit string
	values     []float64
}

func (b *bench) add(name, unit string, values []float64) {
	i := slices.IndexFunc(b.figures, func(f figure) bool { return f.name == name })
	if i < 0 {
		i = len(b.figures)
		b.figures = append(b.figures, figure{name: name, unit: unit})
	}
	b.figures[i].values = append(b.figures[i].values, values...)
}

// round lets each variant write the record in turn.
func (b *bench) round(ctx context.Context, name string, record []byte) error {
	for _, buffered := range []bool{false, true} {
		if err := b.measureLog(ctx, name, record, buffered); err != nil {
			return err
		}
	}
	appended, err := b.measureAppend(ctx, record)
	if err != nil {
		return err
	}
	b.add(commitFigure+name+"/grow_fdatasync", "ms", appended)
	return nil
}

// commitFigure stands for the rows of its quantiles until the report is made.
const commitFigure = "commit_ms/"

// measureLog writes to a log at the pace of the chain, then as fast as it goes.
func (b *bench) measureLog(ctx context.Context, name string, record []byte, buffered bool) error {
	dir := filepath.Join(b.opts.Dir, "log")
	l, durable, err := openLog(dir, buffered)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	defer l.Close()
	var queued, written []float64
	err = b.paced(ctx, func() error {
		start := time.Now()
		if _, err := l.Append(record); err != nil {
			return err
		}
		queued = append(queued, milliseconds(time.Since(start)))
		<-durable
		written = append(written, milliseconds(time.Since(start)))
		return nil
	})
	if err != nil {
		return err
	}
	b.add(commitFigure+name+"/"+l.Mode()+"_async", "ms", queued)
	b.add(commitFigure+name+"/"+l.Mode()+"_wal", "ms", written)
	rate, err := throughput(l, record, b.opts.Bytes)
	b.add("mb_per_s/"+name+"/"+l.Mode(), "MB/s", []float64{rate})
	return err
}

// openLog begins a log. durable receives once for each
// group that was written, as far as somebody reads.
func openLog(dir string, buffered bool) (l *wal.Log, durable chan struct{}, err error) {
	durable = make(chan struct{}, 1)
	l, err = wal.Open(wal.Options{
		Dir: dir, Buffered: buffered,
		Durable: func(uint64) {
			select {
			case durable <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		return nil, nil, err
	}
	// The first record waits for the first segment.
	_, err = l.Append(nil)
	<-durable
	return l, durable, err
}

// recordsMax bounds how many records throughput is measured with.
const recordsMax = 1000

// throughput writes records without waiting, so many bytes or recordsMax, and
// returns MB of records a second.
func throughput(l *wal.Log, record []byte, sizeBytes int) (float64, error) {
	start, count := time.Now(), max(1, min(recordsMax, sizeBytes/len(record)))
	for range count {
		if _, err := l.Append(record); err != nil {
			return 0, err
		}
	}
	for next := l.Next(); l.Durable() < next; {
		time.Sleep(50 * time.Microsecond)
	}
	return float64(count*len(record)) / 1e6 / time.Since(start).Seconds(), nil
}

// measureAppend writes to a file that grows, and syncs it.
func (b *bench) measureAppend(ctx context.Context, record []byte) (took []float64, err error) {
	file, err := vfs.OS.Open(filepath.Join(b.opts.Dir, "growing"), vfs.Create)
	if err != nil {
		return nil, err
	}
	size := int64(0)
	err = b.paced(ctx, func() error {
		start := time.Now()
		n, err := file.WriteAt(record, size)
		if err != nil {
			return err
		}
		size += int64(n)
		err = file.Sync()
		took = append(took, milliseconds(time.Since(start)))
		return err
	})
	return took, errors.Join(err, file.Close())
}

// paced calls write once an interval.
func (b *bench) paced(ctx context.Context, write func() error) error {
	ticker := time.NewTicker(b.opts.Interval)
	defer ticker.Stop()
	for range b.opts.Count {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
