package rpc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// syncGapGrace is how long a transaction may wait behind a gap of nonces
// before its sender is told so: transactions that are sent at the same time
// arrive in any order.
const syncGapGrace = 500 * time.Millisecond

var errRealtimeExpired = errors.New("realtime transaction expired")

func (s *Server) sendRaw(c *call, dst []byte) ([]byte, error) {
	raw := c.args.bytes()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	tx, err := decodeTransaction(raw)
	if err != nil {
		return dst, err
	}
	hash := tx.Hash()
	return appendData(dst, hash[:]), s.backend.Submit(c.ctx, tx, raw)
}

func decodeTransaction(raw []byte) (*types.Transaction, error) {
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return nil, err
	}
	return tx, nil
}

// sendRawSync submits a transaction and answers with its receipt (EIP-7966).
func (s *Server) sendRawSync(c *call, dst []byte) ([]byte, error) {
	return s.sendAndWait(c, dst, syncError)
}

// sendRawRealtime is sendRawSync with one error for whatever takes too long.
func (s *Server) sendRawRealtime(c *call, dst []byte) ([]byte, error) {
	return s.sendAndWait(c, dst, func(*unfinished) error { return errRealtimeExpired })
}

// unfinished is a transaction that the pool holds but that was not executed in
// time. It may still be executed.
type unfinished struct {
	hash   common.Hash
	waited time.Duration
	gap    bool // a nonce before its own is missing
}

func syncError(u *unfinished) error {
	if u.gap {
		return &Error{
			Code:    codeSyncNotReady,
			Message: "The transaction was added to the transaction pool but is not ready: a transaction of its sender with a lower nonce is missing",
			Data:    u.hash.Hex(),
		}
	}
	return &Error{
		Code:    codeSyncTimeout,
		Message: fmt.Sprintf("The transaction was added to the transaction pool but wasn't processed in %v", u.waited),
		Data:    u.hash.Hex(),
	}
}

// sendAndWait submits a transaction unless it was executed before, waits for
// its receipt and appends it.
func (s *Server) sendAndWait(c *call, dst []byte, tooLate func(*unfinished) error) ([]byte, error) {
	raw, timeoutMs := c.args.bytes(), c.args.optionalCount()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	tx, err := decodeTransaction(raw)
	if err != nil {
		return dst, err
	}
	// The waiter is there before the chain is asked, so that the execution
	// cannot fall between the two.
	w := s.hub.wait(tx.Hash())
	defer s.hub.forget(w)
	executed, err := s.submitOnce(c.ctx, tx, raw)
	if err != nil {
		return dst, err
	}
	if executed == nil {
		var late *unfinished
		if executed, late, err = s.await(c.ctx, w, tx, s.syncTimeout(timeoutMs)); err != nil {
			return dst, err
		}
		if late != nil {
			return dst, tooLate(late)
		}
	}
	return s.appendExecuted(dst, executed), nil
}

// submitOnce submits a transaction, or returns it if it was executed before. A
// pool that knows the transaction already is no error: the sender asks again.
func (s *Server) submitOnce(ctx context.Context, tx *types.Transaction, raw []byte) (*Transaction, error) {
	if executed, err := s.backend.Transaction(tx.Hash()); executed != nil || err != nil {
		return executed, err
	}
	failure := s.backend.Submit(ctx, tx, raw)
	if failure == nil || failure.Error() == ErrAlreadyKnown.Error() {
		return nil, nil
	}
	// A pool that has just executed it says "nonce too low".
	if executed, err := s.backend.Transaction(tx.Hash()); executed != nil && err == nil {
		return executed, nil
	}
	return nil, failure
}

func (s *Server) syncTimeout(ms uint64) time.Duration {
	if ms == 0 {
		return s.cfg.SyncTimeout
	}
	if ms > uint64(s.cfg.SyncMaxTimeout.Milliseconds()) {
		return s.cfg.SyncMaxTimeout
	}
	return time.Duration(ms) * time.Millisecond
}

// await waits until the transaction is executed, or is too late.
func (s *Server) await(ctx context.Context, w *waiter, tx *types.Transaction, timeout time.Duration) (*Transaction, *unfinished, error) {
	late := &unfinished{hash: tx.Hash(), waited: timeout}
	grace, end := time.NewTimer(syncGapGrace), time.NewTimer(timeout)
	defer grace.Stop()
	defer end.Stop()
	for {
		select {
		case executed := <-w.executed:
			return executed, nil, nil
		case <-w.missed:
			// The server has lost events: the chain itself knows.
			if executed, err := s.backend.Transaction(late.hash); executed != nil || err != nil {
				return executed, nil, err
			}
		case <-grace.C:
			if late.gap = s.behindGap(ctx, tx); late.gap {
				return nil, late, nil
			}
		case <-end.C:
			return nil, late, nil
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// behindGap reports whether a nonce is known to be missing before that of tx.
func (s *Server) behindGap(ctx context.Context, tx *types.Transaction) bool {
	next, err := s.backend.PendingNonce(ctx, sender(s.signer, tx))
	return err == nil && next < tx.Nonce()
}
