package rpc

import (
	"encoding/json"
	"unicode/utf8"
)

// request is one JSON-RPC 2.0 request. Its parts point into the body.
type request struct {
	id     []byte // JSON text; nil in a notification
	method []byte
	params []byte // JSON text; nil when absent
	valid  bool   // version, method and id are as they must be
}

// parseBody splits a body into its requests. It returns nil if the body is not
// JSON; that is UTF-8, and ids go back as they came. What is JSON but no request
// comes back as a request that is not valid. Of a batch of more than limit it
// returns limit+1.
func parseBody(body []byte, limit int) (requests []request, batch bool) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, false
	}
	s := scanner{text: body}
	s.skip()
	if s.text[s.pos] != '[' {
		return []request{parseRequest(s.value())}, false
	}
	requests = []request{}
	for s.enter(); s.more() && len(requests) <= limit; {
		requests = append(requests, parseRequest(s.value()))
	}
	return requests, true
}

// parseRequest reads one valid JSON value as a request.
func parseRequest(text []byte) (r request) {
	if text[0] != '{' {
		return r
	}
	version := false
	s := scanner{text: text}
	for s.enter(); s.more(); {
		key, _ := unquote(s.value())
		value := s.value()
		switch string(key) {
		case "jsonrpc":
			v, _ := unquote(value)
			version = string(v) == "2.0"
		case "id":
			r.id = value
		case "method":
			r.method, _ = unquote(value)
		case "params":
			r.params = value
		}
	}
	idOK := r.id == nil || (r.id[0] != '{' && r.id[0] != '[')
	if !idOK {
		r.id = nil
	}
	r.valid = version && len(r.method) > 0 && idOK
	return r
}

func (r *request) isNotification() bool { return r.valid && r.id == nil }

// appendReplyHead appends a reply up to where its result or error begins.
func appendReplyHead(dst []byte, id []byte) []byte {
	dst = append(dst, `{"jsonrpc":"2.0","id":`...)
	if id == nil {
		id = []byte("null")
	}
	return append(dst, id...)
}

// appendErrorReply appends a whole reply that says err.
func appendErrorReply(dst []byte, id []byte, err *Error) []byte {
	dst = appendReplyHead(dst, id)
	dst = append(dst, `,"error":`...)
	dst = appendError(dst, err)
	return append(dst, '}')
}
