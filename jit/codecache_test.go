package jit

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/redline-evm/redline/jit/amd64"
	"github.com/redline-evm/redline/jit/ir"
)

func testKey(i int) codeKey {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(i))
	return codeKey{hash: crypto.Keccak256Hash(n[:])}
}

// TestCodeCacheBound fills the cache far beyond its size; what is asked for
// again and again stays.
func TestCodeCacheBound(t *testing.T) {
	code := new(lowerer).lower(make([]byte, 100), Osaka).clone()
	const fit = 40 // codes of a shard
	cache := newCodeCache(codeShards * fit * code.sizeBytes())
	hot := testKey(-1)
	cache.put(hot, code)
	for i := range 10_000 {
		cache.put(testKey(i), code)
		if i%8 == 0 && cache.get(hot) == nil {
			t.Fatalf("code in use is gone after %d others", i)
		}
	}
	for i := range cache.shards {
		s := &cache.shards[i]
		if len(s.mu.entries) != fit || len(s.mu.ring) != fit || s.mu.sizeBytes > s.sizeMax {
			t.Errorf("shard %d: got %d codes, %d bytes; want %d codes, at most %d bytes", i, len(s.mu.entries), s.mu.sizeBytes, fit, s.sizeMax)
		}
	}
	if cache.get(testKey(9_999)) == nil {
		t.Error("the newest code is gone")
	}
}

// TestCodeCacheRefusesGiants keeps out what alone would fill a shard.
func TestCodeCacheRefusesGiants(t *testing.T) {
	cache := newCodeCache(codeShards * 100)
	code := new(lowerer).lower(make([]byte, 100), Osaka).clone()
	cache.put(testKey(1), code)
	if cache.get(testKey(1)) != nil {
		t.Error("got code larger than a shard; want it refused")
	}
}

// TestCodeCacheCountsNative counts machine code that comes later, and drops codes
// to make room for it.
func TestCodeCacheCountsNative(t *testing.T) {
	native := &nativeCode{program: new(ir.Builder).Build(make([]byte, 1000), Osaka).Clone(), code: new(amd64.Code)}
	cache := newCodeCache(codeShards * 3 * native.sizeBytes())
	var shard *codeShard
	for i := range 20 * codeShards {
		code, key := new(lowerer).lower(make([]byte, 10), Osaka).clone(), testKey(i)
		cache.put(key, code)
		cache.attach(key, code, native)
		if code.native.Load() != native {
			t.Fatal("got no machine code; want it attached")
		}
		shard = cache.shard(key)
		total := 0
		for _, entry := range shard.mu.entries {
			total += entry.code.sizeBytes()
		}
		if total != shard.mu.sizeBytes || total > shard.sizeMax {
			t.Fatalf("got %d bytes, %d counted, at most %d; want all counted", total, shard.mu.sizeBytes, shard.sizeMax)
		}
	}
	if len(shard.mu.entries) != 2 {
		t.Errorf("got %d codes; want 2", len(shard.mu.entries))
	}
}

// TestCodeCacheForks keeps what each fork makes of the same code apart.
func TestCodeCacheForks(t *testing.T) {
	v := New(Config{}).NewEVM(nil, &BlockContext{})
	code := []byte{byte(ir.CALLER), byte(ir.CLZ), byte(ir.PUSH0), byte(ir.MSTORE)}
	hash := crypto.Keccak256Hash(code)
	for _, fork := range []Fork{Cancun, Osaka, Cancun, Osaka} {
		v.block.Fork = fork
		want := fork == Osaka
		isCLZ := func(in instr) bool { return in.opcode == byte(ir.CLZ) }
		if got := slices.ContainsFunc(v.codeOf(code, &hash).instrs, isCLZ); got != want {
			t.Errorf("fork %d: got CLZ %v; want %v", fork, got, want)
		}
	}
}
