package producer

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// pooled is an admitted transaction with what the pool asks of it again and
// again.
type pooled struct {
	tx      *types.Transaction
	sender  common.Address
	arrival uint64 // running number of admission; breaks ties

	feeCap, tipCap uint256.Int // wei per gas
	cost           uint256.Int // wei: value and gas at the fee cap
	sizeBytes      uint64      // charged against the pool's limit
}

// account holds the pooled transactions of one sender.
//
// Invariants: txs is sorted by nonce and unique, no nonce is below next, and
// txs[:run] have the nonces next, next+1, … without a gap; spent is the cost of
// txs[:run] and of those in flight.
type account struct {
	address  common.Address
	next     uint64 // nonce of the transaction to execute next
	inFlight int    // transactions executed, but not yet part of the sealed state
	txs      []*pooled
	run      int
	spent    uint256.Int

	parked      bool // its head found no room in the open EVM block
	gappedCount int  // transactions behind a gap, as the pool counts them

	headRank, tailRank rank
	headAt, tailAt     int // indices in the pool's heaps
}

func newAccount(address common.Address, nonce uint64) *account {
	return &account{address: address, next: nonce, headAt: notInHeap, tailAt: notInHeap}
}

// find returns the index of the transaction with this nonce, or where it would
// stand.
func (a *account) find(nonce uint64) (index int, found bool) {
	return slices.BinarySearchFunc(a.txs, nonce, func(p *pooled, nonce uint64) int {
		switch {
		case p.tx.Nonce() < nonce:
			return -1
		case p.tx.Nonce() > nonce:
			return 1
		}
		return 0
	})
}

// insert puts a transaction with a nonce of its own in place.
func (a *account) insert(p *pooled) {
	index, _ := a.find(p.tx.Nonce())
	a.txs = slices.Insert(a.txs, index, p)
	a.extendRun()
}

// replace puts p in the place of the transaction with the same nonce.
func (a *account) replace(index int, p *pooled) (old *pooled) {
	old = a.txs[index]
	a.txs[index] = p
	if index < a.run {
		a.spent.Sub(&a.spent, &old.cost)
		a.spent.Add(&a.spent, &p.cost)
	}
	return old
}

// extendRun lengthens the run over what has become contiguous.
func (a *account) extendRun() {
	for a.run < len(a.txs) && a.txs[a.run].tx.Nonce() == a.next+uint64(a.run) {
		a.spent.Add(&a.spent, &a.txs[a.run].cost)
		a.run++
	}
}

// takeHead moves the first transaction of the run into flight.
func (a *account) takeHead() *pooled {
	p := a.txs[0]
	a.txs[0] = nil
	a.txs = a.txs[1:]
	a.run--
	a.next++
	a.inFlight++
	return p
}

// land ends the flight of a transaction.
func (a *account) land(p *pooled) {
	a.inFlight--
	a.spent.Sub(&a.spent, &p.cost)
}

// putBack makes the transaction that was taken last the head again.
func (a *account) putBack(p *pooled) {
	a.land(p)
	a.next--
	a.txs = slices.Insert(a.txs, 0, p)
	a.run++
	a.spent.Add(&a.spent, &p.cost)
}

// dropTail removes the transaction with the highest nonce.
func (a *account) dropTail() *pooled {
	last := len(a.txs) - 1
	p := a.txs[last]
	a.txs[last] = nil
	a.txs = a.txs[:last]
	if a.run > last {
		a.run = last
		a.spent.Sub(&a.spent, &p.cost)
	}
	return p
}

// rebase sets the next nonce to that of the state and returns the transactions
// that are too old for it.
func (a *account) rebase(next uint64) (stale []*pooled) {
	for _, p := range a.txs[:a.run] {
		a.spent.Sub(&a.spent, &p.cost)
	}
	a.next, a.run = next, 0
	first, _ := a.find(next)
	stale = a.txs[:first]
	a.txs = slices.Clone(a.txs[first:])
	a.extendRun()
	return stale
}

// idle reports whether the pool can forget the account.
func (a *account) idle() bool { return len(a.txs) == 0 && a.inFlight == 0 }

func (a *account) tail() *pooled { return a.txs[len(a.txs)-1] }

// rank orders transactions by what their inclusion is worth now.
type rank struct {
	class   class
	tip     uint256.Int // effective wei per gas; in class underBaseFee the fee cap
	arrival uint64
}

type class uint8

const (
	gapped       class = iota // an earlier nonce is missing
	underBaseFee              // held until the base fee falls
	payable
)

// better reports whether r comes before s: higher class, then higher tip, then
// earlier arrival.
func (r *rank) better(s *rank) bool {
	if r.class != s.class {
		return r.class > s.class
	}
	if order := r.tip.Cmp(&s.tip); order != 0 {
		return order > 0
	}
	return r.arrival < s.arrival
}

// rankOf ranks a transaction of a run under a base fee.
func rankOf(p *pooled, baseFee *uint256.Int) rank {
	if p.feeCap.Lt(baseFee) {
		return rank{class: underBaseFee, tip: p.feeCap, arrival: p.arrival}
	}
	r := rank{class: payable, arrival: p.arrival}
	r.tip.Sub(&p.feeCap, baseFee)
	if r.tip.Gt(&p.tipCap) {
		r.tip = p.tipCap
	}
	return r
}

// reRank computes both ranks anew.
func (a *account) reRank(baseFee *uint256.Int) {
	if len(a.txs) == 0 {
		return
	}
	if a.run > 0 {
		a.headRank = rankOf(a.txs[0], baseFee)
	}
	a.tailRank = rankOf(a.tail(), baseFee)
	if a.run < len(a.txs) {
		a.tailRank.class = gapped
	}
}

// executable reports whether the account's head may be executed now.
func (a *account) executable() bool {
	return a.run > 0 && !a.parked && a.headRank.class == payable
}
