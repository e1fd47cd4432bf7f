package rpc

import "sync/atomic"

// budget bounds the bytes that many owners hold together.
type budget struct {
	limit int64
	taken atomic.Int64
}

func newBudget(limit int) *budget { return &budget{limit: int64(limit)} }

// take reserves n bytes and reports whether they were left.
func (b *budget) take(n int) bool {
	if b.taken.Add(int64(n)) > b.limit {
		b.taken.Add(int64(-n))
		return false
	}
	return true
}

// give returns n reserved bytes.
func (b *budget) give(n int) { b.taken.Add(int64(-n)) }
