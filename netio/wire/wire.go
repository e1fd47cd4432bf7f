// Package wire turns the chain's records into bytes and back: mini-blocks,
// state diffs, seals, and the records that log and stream consist of. The
// layouts are drawn in docs/formats. It does no I/O and knows no time, and it
// does not judge: signatures, links, roots and hashes are for the reader to
// check.
//
// Every value has exactly one encoding; parsers refuse the others, so that
// equal bytes and equal values are the same thing. Bytes may come from anyone:
// parsers never panic, and bound each length by the bytes that are there before
// they allocate. What a parser returns shares no memory with its input.
//
// All functions may be called from any goroutine.
package wire

import (
	"errors"
	"fmt"
)

// What can be wrong with bytes.
var (
	ErrTruncated = errors.New("truncated") // they end too early
	ErrCorrupt   = errors.New("corrupt")   // no encoder writes them
)

// parse runs a body parser over all of src and says what could not be parsed.
func parse[T any](what string, src []byte, body func(*reader) T) (T, error) {
	r := &reader{rest: src, size: len(src)}
	value := body(r)
	if r.err == nil && len(r.rest) > 0 {
		r.corrupt("%d bytes left over", len(r.rest))
	}
	if r.err != nil {
		var none T
		return none, fmt.Errorf("cannot parse %s: %w", what, r.err)
	}
	return value, nil
}
