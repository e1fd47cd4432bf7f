package jit

import (
	"bytes"
	"testing"
)

// TestMemoryKept uses much memory, stack and lowerer space at every depth: a new
// top-level call gives most of it back.
func TestMemoryKept(t *testing.T) {
	v := New(Config{}).NewEVM(nil, &BlockContext{Fork: Osaka})
	initCode := bytes.Repeat([]byte{0x5b}, 4096)
	for v.depth = 0; v.depth <= depthMax; v.depth++ {
		f := v.nextFrame()
		f.mem.expand(1 << 16)
		f.lowerer = new(lowerer)
		f.lowerer.lower(initCode, Osaka)
		v.stacks.alloc()
		v.stacks.place.used += frameWords
	}
	v.start()
	total := 0
	for _, f := range v.frames {
		total += cap(f.mem.bytes) + f.lowererBytes()
	}
	if total > 1<<20 {
		t.Errorf("got %d bytes kept by the frames; want at most 1 MiB", total)
	}
	if len(v.stacks.chunks) > chunksKept {
		t.Errorf("got %d chunks of stack kept; want at most %d", len(v.stacks.chunks), chunksKept)
	}
}

// TestMemoryIsZero checks that a frame does not see what a call before it left
// in the same memory.
func TestMemoryIsZero(t *testing.T) {
	var m memory
	for _, size := range []uint64{64, 32, 4096, 96, 8192} {
		m.reset()
		m.expand(size)
		for i, b := range m.bytes {
			if b != 0 {
				t.Fatalf("memory of %d bytes: got %#x at %d; want zero", size, b, i)
			}
			m.bytes[i] = 0xff
		}
	}
}

func TestMemoryGas(t *testing.T) {
	for words, want := range map[uint64]uint64{0: 0, 1: 3, 32: 98, 1024: 5120, 1 << 25: 3<<25 + 1<<41} {
		if got := memoryGas(words); got != want {
			t.Errorf("%d words: got %d gas; want %d", words, got, want)
		}
	}
	for size, want := range map[uint64]uint64{0: 0, 1: 1, 32: 1, 33: 2, 1<<64 - 1: 1 << 59} {
		if got := wordCount(size); got != want {
			t.Errorf("%d bytes: got %d words; want %d", size, got, want)
		}
	}
}
