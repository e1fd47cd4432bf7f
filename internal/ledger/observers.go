package ledger

import (
	"sync"

	"github.com/redline-evm/redline/internal/chain"
)

// Event is a record as readers see it. Exactly one field is set.
type Event struct {
	// MiniBlock has all derived fields in its receipts, with its own hash as
	// block hash.
	MiniBlock *chain.MiniBlock
	// Sealed is an EVM block that was closed, without transactions and
	// receipts.
	Sealed *chain.EVMBlock
}

// observers are told of each record in the order of the chain.
type observers struct {
	mu  sync.RWMutex
	all []func(Event)
}

func (o *observers) add(observer func(Event)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, observer)
}

func (o *observers) tell(event Event) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, observer := range o.all {
		observer(event)
	}
}
