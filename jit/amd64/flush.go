package amd64

import "github.com/redline-evm/redline/jit/ir"

// flush stores the words that the block changed and moves the stack's top. It
// uses RAX and RCX and leaves the flags alone.
//
// All writes happen at the same time. So first the words that lay on the stack
// go to their new places, each before its own place is overwritten; a cycle of
// them is opened by keeping one word aside. Then come results and constants,
// which no write destroys.
func (c *Compiler) flush(b *ir.Block) {
	writes := c.program.Writes[b.FirstWrite:b.EndWrite]
	steps := c.moves.order(writes)
	for k := range 4 {
		for _, s := range steps {
			c.moveLimb(s, int32(8*k))
		}
	}
	for _, w := range writes {
		if _, ok := w.Value.EntrySlot(); ok {
			continue
		}
		o := c.operand(w.Value)
		for k := range 4 {
			c.storeLimb(slot(int(w.At)).plus(int32(8*k)), &o, k, rax)
		}
	}
	if b.Height != 0 {
		c.asm.lea(r12, slot(int(b.Height)))
	}
}

func (c *Compiler) moveLimb(s move, offset int32) {
	switch {
	case s.to == aside:
		c.asm.load(rcx, slot(int(s.from)).plus(offset))
	case s.from == aside:
		c.asm.store(slot(int(s.to)).plus(offset), rcx)
	default:
		c.asm.load(rax, slot(int(s.from)).plus(offset))
		c.asm.store(slot(int(s.to)).plus(offset), rax)
	}
}

// move copies a word from one place on the stack to another; places are counted
// upwards from the top at the block's entry.
type move struct{ from, to int32 }

// aside is the place outside the stack for one word.
const aside = 1 << 30

// mover puts moves in order.
type mover struct {
	moves   []move
	readers []int32 // by place: how many moves still have to read it
	into    []int32 // by place: one more than the index of the move into it, 0 for none or done
	ready   []int32 // moves whose target nobody has to read
	steps   []move
}

// places is the number of places that one block can reach, of which origin is
// that of the top.
const (
	places = 2*ir.HeightMax + 1
	origin = ir.HeightMax
)

// order returns the moves among writes as a sequence. It belongs to the mover.
func (m *mover) order(writes []ir.Write) []move {
	m.moves, m.ready, m.steps = m.moves[:0], m.ready[:0], m.steps[:0]
	if m.readers == nil {
		m.readers, m.into = make([]int32, places), make([]int32, places)
	}
	for _, w := range writes {
		if depth, ok := w.Value.EntrySlot(); ok && int32(-depth) != w.At {
			m.moves = append(m.moves, move{from: int32(-depth), to: w.At})
			m.readers[origin-depth]++
			m.into[origin+w.At] = int32(len(m.moves))
		}
	}
	for i, s := range m.moves {
		if m.readers[origin+s.to] == 0 {
			m.ready = append(m.ready, int32(i))
		}
	}
	m.drain()
	for _, s := range m.moves { // what is left are cycles
		if m.into[origin+s.to] != 0 {
			m.open(s.to)
		}
	}
	return m.steps
}

// drain does the moves that are ready, and those that become so.
func (m *mover) drain() {
	for len(m.ready) > 0 {
		s := m.moves[m.ready[len(m.ready)-1]]
		m.ready = m.ready[:len(m.ready)-1]
		m.steps = append(m.steps, s)
		m.into[origin+s.to] = 0
		m.readers[origin+s.from]--
		if next := m.into[origin+s.from]; next != 0 && m.readers[origin+s.from] == 0 {
			m.ready = append(m.ready, next-1)
		}
	}
}

// open does the moves of the cycle through place, in which each place has one
// reader.
func (m *mover) open(place int32) {
	m.steps = append(m.steps, move{from: place, to: aside})
	for to := place; m.into[origin+to] != 0; {
		s := m.moves[m.into[origin+to]-1]
		m.into[origin+to], m.readers[origin+to] = 0, 0
		to = s.from
		if s.from == place {
			s.from = aside
		}
		m.steps = append(m.steps, s)
	}
}
