package rpc

import (
	"errors"
	"io"
	"sync"
)

// body is the bytes of one message. A small one lives in a pooled buffer; what
// is longer counts against the server's budget while it arrives, so that it is
// the bytes that came, not the length that was claimed, that takes memory.
type body struct {
	bytes  []byte
	taken  int
	budget *budget
}

var (
	errBodyTooLarge = errors.New("request body too large")
	errServerBusy   = errors.New("server is busy: too many large requests at once")
)

var bodies = sync.Pool{New: func() any {
	return &body{bytes: make([]byte, 0, smallBodyBytes)}
}}

// readBody reads r to its end. The caller releases the body when it needs the
// bytes no more; after an error there is nothing to release.
func readBody(r io.Reader, limit int, shared *budget) (*body, error) {
	b := bodies.Get().(*body) //nolint:forcetypeassert // the pool holds nothing else
	b.budget = shared
	err := b.readFrom(r, limit)
	if err != nil {
		b.release()
		return nil, err
	}
	return b, nil
}

func (b *body) readFrom(r io.Reader, limit int) error {
	for {
		if len(b.bytes) == cap(b.bytes) {
			if err := b.grow(limit); err != nil {
				return err
			}
		}
		n, err := r.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		switch {
		case len(b.bytes) > limit:
			return errBodyTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// grow doubles the buffer, up to one byte more than the limit: enough to see
// that a body is too long.
func (b *body) grow(limit int) error {
	size := min(2*cap(b.bytes), max(limit, cap(b.bytes))+1)
	if !b.budget.take(size) {
		return errServerBusy
	}
	b.budget.give(b.taken)
	b.taken = size
	b.bytes = append(make([]byte, 0, size), b.bytes...)
	return nil
}

func (b *body) release() {
	b.budget.give(b.taken)
	if b.taken == 0 {
		b.bytes = b.bytes[:0]
		bodies.Put(b)
	}
}
