// Package memstate keeps the world state in memory: accounts, storage and code
// as of the newest mini-block, and enough of the past that views stay true
// while the state goes on. It knows state diffs; it knows neither transactions
// nor the network.
//
// One goroutine commits. Any number of goroutines take views and read them.
//
// # How it works
//
// Each commit has a version number. A value that changes keeps the values it
// had, each with the version that wrote it; a view is a version number, and
// reads of each value the newest that is not above. A commit therefore may
// change value after value while others read: its version is not published
// until it is complete.
//
// The past is bounded, unless all of it is wanted. Views of the last Horizon EVM
// blocks can be taken, or of as many as the state was made for, and any view
// stays true until ViewLife EVM blocks have begun after it was taken. What no
// such view can ask for is retired a little with each commit, so that no commit
// pays for all.
package memstate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/invariants"
)

// How much past is kept, in EVM blocks.
const (
	Horizon  = 256 // a view can be taken of this many EVM blocks before the open one, unless said otherwise
	ViewLife = 16  // a view stays true while this many more EVM blocks begin
)

// everything is a horizon that no chain reaches.
const everything = 1 << 62

// Why a view cannot be taken.
var (
	ErrPruned = errors.New("state is pruned") // too old
	ErrFuture = errors.New("state is not there yet")
)

// shardBits decides into how many parts, each with a lock, the accounts are
// split.
const shardBits = 8

// State is the world state.
type State struct {
	horizon uint64 // a view can be taken of this many EVM blocks before the open one

	shards [1 << shardBits]shard
	codes  codeTable
	latest atomic.Pointer[View] // stored after all that it shows

	ends struct {
		sync.RWMutex
		views []*View // the last of each EVM block, ascending, within horizon+1
	}

	retirement retirement // the committer's
}

// shard holds the accounts of some addresses.
type shard struct {
	mu       sync.RWMutex
	accounts map[common.Address]*account
	_        [32]byte // a cache line of its own: readers write to the lock
}

type account struct {
	versioned[accountValue]
	slots map[uint256.Int]versioned[uint256.Int]
}

// accountValue is an account, or its absence: the zero value.
type accountValue struct {
	chain.Account
	exists bool
}

// New returns the empty state, before any commit, that keeps Horizon EVM blocks.
func New() *State {
	s := &State{horizon: Horizon}
	for i := range s.shards {
		s.shards[i].accounts = map[common.Address]*account{}
	}
	s.codes.byHash = map[common.Hash][]byte{}
	s.retirement.due = map[uint64][]retiree{}
	s.latest.Store(&View{state: s})
	return s
}

// Keep sets how many EVM blocks before the open one are kept; 0 stands for all.
// It comes before the first view is taken.
func (s *State) Keep(blocks uint64) {
	if blocks == 0 || blocks > everything {
		blocks = everything
	}
	s.horizon = blocks
}

// Commit applies the diff of mini-block mini, which belongs to EVM block
// block. Neither number is below that of the commit before. The state keeps
// the codes of the diff.
func (s *State) Commit(mini, block uint64, d *chain.StateDiff) {
	last := s.latest.Load()
	if mini < last.mini || block < last.block {
		panic(fmt.Sprintf("BUG: commit of mini-block %d in EVM block %d after %d in %d", mini, block, last.mini, last.block))
	}
	if invariants.Enabled {
		if err := d.Check(); err != nil {
			panic(fmt.Sprintf("BUG: commit of mini-block %d: %v", mini, err))
		}
	}
	now := stamp{version: last.version + 1, block: block}
	s.codes.add(d.Codes)
	for i := range d.Accounts {
		s.apply(&d.Accounts[i], now)
	}
	view := &View{state: s, version: now.version, mini: mini, block: block, taken: block}
	s.setEnd(view)
	s.latest.Store(view)
	s.retire(block)
}

func (s *State) apply(d *chain.AccountDiff, now stamp) {
	sh := s.shard(d.Address)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	a := sh.accounts[d.Address]
	if a == nil {
		if d.Deleted {
			return
		}
		a = &account{}
		sh.accounts[d.Address] = a
	}
	value := accountValue{Account: d.Account, exists: !d.Deleted}
	if a.set(value, now) {
		s.retirement.schedule(retiree{addr: d.Address}, now.block)
	}
	if d.Deleted {
		for key := range a.slots {
			s.applySlot(d.Address, a, key, uint256.Int{}, now)
		}
	}
	for i := range d.Slots {
		key := *new(uint256.Int).SetBytes32(d.Slots[i].Key[:])
		s.applySlot(d.Address, a, key, d.Slots[i].Value, now)
	}
}

func (s *State) applySlot(addr common.Address, a *account, key, value uint256.Int, now stamp) {
	slot, known := a.slots[key]
	if !known && value.IsZero() {
		return
	}
	if slot.set(value, now) {
		s.retirement.schedule(retiree{addr: addr, slot: true, key: key}, now.block)
	}
	if a.slots == nil {
		a.slots = map[uint256.Int]versioned[uint256.Int]{}
	}
	a.slots[key] = slot
}

// setEnd makes view the last of its EVM block, and forgets EVM blocks beyond
// the horizon.
func (s *State) setEnd(view *View) {
	s.ends.Lock()
	defer s.ends.Unlock()
	views := s.ends.views
	if n := len(views); n > 0 && views[n-1].block == view.block {
		views[n-1] = view
		return
	}
	views = append(views, view)
	tooOld := 0
	for tooOld+1 < len(views) && views[tooOld+1].block+s.horizon <= view.block {
		views[tooOld] = nil
		tooOld++
	}
	s.ends.views = views[tooOld:]
}

// Latest is the state after the newest commit.
func (s *State) Latest() *View { return s.latest.Load() }

// At is the state after the last mini-block of an EVM block; for the open one,
// after its newest. It fails with ErrPruned beyond the horizon, and with
// ErrFuture for an EVM block that has not begun.
func (s *State) At(block uint64) (*View, error) {
	latest := s.latest.Load()
	switch {
	case block == latest.block:
		return latest, nil
	case block > latest.block:
		return nil, fmt.Errorf("cannot view EVM block %d: %w: the newest is %d", block, ErrFuture, latest.block)
	case block+s.horizon < latest.block:
		return nil, fmt.Errorf("cannot view EVM block %d: %w: the oldest is %d", block, ErrPruned, latest.block-s.horizon)
	}
	s.ends.RLock()
	defer s.ends.RUnlock()
	views := s.ends.views
	next := sort.Search(len(views), func(i int) bool { return views[i].block > block })
	if next == 0 {
		return nil, fmt.Errorf("cannot view EVM block %d: %w: the oldest is %d", block, ErrPruned, views[0].block)
	}
	view := *views[next-1]
	view.taken = latest.block
	return &view, nil
}

func (s *State) shard(addr common.Address) *shard {
	const goldenRatio = 0x9E3779B97F4A7C15 // spreads addresses that differ in few bits
	h := binary.LittleEndian.Uint64(addr[common.AddressLength-8:]) * goldenRatio
	return &s.shards[h>>(64-shardBits)]
}

// codeTable holds codes by hash. They are kept for ever: a hash says the same
// in every version.
type codeTable struct {
	mu     sync.RWMutex
	byHash map[common.Hash][]byte
}

func (t *codeTable) add(codes []chain.Code) {
	if len(codes) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range codes {
		t.byHash[codes[i].Hash] = codes[i].Bytes
	}
}

func (t *codeTable) get(hash common.Hash) []byte {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byHash[hash]
}
