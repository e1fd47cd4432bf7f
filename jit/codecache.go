package jit

import (
	"sync"
	"unsafe"

	"github.com/ethereum/go-ethereum/common"
)

// codeKey names lowered code, which depends on the fork.
type codeKey struct {
	hash common.Hash
	fork Fork
}

// codeCache keeps lowered code up to a number of bytes. It is sharded so that
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
	key       codeKey
	code      *code
	sizeBytes int
	recent    bool
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

func (c *codeCache) get(key codeKey) *code {
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

// put adds code unless it is too large for the shard. It returns the code to run,
// which is another if somebody was faster.
func (c *codeCache) put(key codeKey, code *code) *code {
	s := c.shard(key)
	size := code.sizeBytes()
	if size > s.sizeMax {
		return code
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry := s.mu.entries[key]; entry != nil {
		return entry.code
	}
	for s.mu.sizeBytes+size > s.sizeMax {
		s.evictLocked()
	}
	entry := &codeEntry{key: key, code: code, sizeBytes: size}
	s.mu.entries[key] = entry
	s.mu.ring = append(s.mu.ring, entry)
	s.mu.sizeBytes += size
	return code
}

// attach gives code its machine code, which counts if the cache still has the
// code.
func (c *codeCache) attach(key codeKey, code *code, native *nativeCode) {
	code.native.Store(native)
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.mu.entries[key]
	if entry == nil || entry.code != code {
		return
	}
	entry.recent = true
	entry.sizeBytes += native.sizeBytes()
	s.mu.sizeBytes += native.sizeBytes()
	for s.mu.sizeBytes > s.sizeMax {
		s.evictLocked()
	}
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
		s.mu.sizeBytes -= entry.sizeBytes
		return
	}
}

// recentCodes is an EVM's own short cut to the codes that it ran last. They are
// known again by where the bytecode lies, which is never written to: that is
// quicker than by its hash.
type recentCodes [1 << recentCodesBits]struct {
	bytecode []byte
	fork     Fork
	code     *code
}

const recentCodesBits = 6

// codeOf returns the code of bytecode, whose hash is given.
func (v *EVM) codeOf(bytecode []byte, hash *common.Hash) *code {
	fork := v.block.Fork
	start := unsafe.SliceData(bytecode)
	recent := &v.codes[uint64(uintptr(unsafe.Pointer(start)))*0x9e3779b97f4a7c15>>(64-recentCodesBits)]
	if unsafe.SliceData(recent.bytecode) == start && len(recent.bytecode) == len(bytecode) && recent.fork == fork {
		return recent.code
	}
	key := codeKey{*hash, fork}
	code := v.engine.codes.get(key)
	if code == nil {
		code = v.lowerer.lower(bytecode, key.fork).clone()
		if v.engine.check.trusts(key) {
			v.compileNow(code, bytecode)
			code.hot = v.engine.native.newHotness(key, len(bytecode))
		}
		code = v.engine.codes.put(key, code)
	}
	recent.bytecode, recent.fork, recent.code = bytecode, fork, code
	return code
}
