package producer

import (
	"container/heap"
	"errors"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit/exec"
)

// Limits of the pool. go-ethereum's (16 executable transactions a sender, 5,120
// in all) refuse bulk senders, which a chain of this speed is made for: a sender
// may have as much waiting as the chain takes in from one sender in a fraction
// of a second, all senders together about two seconds of full load.
const (
	senderTxsMax     = 4096
	poolBytesDefault = 256 << 20
	txOverheadBytes  = 1024 // decoded form, map entries and queue slots of one transaction
	priceBumpPercent = 10
)

// Reasons of the pool to refuse a transaction; the texts are go-ethereum's. The
// rules of the chain have theirs in exec.
var (
	ErrAlreadyKnown       = errors.New("already known")
	ErrInvalidSender      = errors.New("invalid sender")
	ErrUnderpriced        = errors.New("transaction underpriced")
	ErrReplaceUnderpriced = errors.New("replacement transaction underpriced")
	ErrTipTooLow          = errors.New("transaction gas price below minimum")
	ErrAccountLimit       = errors.New("account limit exceeded")
	ErrGasLimit           = errors.New("exceeds block gas limit")
	ErrOversizedData      = errors.New("oversized data")
)

// PoolConfig says what the pool admits. A limit of zero means the default.
type PoolConfig struct {
	Chain    *params.ChainConfig
	Limits   chain.Limits
	TipMin   uint64 // wei per gas
	BytesMax uint64 // of all transactions, in memory

	// Pending is told of transactions that became executable. It is called
	// from the goroutine that made them so and must not call the pool.
	Pending func([]*types.Transaction)
}

// Accounts tells nonce and balance as of the newest sealed mini-block.
type Accounts interface {
	Account(addr common.Address) (chain.Account, bool)
}

// Pool holds transactions until they are part of a sealed mini-block: a queue
// by nonce for each sender, and over the senders one order by tip of those that
// can be executed now and one of those to evict first. It is bounded in bytes
// whatever is sent to it. All methods may be called from any goroutine.
//
// What waits is not kept over a restart: whoever sent it sends it again.
//
// The heavy part of admission, recovering the sender from the signature, runs
// in the caller's goroutine before the lock is taken.
type Pool struct {
	cfg    PoolConfig
	signer types.Signer
	state  func() Accounts
	ready  chan struct{} // holds a token when there may be something to execute

	mu struct {
		sync.Mutex
		header   *types.Header // of the open EVM block
		baseFee  uint256.Int
		accounts map[common.Address]*account
		byHash   map[common.Hash]*pooled // waiting and in flight
		heads    accountHeap             // best to execute first
		tails    accountHeap             // worst to keep first
		parked   []*account
		promoted []*types.Transaction // executable since the last report
		waiting  int                  // transactions that are not in flight
		gapped   int                  // of those, behind a gap
		bytes    uint64               // of those
		arrivals uint64
	}
}

// NewPool returns an empty pool. state returns the newest sealed state; the
// pool admits by the rules of header until SetHeader is called.
func NewPool(cfg PoolConfig, state func() Accounts, header *types.Header) *Pool {
	if cfg.BytesMax == 0 {
		cfg.BytesMax = poolBytesDefault
	}
	if cfg.Limits.CodeSizeLimit == 0 {
		cfg.Limits.CodeSizeLimit = params.MaxCodeSize
	}
	p := &Pool{cfg: cfg, signer: types.LatestSigner(cfg.Chain), state: state, ready: make(chan struct{}, 1)}
	p.mu.accounts = make(map[common.Address]*account)
	p.mu.byHash = make(map[common.Hash]*pooled)
	p.mu.heads = accountHeap{
		before:   func(a, b *account) bool { return a.headRank.better(&b.headRank) },
		position: func(a *account) *int { return &a.headAt },
	}
	p.mu.tails = accountHeap{
		before:   func(a, b *account) bool { return b.tailRank.better(&a.tailRank) },
		position: func(a *account) *int { return &a.tailAt },
	}
	p.SetHeader(header)
	return p
}

// Add admits a transaction or says why not.
func (p *Pool) Add(tx *types.Transaction) error {
	if p.Get(tx.Hash()) != nil {
		return ErrAlreadyKnown
	}
	candidate, err := p.examine(tx)
	if err != nil {
		return err
	}
	defer p.report()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.insertLocked(candidate)
}

// insertLocked checks the candidate against the state and the pool and queues
// it.
func (p *Pool) insertLocked(candidate *pooled) error {
	hash := candidate.tx.Hash()
	if p.mu.byHash[hash] != nil {
		return ErrAlreadyKnown
	}
	onChain, _ := p.state().Account(candidate.sender)
	a := p.mu.accounts[candidate.sender]
	if a == nil {
		a = newAccount(candidate.sender, onChain.Nonce)
	}
	nonce := candidate.tx.Nonce()
	if nonce < a.next {
		return fmt.Errorf("%w: next nonce %d, tx nonce %d", exec.ErrNonceTooLow, a.next, nonce)
	}
	index, replaces := a.find(nonce)
	if err := checkFunds(a, candidate, index, replaces, &onChain.Balance); err != nil {
		return err
	}
	if replaces && !outbids(candidate, a.txs[index]) {
		return ErrReplaceUnderpriced
	}
	if !replaces && len(a.txs) >= senderTxsMax {
		if nonce > a.tail().tx.Nonce() {
			return fmt.Errorf("%w: pooled %d txs", ErrAccountLimit, len(a.txs))
		}
		p.forgetLocked(a.dropTail())
	}

	p.mu.arrivals++
	candidate.arrival = p.mu.arrivals
	p.mu.accounts[a.address] = a
	runBefore := a.run
	if replaces {
		p.forgetLocked(a.replace(index, candidate))
	} else {
		a.insert(candidate)
	}
	p.rememberLocked(candidate)
	if replaces && index < a.run {
		p.mu.promoted = append(p.mu.promoted, candidate.tx)
	}
	p.promoteLocked(a, runBefore)
	p.placeLocked(a)
	p.trimLocked()
	if p.mu.byHash[hash] == nil {
		return ErrUnderpriced
	}
	return nil
}

// outbids reports whether the new transaction pays enough more than the old one
// to take its place.
func outbids(candidate, old *pooled) bool {
	bumped := func(before, now *uint256.Int) bool {
		var threshold uint256.Int
		threshold.MulDivOverflow(before, uint256.NewInt(100+priceBumpPercent), uint256.NewInt(100))
		return now.Gt(before) && !now.Lt(&threshold)
	}
	return bumped(&old.feeCap, &candidate.feeCap) && bumped(&old.tipCap, &candidate.tipCap)
}

// checkFunds checks that the sender can pay for the candidate and for all that
// it has waiting before it.
func checkFunds(a *account, candidate *pooled, index int, replaces bool, balance *uint256.Int) error {
	if balance.Lt(&candidate.cost) {
		return fmt.Errorf("%w: balance %v, tx cost %v, overshot %v", exec.ErrInsufficientFunds,
			balance.Dec(), candidate.cost.Dec(), new(uint256.Int).Sub(&candidate.cost, balance).Dec())
	}
	var need uint256.Int
	if _, overflow := need.AddOverflow(&a.spent, &candidate.cost); overflow {
		return fmt.Errorf("%w: queued cost %v, tx cost %v", exec.ErrInsufficientFunds, a.spent.Dec(), candidate.cost.Dec())
	}
	if replaces && index < a.run {
		need.Sub(&need, &a.txs[index].cost)
	}
	if balance.Lt(&need) {
		return fmt.Errorf("%w: balance %v, queued cost %v, tx cost %v, overshot %v", exec.ErrInsufficientFunds,
			balance.Dec(), a.spent.Dec(), candidate.cost.Dec(), new(uint256.Int).Sub(&need, balance).Dec())
	}
	return nil
}

// trimLocked evicts until the pool is within its limit: always the last
// transaction of a sender, so that eviction makes no gap.
func (p *Pool) trimLocked() {
	for p.mu.bytes > p.cfg.BytesMax {
		a := p.mu.tails.top()
		p.forgetLocked(a.dropTail())
		p.placeLocked(a)
	}
}

// rememberLocked counts a transaction that begins to wait.
func (p *Pool) rememberLocked(t *pooled) {
	p.mu.byHash[t.tx.Hash()] = t
	p.mu.waiting++
	p.mu.bytes += t.sizeBytes
}

// forgetLocked is the inverse of rememberLocked, for a transaction that leaves
// the pool without having been executed.
func (p *Pool) forgetLocked(t *pooled) {
	delete(p.mu.byHash, t.tx.Hash())
	p.mu.waiting--
	p.mu.bytes -= t.sizeBytes
}

// placeLocked brings the pool's orders and counts up to date with the account.
func (p *Pool) placeLocked(a *account) {
	a.reRank(&p.mu.baseFee)
	p.mu.heads.place(a, a.executable())
	p.mu.tails.place(a, len(a.txs) > 0)
	p.mu.gapped += len(a.txs) - a.run - a.gappedCount
	a.gappedCount = len(a.txs) - a.run
	if a.idle() {
		delete(p.mu.accounts, a.address)
	}
	if p.mu.heads.Len() > 0 {
		p.signal()
	}
}

// promoteLocked notes the transactions that joined the run.
func (p *Pool) promoteLocked(a *account, runBefore int) {
	if p.cfg.Pending == nil {
		return
	}
	for _, t := range a.txs[min(runBefore, a.run):a.run] {
		p.mu.promoted = append(p.mu.promoted, t.tx)
	}
}

// report tells the listener what became executable.
func (p *Pool) report() {
	if p.cfg.Pending == nil {
		return
	}
	p.mu.Lock()
	promoted := p.mu.promoted
	p.mu.promoted = nil
	p.mu.Unlock()
	if len(promoted) > 0 {
		p.cfg.Pending(promoted)
	}
}

// signal makes Ready fire.
func (p *Pool) signal() {
	select {
	case p.ready <- struct{}{}:
	default:
	}
}

// Ready receives when there may be something to execute.
func (p *Pool) Ready() <-chan struct{} { return p.ready }

// SetHeader tells the pool which EVM block is open: its rules decide on
// admission, its base fee on what can be executed, and it has room again for
// what found none in the block before.
func (p *Pool) SetHeader(header *types.Header) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.header = header
	parked := p.mu.parked
	p.mu.parked = nil
	for _, a := range parked {
		a.parked = false
		p.placeLocked(a)
	}
	baseFee := uint256.MustFromBig(header.BaseFee)
	if baseFee.Eq(&p.mu.baseFee) {
		return
	}
	p.mu.baseFee = *baseFee
	p.reorderLocked()
}

// reorderLocked ranks all accounts anew.
func (p *Pool) reorderLocked() {
	for _, a := range p.mu.heads.accounts {
		a.headAt = notInHeap
	}
	p.mu.heads.accounts = p.mu.heads.accounts[:0]
	for _, a := range p.mu.tails.accounts { // has every account with transactions
		a.reRank(&p.mu.baseFee)
		if a.executable() {
			a.headAt = len(p.mu.heads.accounts)
			p.mu.heads.accounts = append(p.mu.heads.accounts, a)
		}
	}
	heap.Init(&p.mu.heads)
	heap.Init(&p.mu.tails)
	if p.mu.heads.Len() > 0 {
		p.signal()
	}
}

// Take returns the executable transaction with the highest tip and puts it in
// flight. The caller ends the flight by PutBack, Drop or Sealed.
func (p *Pool) Take() (tx *types.Transaction, sender common.Address, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.mu.heads.top()
	if a == nil {
		return nil, sender, false
	}
	t := a.takeHead()
	p.mu.waiting--
	p.mu.bytes -= t.sizeBytes
	p.placeLocked(a)
	return t.tx, t.sender, true
}

// PutBack returns a transaction in flight for which the open EVM block has no
// room. Its sender waits until the next one.
func (p *Pool) PutBack(tx *types.Transaction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, a := p.flightLocked(tx.Hash())
	a.putBack(t)
	a.parked = true
	p.mu.parked = append(p.mu.parked, a)
	p.rememberLocked(t)
	p.placeLocked(a)
	p.trimLocked()
}

// Drop removes a transaction in flight that cannot be executed. nonce is what
// the sender's next one is now.
func (p *Pool) Drop(tx *types.Transaction, nonce uint64) {
	defer p.report()
	p.mu.Lock()
	defer p.mu.Unlock()
	hash := tx.Hash()
	t, a := p.flightLocked(hash)
	delete(p.mu.byHash, hash)
	a.land(t)
	p.rebaseLocked(a, nonce)
}

// Sealed removes the transactions of a mini-block that is now part of the
// sealed state, and follows nonces that changed by other means than a
// transaction of the sender (EIP-7702).
func (p *Pool) Sealed(m *chain.MiniBlock) {
	defer p.report()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, tx := range m.Txs {
		hash := tx.Hash()
		t, a := p.flightLocked(hash)
		delete(p.mu.byHash, hash)
		a.land(t)
		p.placeLocked(a)
	}
	for i := range m.Diff.Accounts {
		d := &m.Diff.Accounts[i]
		if a := p.mu.accounts[d.Address]; a != nil && a.inFlight == 0 && a.next != d.Account.Nonce {
			p.rebaseLocked(a, d.Account.Nonce)
		}
	}
}

// flightLocked returns a transaction in flight and its sender's account.
func (p *Pool) flightLocked(hash common.Hash) (*pooled, *account) {
	t := p.mu.byHash[hash]
	if t == nil {
		panic(fmt.Sprintf("BUG: transaction %s is not in flight", hash))
	}
	return t, p.mu.accounts[t.sender]
}

func (p *Pool) rebaseLocked(a *account, nonce uint64) {
	for _, stale := range a.rebase(nonce) {
		p.forgetLocked(stale)
	}
	p.placeLocked(a)
}

// Get returns a transaction of the pool, also one in flight, or nil.
func (p *Pool) Get(hash common.Hash) *types.Transaction {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.mu.byHash[hash]; t != nil {
		return t.tx
	}
	return nil
}

// PendingNonce returns the nonce after those of the sender's transactions that
// wait without a gap. ok is false when the pool knows nothing of the sender;
// the state has its nonce then.
func (p *Pool) PendingNonce(sender common.Address) (nonce uint64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.mu.accounts[sender]; a != nil {
		return a.next + uint64(a.run), true
	}
	return 0, false
}

// Status counts the waiting transactions: those that follow each other without
// a gap, and those behind one.
func (p *Pool) Status() (pending, queued int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.waiting - p.mu.gapped, p.mu.gapped
}

// Content returns the waiting transactions of each sender in order of nonce,
// split as by Status.
func (p *Pool) Content() (pending, queued map[common.Address][]*types.Transaction) {
	pending, queued = make(map[common.Address][]*types.Transaction), make(map[common.Address][]*types.Transaction)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.mu.accounts {
		for i, t := range a.txs {
			if i < a.run {
				pending[a.address] = append(pending[a.address], t.tx)
			} else {
				queued[a.address] = append(queued[a.address], t.tx)
			}
		}
	}
	return pending, queued
}
