//go:build linux && amd64

package amd64

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"
)

func TestInstall(t *testing.T) {
	m := newMemory(t)
	var last uintptr
	for size := 1; size < 300; size += 7 {
		code := bytes.Repeat([]byte{0xc3}, size)
		p, err := m.install(code)
		if err != nil {
			t.Fatal(err)
		}
		defer p.free()
		address := uintptr(unsafe.Pointer(&p.code[0]))
		if address%codeAlignment != 0 || address <= last {
			t.Errorf("%d bytes were put at %x behind %x", size, address, last)
		}
		if !bytes.Equal(p.code, code) {
			t.Errorf("%d bytes do not read back", size)
		}
		last = address + uintptr(size) - 1
		enter(&Context{}, address)
	}
	if got := m.MappedBytes(); got != arenaBytesMin {
		t.Errorf("%d bytes are mapped; want one arena of %d", got, arenaBytesMin)
	}
}

func TestArenasAreFreed(t *testing.T) {
	for _, reuses := range []bool{true, false} {
		m := newMemory(t)
		m.reuses = m.reuses && reuses
		code := make([]byte, arenaBytesMin/8)
		var pieces []piece
		for range 24 {
			pieces = append(pieces, mustInstall(t, m, code))
		}
		if got := m.MappedBytes(); got != 4*arenaBytesMin {
			t.Errorf("%d bytes are mapped; want 4 arenas of %d", got, arenaBytesMin)
		}
		for _, p := range pieces {
			p.free()
		}
		if got := m.MappedBytes(); got != arenaBytesMin {
			t.Errorf("%d bytes are mapped; want one arena of %d", got, arenaBytesMin)
		}
		m.Close()
		if got := m.MappedBytes(); got != 0 {
			t.Errorf("%d bytes are mapped after all was freed; want 0", got)
		}
		mustPanic(t, pieces[0].free)
	}
}

func mustInstall(t *testing.T, m *Memory, code []byte) piece {
	t.Helper()
	p, err := m.install(code)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("a piece was freed twice without complaint")
		}
	}()
	f()
}

// TestMemoryIsUsedAgain frees pieces in random order while others are in use:
// what is mapped does not grow with what was installed, and nobody's code
// changes.
func TestMemoryIsUsedAgain(t *testing.T) {
	m := newMemory(t)
	if !m.reuses {
		t.Skip("the system cannot make processors forget code")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var live []piece
	var codes [][]byte
	for i := range 20_000 {
		if len(live) > 100 {
			k := rng.IntN(len(live))
			if !bytes.Equal(live[k].code, codes[k]) {
				t.Fatalf("the code of a piece changed before it was freed")
			}
			live[k].free()
			live = slices.Delete(live, k, k+1)
			codes = slices.Delete(codes, k, k+1)
		}
		code := bytes.Repeat([]byte{byte(i)}, 1+rng.IntN(5000))
		live = append(live, mustInstall(t, m, code))
		codes = append(codes, code)
	}
	if got := m.MappedBytes(); got > 2*arenaBytesMin {
		t.Errorf("%d bytes are mapped; want at most 2 arenas of %d", got, arenaBytesMin)
	}
}

// TestCodeAtTheSamePlace runs code, frees it, and runs other code where it was,
// on all processors.
func TestCodeAtTheSamePlace(t *testing.T) {
	m := newMemory(t)
	if !m.reuses {
		t.Skip("the system cannot make processors forget code")
	}
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range uint64(2000) {
				p, err := m.install(assemble(func(a *assembler) {
					a.movI(r15, i) // what the context gets as gas
					a.ret()
				}))
				if err != nil {
					t.Error(err)
					return
				}
				ctx := new(Context)
				enter(ctx, uintptr(unsafe.Pointer(&p.code[0])))
				if ctx.Gas != i {
					t.Errorf("got %d; want %d", ctx.Gas, i)
				}
				p.free()
			}
		})
	}
	group.Wait()
}

// TestCollectorIsStarted installs code that nobody holds on to.
func TestCollectorIsStarted(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it does not run by itself
	m := newMemory(t)
	code := make([]byte, arenaBytesMin)
	for range 8 * collectBytes / len(code) {
		p := mustInstall(t, m, code)
		freeWith(&struct{ piece piece }{p}, p)
		for m.collects() { // let it end
			time.Sleep(time.Millisecond)
		}
	}
	for range 1000 { // what was found is freed soon
		if m.MappedBytes() <= 4*collectBytes {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d bytes are mapped; want at most %d", m.MappedBytes(), 4*collectBytes)
}

func (m *Memory) collects() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.collecting
}

func TestLargeCodeHasItsOwnArena(t *testing.T) {
	m := newMemory(t)
	small := mustInstall(t, m, make([]byte, 1))
	p := mustInstall(t, m, make([]byte, 2*arenaBytesMin))
	if got := m.MappedBytes(); got < 3*arenaBytesMin {
		t.Errorf("%d bytes are mapped; want at least %d", got, 3*arenaBytesMin)
	}
	p.free()
	if got := m.MappedBytes(); got != arenaBytesMin {
		t.Errorf("%d bytes are mapped; want one arena of %d", got, arenaBytesMin)
	}
	small.free()
}

// TestFreedWithItsOwner waits for the collector's cleanup.
func TestFreedWithItsOwner(t *testing.T) {
	m := newMemory(t)
	defer mustInstall(t, m, make([]byte, 1)).free()
	func() {
		p := mustInstall(t, m, make([]byte, 2*arenaBytesMin))
		owner := &struct{ piece piece }{p}
		freeWith(owner, p)
		if m.MappedBytes() < 3*arenaBytesMin {
			t.Error("nothing was mapped")
		}
		runtime.KeepAlive(owner)
	}()
	for range 1000 {
		runtime.GC()
		if m.MappedBytes() == arenaBytesMin {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("the piece outlives its owner")
}

func TestRefusal(t *testing.T) {
	m := newMemory(t)
	m.arenaBytes = -1
	if _, err := m.newArena(m.arenaBytes); err == nil || errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v; want the reason of the refusal", err)
	}
}

// BenchmarkInstall installs 4 KiB.
func BenchmarkInstall(b *testing.B) {
	m := newMemory(b)
	code := make([]byte, 4096)
	for b.Loop() {
		p, err := m.install(code)
		if err != nil {
			b.Fatal(err)
		}
		p.free()
	}
}
