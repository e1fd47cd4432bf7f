package ir

import (
	"slices"
	"unsafe"
)

// Facts across blocks, by abstract interpretation. The state of a block is what is
// known of the words near the top of the stack whenever the block is entered: a
// constant, one of a few places to jump to, or no more than a width. The analysis
// starts with the first block, of whose stack nothing is known, goes with the
// state at each block's end to the blocks that control can reach from there, and
// joins it with theirs, until nothing changes. For
//
//	PUSH1 0
//	JUMPDEST PUSH1 1 ADD DUP1 PUSH1 100 GT PUSH1 2 JUMPI
//
// the second block is entered with the constant 0 on top, then with 1 too, which
// makes a word of 1 bit; what it jumps back with is below 100, and so the state
// ends at 7 bits.
//
// Where a jump can go follows from the state itself. Bytecode has places that
// return to their caller: they jump to what was pushed elsewhere. A few places are
// told apart; when they get too many, all that is kept is that it is a label: one
// of the JUMPDESTs whose offsets are ever put on the stack at a block's end.
//
// When a jump can be reached of whose target nothing is known, it can go to every
// JUMPDEST with any stack. What would still be known then is not worth the time:
// the analysis gives up, and nothing is known at all. It does so, too, when it
// takes more work than it may for the length of the bytecode; a word loses what is
// known of it in a few steps, so that this is rare.

// flowDepth is how many words at the top of the stack have facts.
const flowDepth = 16

// Bounds of the analysis.
const (
	flowWork      = 6 // operations that are looked at, for each byte of bytecode
	flowWorkBase  = 1 << 8
	flowEnterWork = 4 // operations that entering a block counts as
	flowNesting   = 3 // operations behind each other that are looked through
	flowTargetMax = 8 // places that are told apart
)

// A word is what is known of a word: nothing yet (0: the place was never reached),
// a constant (its Value), a set of places (setTag and its index), a label, or an
// upper bound of its width.
type word uint32

const (
	unreached word = 0
	setTag    word = 1 << 30
	label     word = setTag<<1 - 1
)

// wide is a word of so many bits.
func wide(bits int) word { return word(1 + bits) }

// unknown is a word of which nothing is known.
const unknown word = 1 + 256

// constant returns the constant that w is.
func (w word) constant() (v Value, ok bool) { return Value(w), Value(w).IsConst() }

// set returns the index of the set of places that w is one of.
func (w word) set() (index int, ok bool) {
	return int(w - setTag), w&^(setTag-1) == setTag && w != label
}

// stackState is a state: what is known of the words at the top, the highest first.
type stackState [flowDepth]word

// anything is the state of which nothing is known.
var anything stackState

func init() {
	for k := range anything {
		anything[k] = unknown
	}
}

// flow analyses a program. It keeps its memory for the next.
type flow struct {
	p       *Program
	labels  []uint64 // by bytecode offset: a bit for each label
	targets []uint32 // the labels
	states  []stackState
	reached []bool
	queued  []bool
	queue   []uint32
	sets    [][]uint32 // sets of places, each sorted
	hub     stackState // with which labels are jumped to
	hubbed  bool
	lost    bool // a jump can go anywhere
	work    int
	at      stackState // of the block that is looked at
	next    stackState // behind it
	folder  folder
}

// sizeBytes is the memory that the analysis holds on to.
func (f *flow) sizeBytes() int {
	return (int(unsafe.Sizeof(stackState{}))+2)*cap(f.states) + 8*cap(f.labels) + 4*cap(f.targets) + 4*cap(f.queue)
}

// run finds the states of all blocks of p. It reports false if it gives up.
func (f *flow) run(p *Program) bool {
	f.reset(p)
	f.findLabels()
	f.enter(0, &anything)
	for len(f.queue) > 0 {
		i := f.queue[len(f.queue)-1]
		f.queue = f.queue[:len(f.queue)-1]
		f.queued[i] = false
		f.block(int(i))
		if f.lost || f.work < 0 {
			return false
		}
	}
	return true
}

func (f *flow) reset(p *Program) {
	f.p = p
	count := len(p.Blocks)
	f.states = slices.Grow(f.states[:0], count)[:count]
	f.reached = slices.Grow(f.reached[:0], count)[:count]
	f.queued = slices.Grow(f.queued[:0], count)[:count]
	words := len(p.Dests)/64 + 1
	f.labels = slices.Grow(f.labels[:0], words)[:words]
	clear(f.reached)
	clear(f.queued)
	clear(f.labels)
	f.queue, f.sets, f.targets = f.queue[:0], f.sets[:0], f.targets[:0]
	f.hubbed, f.lost = false, false
	f.work = flowWorkBase + flowWork*len(p.Dests)
}

// findLabels marks the JUMPDESTs whose offsets are put on the stack.
func (f *flow) findLabels() {
	for _, w := range f.p.Writes {
		pc, ok := w.Value.Small()
		if !ok || f.isLabel(pc) {
			continue
		}
		if i, ok := f.p.BlockAt(uint64(pc)); ok {
			f.labels[pc/64] |= 1 << (pc % 64)
			f.targets = append(f.targets, uint32(i))
		}
	}
}

func (f *flow) isLabel(pc uint32) bool {
	return int(pc/64) < len(f.labels) && f.labels[pc/64]>>(pc%64)&1 != 0
}

// enter joins a state with that of block i.
func (f *flow) enter(i int, s *stackState) {
	f.work -= flowEnterWork
	if !f.reached[i] {
		f.reached[i] = true
		f.states[i] = *s
	} else if f.states[i] == *s || !f.join(&f.states[i], s) {
		return
	}
	if !f.queued[i] {
		f.queued[i] = true
		f.queue = append(f.queue, uint32(i))
	}
}

// join takes s into the state to. It reports whether that changed.
func (f *flow) join(to, s *stackState) (changed bool) {
	for k, w := range s {
		if old := to[k]; old != w && old != unknown {
			if joined := f.joinWords(old, w); joined != old {
				to[k] = joined
				changed = true
			}
		}
	}
	return changed
}

// joinWords is what is known of a word that is one or the other.
func (f *flow) joinWords(old, w word) word {
	if places := f.joinPlaces(old, w); places != unreached {
		return places
	}
	have, more := f.bits(old), f.bits(w)
	if _, isConst := old.constant(); !isConst && more > have {
		more = widened(more)
	}
	return wide(max(have, more))
}

// widened is the next width of those through which a word grows, so that it does
// so in a few steps.
func widened(bits int) int {
	for _, step := range [...]int{8, 32, 64, 160} {
		if bits <= step {
			return step
		}
	}
	return 256
}

// joinPlaces is joinWords for words that are places; else it is unreached.
func (f *flow) joinPlaces(a, b word) word {
	var room [2][1]uint32
	x, ok := f.places(a, &room[0])
	if !ok {
		return unreached
	}
	y, ok := f.places(b, &room[1])
	if !ok {
		return unreached
	}
	if a == label || b == label {
		return label
	}
	var union [2 * flowTargetMax]uint32
	n := copy(union[:], x)
	n += copy(union[n:], y)
	slices.Sort(union[:n])
	places := slices.Compact(union[:n])
	switch {
	case len(places) > flowTargetMax:
		return label
	case len(places) == len(x):
		return a
	case len(places) == len(y):
		return b
	}
	f.sets = append(f.sets, slices.Clone(places))
	return setTag | word(len(f.sets)-1)
}

// places returns the places that w can be, if all are labels and w is known to be
// one; of a label in general, none.
func (f *flow) places(w word, room *[1]uint32) ([]uint32, bool) {
	if w == label {
		return nil, true
	}
	if i, ok := w.set(); ok {
		return f.sets[i], true
	}
	v, ok := w.constant()
	if !ok {
		return nil, false
	}
	pc, ok := v.Small()
	room[0] = pc
	return room[:], ok && f.isLabel(pc)
}

// bits is an upper bound of the width of a word.
func (f *flow) bits(w word) int {
	if v, ok := w.constant(); ok {
		return f.p.Bits(v)
	}
	if w&setTag != 0 {
		return 30
	}
	return int(w) - 1
}

// block goes from block i to all that control can reach from there.
func (f *flow) block(i int) {
	b := &f.p.Blocks[i]
	if b.FirstWrite == b.EndWrite && b.Height == 0 && b.Term.Kind == Fallthrough {
		f.enter(i+1, &f.states[i])
		return
	}
	f.at = f.states[i] // a copy: the block may lead to itself
	t := &b.Term
	switch t.Kind {
	case Halt:
	case Fallthrough:
		f.leave(b, i+1, nil, false)
	case Jump:
		f.jump(b, t.Target, nil, false)
	case JumpTo:
		f.jumpTo(b, nil)
	case Branch, BranchTo:
		holds, decided := f.decided(t)
		if !decided || !holds {
			f.leave(b, i+1, t, t.Negated)
		}
		switch {
		case decided && !holds:
		case t.Kind == Branch:
			f.jump(b, t.Target, t, !t.Negated)
		default:
			f.jumpTo(b, t)
		}
	}
}

// decided reports whether the branch is known to jump, or not to.
func (f *flow) decided(t *Term) (jumps, ok bool) {
	x, isConst := f.eval(t.X, 0).constant()
	if !isConst {
		return false, false
	}
	y := NoValue
	if t.Y != NoValue {
		if y, isConst = f.eval(t.Y, 0).constant(); !isConst {
			return false, false
		}
	}
	z := f.folder.compute(f.p, t.Op, x, y)
	return z.IsZero() == t.Negated, true
}

func (f *flow) jump(b *Block, target uint32, cond *Term, holds bool) {
	if i, ok := f.p.BlockAt(uint64(target)); ok {
		f.leave(b, i, cond, holds)
	}
}

// jumpTo goes to all places where a dynamic jump can go.
func (f *flow) jumpTo(b *Block, cond *Term) {
	dest := f.eval(b.Term.Dest, 0)
	holds := cond != nil && !cond.Negated
	if v, ok := dest.constant(); ok {
		if pc, small := v.Small(); small {
			f.jump(b, pc, cond, holds)
		}
		return
	}
	if i, ok := dest.set(); ok {
		for _, pc := range f.sets[i] {
			f.jump(b, pc, cond, holds)
		}
		return
	}
	if dest != label {
		f.lost = true
		return
	}
	f.after(&f.next, b, cond, holds)
	if !f.hubbed {
		f.hubbed = true
		f.hub = f.next
	} else if !f.join(&f.hub, &f.next) {
		return
	}
	for _, i := range f.targets {
		f.enter(int(i), &f.hub)
	}
}

// leave goes from block b to block i, if cond is not nil because its condition
// holds, or does not.
func (f *flow) leave(b *Block, i int, cond *Term, holds bool) {
	f.after(&f.next, b, cond, holds)
	f.enter(i, &f.next)
}

// after makes s the state behind block b.
func (f *flow) after(s *stackState, b *Block, cond *Term, holds bool) {
	height := int(b.Height)
	if height >= 0 {
		copy(s[copy(s[:], anything[:min(height, flowDepth)]):], f.at[:])
	} else {
		copied := copy(s[:], f.at[min(-height, flowDepth):])
		copy(s[copied:], anything[:])
	}
	writes := f.p.Writes[b.FirstWrite:b.EndWrite]
	for i := len(writes) - 1; i >= 0 && height-int(writes[i].At) < flowDepth; i-- {
		s[height-int(writes[i].At)] = f.eval(writes[i].Value, 0)
	}
	if cond != nil {
		f.learn(s, b, cond, holds)
	}
}

// learn adds what the condition says of words that lie on the stack behind b.
func (f *flow) learn(s *stackState, b *Block, cond *Term, holds bool) {
	height := int(b.Height)
	writes := f.p.Writes[b.FirstWrite:b.EndWrite]
	for i := len(writes) - 1; i >= 0 && height-int(writes[i].At) < flowDepth; i-- {
		k := height - int(writes[i].At)
		s[k] = f.refine(s[k], writes[i].Value, cond, holds)
	}
	for _, v := range [...]Value{cond.X, cond.Y} {
		if v == NoValue {
			continue
		}
		depth, ok := v.EntrySlot()
		if k := depth + height; ok && k >= 0 && k < flowDepth && !isWritten(writes, -depth) {
			s[k] = f.refine(s[k], v, cond, holds)
		}
	}
}

// isWritten reports whether one of the writes goes to a place.
func isWritten(writes []Write, at int) bool {
	return slices.ContainsFunc(writes, func(w Write) bool { return int(w.At) == at })
}

// refine is what is known of the word v if the condition holds, or does not.
func (f *flow) refine(w word, v Value, cond *Term, holds bool) word {
	var bound word
	switch {
	case v == cond.X && cond.Op == ISZERO && holds:
		return word(Small(0))
	case v == cond.X && holds && (cond.Op == LT || cond.Op == EQ):
		bound = f.eval(cond.Y, 0)
	case v == cond.Y && (cond.Op == LT && !holds || cond.Op == EQ && holds):
		bound = f.eval(cond.X, 0)
	default:
		return w
	}
	if _, ok := bound.constant(); ok && cond.Op == EQ {
		return bound
	}
	if bits := f.bits(bound); bits < f.bits(w) {
		return wide(bits)
	}
	return w
}

// eval is what is known of v in the block that is looked at.
func (f *flow) eval(v Value, nesting int) word {
	if v.IsConst() {
		return word(v)
	}
	if depth, ok := v.EntrySlot(); ok {
		if depth >= flowDepth {
			return unknown
		}
		return f.at[depth]
	}
	i, _ := v.Result()
	in := &f.p.Instrs[i]
	if nesting == flowNesting || folds[in.Op] == nil {
		return wide(int(in.Bits))
	}
	return f.operation(in, nesting+1)
}

// operation is what is known of the result of an operation.
func (f *flow) operation(in *Instr, nesting int) word {
	f.work--
	x, y := f.eval(in.Args[0], nesting), word(NoValue)
	if table[in.Op].Pops > 1 {
		y = f.eval(in.Args[1], nesting)
	}
	a, xConst := x.constant()
	c, yConst := y.constant()
	switch {
	case xConst && (yConst || y == word(NoValue)):
		z := f.folder.compute(f.p, in.Op, a, c)
		if z.IsUint64() && z[0] <= smallMask {
			return word(Small(uint32(z[0])))
		}
		return wide(z.BitLen())
	case y == word(NoValue):
		return wide(int(in.Bits))
	}
	return wide(min(int(in.Bits), operationBits(in.Op, f.bits(x), f.bits(y))))
}
