package ledger

import (
	"errors"
	"fmt"
	"time"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/memstate/wal"
	"github.com/redline-evm/redline/netio/wire"
)

// How the log is read at the start.
const (
	replayBytes   = 1 << 20 // at a time
	progressEvery = 5 * time.Second
)

// replay applies the records of the log.
func (l *Ledger) replay() error {
	spoken := time.Now()
	for seq, next := l.appender.head.nextSeq, l.log.Next(); seq < next; {
		payloads, err := l.log.Read(seq, replayBytes)
		if err != nil {
			return err
		}
		for _, payload := range payloads {
			if err := l.appender.replay(payload); err != nil {
				path, offset := l.log.Place(seq)
				return &wal.CorruptError{Path: path, Offset: offset, Seq: seq, Err: err}
			}
			seq++
		}
		if time.Since(spoken) > progressEvery {
			spoken = time.Now()
			l.logger.Info("replaying the log", "record", seq, "of", next)
		}
	}
	l.head.Store(l.appender.head)
	return nil
}

// replay applies one record.
func (a *Appender) replay(payload []byte) error {
	rec, err := wire.ParseRecord(payload)
	if err != nil {
		return err
	}
	if err := a.head.check(rec); err != nil {
		return err
	}
	if m := rec.MiniBlock; m != nil {
		chain.DeriveReceipts(&m.Header, m.Txs, m.Receipts, a.openHeader(&m.Header))
	}
	a.apply(rec)
	return nil
}

// explainCorrupt says what to do about a damaged log.
func explainCorrupt(err error) error {
	if errors.Is(err, wal.ErrCorrupt) {
		return fmt.Errorf("%w; restore the folder from a snapshot or a copy; a full node can also begin with an empty folder and follow the chain anew, a sequencer cannot: what only it has would be lost", err)
	}
	return err
}
