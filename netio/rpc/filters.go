package rpc

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync"
	"time"
)

// A filter of eth_newFilter and its relatives is a bookmark: it holds where
// its owner has read to, not what came since. What came since is in the chain,
// or for pending transactions in the hub's ring. So an installed filter costs
// the same few bytes however long nobody asks it.

type filterKind uint8

const (
	filterLogs filterKind = iota
	filterBlocks
	filterPending
)

type filter struct {
	kind filterKind
	mu   sync.Mutex // held while the filter is asked; guards the fields below

	query logQuery    // logs
	logs  logPosition // logs: where the next answer begins

	sealed  uint64 // blocks: the newest sealed block already told
	pending uint64 // pending: sequence number of the next hash to tell
	full    bool   // pending: tell whole transactions
}

// filterTable holds the installed filters. Those that nobody asks expire.
type filterTable struct {
	limit int
	ttl   time.Duration
	now   func() time.Time

	mu struct {
		sync.Mutex
		filters map[string]*filter
		asked   map[string]time.Time
		swept   time.Time
	}
}

func newFilterTable(limit int, ttl time.Duration) *filterTable {
	t := &filterTable{limit: limit, ttl: ttl, now: time.Now}
	t.mu.filters = make(map[string]*filter)
	t.mu.asked = make(map[string]time.Time)
	return t
}

// install adds a filter and returns its id.
func (t *filterTable) install(f *filter) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if len(t.mu.filters) >= t.limit || now.Sub(t.mu.swept) > t.ttl {
		t.sweep(now)
	}
	if len(t.mu.filters) >= t.limit {
		return "", limitExceeded("too many filters, want at most %d", t.limit)
	}
	id := newID()
	t.mu.filters[id] = f
	t.mu.asked[id] = now
	return id, nil
}

func (t *filterTable) sweep(now time.Time) {
	t.mu.swept = now
	for id, asked := range t.mu.asked {
		if now.Sub(asked) > t.ttl {
			delete(t.mu.filters, id)
			delete(t.mu.asked, id)
		}
	}
}

// get returns a filter that has not expired, and keeps it alive.
func (t *filterTable) get(id string) (*filter, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	f := t.mu.filters[id]
	if f == nil || now.Sub(t.mu.asked[id]) > t.ttl {
		return nil, errFilterNotFound
	}
	t.mu.asked[id] = now
	return f, nil
}

// remove uninstalls a filter and reports whether it was there.
func (t *filterTable) remove(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.mu.filters[id]
	delete(t.mu.filters, id)
	delete(t.mu.asked, id)
	return ok
}

// newID returns a random id as a quantity, as geth's are.
func newID() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails, says crypto/rand
	digits := strings.TrimLeft(hex.EncodeToString(raw[:]), "0")
	if digits == "" {
		digits = "0"
	}
	return "0x" + digits
}
