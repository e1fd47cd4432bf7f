//go:build linux && amd64

package amd64

import (
	"bytes"
	"errors"
	"runtime"
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
		defer p.arena.release()
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
	m := newMemory(t)
	code := make([]byte, arenaBytesMin/wastedFraction)
	var pieces []piece
	for range 3 * wastedFraction {
		p, err := m.install(code)
		if err != nil {
			t.Fatal(err)
		}
		pieces = append(pieces, p)
	}
	if got := m.MappedBytes(); got < 3*arenaBytesMin || got > 4*arenaBytesMin {
		t.Errorf("%d bytes are mapped; want 3 or 4 arenas of %d", got, arenaBytesMin)
	}
	for _, p := range pieces {
		p.arena.release()
	}
	if got := m.MappedBytes(); got != arenaBytesMin {
		t.Errorf("%d bytes are mapped; want the current arena of %d", got, arenaBytesMin)
	}
	m.Close()
	if got := m.MappedBytes(); got != 0 {
		t.Errorf("%d bytes are mapped after all was freed; want 0", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a piece was freed twice without complaint")
		}
	}()
	pieces[0].arena.release()
}

func TestLargeCodeHasItsOwnArena(t *testing.T) {
	m := newMemory(t)
	p, err := m.install(make([]byte, 2*arenaBytesMin))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.MappedBytes(); got < 3*arenaBytesMin {
		t.Errorf("%d bytes are mapped; want at least %d", got, 3*arenaBytesMin)
	}
	p.arena.release()
	if got := m.MappedBytes(); got != arenaBytesMin {
		t.Errorf("%d bytes are mapped; want the current arena of %d", got, arenaBytesMin)
	}
}

// TestFreedWithItsOwner waits for the collector's cleanup.
func TestFreedWithItsOwner(t *testing.T) {
	m := newMemory(t)
	func() {
		p, err := m.install(make([]byte, 2*arenaBytesMin))
		if err != nil {
			t.Fatal(err)
		}
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
	if _, err := m.newArena(-1); err == nil {
		t.Error("memory of a negative size was mapped")
	}
	m.arenaBytes = -1
	if err := m.nextArena(); err == nil || errors.Is(err, ErrUnavailable) {
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
		p.arena.release()
	}
}
