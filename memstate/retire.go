package memstate

// retireMin is how many undo records of a table a commit looks at, if so many are
// due, even when it has changed nothing itself.
const retireMin = 1024

// retirePer is how many undo records a commit looks at for each that it wrote: more
// than one, so that the due ones do not pile up.
const retirePer = 4

// retire drops some of the past that no view can ask for when block is the open
// EVM block.
//
// A value that was overwritten in EVM block b is needed by views of single
// mini-blocks until ViewLife EVM blocks have begun since. If it also was the last
// of an EVM block, views of that block need it horizon blocks longer.
func (s *State) retire(block uint64) {
	s.retireTable(&s.slots, block)
	s.retireTable(&s.accounts, block)
}

// retireTable retires short undo records first: of one record's, the long ones
// that are older than a short one then never go before it.
func (s *State) retireTable(t *table, block uint64) {
	budget := retireMin + retirePer*t.undo.pushed
	t.undo.pushed = 0
	for kind, life := range [...]uint64{short: ViewLife + 1, long: ViewLife + max(s.horizon, 1)} {
		if block < life {
			return
		}
		for ; budget > 0; budget-- {
			ref, due := t.undo.due(kind, block-life)
			if !due {
				break
			}
			s.retireOne(t, kind, ref, block)
		}
	}
}

// retireOne drops an undo record, and its owner if that leaves it nothing.
func (s *State) retireOne(t *table, kind int, ref, block uint64) {
	u := t.undo.at(ref)
	id := u[undoOwner]
	rec, _ := t.at(id)
	if rec[recordUndo]&idMask == ref {
		next := uint64(0)
		if kind == short && t.undo.lives(u[undoPrevLong], id, u[undoVersion]&undoMask) {
			next = u[undoPrevLong]
		}
		rec.store(recordUndo, rec[recordUndo]&^idMask|next)
	}
	t.undo.bury(kind, block)
	switch {
	case !t.isNothing(id):
	case t.isAccounts():
		s.dropAccount(id, block)
	default:
		s.dropSlot(id, block)
	}
}

// dropSlot takes out a slot that has become nothing.
func (s *State) dropSlot(id, block uint64) {
	rec, _ := s.slots.at(id)
	owner := rec.owner()
	_, words := s.accounts.at(owner)
	s.slots.unlink(id, &words[firstSlot])
	s.slots.remove(id, block)
	if s.accounts.isNothing(owner) {
		s.dropAccount(owner, block)
	}
}

// dropAccount takes out an account that has become nothing, once its slots have.
func (s *State) dropAccount(id, block uint64) {
	if _, words := s.accounts.at(id); words[firstSlot] == 0 {
		s.accounts.remove(id, block)
	}
}
