package jit

import (
	"encoding/binary"
	"sync"

	"github.com/ethereum/go-ethereum/common"

	"github.com/redline-evm/redline/jit/ir"
)

// codeKey names decoded code: the decoder's result depends on the fork.
type codeKey struct {
	hash common.Hash
	fork Fork
}

// codeCache keeps decoded code up to a number of bytes. It is sharded so that
// EVMs on several cores rarely meet. What has not been asked for lately goes
// first (a clock: one mark per entry, taken away as the hand passes).
type codeCache struct {
	shards [codeShards]codeShard
}

const codeShards = 16

type codeShard struct {
	mu struct {
		sync.Mutex
		entries   map[codeKey]*codeEntry
		ring      []*codeEntry
		hand      int
		sizeBytes int
	}
	sizeMax int // bytes
}

type codeEntry struct {
	key    codeKey
	code   *ir.Code
	recent bool
}

func newCodeCache(sizeMax int) *codeCache {
	c := new(codeCache)
	for i := range c.shards {
		c.shards[i].sizeMax = sizeMax / codeShards
		c.shards[i].mu.entries = make(map[codeKey]*codeEntry)
	}
	return c
}

func (c *codeCache) shard(key codeKey) *codeShard { return &c.shards[key.hash[0]%codeShards] }

func (c *codeCache) get(key codeKey) *ir.Code {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.mu.entries[key]
	if entry == nil {
		return nil
	}
	entry.recent = true
	return entry.code
}

// put adds code unless it is there or too large for the shard.
func (c *codeCache) put(key codeKey, code *ir.Code) {
	s := c.shard(key)
	size := code.SizeBytes()
	if size > s.sizeMax {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.entries[key] != nil {
		return
	}
	for s.mu.sizeBytes+size > s.sizeMax {
		s.evictLocked()
	}
	entry := &codeEntry{key: key, code: code}
	s.mu.entries[key] = entry
	s.mu.ring = append(s.mu.ring, entry)
	s.mu.sizeBytes += size
}

// evictLocked drops the first entry under the hand that was not used since the
// hand passed it last.
func (s *codeShard) evictLocked() {
	for {
		if s.mu.hand >= len(s.mu.ring) {
			s.mu.hand = 0
		}
		entry := s.mu.ring[s.mu.hand]
		if entry.recent {
			entry.recent = false
			s.mu.hand++
			continue
		}
		last := len(s.mu.ring) - 1
		s.mu.ring[s.mu.hand] = s.mu.ring[last]
		s.mu.ring[last] = nil
		s.mu.ring = s.mu.ring[:last]
		delete(s.mu.entries, entry.key)
		s.mu.sizeBytes -= entry.code.SizeBytes()
		return
	}
}

// recentCodes is an EVM's own short cut to the codes that it ran last.
type recentCodes [recentCodesCount]struct {
	key  codeKey
	code *ir.Code
}

const recentCodesCount = 64

// decode returns the decoded form of code, whose hash is given.
func (v *EVM) decode(code []byte, hash common.Hash) *ir.Code {
	key := codeKey{hash, v.block.Fork}
	recent := &v.codes[binary.LittleEndian.Uint64(hash[:])%recentCodesCount]
	if recent.code != nil && recent.key == key {
		return recent.code
	}
	decoded := v.engine.codes.get(key)
	if decoded == nil {
		decoded = v.decoder.Decode(code, key.fork).Clone()
		v.engine.codes.put(key, decoded)
	}
	recent.key, recent.code = key, decoded
	return decoded
}
