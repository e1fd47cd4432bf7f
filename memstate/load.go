package memstate

import "github.com/redline-evm/redline/internal/chain"

// Loader fills an empty state from records in any order, as a snapshot has them. It
// is the committer of the state until Done; views are taken after.
type Loader struct {
	state *State
	now   stamp
}

// Load returns a loader of the state, which must be empty.
func (s *State) Load() *Loader {
	if s.latest.Load().version != 0 {
		panic("BUG: load of a state that has been committed to")
	}
	return &Loader{state: s, now: stamp{version: 1, first: 1}}
}

// Add adds what a diff holds, in which nothing is deleted. Of what is added more
// than once, the last counts.
func (l *Loader) Add(d *chain.StateDiff) {
	l.state.codes.add(d.Codes)
	l.state.apply(d.Accounts, &l.now)
}

// Done makes what was added the state after a mini-block, which belongs to an EVM
// block.
func (l *Loader) Done(mini, block uint64) {
	l.now.block = block
	l.state.committer.first = l.now.version
	l.state.publish(mini, &l.now)
}
