package rpc

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"
)

func newHTTPServer(cfg *Config, handle fasthttp.RequestHandler) *fasthttp.Server {
	return &fasthttp.Server{
		Handler:     handle,
		Name:        "redline",
		Concurrency: cfg.MaxConnections,
		// Bodies are read by the handler: it knows how much memory is left.
		HeaderReceived:               headerReceived(cfg.MaxBodyBytes),
		StreamRequestBody:            true,
		MaxRequestBodySize:           smallBodyBytes,
		DisablePreParseMultipartForm: true,
		ReadTimeout:                  cfg.RequestTimeout,
		WriteTimeout:                 cfg.RequestTimeout,
		IdleTimeout:                  httpIdleTimeout,
		NoDefaultContentType:         true,
		CloseOnShutdown:              true,
		Logger:                       quietLogger{},
	}
}

// quietLogger drops what fasthttp says about clients that break the protocol:
// it is their problem, and they could fill a disk with it.
type quietLogger struct{}

func (quietLogger) Printf(string, ...any) {}

// handle answers one HTTP request. POST is JSON-RPC; GET is a WebSocket
// handshake or a health check; OPTIONS is a browser that asks first.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	s.allowOrigin(ctx)
	if len(ctx.Request.Header.Peek(refusedHeader)) > 0 {
		s.refuse(ctx, fasthttp.StatusRequestEntityTooLarge, errBodyTooLarge.Error())
		return
	}
	switch string(ctx.Method()) {
	case fasthttp.MethodPost:
		s.handlePost(ctx)
	case fasthttp.MethodGet, fasthttp.MethodHead:
		if websocket.FastHTTPIsWebSocketUpgrade(ctx) {
			s.handleUpgrade(ctx)
			return
		}
		s.handleHealth(ctx)
	case fasthttp.MethodOptions:
		ctx.SetStatusCode(fasthttp.StatusNoContent)
	default:
		s.refuse(ctx, fasthttp.StatusMethodNotAllowed, "method not allowed")
	}
}

func (s *Server) handlePost(ctx *fasthttp.RequestCtx) {
	if !isJSON(ctx.Request.Header.ContentType()) {
		s.refuse(ctx, fasthttp.StatusUnsupportedMediaType, "invalid content type, only application/json is supported")
		return
	}
	b, err := readBody(requestBody(ctx), s.cfg.MaxBodyBytes, s.bodies)
	if err != nil {
		s.refuse(ctx, bodyStatus(err), err.Error())
		return
	}
	defer b.release()
	ctx.SetContentType("application/json")
	requests, batch := parseBody(b.bytes, s.cfg.MaxBatchItems)
	reply := s.answer(s.ctx, &exchange{}, ctx.Response.SwapBody(nil)[:0], requests, batch)
	switch {
	case len(reply) <= smallReplyBytes:
		ctx.Response.SwapBody(reply)
	case s.replies.take(len(reply)):
		ctx.Response.SetBodyStream(&heldReply{*bytes.NewReader(reply), len(reply), s.replies}, len(reply))
	default:
		s.refuse(ctx, fasthttp.StatusServiceUnavailable, "server is busy: too many large replies at once")
	}
}

// heldReply is a large reply that counts against a budget until fasthttp has
// sent it or given up.
type heldReply struct {
	bytes.Reader
	taken  int
	budget *budget
}

// Close gives the bytes back.
func (r *heldReply) Close() error {
	r.budget.give(r.taken)
	r.taken = 0
	return nil
}

func requestBody(ctx *fasthttp.RequestCtx) io.Reader {
	if stream := ctx.RequestBodyStream(); stream != nil {
		return stream
	}
	return bytes.NewReader(nil)
}

func bodyStatus(err error) int {
	switch {
	case errors.Is(err, errBodyTooLarge):
		return fasthttp.StatusRequestEntityTooLarge
	case errors.Is(err, errServerBusy):
		return fasthttp.StatusServiceUnavailable
	default:
		return fasthttp.StatusBadRequest
	}
}

// isJSON accepts what geth accepts. A browser asks before it sends one of
// these to another site, so a page of a foreign origin cannot send at all.
func isJSON(contentType []byte) bool {
	kind, _, _ := bytes.Cut(contentType, []byte(";"))
	switch strings.ToLower(string(bytes.TrimSpace(kind))) {
	case "application/json", "application/json-rpc", "application/jsonrequest":
		return true
	}
	return false
}

// handleHealth says that the server is there, where the chain is, and whether it
// goes on: a program that asks need not read more than the status.
func (s *Server) handleHealth(ctx *fasthttp.RequestCtx) {
	if path := string(ctx.Path()); path != "/" && path != "/health" {
		s.refuse(ctx, fasthttp.StatusNotFound, "not found")
		return
	}
	o := beginObject(nil)
	o.key("client")
	o.dst = appendString(o.dst, s.cfg.ClientVersion)
	o.bigQuantity("chainId", s.config.ChainID)
	o.quantity("blockNumber", s.backend.HeadNumber())
	o.key("syncing")
	o.dst = appendBool(o.dst, s.backend.Syncing() != nil)
	if fault := s.backend.Fault(); fault != nil {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		o.key("error")
		o.dst = appendString(o.dst, fault.Error())
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(o.end())
}

// originAllowed reports whether a web page of the request's origin may call.
// What is not a web page has no origin and may.
func (s *Server) originAllowed(ctx *fasthttp.RequestCtx) bool {
	origin := ctx.Request.Header.Peek("Origin")
	return len(origin) == 0 || slices.ContainsFunc(s.cfg.Origins, func(allowed string) bool {
		return allowed == "*" || strings.EqualFold(allowed, string(origin))
	})
}

// allowOrigin tells a browser that the page may read the answer.
func (s *Server) allowOrigin(ctx *fasthttp.RequestCtx) {
	origin := ctx.Request.Header.Peek("Origin")
	if len(origin) == 0 {
		return
	}
	h := &ctx.Response.Header
	h.Add("Vary", "Origin")
	if !s.originAllowed(ctx) {
		return
	}
	h.SetBytesV("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Methods", "POST, GET, OPTIONS")
	h.Set("Access-Control-Max-Age", "600")
	if wanted := ctx.Request.Header.Peek("Access-Control-Request-Headers"); len(wanted) > 0 {
		h.SetBytesV("Access-Control-Allow-Headers", wanted)
	}
}
