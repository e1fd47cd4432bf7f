package ledger

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// Durability says when the readers of a ledger see a record, and with them
// everybody outside the node.
type Durability uint8

// The kinds of durability.
const (
	// WAL shows a record once it is on the disk: nothing that was seen is lost,
	// whatever happens to the process or the machine.
	WAL Durability = iota
	// Async shows a record once it is in the queue of the log: the end of the
	// process can take the newest few with it.
	Async
)

var durabilityNames = [...]string{WAL: "wal", Async: "async"}

func (d Durability) String() string { return durabilityNames[d] }

// ParseDurability returns the durability of a name.
func ParseDurability(name string) (Durability, error) {
	for d, known := range durabilityNames {
		if name == known {
			return Durability(d), nil
		}
	}
	return 0, fmt.Errorf("got durability %q; want %s or %s", name, WAL, Async)
}

// publication shows records to the readers, in the order of the chain, each when
// it is both applied to the state and as durable as wanted. The appender says the
// one, the log's writer the other; the one that comes last publishes.
type publication struct {
	ledger *Ledger

	mu      sync.Mutex
	durable uint64 // the records below are as durable as wanted
	waiting []unpublished
}

// unpublished is a record that was applied: the chain up to it, and what to
// tell.
type unpublished struct {
	head  *head
	event Event
}

// start begins to publish after what the log held when it was opened.
func (p *publication) start(next uint64, durability Durability) {
	p.durable = next
	if durability == Async {
		p.durable = math.MaxUint64
	}
}

func (p *publication) applied(h *head, event Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(p.waiting, unpublished{h, event})
	p.publishLocked()
}

// setDurable says that the records below next are on the disk.
func (p *publication) setDurable(next uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.durable = max(p.durable, next)
	p.publishLocked()
}

func (p *publication) publishLocked() {
	for len(p.waiting) > 0 && p.waiting[0].head.nextSeq <= p.durable {
		first := p.waiting[0]
		p.waiting = slices.Delete(p.waiting, 0, 1)
		p.ledger.head.Store(first.head)
		p.ledger.observers.tell(first.event)
	}
}

// Unpublished is a transaction that is part of the chain but perhaps not shown
// to readers yet; nil if there is none of that hash.
func (l *Ledger) Unpublished(hash common.Hash) (*types.Transaction, error) {
	mini, i, ok := l.index.tx(hash)
	if !ok {
		return nil, nil
	}
	if tx := l.publication.tx(mini, i); tx != nil {
		if tx.Hash() != hash {
			return nil, nil
		}
		return tx, nil
	}
	found, err := l.Transaction(hash) // published in the meantime
	if found == nil || err != nil {
		return nil, err
	}
	return found.Tx, nil
}

// tx is the i-th transaction of a mini-block, if that is not published.
func (p *publication) tx(mini uint64, i int) *types.Transaction {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range p.waiting {
		if m := u.event.MiniBlock; m != nil && m.Header.Number == mini {
			return m.Txs[i]
		}
	}
	return nil
}
