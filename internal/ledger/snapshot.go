package ledger

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/memstate/snapshot"
	"github.com/redline-evm/redline/netio/wire"
)

// Snapshots are the snapshots of the ledger's data directory.
func (l *Ledger) Snapshots() *snapshot.Store { return l.snapshots }

// How the records of the time of a copy are read.
const (
	tailBytes = 1 << 20               // at a time
	tailPoll  = 20 * time.Millisecond // between two looks for more
)

// Snapshot takes a snapshot while the chain goes on: of the first EVM block that
// is sealed after the state was copied. It ends with ctx.
func (l *Ledger) Snapshot(ctx context.Context, key *ecdsa.PrivateKey, opts snapshot.WriteOptions) (*snapshot.Manifest, error) {
	return l.snapshot(ctx, key, opts, l.state.Latest)
}

// SnapshotAtRest takes a snapshot of the newest sealed EVM block while nobody
// appends.
func (l *Ledger) SnapshotAtRest(ctx context.Context, key *ecdsa.PrivateKey, opts snapshot.WriteOptions) (*snapshot.Manifest, error) {
	view, err := l.state.At(l.Sealed().Number.Uint64())
	if err != nil {
		return nil, err
	}
	return l.snapshot(ctx, key, opts, func() *memstate.View { return view })
}

func (l *Ledger) snapshot(ctx context.Context, key *ecdsa.PrivateKey, opts snapshot.WriteOptions, now func() *memstate.View) (*snapshot.Manifest, error) {
	w, err := l.snapshots.NewWriter(ctx, opts)
	if err != nil {
		return nil, err
	}
	m, err := l.fill(ctx, w, now)
	if err == nil {
		err = w.Commit(m, key)
	}
	if err != nil {
		w.Abort()
		return nil, fmt.Errorf("cannot take a snapshot: %w", err)
	}
	return m, nil
}

// fill writes the state that now shows, and then the records since, until an EVM
// block ends that has all that was seen. Some of the records are older than the
// copy, which does no harm.
func (l *Ledger) fill(ctx context.Context, w *snapshot.Writer, now func() *memstate.View) (*snapshot.Manifest, error) {
	sealed := l.Sealed()
	if err := snapshot.Copy(now, snapshot.NewCutter(w.Base)); err != nil {
		return nil, err
	}
	last, next := endOf(sealed)
	for seen := now().MiniBlock(); last < seen; {
		records, err := l.ReadRecords(next, tailBytes)
		if err != nil {
			return nil, err
		}
		for _, record := range records {
			rec, err := wire.ParseRecord(record)
			if err != nil {
				return nil, err
			}
			next++
			if rec.MiniBlock != nil {
				err = w.Tail(rec.MiniBlock.Diff)
			} else if last, _ = endOf(rec.Seal.Header); last >= seen {
				break
			}
			if err != nil {
				return nil, err
			}
		}
		if len(records) == 0 {
			if err := pause(ctx); err != nil {
				return nil, err
			}
		}
	}
	for l.log.Durable() < next { // or a restart could have a snapshot of more than its log
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
	return l.manifest(next)
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(tailPoll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// endOf is the last mini-block of an EVM block, and the sequence number after its
// seal.
func endOf(h *types.Header) (last, next uint64) {
	_, last, _ = chain.ParseMiniBlockRange(h.Extra) // none in the genesis block
	return last, last + h.Number.Uint64()
}

// manifest is that of a snapshot of the EVM block whose seal has the sequence
// number before next.
func (l *Ledger) manifest(next uint64) (*snapshot.Manifest, error) {
	m := &snapshot.Manifest{Chain: l.identity, CreatedMs: uint64(time.Now().UnixMilli()), NextSeq: next}
	if b := l.base; next == b.nextSeq {
		m.Header, m.Mini, m.MiniHash = b.sealed, b.mini, b.miniHash
		if b.seal != nil {
			m.SealSignature = b.seal.Signature
		}
	} else {
		records, err := l.readParsed(next-2, 2) // a seal follows a mini-block
		if err != nil {
			return nil, err
		}
		header, seal := &records[0].MiniBlock.Header, records[1].Seal
		m.Header, m.SealSignature, m.Mini, m.MiniHash = seal.Header, seal.Signature, header.Number, header.Hash()
	}
	for number := m.Block(); number > 0 && len(m.Ancestors) < snapshot.AncestorsMax; {
		number--
		m.Ancestors = append(m.Ancestors, l.BlockHash(number))
	}
	return m, nil
}
