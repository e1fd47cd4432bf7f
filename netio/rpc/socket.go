package rpc

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"
)

func newUpgrader(originAllowed func(*fasthttp.RequestCtx) bool) websocket.FastHTTPUpgrader {
	return websocket.FastHTTPUpgrader{
		ReadBufferSize:  4096,
		WriteBufferSize: 4096,
		WriteBufferPool: new(sync.Pool),
		CheckOrigin:     originAllowed,
	}
}

// socket is one WebSocket connection. Its reader goroutine runs requests that
// answer at once and gives the others goroutines of their own; its writer
// goroutine sends what is queued. A client that does not read what is queued
// for it is cut off; nobody ever waits for it.
type socket struct {
	s     *Server
	conn  *websocket.Conn
	calls chan struct{} // one item per request that has its own goroutine
	wake  chan struct{} // the queue has something, or the socket is closed

	mu struct {
		sync.Mutex
		queue  [][]byte
		queued int     // bytes
		closed bool    // nothing is queued any more
		reason closing // why the server closed it
	}
}

// closing is what the server says when it closes a WebSocket; the zero value
// is nothing, for a connection that ended by itself.
type closing struct {
	code int // of RFC 6455
	text string
}

var (
	closeShutdown = closing{websocket.CloseGoingAway, "server is shutting down"}
	closeTooLarge = closing{websocket.CloseMessageTooBig, errBodyTooLarge.Error()}
	closeBusy     = closing{websocket.CloseTryAgainLater, errServerBusy.Error()}
	closeTooSlow  = closing{websocket.ClosePolicyViolation, "client reads too slowly"}
	closeLost     = closing{websocket.ClosePolicyViolation, "events were lost"}
)

// unreadable says why the server closes a WebSocket whose message it could not
// read; nothing when the connection broke.
func unreadable(err error) closing {
	switch {
	case errors.Is(err, errBodyTooLarge):
		return closeTooLarge
	case errors.Is(err, errServerBusy):
		return closeBusy
	default:
		return closing{}
	}
}

func (s *Server) handleUpgrade(ctx *fasthttp.RequestCtx) {
	if s.socketsFull() {
		s.refuse(ctx, fasthttp.StatusServiceUnavailable, "too many WebSocket connections")
		return
	}
	s.upgrader.Upgrade(ctx, func(conn *websocket.Conn) { //nolint:errcheck // it has told the client
		k := &socket{
			s:     s,
			conn:  conn,
			calls: make(chan struct{}, maxSocketCalls),
			wake:  make(chan struct{}, 1),
		}
		if s.enter(k) {
			defer s.leave(k)
			k.serve()
		}
	})
}

// serve runs the connection until it ends, and returns when all its requests
// have.
func (k *socket) serve() {
	ctx, cancel := context.WithCancel(k.s.ctx)
	written := make(chan struct{})
	go func() {
		defer close(written)
		k.write()
	}()
	k.read(ctx)
	cancel()
	k.cutOff(closing{})
	k.s.hub.stopAll(k)
	for range maxSocketCalls { // wait for the requests that still run
		k.calls <- struct{}{}
	}
	<-written
	if k.mu.reason == closeTooLarge || k.mu.reason == closeBusy { // there is more of the message
		k.s.linger(k.conn.NetConn())
	}
	// A request that ran to its end meanwhile may have subscribed.
	k.s.hub.stopAll(k)
}

func (k *socket) read(ctx context.Context) {
	k.conn.SetPongHandler(func(string) error { return k.alive() })
	for {
		if k.alive() != nil {
			return
		}
		_, message, err := k.conn.NextReader()
		if err != nil {
			return
		}
		b, err := readBody(message, k.s.cfg.MaxBodyBytes, k.s.bodies)
		if err != nil {
			k.cutOff(unreadable(err))
			return
		}
		k.accept(ctx, b)
	}
}

// alive gives the client time to be heard of again. It must not undo what
// goodbye does to the deadline.
func (k *socket) alive() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mu.closed {
		return net.ErrClosed
	}
	return k.conn.SetReadDeadline(time.Now().Add(2 * socketPingInterval))
}

// accept runs the requests of a message, here if they answer at once. When too
// many others run already it waits, and the client with it.
func (k *socket) accept(ctx context.Context, b *body) {
	requests, batch := parseBody(b.bytes, k.s.cfg.MaxBatchItems)
	if k.s.lightest(requests) {
		k.answer(ctx, b, requests, batch)
		return
	}
	k.calls <- struct{}{}
	go func() {
		defer func() { <-k.calls }()
		k.answer(ctx, b, requests, batch)
	}()
}

func (k *socket) answer(ctx context.Context, b *body, requests []request, batch bool) {
	defer b.release()
	x := &exchange{socket: k}
	if reply := k.s.answer(ctx, x, nil, requests, batch); len(reply) > 0 {
		k.send(reply)
	}
	for _, sub := range x.started {
		k.s.hub.start(sub)
	}
}

// send queues a message. A message always fits into an empty queue of the
// socket's own; beyond that, one that does not fit ends the connection.
func (k *socket) send(message []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mu.closed {
		return
	}
	size := len(message)
	if k.mu.queued > 0 && k.mu.queued+size > k.s.cfg.SocketQueueBytes || !k.s.queues.take(size) {
		k.close(closeTooSlow)
		return
	}
	k.mu.queue = append(k.mu.queue, message)
	k.mu.queued += size
	k.signal()
}

// cutOff ends the connection, with a reason if it was the server's wish.
func (k *socket) cutOff(reason closing) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.close(reason)
}

// close marks the socket closed; the writer does the rest. k.mu is held.
func (k *socket) close(reason closing) {
	if k.mu.closed {
		return
	}
	k.mu.closed = true
	k.mu.reason = reason
	k.signal()
}

func (k *socket) signal() {
	select {
	case k.wake <- struct{}{}:
	default: // it is on already
	}
}

// write sends what is queued until the socket is closed.
func (k *socket) write() {
	ping := time.NewTicker(socketPingInterval)
	defer ping.Stop()
	for {
		select {
		case <-k.wake:
		case <-ping.C:
			if k.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(socketWriteTimeout)) != nil {
				k.cutOff(closing{})
			}
		}
		if !k.flush() {
			return
		}
	}
}

// flush sends the queue and reports whether the socket is still open. Closing
// it wakes the reader.
func (k *socket) flush() bool {
	k.mu.Lock()
	queue, queued, closed, reason := k.mu.queue, k.mu.queued, k.mu.closed, k.mu.reason
	k.mu.queue = nil
	k.mu.Unlock()
	for _, message := range queue {
		if closed {
			break
		}
		closed = !k.writeOne(message)
	}
	k.mu.Lock()
	k.mu.queued -= queued
	k.mu.Unlock()
	k.s.queues.give(queued)
	if closed {
		k.cutOff(closing{})
		k.drop()
		k.goodbye(reason)
	}
	return !closed
}

// drop forgets what was queued while the last write failed. The socket is
// closed: nothing is queued any more.
func (k *socket) drop() {
	k.mu.Lock()
	queued := k.mu.queued
	k.mu.queue, k.mu.queued = nil, 0
	k.mu.Unlock()
	k.s.queues.give(queued)
}

func (k *socket) writeOne(message []byte) bool {
	if k.conn.SetWriteDeadline(time.Now().Add(socketWriteTimeout)) != nil {
		return false
	}
	return k.conn.WriteMessage(websocket.TextMessage, message) == nil
}

// goodbye says why the server closes the connection, if it does, and makes the
// reader return.
func (k *socket) goodbye(reason closing) {
	if reason != (closing{}) {
		message := websocket.FormatCloseMessage(reason.code, reason.text)
		k.conn.WriteControl(websocket.CloseMessage, message, time.Now().Add(time.Second)) //nolint:errcheck // the client may be gone
	}
	k.conn.SetReadDeadline(time.Now()) //nolint:errcheck // likewise
}
