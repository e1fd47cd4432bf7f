package rpc

import (
	"context"
	"fmt"
	"runtime/debug"
)

// exchange is one message of a client, a request or a batch, on its way.
type exchange struct {
	socket *socket // nil over HTTP

	// started are the subscriptions that begin once the reply is queued.
	started []*subscription
}

// call is one request on its way to its method.
type call struct {
	*exchange
	ctx  context.Context
	args args
}

// weight says what a method costs.
type weight uint8

const (
	light weight = iota // answers from memory at once
	waits               // waits for another part or another node
	heavy               // computes: it takes one of the server's call slots
)

// method is one JSON-RPC method. run appends the result's JSON to dst; when it
// fails, what it has appended is dropped.
type method struct {
	weight weight
	run    func(s *Server, c *call, dst []byte) ([]byte, error)
}

// answer appends the reply to the requests of a body. It appends nothing when
// all of them are notifications.
func (s *Server) answer(ctx context.Context, x *exchange, dst []byte, requests []request, batch bool) []byte {
	switch {
	case requests == nil:
		return appendErrorReply(dst, nil, errParse)
	case !batch:
		return s.answerRequest(ctx, x, dst, &requests[0], len(dst)+s.cfg.MaxReplyBytes)
	case len(requests) == 0:
		return appendErrorReply(dst, nil, errEmptyBatch)
	case len(requests) > s.cfg.MaxBatchItems:
		return append(appendErrorReply(append(dst, '['), firstID(requests), errBatchTooLarge), ']')
	default:
		return s.answerBatch(ctx, x, dst, requests)
	}
}

// firstID finds an id for an error that concerns a whole batch.
func firstID(requests []request) []byte {
	for i := range requests {
		if requests[i].valid && requests[i].id != nil {
			return requests[i].id
		}
	}
	return nil
}

// answerBatch runs the requests in order. When the time or the space for the
// reply is used up, the rest get an error each.
func (s *Server) answerBatch(ctx context.Context, x *exchange, dst []byte, requests []request) []byte {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.RequestTimeout)
	defer cancel()
	start, limit := len(dst), len(dst)+s.cfg.MaxReplyBytes
	dst = append(dst, '[')
	var refused *Error
	for i := range requests {
		if len(dst) > limit {
			refused = errReplyTooLarge
		} else if ctx.Err() != nil {
			refused = asError(ctx.Err())
		}
		before := len(dst)
		if before > start+1 {
			dst = append(dst, ',')
		}
		item := len(dst)
		if refused == nil {
			dst = s.answerRequest(ctx, x, dst, &requests[i], limit)
		} else if !requests[i].isNotification() {
			dst = appendErrorReply(dst, requests[i].id, refused)
		}
		if len(dst) == item { // a notification has no reply
			dst = dst[:before]
		}
	}
	if len(dst) == start+1 {
		return dst[:start]
	}
	return append(dst, ']')
}

// answerRequest appends the reply to one request. A result that ends beyond
// limit is dropped for an error.
func (s *Server) answerRequest(ctx context.Context, x *exchange, dst []byte, r *request, limit int) []byte {
	start := len(dst)
	if !r.valid {
		return appendErrorReply(dst, r.id, errInvalidRequest)
	}
	dst = appendReplyHead(dst, r.id)
	dst = append(dst, `,"result":`...)
	dst, err := s.run(ctx, x, dst, r)
	if err == nil && len(dst) > limit {
		err = errReplyTooLarge
	}
	switch {
	case r.isNotification():
		return dst[:start]
	case err != nil:
		return appendErrorReply(dst[:start], r.id, asError(err))
	}
	return append(dst, '}')
}

// run finds the method and lets it append its result.
func (s *Server) run(ctx context.Context, x *exchange, dst []byte, r *request) (_ []byte, err error) {
	if len(r.method) > maxMethodNameBytes {
		return dst, &Error{
			Code:    codeInvalidRequest,
			Message: fmt.Sprintf("method name too long: %d > %d", len(r.method), maxMethodNameBytes),
		}
	}
	m, ok := s.methods[string(r.method)]
	if !ok {
		return dst, methodNotFound(r.method)
	}
	defer func() {
		if crash := recover(); crash != nil {
			s.cfg.Logger.Error("RPC method crashed", "method", string(r.method), "panic", crash, "stack", string(debug.Stack()))
			err = errCrashed
		}
	}()
	c := &call{exchange: x, ctx: ctx, args: newArgs(r.params)}
	if m.weight == light {
		return m.run(s, c, dst)
	}
	timed, cancel := context.WithTimeout(ctx, s.cfg.RequestTimeout)
	defer cancel()
	c.ctx = timed
	if m.weight == heavy {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		case <-timed.Done():
			return dst, timed.Err()
		}
	}
	return m.run(s, c, dst)
}

// lightest reports whether all requests answer at once.
func (s *Server) lightest(requests []request) bool {
	for i := range requests {
		if s.methods[string(requests[i].method)].weight != light {
			return false
		}
	}
	return true
}
