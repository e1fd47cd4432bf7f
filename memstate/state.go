// Package memstate keeps the world state in memory: accounts, storage and code
// as of the newest mini-block, and enough of the past that views stay true
// while the state goes on. It knows state diffs; it knows neither transactions
// nor the network.
//
// One goroutine commits. Any number of goroutines take views and read them.
//
// # How it works
//
// Accounts and slots are records of one cache line, named by dense ids, in memory
// outside the Go heap that grows in place (memory.go, table.go). An index finds
// the id of a key (index.go). Nothing of it holds pointers, so the collector has
// nothing to do, and nothing is ever copied as a whole.
//
// Each commit has a version number. A value that changes keeps the values it
// had, each with the version that wrote it (undo.go); a view is a version number,
// and reads of each value the newest that is not above. A commit therefore may
// change value after value while others read: its version is not published
// until it is complete. Readers take no lock and never wait.
//
// The past is bounded, unless all of it is wanted. Views of the last Horizon EVM
// blocks can be taken, or of as many as the state was made for, and any view
// stays true until ViewLife EVM blocks have begun after it was taken. What no
// such view can ask for is retired a little with each commit, so that no commit
// pays for all. Memory that a true view may still reach is not used again.
package memstate

import (
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/redline-evm/redline/tuning"
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

// State is the world state. Its memory is given back when neither it nor a view
// of it is referred to any more.
type State struct {
	horizon uint64 // a view can be taken of this many EVM blocks before the open one

	memory   *memory
	accounts table
	slots    table
	codes    codeTable
	latest   atomic.Pointer[View] // stored after all that it shows

	ends struct {
		sync.RWMutex
		views []*View // the last of each EVM block, ascending, within horizon+1
	}

	committer committer
}

// New returns the empty state, before any commit, that keeps Horizon EVM blocks.
func New() *State { return NewIn(nil) }

// NewIn is like New, with memory that follows a policy.
func NewIn(policy *tuning.MemoryPolicy) *State {
	s := &State{horizon: Horizon}
	s.memory = newMemory(s, policy)
	s.accounts.init(s.memory, accountValue)
	s.slots.init(s.memory, slotValue)
	s.codes.init(s.memory)
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

// Size is how large the state is.
type Size struct {
	Accounts uint64 // with those that only views of the past see, as all here
	Slots    uint64
	Codes    uint64
	Memory   tuning.Usage // all but the bytes of codes
}

// Size may be asked by any goroutine.
func (s *State) Size() Size {
	return Size{
		Accounts: s.accounts.live.Load(),
		Slots:    s.slots.live.Load(),
		Codes:    s.codes.count(),
		Memory:   s.memory.usage(),
	}
}
