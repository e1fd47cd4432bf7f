package exec

// slab holds values of one type in chunks, so that pointers to them stay valid
// while it grows and its memory serves again after a reset. A handle is the
// position of a value.
type slab[T any] struct {
	chunks [][]T
	count  uint32
}

const (
	slabChunkBits = 7
	slabChunkLen  = 1 << slabChunkBits
)

// add returns a zero value and its handle.
func (s *slab[T]) add() (*T, uint32) {
	handle := s.count
	if int(handle>>slabChunkBits) == len(s.chunks) {
		s.chunks = append(s.chunks, make([]T, slabChunkLen))
	}
	s.count++
	value := s.at(handle)
	var zero T
	*value = zero
	return value, handle
}

func (s *slab[T]) at(handle uint32) *T {
	return &s.chunks[handle>>slabChunkBits][handle%slabChunkLen]
}

// reset forgets all values and keeps at most keep chunks of memory.
func (s *slab[T]) reset(keep int) {
	if len(s.chunks) > keep {
		clear(s.chunks[keep:])
		s.chunks = s.chunks[:keep]
	}
	s.count = 0
}
