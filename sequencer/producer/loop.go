package producer

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/redline-evm/redline/netio/wire"
)

var (
	miniBlocksTotal   = metrics.NewCounter("redline_producer_mini_blocks_total")
	evmBlocksTotal    = metrics.NewCounter("redline_producer_evm_blocks_total")
	transactionsTotal = metrics.NewCounter("redline_producer_transactions_total")
	gasTotal          = metrics.NewCounter("redline_producer_gas_total")
	droppedTotal      = metrics.NewCounter("redline_producer_dropped_transactions_total")
)

// Waiter is how the loop waits.
type Waiter interface {
	// Wait returns at the moment until, or before when ready delivers or done is
	// closed.
	Wait(done, ready <-chan struct{}, until time.Time)
}

// Run gives the producer time until ctx ends, and hands each record to
// appendRecord. It waits while nothing is due: an idle chain wakes once a
// second.
func Run(ctx context.Context, p *Producer, w Waiter, appendRecord func(wire.Record) error) error {
	for ctx.Err() == nil {
		out, err := p.Step(time.Now())
		if err := deliver(out, err, appendRecord); err != nil {
			return err
		}
		w.Wait(ctx.Done(), p.Ready(), out.Wake)
	}
	out, err := p.Flush(time.Now())
	return deliver(out, err, appendRecord)
}

// deliver does with the output of a step what is to be done.
func deliver(out Output, err error, appendRecord func(wire.Record) error) error {
	if err != nil {
		return fmt.Errorf("cannot produce: %w", err)
	}
	for _, d := range out.Dropped {
		droppedTotal.Inc()
		slog.Debug("transaction dropped", "hash", d.Hash, "reason", d.Err)
	}
	switch r := out.Record; {
	case r.MiniBlock != nil:
		miniBlocksTotal.Inc()
		transactionsTotal.Add(len(r.MiniBlock.Txs))
		gasTotal.AddInt64(int64(r.MiniBlock.Header.GasUsed))
	case r.Seal != nil:
		evmBlocksTotal.Inc()
	default:
		return nil
	}
	return appendRecord(out.Record)
}
