package ledger

import (
	"errors"
	"fmt"

	"github.com/redline-evm/redline/memstate/snapshot"
	"github.com/redline-evm/redline/netio/wire"
)

// recentBlocks is how many sealed EVM blocks the index keeps beside the history:
// those that are asked for most, and some time for readers that are about to read
// them from the log.
const recentBlocks = 64

// Archive moves the oldest sealed EVM block that the history does not have there,
// and reports whether there was one. It and Prune belong to one goroutine, which
// need not be the appender's.
func (l *Ledger) Archive() (moved bool, err error) {
	next := l.archived()
	sealed := l.Sealed()
	if _, end := endOf(sealed); next >= end {
		return false, nil
	}
	records, err := l.readToSeal(next)
	if err != nil {
		return false, fmt.Errorf("cannot archive: %w", err)
	}
	if next+uint64(len(records)) > l.log.Durable() { // or the history could have what the log has lost
		return false, nil
	}
	if err := l.history.Append(records); err != nil {
		return false, fmt.Errorf("cannot archive: %w", err)
	}
	if before := sealed.Number.Uint64(); before > recentBlocks {
		_, inHistory := l.history.Range()
		l.index.forget(min(before-recentBlocks, inHistory))
	}
	return true, nil
}

// archived is the sequence number of the first record that is not in the history
// and should be.
func (l *Ledger) archived() uint64 {
	if next := l.history.NextSeq(); next > 0 {
		return next
	}
	return l.base.nextSeq
}

// readToSeal reads the records from a sequence number on up to the next seal, from
// the log.
func (l *Ledger) readToSeal(seq uint64) (records [][]byte, err error) {
	for {
		payloads, err := l.log.Read(seq, replayBytes)
		if err != nil {
			return nil, err
		}
		if len(payloads) == 0 {
			return nil, fmt.Errorf("cannot find the seal after record %d", seq)
		}
		for _, payload := range payloads {
			records = append(records, payload)
			seq++
			if wire.IsSeal(payload) {
				return records, nil
			}
		}
	}
}

// Prune removes the records that are in the history and that a restart from the
// oldest of so many snapshots does not need, and, if blocks is not 0, the EVM
// blocks of the history before the newest so many. While there are fewer snapshots
// no record is removed.
func (l *Ledger) Prune(snapshots int, blocks uint64) error {
	if !l.allStates {
		oldest, err := l.oldestNeeded(snapshots)
		if err == nil {
			err = l.log.Prune(min(oldest, l.archived()))
		}
		if err != nil {
			return err
		}
	}
	if newest := l.Sealed().Number.Uint64(); blocks > 0 && newest > blocks {
		return l.history.Prune(newest - blocks)
	}
	return nil
}

// oldestNeeded is the first record that is needed if all but the last of the
// newest snapshots, so many of them, are bad.
func (l *Ledger) oldestNeeded(snapshots int) (uint64, error) {
	blocks, err := l.snapshots.Blocks()
	if err != nil || len(blocks) < snapshots || snapshots == 0 {
		return 0, err
	}
	m, err := l.snapshots.Manifest(blocks[snapshots-1])
	if errors.Is(err, snapshot.ErrNone) || errors.Is(err, snapshot.ErrCorrupt) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return m.NextSeq, nil
}
