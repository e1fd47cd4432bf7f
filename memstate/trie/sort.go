package trie

import "slices"

// sorter puts changes in the order of their keys. Keys are hashes, so a radix
// sort by their first bits does nearly all of it.
type sorter struct {
	items, spare []sortItem
	counts       [1 << radixBits]int
}

type sortItem struct {
	prefix uint64
	index  int32
}

const (
	radixBits   = 11
	radixPasses = 3
	radixMin    = 512 // fewer are compared with each other
)

// sort returns the changes in order, by index. It belongs to the sorter.
func (s *sorter) sort(changes []Change) []sortItem {
	s.items = slices.Grow(s.items[:0], len(changes))[:len(changes)]
	for i := range changes {
		s.items[i] = sortItem{prefixOf(&changes[i].Key), int32(i)}
	}
	if len(changes) >= radixMin {
		s.spare = slices.Grow(s.spare[:0], len(changes))[:len(changes)]
		for pass := range radixPasses {
			s.pass(64 - radixBits*(radixPasses-pass))
		}
		s.finish(changes)
		return s.items
	}
	slices.SortFunc(s.items, func(x, y sortItem) int { return compare(&changes[x.index].Key, &changes[y.index].Key) })
	return s.items
}

// pass sorts by the radixBits from a shift on and keeps the order of equals.
func (s *sorter) pass(shift int) {
	clear(s.counts[:])
	for i := range s.items {
		s.counts[s.items[i].prefix>>shift%(1<<radixBits)]++
	}
	sum := 0
	for i, n := range s.counts {
		s.counts[i] = sum
		sum += n
	}
	for i := range s.items {
		slot := &s.counts[s.items[i].prefix>>shift%(1<<radixBits)]
		s.spare[*slot] = s.items[i]
		*slot++
	}
	s.items, s.spare = s.spare, s.items
}

// finish puts in order what shares the bits that the passes looked at: next to
// nothing, unless somebody made it so.
func (s *sorter) finish(changes []Change) {
	const shift = 64 - radixBits*radixPasses
	for i := 0; i < len(s.items); {
		j := i + 1
		for j < len(s.items) && s.items[j].prefix>>shift == s.items[i].prefix>>shift {
			j++
		}
		if j > i+1 {
			slices.SortFunc(s.items[i:j], func(x, y sortItem) int { return compare(&changes[x.index].Key, &changes[y.index].Key) })
		}
		i = j
	}
}
