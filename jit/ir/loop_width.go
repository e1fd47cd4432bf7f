package ir

import (
	"slices"

	"github.com/holiman/uint256"
)

// The widths that words have at the start of a round are found by trying: first
// all words that a round changes, and those that it compares with such or uses as
// offsets, are small; then a round is built, and those words which it makes wider
// are given up, until all agree.

// assumeNothing makes all words on the stack as wide as they can be at the head.
func (b *Builder) assumeNothing(head int) {
	l := &b.loop
	l.widths, l.nonZero = allWide, [HeightMax + 1]bool{}
	block := &b.out.Blocks[head]
	for _, fact := range b.out.Facts[block.FirstFact:block.EndFact] {
		l.widths[fact.Depth] = fact.Bits
	}
	l.count, l.counted = Count{}, -1
}

// assumeWidths assumes small words, after a search.
func (b *Builder) assumeWidths() {
	l := &b.loop
	l.back = b.stack.appendWrites(l.back[:0])
	b.assumeOffsets()
	for _, w := range l.back {
		if w.At <= 0 {
			b.assumeSmall(int(-w.At))
		}
	}
	if depth, ok := l.count.Bound.EntrySlot(); ok && l.counted >= 0 {
		b.assumeSmall(depth)
	}
}

// allWide are the widths of words of which nothing is known.
var allWide [HeightMax + 1]uint16

func init() {
	for depth := range allWide {
		allWide[depth] = 256
	}
}

func (b *Builder) assumeSmall(depth int) {
	b.loop.widths[depth] = min(b.loop.widths[depth], narrowBits)
}

// assumeOffsets assumes small what memory is accessed at, the words that this is
// the sum of, and what counters are compared with.
func (b *Builder) assumeOffsets() {
	first := b.loop.start.instrs
	count := len(b.out.Instrs) - first
	b.used = slices.Grow(b.used[:0], count)[:count]
	clear(b.used)
	offset := b.used
	small := func(v Value) {
		if i, ok := v.Result(); ok {
			offset[i-first] = true
		}
		if depth, ok := v.EntrySlot(); ok {
			b.assumeSmall(depth)
		}
	}
	for i := len(offset) - 1; i >= 0; i-- {
		in := &b.out.Instrs[first+i]
		switch in.Op {
		case MLOAD, MSTORE, MSTORE8, CALLDATALOAD:
			small(in.Args[0])
		case ADD, SUB:
			if offset[i] {
				small(in.Args[0])
				small(in.Args[1])
			}
		case JUMPI:
			if _, _, _, ok := b.stepped(in.Args[0]); ok {
				small(in.Args[1])
			} else if _, _, _, ok := b.stepped(in.Args[1]); ok {
				small(in.Args[0])
			}
		}
	}
}

// widen gives up what the round that was built does not keep to. It reports true
// if it keeps to all.
func (b *Builder) widen() bool {
	l := &b.loop
	l.back = b.stack.appendWrites(l.back[:0])
	l.checked = l.checked[:0]
	kept := true
	for _, w := range l.back {
		depth := -int(w.At)
		if depth < 0 || int(l.widths[depth]) == b.out.EntryBits(&b.block, depth) {
			continue
		}
		if nonZero := b.isNonZero(w.Value) && b.decreases(w.Value, depth); nonZero != l.nonZero[depth] {
			l.nonZero[depth] = nonZero
			kept = false
		} else if width := b.bits(w.Value); width > int(l.widths[depth]) && !b.checkable(w.Value, depth) {
			l.widths[depth], l.nonZero[depth] = uint16(min(wider(width), b.out.EntryBits(&b.block, depth))), false
			kept = false
		}
	}
	return b.followWidths() && kept
}

// wider is the width to assume next for a word of which a round made one of the
// given width.
func wider(bits int) int { return (bits + 63) / 64 * 64 }

// followWidths makes words as wide as those from which they are moved.
func (b *Builder) followWidths() (kept bool) {
	l := &b.loop
	kept = true
	for again := true; again; {
		again = false
		for _, w := range l.back {
			from, ok := w.Value.EntrySlot()
			if ok && w.At <= 0 && l.widths[from] > l.widths[-w.At] {
				l.widths[-w.At] = l.widths[from]
				again, kept = true, false
			}
		}
	}
	return kept
}

// checkable reports whether v, the next word at depth, may turn out to be too
// wide: if it counts the rounds it never does; if it grows by a constant a side
// exit checks it.
func (b *Builder) checkable(v Value, depth int) bool {
	l := &b.loop
	if l.counted >= 0 && depth == int(l.count.Depth) {
		return true
	}
	_, step, after, ok := b.stepped(v)
	if !ok || !after || step < 0 || l.widths[depth] != narrowBits || len(l.checked) == checkedMax {
		return false
	}
	l.checked = append(l.checked, v)
	return true
}

// checkedMax bounds the words whose width a round checks at its end.
const checkedMax = 2

// decreases reports whether v is the word at depth less one, and does not count
// the rounds.
func (b *Builder) decreases(v Value, depth int) bool {
	of, step, after, ok := b.stepped(v)
	return ok && after && step == -1 && of == depth && !b.counts(EntrySlot(depth))
}

// checkWidths appends the side exits that check the words in l.checked.
func (b *Builder) checkWidths() {
	for _, v := range b.loop.checked {
		limit := new(uint256.Int).Lsh(uint256.NewInt(1), narrowBits)
		t := newTerm(Branch, int(b.block.PC))
		t.Op, t.X, t.Y = LT, v, b.out.AddConst(limit)
		head := int(b.out.Dests[b.block.PC]) - 1
		b.sideExit(&t, true, head, head)
	}
}
