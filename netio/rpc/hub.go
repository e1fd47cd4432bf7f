package rpc

import (
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
)

// hub takes the node's events in one goroutine and hands them to whoever waits
// for them: senders that wait for a receipt, and subscriptions. It never
// blocks on a receiver: a waiter has room for its one answer, a socket's queue
// takes a message or the socket is cut off.
type hub struct {
	backend Backend
	signer  types.Signer
	pending *pendingRing
	done    chan struct{}

	mu struct {
		sync.Mutex
		waiters map[common.Hash]map[*waiter]struct{}
		sockets map[*socket]map[string]*subscription // by id
		kinds   [subKinds]map[*subscription]struct{}
		cancel  func() // of the subscription to the backend
		closed  bool
	}
}

// waiter waits for one transaction to be executed.
type waiter struct {
	hash     common.Hash
	executed chan *Transaction
	missed   chan struct{} // the hub has lost events: ask the chain
}

func newHub(backend Backend, signer types.Signer) *hub {
	h := &hub{
		backend: backend,
		signer:  signer,
		pending: newPendingRing(maxRecentPending),
		done:    make(chan struct{}),
	}
	h.mu.waiters = make(map[common.Hash]map[*waiter]struct{})
	h.mu.sockets = make(map[*socket]map[string]*subscription)
	for kind := range h.mu.kinds {
		h.mu.kinds[kind] = make(map[*subscription]struct{})
	}
	events, cancel := backend.Subscribe(maxEvents)
	h.mu.cancel = cancel
	go h.run(events)
	return h
}

// run hands out events until close. When the backend drops the hub because it
// was too slow, everybody who may have missed something learns it.
func (h *hub) run(events <-chan Event) {
	defer close(h.done)
	for {
		for event := range events {
			h.deliver(event)
		}
		var ok bool
		if events, ok = h.resubscribe(); !ok {
			return
		}
		h.tellMissed()
	}
}

// resubscribePause keeps a backend that takes no subscribers from being asked
// in a tight loop.
const resubscribePause = 50 * time.Millisecond

func (h *hub) resubscribe() (<-chan Event, bool) {
	h.mu.Lock()
	closed := h.mu.closed
	h.mu.Unlock()
	if closed {
		return nil, false
	}
	time.Sleep(resubscribePause)
	events, cancel := h.backend.Subscribe(maxEvents)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.closed {
		cancel()
		return nil, false
	}
	h.mu.cancel = cancel
	return events, true
}

// close ends the hub and waits for its goroutine.
func (h *hub) close() {
	h.mu.Lock()
	h.mu.closed = true
	cancel := h.mu.cancel
	h.mu.Unlock()
	cancel()
	<-h.done
}

// tellMissed sends waiters to the chain and cuts subscribers off, so that no
// stream has a silent hole.
func (h *hub) tellMissed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, waiters := range h.mu.waiters {
		for w := range waiters {
			select {
			case w.missed <- struct{}{}:
			default: // it has not looked since the last time
			}
		}
	}
	for k := range h.mu.sockets {
		k.cutOff(closeLost)
	}
}

// wait registers interest in a transaction; forget ends it.
func (h *hub) wait(hash common.Hash) *waiter {
	w := &waiter{hash: hash, executed: make(chan *Transaction, 1), missed: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.waiters[hash] == nil {
		h.mu.waiters[hash] = make(map[*waiter]struct{})
	}
	h.mu.waiters[hash][w] = struct{}{}
	return w
}

func (h *hub) forget(w *waiter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.mu.waiters[w.hash], w)
	if len(h.mu.waiters[w.hash]) == 0 {
		delete(h.mu.waiters, w.hash)
	}
}

func (h *hub) deliver(event Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case event.MiniBlock != nil:
		h.tellWaiters(event.MiniBlock)
		h.tellLogs(event.MiniBlock)
	case event.Sealed != nil:
		h.tellHead(event.Sealed)
	default:
		h.pending.add(event.Pending)
		h.tellPending(event.Pending)
	}
}

func (h *hub) tellWaiters(m *chain.MiniBlock) {
	if len(h.mu.waiters) == 0 {
		return
	}
	for i, tx := range m.Txs {
		for w := range h.mu.waiters[tx.Hash()] {
			w.executed <- &Transaction{
				Tx:             tx,
				Receipt:        m.Receipts[i],
				BlockTimestamp: m.Header.BlockTimestamp,
			}
			delete(h.mu.waiters[tx.Hash()], w)
		}
	}
}

// tellLogs encodes a log once, when the first subscription wants it.
func (h *hub) tellLogs(m *chain.MiniBlock) {
	subs := h.mu.kinds[subLogs]
	if len(subs) == 0 {
		return
	}
	at := place{
		blockHash:   m.Header.Hash(),
		blockNumber: m.Header.BlockNumber,
		timestamp:   m.Header.BlockTimestamp,
	}
	for i, receipt := range m.Receipts {
		at.index = m.Header.FirstTxIndex + uint64(i)
		for _, log := range receipt.Logs {
			var encoded []byte
			for sub := range subs {
				if !sub.query.inRange(at.blockNumber) || !sub.query.Filter.matches(log) {
					continue
				}
				if encoded == nil {
					encoded = appendLog(nil, log, m.Txs[i].Hash(), &at)
				}
				sub.notify(encoded)
			}
		}
	}
}

func (h *hub) tellHead(block *chain.EVMBlock) {
	var encoded []byte
	for sub := range h.mu.kinds[subHeads] {
		if encoded == nil {
			encoded = appendHeader(nil, block)
		}
		sub.notify(encoded)
	}
}

func (h *hub) tellPending(txs []*types.Transaction) {
	subs := h.mu.kinds[subPending]
	if len(subs) == 0 {
		return
	}
	for _, tx := range txs {
		hash := tx.Hash()
		short, long := appendData(nil, hash[:]), []byte(nil)
		for sub := range subs {
			if !sub.full {
				sub.notify(short)
				continue
			}
			if long == nil {
				long = appendTransaction(nil, tx, nil, h.signer)
			}
			sub.notify(long)
		}
	}
}

// pendingRing remembers the hashes of the latest pending transactions under
// sequence numbers.
type pendingRing struct {
	mu     sync.Mutex
	hashes []common.Hash
	count  uint64 // hashes added ever
}

func newPendingRing(size int) *pendingRing {
	return &pendingRing{hashes: make([]common.Hash, size)}
}

func (r *pendingRing) add(txs []*types.Transaction) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, tx := range txs {
		r.hashes[r.count%uint64(len(r.hashes))] = tx.Hash()
		r.count++
	}
}

// next returns the sequence number of the next hash.
func (r *pendingRing) next() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// since returns the hashes from a sequence number on, as far as they are
// remembered, and the number to ask for next.
func (r *pendingRing) since(from uint64) ([]common.Hash, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	size := uint64(len(r.hashes))
	if r.count > size {
		from = max(from, r.count-size)
	}
	var hashes []common.Hash
	for n := from; n < r.count; n++ {
		hashes = append(hashes, r.hashes[n%size])
	}
	return hashes, r.count
}
