// Package callbench measures what calls that burn gas do to a node: how soon a
// deadline ends them, as a client of JSON-RPC sees it, and how long the Go runtime
// waits for them when it must stop the world. It knows programs and times, not how
// engines run code.
package callbench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/jit"
)

// Deadline is what a call may take.
const Deadline = 100 * time.Millisecond

const (
	callsDefault = 50
	stopsDefault = 300
	stopEvery    = 2 * time.Millisecond

	callGas = 10_000_000_000
)

// Options say how much to measure. Zero fields mean their defaults.
type Options struct {
	Calls int // that are ended by the deadline, for each row
	Stops int // of the world, for each row
	// Progress is told what is measured next; may be nil.
	Progress func(name string)
}

// workloads are endless loops: of cheap operations, of the slowest that native
// code does itself, of those that it leaves to Go, and of calls.
var workloads = []struct {
	name string
	code string // hexadecimal
}{
	{"fib", "0x5f60015b809101600356"},              // a, b = b, a+b
	{"mulmod", "0x6007195f195b818180099050600556"}, // x = x*x mod m
	{"keccak", "0x5b60405f205f525f56"},
	{"calls", "0x5b5f5f5f5f5f60045af1505f56"},
}

// engines are the variants.
var engines = []struct {
	name   string
	native jit.Native
}{
	{"interp", jit.NativeOff},
	{"native", jit.NativeEager},
}

// Measure returns the rows deadline_ms/<workload>_<quantile>/<engine>, of calls
// with a deadline of 100 ms, and stw_wait_us/<workload>_<quantile>/<engine>, of the
// time that it takes to stop the world while such calls run one after the other;
// stw_wait_us/idle_… is without any.
func Measure(ctx context.Context, opts Options) ([]evmbench.Row, error) {
	if opts.Progress == nil {
		opts.Progress = func(string) {}
	}
	if opts.Calls == 0 {
		opts.Calls = callsDefault
	}
	if opts.Stops == 0 {
		opts.Stops = stopsDefault
	}
	rows := quantiles("stw_wait_us", "idle", "none", "us", stopTimes(opts.Stops))
	for _, engine := range engines {
		if jit.New(jit.Config{Native: engine.native}).NativeError() != nil {
			continue
		}
		measured, err := measureEngine(ctx, opts, engine.name, engine.native)
		if err != nil {
			return nil, fmt.Errorf("cannot measure calls on engine %s: %w", engine.name, err)
		}
		rows = append(rows, measured...)
	}
	return rows, nil
}

func measureEngine(ctx context.Context, opts Options, engine string, native jit.Native) ([]evmbench.Row, error) {
	n, err := startNode(native)
	if err != nil {
		return nil, err
	}
	defer n.close()
	var rows []evmbench.Row
	for _, w := range workloads {
		opts.Progress("calls of " + w.name + " on " + engine)
		times, err := callTimes(ctx, n.client(w.code), opts.Calls)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		rows = append(rows, quantiles("deadline_ms", w.name, engine, "ms", times)...)
		stops, err := stopTimesDuring(ctx, n.client(w.code), opts.Stops)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		rows = append(rows, quantiles("stw_wait_us", w.name, engine, "us", stops)...)
	}
	return rows, nil
}

// callTimes measures calls, in milliseconds, after one that is not.
func callTimes(ctx context.Context, c *client, count int) ([]float64, error) {
	times := make([]float64, 0, count)
	for i := range count + 1 {
		start := time.Now()
		if err := c.call(ctx); err != nil {
			return nil, err
		}
		if i > 0 {
			times = append(times, float64(time.Since(start).Nanoseconds())/1e6)
		}
	}
	return times, nil
}

// stopTimesDuring is stopTimes while calls run.
func stopTimesDuring(ctx context.Context, c *client, count int) ([]float64, error) {
	if err := c.call(ctx); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	failed := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if err := c.call(ctx); err != nil && ctx.Err() == nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	times := stopTimes(count)
	stop()
	return times, <-failed
}

// stopTimes stops the world now and then and measures how long that takes, in
// microseconds. Reading memory statistics stops it once and does little else.
func stopTimes(count int) []float64 {
	times := make([]float64, count)
	var stats runtime.MemStats
	for i := range times {
		time.Sleep(stopEvery)
		start := time.Now()
		runtime.ReadMemStats(&stats)
		times[i] = float64(time.Since(start).Nanoseconds()) / 1e3
	}
	return times
}

// quantiles are the rows of the median and the 99th percentile.
func quantiles(figure, workload, variant, unit string, values []float64) []evmbench.Row {
	slices.Sort(values)
	row := func(name string, part float64) evmbench.Row {
		return evmbench.Row{
			Name: figure + "/" + workload + "_" + name + "/" + variant, Unit: unit, N: len(values),
			Value: values[int(part*float64(len(values)-1))], Min: values[0], Max: values[len(values)-1],
		}
	}
	return []evmbench.Row{row("p50", 0.5), row("p99", 0.99)}
}
