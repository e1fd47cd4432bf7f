package rpc

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// A connection that is closed while bytes of the client are unread is reset, and
// the reset throws away what the client has not read yet: the refusal itself.
// So the server, once it has refused, reads and drops what the client still
// sends, until the client has seen the refusal and closes, the server stops, or
// Config.LingerTime is over.
const (
	lingerBytes = 64 << 20
	lingerMax   = 256 // connections at once; beyond, a refusal may be lost
)

// refusedHeader marks a request whose body is too large by its own word, from
// when its header was read until it is handled. A client that sends it refuses
// itself.
const refusedHeader = "Redline-Refused"

// headerReceived takes the body away from a request that says that it is too
// large, so that nobody waits for it.
func headerReceived(maxBodyBytes int) func(*fasthttp.RequestHeader) fasthttp.RequestConfig {
	return func(h *fasthttp.RequestHeader) (unchanged fasthttp.RequestConfig) {
		if h.ContentLength() > maxBodyBytes {
			h.SetContentLength(0)
			h.Del(fasthttp.HeaderExpect)
			h.Set(refusedHeader, "1")
		}
		return unchanged
	}
}

// refuse answers with an HTTP error and drops the connection, on which there
// may be a body that nobody wants to read.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, status int, message string) {
	ctx.SetStatusCode(status)
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.SetBodyString(message)
	ctx.SetConnectionClose()
	if !bodyUnread(ctx) {
		return
	}
	// fasthttp closes as soon as it has answered; so the answer is written here.
	var answer bytes.Buffer
	if _, err := ctx.Response.WriteTo(&answer); err != nil {
		panic(fmt.Sprintf("BUG: cannot write into memory: %v", err))
	}
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(conn net.Conn) {
		if conn.SetWriteDeadline(time.Now().Add(s.cfg.LingerTime)) != nil {
			return
		}
		if _, err := conn.Write(answer.Bytes()); err == nil {
			s.linger(conn)
		}
	})
}

const chunked = -1 // a content length that fasthttp does not know

// bodyUnread reports whether there may be more of the body than what came
// along with the header.
func bodyUnread(ctx *fasthttp.RequestCtx) bool {
	length := ctx.Request.Header.ContentLength()
	return length == chunked || length > smallBodyBytes || len(ctx.Request.Header.Peek(refusedHeader)) > 0
}

// linger reads what a client still sends, and drops it.
func (s *Server) linger(conn net.Conn) {
	select {
	case s.lingering <- struct{}{}:
		defer func() { <-s.lingering }()
	default:
		return
	}
	if conn.SetReadDeadline(time.Now().Add(s.cfg.LingerTime)) == nil {
		defer interruptRead(s.ctx, conn)()
		io.CopyN(io.Discard, conn, lingerBytes) //nolint:errcheck // whatever ends it
	}
}

// interruptRead makes reads of conn fail once ctx ends. The caller calls done
// before it gives conn back: from then on conn is not used here.
func interruptRead(ctx context.Context, conn net.Conn) (done func()) {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		conn.SetReadDeadline(time.Now()) //nolint:errcheck // fails only if the connection has
	})
	return func() {
		if !stop() {
			<-interrupted
		}
	}
}
