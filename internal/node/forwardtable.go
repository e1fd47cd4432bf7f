package node

import (
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/netio/rpc"
)

// Limits of the forward table. It is a courtesy to clients, not a pool: what it
// forgets is still with the sequencer.
const (
	forwardTxsMax   = 16384
	forwardBytesMax = 64 << 20
	forwardTTL      = 10 * time.Minute // the sequencer may have dropped it since
)

// forwardTable remembers the newest transactions that the sequencer took. A
// transaction leaves it when it was executed, when its nonce was used by
// another, when it is too old, or when the table is full and it is the oldest.
type forwardTable struct {
	signer types.Signer
	state  *memstate.State

	mu struct {
		sync.Mutex
		byHash   map[common.Hash]*forwarded
		byNonce  map[common.Address]map[uint64]*forwarded
		arrivals []*forwarded // the oldest first; some have left
		bytes    uint64
	}
}

type forwarded struct {
	tx     *types.Transaction
	sender common.Address
	at     time.Time
}

func newForwardTable(signer types.Signer, state *memstate.State) *forwardTable {
	t := &forwardTable{signer: signer, state: state}
	t.mu.byHash = map[common.Hash]*forwarded{}
	t.mu.byNonce = map[common.Address]map[uint64]*forwarded{}
	return t
}

// add remembers a transaction that waits, in the place of one with the same
// nonce. It reports whether it did not know the transaction before, also of one
// that was executed before the sequencer's answer came.
func (t *forwardTable) add(tx *types.Transaction, now time.Time) bool {
	sender, err := types.Sender(t.signer, tx)
	if err != nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.byHash[tx.Hash()] != nil {
		return false
	}
	if tx.Nonce() < t.nonce(sender) {
		return true
	}
	if t.mu.byNonce[sender] == nil {
		t.mu.byNonce[sender] = map[uint64]*forwarded{}
	}
	if replaced := t.mu.byNonce[sender][tx.Nonce()]; replaced != nil {
		delete(t.mu.byHash, replaced.tx.Hash())
		t.mu.bytes -= replaced.tx.Size()
	}
	entry := &forwarded{tx: tx, sender: sender, at: now}
	t.mu.byHash[tx.Hash()] = entry
	t.mu.byNonce[sender][tx.Nonce()] = entry
	t.mu.arrivals = append(t.mu.arrivals, entry)
	t.mu.bytes += tx.Size()
	t.trimLocked(now)
	return true
}

// trimLocked forgets the oldest until the table is within its limits.
func (t *forwardTable) trimLocked(now time.Time) {
	for len(t.mu.arrivals) > 0 {
		oldest := t.mu.arrivals[0]
		live := t.mu.byHash[oldest.tx.Hash()] == oldest
		full := len(t.mu.arrivals) > forwardTxsMax || t.mu.bytes > forwardBytesMax
		if live && !full && now.Sub(oldest.at) <= forwardTTL {
			return
		}
		t.mu.arrivals = t.mu.arrivals[1:]
		if live {
			t.removeLocked(oldest)
		}
	}
}

func (t *forwardTable) removeLocked(entry *forwarded) {
	delete(t.mu.byHash, entry.tx.Hash())
	t.mu.bytes -= entry.tx.Size()
	nonces := t.mu.byNonce[entry.sender]
	delete(nonces, entry.tx.Nonce())
	if len(nonces) == 0 {
		delete(t.mu.byNonce, entry.sender)
	}
}

// remove forgets transactions that were executed.
func (t *forwardTable) remove(txs []*types.Transaction) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tx := range txs {
		if entry := t.mu.byHash[tx.Hash()]; entry != nil {
			t.removeLocked(entry)
		}
	}
}

func (t *forwardTable) get(hash common.Hash, now time.Time) *types.Transaction {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trimLocked(now)
	entry := t.mu.byHash[hash]
	if entry == nil {
		return nil
	}
	if entry.tx.Nonce() < t.nonce(entry.sender) {
		t.removeLocked(entry)
		return nil
	}
	return entry.tx
}

// nonce is the account's next nonce on the chain.
func (t *forwardTable) nonce(addr common.Address) uint64 {
	account, _ := t.state.Latest().Account(addr)
	return account.Nonce
}

func (t *forwardTable) pendingNonce(addr common.Address) (nonce uint64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := t.nonce(addr)
	next := t.afterRunLocked(addr, first)
	return next, next > first
}

// afterRunLocked is the first nonce from nonce on that no transaction of the
// account has.
func (t *forwardTable) afterRunLocked(addr common.Address, nonce uint64) uint64 {
	nonces := t.mu.byNonce[addr]
	for nonces[nonce] != nil {
		nonce++
	}
	return nonce
}

func (t *forwardTable) status() (s rpc.PoolStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for addr, nonces := range t.mu.byNonce {
		first := t.nonce(addr)
		for nonce := range nonces {
			if nonce >= first {
				s.Queued++
			}
		}
		executable := t.afterRunLocked(addr, first) - first
		s.Pending += executable
		s.Queued -= executable
	}
	return s
}
