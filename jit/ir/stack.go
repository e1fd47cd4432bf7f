package ir

// symbolicStack is the stack inside a block: it holds values, not words. Only
// what the block reaches is ever looked at. Heights are counted from the top at
// the block's entry.
type symbolicStack struct {
	values [2*HeightMax + 1]Value // by height, from -HeightMax
	top    int
	known  int // all from here up to top are known; those below are as at the entry
}

func (s *symbolicStack) reset() { s.top, s.known = 0, 1 }

// height is by how many words the stack has grown.
func (s *symbolicStack) height() int { return s.top }

// size is the number of values that are known.
func (s *symbolicStack) size() int { return s.top - s.known + 1 }

// slot is the place of the value at a height, made known.
func (s *symbolicStack) slot(height int) *Value {
	for s.known > height {
		s.known--
		s.values[s.known+HeightMax] = EntrySlot(-s.known)
	}
	return &s.values[height+HeightMax]
}

// at returns the value that is depth below the top.
func (s *symbolicStack) at(depth int) Value { return *s.slot(s.top - depth) }

func (s *symbolicStack) push(v Value) {
	s.slot(s.top)
	s.top++
	s.values[s.top+HeightMax] = v
}

func (s *symbolicStack) pop() Value {
	v := *s.slot(s.top)
	s.top--
	return v
}

func (s *symbolicStack) swap(depth int) {
	x, y := s.slot(s.top-depth), s.slot(s.top)
	*x, *y = *y, *x
}

// holds reports whether v is among the few words on top.
func (s *symbolicStack) holds(v Value) bool {
	const few = 16
	for height := s.top; height >= s.known && height > s.top-few; height-- {
		if s.values[height+HeightMax] == v {
			return true
		}
	}
	return false
}

// appendWrites appends what the stack holds now and did not at the entry.
func (s *symbolicStack) appendWrites(writes []Write) []Write {
	for height := s.known; height <= s.top; height++ {
		v := s.values[height+HeightMax]
		if depth, ok := v.EntrySlot(); !ok || depth != -height {
			writes = append(writes, Write{At: int32(height), Value: v})
		}
	}
	return writes
}
