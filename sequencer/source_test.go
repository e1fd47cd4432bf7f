package main

import (
	"errors"
	"testing"

	"github.com/redline-evm/redline/memstate/wal"
	"github.com/redline-evm/redline/netio/stream"
)

// pruned is a source that has nothing left.
type pruned struct{}

func (pruned) NextSeq() uint64                           { return 10 }
func (pruned) ReadRecords(uint64, int) ([][]byte, error) { return nil, wal.ErrPruned }

// TestPrunedRecordsAreGone tells a client that asking again is of no use.
func TestPrunedRecordsAreGone(t *testing.T) {
	if _, err := (prunedSource{pruned{}}).ReadRecords(1, 1); !errors.Is(err, stream.ErrGone) {
		t.Errorf("got %v; want %v", err, stream.ErrGone)
	}
}
