package ledger

import (
	"container/list"
	"sync"

	"github.com/redline-evm/redline/internal/chain"
)

// blockCache holds whole sealed EVM blocks, the recently used ones. A block is
// built when it is first asked for, by one of those who ask.
type blockCache struct {
	sizeMax int

	mu struct {
		sync.Mutex
		entries   map[uint64]*list.Element // by EVM block number; of *blockCacheEntry
		recent    *list.List               // the most recently used first
		sizeBytes int
	}
}

type blockCacheEntry struct {
	number    uint64
	sizeBytes int // of the encoding
	build     func() (*chain.EVMBlock, error)
}

func newBlockCache(sizeMax int) *blockCache {
	c := &blockCache{sizeMax: sizeMax}
	c.mu.entries = map[uint64]*list.Element{}
	c.mu.recent = list.New()
	return c
}

// add makes room for a block of sizeBytes that build makes when it is asked
// for.
func (c *blockCache) add(number uint64, sizeBytes int, build func() (*chain.EVMBlock, error)) {
	c.entry(number, sizeBytes, build)
}

// getOrBuild returns the block that the cache holds, or else the one that build
// makes, which it holds from then on.
func (c *blockCache) getOrBuild(number uint64, sizeBytes int, build func() (*chain.EVMBlock, error)) (*chain.EVMBlock, error) {
	return c.result(c.entry(number, sizeBytes, build))
}

// get returns the block that the cache holds; nil if it does not.
func (c *blockCache) get(number uint64) (*chain.EVMBlock, error) {
	c.mu.Lock()
	element := c.mu.entries[number]
	c.mu.Unlock()
	if element == nil {
		return nil, nil
	}
	return c.result(element.Value.(*blockCacheEntry))
}

func (c *blockCache) result(entry *blockCacheEntry) (*chain.EVMBlock, error) {
	block, err := entry.build()
	if err != nil {
		c.remove(entry.number)
	}
	return block, err
}

func (c *blockCache) entry(number uint64, sizeBytes int, build func() (*chain.EVMBlock, error)) *blockCacheEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element := c.mu.entries[number]; element != nil {
		c.mu.recent.MoveToFront(element)
		return element.Value.(*blockCacheEntry)
	}
	entry := &blockCacheEntry{number: number, sizeBytes: sizeBytes, build: sync.OnceValues(build)}
	c.mu.entries[number] = c.mu.recent.PushFront(entry)
	c.mu.sizeBytes += sizeBytes
	for c.mu.sizeBytes > c.sizeMax && c.mu.recent.Len() > 1 {
		c.removeLocked(c.mu.recent.Back())
	}
	return entry
}

func (c *blockCache) remove(number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element := c.mu.entries[number]; element != nil {
		c.removeLocked(element)
	}
}

func (c *blockCache) removeLocked(element *list.Element) {
	entry := c.mu.recent.Remove(element).(*blockCacheEntry)
	delete(c.mu.entries, entry.number)
	c.mu.sizeBytes -= entry.sizeBytes
}
