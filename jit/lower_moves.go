package jit

import "github.com/redline-evm/redline/jit/ir"

// parallelMove does all of a block's writes at the same time. A move may run once
// nobody reads the word that it overwrites; what is left then are cycles.
type parallelMove struct {
	dsts    []int32                   // heights that moves go to, in any order
	src     [2*ir.HeightMax + 1]int16 // by height of the destination, from -HeightMax
	pending [2*ir.HeightMax + 1]bool  // likewise: it has a move that did not run yet
	readers [ir.HeightMax + 1]uint16  // by depth of an entry slot: moves that still read it
}

// startMoves collects the moves of the block: all writes but of constants, and
// of results that are there already.
func (l *lowerer) startMoves() {
	m := &l.moves
	m.dsts = m.dsts[:0]
	for i := range l.block.Need {
		m.readers[i] = 0
	}
	for _, w := range l.writes() {
		if w.Value.IsConst() {
			continue
		}
		src := l.placeOf(w.Value)
		if src == int16(w.At)*limbs {
			continue
		}
		m.dsts = append(m.dsts, w.At)
		m.src[w.At+ir.HeightMax] = src
		m.pending[w.At+ir.HeightMax] = true
		if l.isEntryPlace(src) {
			m.readers[-src/limbs]++
		}
	}
}

// keepOperand returns where the terminator finds v after the writes. If an entry
// slot is to be overwritten, that is where its word is moved to, or a temporary.
func (l *lowerer) keepOperand(v ir.Value) int16 {
	switch {
	case v == ir.NoValue || v.IsConst():
		return noPlace
	case l.result(v) != nil && !l.isMoveTo(l.placeOf(v)):
		return l.placeOf(v)
	}
	place := l.placeOf(v)
	if !l.isWritten(int32(place / limbs)) {
		return place
	}
	for _, dst := range l.moves.dsts {
		if l.moves.src[dst+ir.HeightMax] == place {
			return int16(dst) * limbs
		}
	}
	kept := l.temps.alloc()
	l.emit(instr{op: armMove, dst: kept, a: place})
	return kept
}

// isEntryPlace reports whether a place is that of an entry slot.
func (l *lowerer) isEntryPlace(place int16) bool {
	return place <= 0 && int(-place)/limbs < int(l.block.Need)
}

// isMoveTo reports whether a move that did not run yet goes to a place.
func (l *lowerer) isMoveTo(place int16) bool {
	return l.isEntryPlace(place) && l.moves.pending[int(place)/limbs+ir.HeightMax]
}

// isWritten reports whether the block writes the stack at a height.
func (l *lowerer) isWritten(height int32) bool {
	for _, w := range l.writes() {
		if w.At == height {
			return true
		}
	}
	return false
}

// run emits the moves.
func (m *parallelMove) run(l *lowerer) {
	for _, dst := range m.dsts {
		m.runReady(l, dst)
	}
	for _, dst := range m.dsts {
		if m.pending[dst+ir.HeightMax] {
			m.runCycle(l, dst)
		}
	}
}

// runReady runs the move to dst if it is ready, and those that become ready by
// that.
func (m *parallelMove) runReady(l *lowerer, dst int32) {
	for m.pending[dst+ir.HeightMax] && (dst > 0 || m.readers[-dst] == 0) {
		src := m.src[dst+ir.HeightMax]
		l.emit(instr{op: armMove, dst: int16(dst) * limbs, a: src})
		m.pending[dst+ir.HeightMax] = false
		if !l.isEntryPlace(src) {
			return
		}
		m.readers[-src/limbs]--
		dst = int32(src / limbs)
	}
}

// runCycle runs the moves of the cycle that dst is part of.
func (m *parallelMove) runCycle(l *lowerer, dst int32) {
	first := dst
	next := int32(m.src[dst+ir.HeightMax] / limbs)
	if int32(m.src[next+ir.HeightMax]/limbs) == first {
		l.emit(instr{op: armSwap, a: int16(first) * limbs, b: int16(next) * limbs})
		m.pending[first+ir.HeightMax], m.pending[next+ir.HeightMax] = false, false
		return
	}
	kept := l.temps.alloc()
	l.emit(instr{op: armMove, dst: kept, a: int16(first) * limbs})
	for ; next != first; next = int32(m.src[dst+ir.HeightMax] / limbs) {
		l.emit(instr{op: armMove, dst: int16(dst) * limbs, a: int16(next) * limbs})
		m.pending[dst+ir.HeightMax] = false
		dst = next
	}
	l.emit(instr{op: armMove, dst: int16(dst) * limbs, a: kept})
	m.pending[dst+ir.HeightMax] = false
}
