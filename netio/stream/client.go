package stream

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// ClientConfig is what a Client needs.
type ClientConfig struct {
	URL   string // of the server, without path
	Chain string // the follower's chain; "" accepts any
	Next  uint64 // first sequence number wanted
	Seed  uint64 // of the retries' jitter
	// Own returns a record that the follower has; all before Next, and what was
	// delivered. They are compared with the server's; nil compares nothing.
	Own func(seq uint64) ([]byte, error)
	// Deliver takes consecutive records, first of which has sequence number
	// first. The slices are its to keep. Its error ends Run.
	Deliver func(first uint64, records [][]byte) error
	Log     *slog.Logger
}

// Client runs a Follower on sockets and the clock.
type Client struct {
	cfg      ClientConfig
	follower *Follower
	inputs   chan Input // from the connections; unbuffered, so that a slow Deliver slows the server
	status   atomic.Pointer[Status]
}

// Status is what a client knows of the stream.
type Status struct {
	Next       uint64 // sequence number wanted next
	ServerNext uint64 // the server's, as last heard; 0 before
	Streaming  bool
}

// The metrics of clients.
var (
	clientRetries = metrics.NewCounter("redline_stream_retries_total")
	clientRecords = metrics.NewCounter("redline_stream_received_records_total")
)

// NewClient returns a client; Run makes it follow.
func NewClient(cfg ClientConfig) *Client {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{cfg: cfg, follower: NewFollower(cfg.Next, cfg.Seed, cfg.Own), inputs: make(chan Input)}
	c.publishStatus()
	return c
}

// Status may be called from any goroutine.
func (c *Client) Status() Status { return *c.status.Load() }

// Run follows until ctx is done, Deliver fails or the server says that going on
// is impossible. It returns why.
func (c *Client) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var conns sync.WaitGroup
	defer conns.Wait()
	defer cancel()

	hangup := func() {}
	for in := Input(Tick{}); in != nil; in = c.await(ctx) {
		for _, out := range c.follower.Step(time.Now(), in) {
			switch out := out.(type) {
			case Dial:
				connCtx, cancelConn := context.WithCancel(ctx)
				hangup = cancelConn
				conns.Go(func() {
					defer cancelConn()
					c.converse(connCtx, out)
				})
			case Hangup:
				hangup()
			case Deliver:
				clientRecords.Add(len(out.Records))
				if err := c.cfg.Deliver(out.First, out.Records); err != nil {
					return err
				}
			case Retry:
				hangup()
				clientRetries.Inc()
				c.cfg.Log.Warn("stream interrupted", "server", c.cfg.URL, "next", c.follower.Next(), "retry", out.After.Round(time.Millisecond), "err", out.Err)
			case Fail:
				return out.Err
			}
		}
		c.publishStatus()
	}
	return context.Cause(ctx)
}

// await returns the next input; nil when ctx is done. What a connection has to
// say comes before the clock: after a long Deliver both are due, and the server
// was not silent.
func (c *Client) await(ctx context.Context) Input {
	select {
	case in := <-c.inputs:
		return in
	default:
	}
	timer := time.NewTimer(time.Until(c.follower.Deadline()))
	defer timer.Stop()
	select {
	case in := <-c.inputs:
		return in
	case <-timer.C:
		return Tick{}
	case <-ctx.Done():
		return nil
	}
}

// converse runs one connection and reports what happens on it.
func (c *Client) converse(ctx context.Context, dial Dial) {
	report := func(in Input) bool {
		select {
		case c.inputs <- in:
			return true
		case <-ctx.Done():
			return false
		}
	}
	resp, err := get(ctx, fmt.Sprintf("%s%s?from=%d&chain=%s", c.cfg.URL, PathStream, dial.From, c.cfg.Chain))
	if err != nil {
		report(Broken{Conn: dial.Conn, Err: err})
		return
	}
	defer resp.close()
	if resp.status != statusOK {
		report(Refused{Conn: dial.Conn, Status: resp.status, ServerNext: resp.next, Text: resp.text()})
		return
	}
	if !report(Opened{Conn: dial.Conn}) {
		return
	}
	for {
		frame, err := readFrame(resp.body)
		if err != nil {
			report(Broken{Conn: dial.Conn, Err: err})
			return
		}
		if !report(Received{Conn: dial.Conn, Frame: frame}) {
			return
		}
	}
}

func (c *Client) publishStatus() {
	c.status.Store(&Status{Next: c.follower.Next(), ServerNext: c.follower.ServerNext(), Streaming: c.follower.Streaming()})
}
