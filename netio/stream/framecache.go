package stream

import "sync"

// frameCache holds the newest encoded frames, so that clients at the same
// place of the stream share one. It encodes what it is asked for and does not
// have; clients that wait for the next record all ask for the same.
type frameCache struct {
	source Source

	mu struct {
		sync.Mutex
		entries map[uint64]*frameEntry // by first sequence number
		order   []uint64               // of insertion; the oldest goes first
	}
}

// frameCacheLenMax bounds the cache, together with frameSizeGoal.
const frameCacheLenMax = 16

type frameEntry struct {
	once  sync.Once
	frame encodedFrame
	err   error
}

// encodedFrame is a frame that takes a client to sequence number next.
type encodedFrame struct {
	bytes []byte
	next  uint64
}

func newFrameCache(source Source) *frameCache {
	c := &frameCache{source: source}
	c.mu.entries = make(map[uint64]*frameEntry)
	return c
}

// frame returns a frame that begins with record first, which the source has.
func (c *frameCache) frame(first uint64) (encodedFrame, error) {
	entry := c.entry(first)
	entry.once.Do(func() { entry.frame, entry.err = encodeFrame(c.source, first) })
	if entry.err != nil {
		c.forget(first)
	}
	return entry.frame, entry.err
}

func (c *frameCache) entry(first uint64) *frameEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if entry, ok := c.mu.entries[first]; ok {
		return entry
	}
	if len(c.mu.order) == frameCacheLenMax {
		delete(c.mu.entries, c.mu.order[0])
		c.mu.order = append(c.mu.order[:0], c.mu.order[1:]...)
	}
	entry := new(frameEntry)
	c.mu.entries[first] = entry
	c.mu.order = append(c.mu.order, first)
	return entry
}

// forget makes the next caller try again. The place in the order stays: a
// second entry of the same number may be evicted early, which costs nothing.
func (c *frameCache) forget(first uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.mu.entries, first)
}

func encodeFrame(source Source, first uint64) (encodedFrame, error) {
	records, err := source.ReadRecords(first, frameSizeGoal)
	if err != nil {
		return encodedFrame{}, err
	}
	next := first + uint64(len(records))
	batch := Batch{First: first, ServerNext: max(next, source.NextSeq()), Records: records}
	return encodedFrame{bytes: AppendFrame(nil, batch), next: next}, nil
}
