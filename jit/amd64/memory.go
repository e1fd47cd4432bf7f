package amd64

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// ErrUnavailable says that generated code cannot run here: another system or
// processor, or one that grants no executable memory.
var ErrUnavailable = errors.New("native code is not available")

// Memory is executable memory. It hands out pieces of large arenas, one behind
// the other, and gives an arena back when none of its pieces is in use. An arena
// is mapped twice, once to write and once to execute, so that no page is ever
// both and installing code costs no system call.
//
// Invariant: bytes that were handed out are never written again, so that a
// processor never sees code change under it.
type Memory struct {
	arenaBytes int
	mapped     atomic.Int64

	mu struct {
		sync.Mutex
		current *arena // where the next piece goes; nil before the first
	}
}

// arena is one mapping and its users.
type arena struct {
	memory   *Memory
	writable []byte
	runnable []byte
	used     int
	users    atomic.Int64 // pieces in use, and one while it is the current arena
}

const (
	arenaBytesMin  = 1 << 20
	codeAlignment  = 64
	instrPrefetch  = 64 // bytes behind the last piece that a processor may fetch
	wastedFraction = 8  // a piece that fits no more costs at most this part of an arena
)

// NewMemory returns memory in arenas of the given size, at least 1 MiB. The
// error is ErrUnavailable, with the reason, if generated code cannot run here.
func NewMemory(arenaBytes int) (*Memory, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	m := &Memory{arenaBytes: max(arenaBytes, arenaBytesMin)}
	first, err := m.newArena(m.arenaBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	m.mu.current = first
	return m, nil
}

// MappedBytes is the address space that the arenas take, each counted once.
func (m *Memory) MappedBytes() int64 { return m.mapped.Load() }

// piece is installed code.
type piece struct {
	arena *arena
	code  []byte // as it may be executed, and must not be written
}

// install copies code into executable memory. The piece must be freed once.
func (m *Memory) install(code []byte) (piece, error) {
	need := (len(code) + codeAlignment - 1) &^ (codeAlignment - 1)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.current == nil || m.mu.current.free() < need {
		if need > m.arenaBytes/wastedFraction {
			return m.installAlone(code, need)
		}
		if err := m.nextArena(); err != nil {
			return piece{}, err
		}
	}
	return m.mu.current.put(code, need), nil
}

// installAlone gives large code an arena of its own, so that no half-used one
// is left behind.
func (m *Memory) installAlone(code []byte, need int) (piece, error) {
	a, err := m.newArena(need + instrPrefetch)
	if err != nil {
		return piece{}, err
	}
	p := a.put(code, need)
	a.release()
	return p, nil
}

// nextArena replaces the current arena.
func (m *Memory) nextArena() error {
	next, err := m.newArena(m.arenaBytes)
	if err != nil {
		return err
	}
	if old := m.mu.current; old != nil {
		old.release()
	}
	m.mu.current = next
	return nil
}

// Close gives up the current arena. Pieces in use stay valid; nothing may be
// installed after it.
func (m *Memory) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.current != nil {
		m.mu.current.release()
		m.mu.current = nil
	}
}

func (m *Memory) newArena(size int) (*arena, error) {
	writable, runnable, err := mapCode(size)
	if err != nil {
		return nil, fmt.Errorf("cannot map %d bytes of executable memory: %w", size, err)
	}
	a := &arena{memory: m, writable: writable, runnable: runnable}
	a.users.Store(1)
	m.mapped.Add(int64(len(runnable)))
	return a, nil
}

func (a *arena) free() int { return len(a.writable) - a.used - instrPrefetch }

func (a *arena) put(code []byte, need int) piece {
	start := a.used
	copy(a.writable[start:], code)
	a.used += need
	a.users.Add(1)
	return piece{arena: a, code: a.runnable[start : start+len(code) : start+len(code)]}
}

// release gives back one use; the last unmaps the arena.
func (a *arena) release() {
	switch users := a.users.Add(-1); {
	case users == 0:
		a.memory.mapped.Add(-int64(len(a.runnable)))
		unmapCode(a.writable, a.runnable)
	case users < 0:
		panic("BUG: executable memory freed twice")
	}
}

// freeWith frees the piece when the collector finds owner unreachable. Whoever
// runs the code holds on to the owner.
func freeWith[T any](owner *T, p piece) {
	runtime.AddCleanup(owner, (*arena).release, p.arena)
}
