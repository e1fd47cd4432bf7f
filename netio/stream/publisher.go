package stream

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp"
)

// Source is the log of records that a Publisher serves. Its methods may be
// called from any goroutine.
type Source interface {
	// NextSeq is the sequence number that the next record will get.
	NextSeq() uint64
	// ReadRecords returns consecutive records from sequence number from on:
	// at least one when from < NextSeq, then as many as fit in maxBytes. The
	// error is ErrGone when they are not held any more.
	ReadRecords(from uint64, maxBytes int) ([][]byte, error)
}

// PublisherConfig is what a Publisher needs.
type PublisherConfig struct {
	Source     Source
	Chain      string // identifies the chain; clients that name another are refused
	Genesis    []byte // served as it is
	ClientsMax int    // 0 stands for 256
	Log        *slog.Logger
}

// Publisher is the server's half: HTTP responses that never end by themselves.
// A client costs one goroutine and no queue, because it reads from the source
// at its own pace.
type Publisher struct {
	cfg    PublisherConfig
	frames *frameCache
	http   *fasthttp.Server
	closed chan struct{}

	mu struct {
		sync.Mutex
		news    chan struct{}         // closed and replaced at each Notify
		conns   map[net.Conn]struct{} // of the clients
		closing bool
	}
	done sync.WaitGroup
}

// The metrics of publishers.
var (
	publisherClients = metrics.NewCounter("redline_stream_clients")
	publisherBytes   = metrics.NewCounter("redline_stream_sent_bytes_total")
)

// NewPublisher returns a publisher. Close it to end its responses.
func NewPublisher(cfg PublisherConfig) *Publisher {
	if cfg.ClientsMax == 0 {
		cfg.ClientsMax = 256
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p := &Publisher{cfg: cfg, frames: newFrameCache(cfg.Source), closed: make(chan struct{})}
	p.mu.news = make(chan struct{})
	p.mu.conns = make(map[net.Conn]struct{})
	p.http = &fasthttp.Server{
		Handler:            p.handle,
		GetOnly:            true,
		ReadTimeout:        connectTimeout,
		IdleTimeout:        connectTimeout,
		MaxRequestBodySize: 1, // requests have none
		Concurrency:        2 * cfg.ClientsMax,
		CloseOnShutdown:    true,
		Logger:             discard{},
	}
	return p
}

// discard keeps fasthttp silent about what clients do wrong.
type discard struct{}

func (discard) Printf(string, ...any) {}

// Serve serves a listener until Close. It may be called for several.
func (p *Publisher) Serve(listener net.Listener) error {
	if err := p.http.Serve(listener); err != nil {
		return fmt.Errorf("cannot serve the stream at %s: %w", listener.Addr(), err)
	}
	return nil
}

func (p *Publisher) handle(ctx *fasthttp.RequestCtx) {
	switch string(ctx.Path()) {
	case PathStream:
		p.serveStream(ctx)
	case PathGenesis:
		ctx.SetContentType("application/json")
		ctx.SetBody(p.cfg.Genesis)
	default:
		ctx.Error("want "+PathStream+" or "+PathGenesis, fasthttp.StatusNotFound)
	}
}

// Notify tells waiting clients that the source has more records.
func (p *Publisher) Notify() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.mu.news)
	p.mu.news = make(chan struct{})
}

// Close ends all responses and closes the listeners. A client that does not
// read is cut off in the midst of a frame.
func (p *Publisher) Close() error {
	p.mu.Lock()
	if !p.mu.closing {
		p.mu.closing = true
		close(p.closed)
	}
	for conn := range p.mu.conns {
		_ = conn.SetWriteDeadline(time.Now().Add(closeTimeout)) // fails only if the connection has
	}
	p.mu.Unlock()
	p.done.Wait()
	return p.http.Shutdown()
}

// serveStream answers GET /stream?from=SEQ[&chain=ID].
func (p *Publisher) serveStream(ctx *fasthttp.RequestCtx) {
	from, status, err := p.check(ctx.QueryArgs())
	if err != nil {
		ctx.Error(err.Error(), status)
		if status == fasthttp.StatusRequestedRangeNotSatisfiable {
			ctx.Response.Header.Set(fasthttp.HeaderContentRange, rangePrefix+strconv.FormatUint(p.cfg.Source.NextSeq(), 10))
		}
		return
	}
	if p.full() {
		ctx.Error("no more clients are admitted", fasthttp.StatusServiceUnavailable)
		return
	}
	// The response is written by hand: the connection is the only place where
	// a write can have a deadline of its own.
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(conn net.Conn) {
		if !p.admit(conn) {
			return
		}
		defer p.dismiss(conn)
		if err := p.send(conn, from); err != nil {
			p.cfg.Log.Info("stream client left", "client", conn.RemoteAddr(), "err", err)
		}
	})
}

// check validates a request, so that refusals come as an HTTP status.
func (p *Publisher) check(args *fasthttp.Args) (from uint64, status int, err error) {
	text := string(args.Peek("from"))
	if from, err = strconv.ParseUint(text, 10, 64); err != nil {
		return 0, fasthttp.StatusBadRequest, fmt.Errorf("cannot parse from: got %q; want a sequence number", text)
	}
	if chain := string(args.Peek("chain")); chain != "" && chain != p.cfg.Chain {
		return 0, fasthttp.StatusConflict, fmt.Errorf("this is chain %s; want %s", p.cfg.Chain, chain)
	}
	next := p.cfg.Source.NextSeq()
	if from > next {
		return 0, fasthttp.StatusRequestedRangeNotSatisfiable, fmt.Errorf("this node has records up to %d; want record %d", next, from)
	}
	if from < next {
		if _, err := p.frames.frame(from); errors.Is(err, ErrGone) {
			return 0, fasthttp.StatusGone, err
		} else if err != nil {
			return 0, fasthttp.StatusInternalServerError, err
		}
	}
	return from, 0, nil
}

func (p *Publisher) full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fullLocked()
}

func (p *Publisher) fullLocked() bool { return p.mu.closing || len(p.mu.conns) >= p.cfg.ClientsMax }

func (p *Publisher) admit(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fullLocked() {
		return false
	}
	p.mu.conns[conn] = struct{}{}
	p.done.Add(1)
	publisherClients.Inc()
	return true
}

func (p *Publisher) dismiss(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.mu.conns, conn)
	p.done.Done()
	publisherClients.Dec()
}

const responseHeader = "HTTP/1.1 200 OK\r\n" +
	"Content-Type: application/octet-stream\r\n" +
	"Cache-Control: no-store\r\n" +
	"Connection: close\r\n\r\n"

// send writes the response until the client or the publisher ends it.
func (p *Publisher) send(conn net.Conn, next uint64) error {
	if err := p.write(conn, []byte(responseHeader)); err != nil {
		return err
	}
	heartbeat := time.NewTicker(heartbeatInterval)
	defer heartbeat.Stop()
	for {
		news := p.news() // taken before looking, so that nothing is missed
		for next < p.cfg.Source.NextSeq() {
			frame, err := p.frames.frame(next)
			if err != nil {
				return fmt.Errorf("cannot read record %d: %w", next, err)
			}
			if err := p.write(conn, frame.bytes); err != nil {
				return err
			}
			next = frame.next
		}
		select {
		case <-news:
		case <-heartbeat.C:
			beat := AppendFrame(nil, Batch{First: next, ServerNext: next})
			if err := p.write(conn, beat); err != nil {
				return err
			}
		case <-p.closed:
			return nil
		}
	}
}

func (p *Publisher) news() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.news
}

// write sends b, unless the publisher closes. The deadline comes first: Close
// shortens it, and must not be undone.
func (p *Publisher) write(conn net.Conn, b []byte) error {
	if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	select {
	case <-p.closed:
		return errClosed
	default:
	}
	n, err := conn.Write(b)
	publisherBytes.Add(n)
	return err
}

var errClosed = errors.New("the publisher is closed")
