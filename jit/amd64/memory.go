package amd64

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
)

// ErrUnavailable says that generated code cannot run here: another system or
// processor, or one that grants no executable memory.
var ErrUnavailable = errors.New("native code is not available")

// Memory is executable memory. It hands out pieces of large arenas and takes them
// back. An arena is mapped twice, once to write and once to execute, so that no
// page is ever both and installing code costs no system call.
//
// A piece is freed when the collector has found that nobody can run its code any
// more. Memory that was handed out before may still be in the instruction cache
// of a processor, or half decoded; so all processors are made to forget what they
// have decoded between the write and the first run. Where the system cannot do
// that, such memory is not used again, and an arena is given back when all of it
// was freed.
//
// The collector knows nothing of executable memory and would let it pile up; so
// it is started when much has been handed out since it ran last.
type Memory struct {
	arenaBytes int
	reuses     bool // freed pieces are handed out again

	mu struct {
		sync.Mutex
		arenas     []*arena // those that have room, the newest last
		mapped     int64    // bytes
		used       int64    // bytes in pieces
		collectAt  int64    // bytes in use at which the collector is started
		collecting bool
	}
}

// arena is one mapping.
//
// Invariant: free is sorted, and its extents neither overlap nor touch.
type arena struct {
	memory   *Memory
	writable []byte
	runnable []byte
	free     []extent
	pieces   int // in use
}

// extent is a stretch of an arena. It is stale if it was handed out before.
type extent struct {
	start, end int
	stale      bool
}

const (
	arenaBytesMin = 1 << 20
	codeAlignment = 64
	instrPrefetch = 64       // bytes behind the last piece that a processor may fetch
	collectBytes  = 32 << 20 // handed out since the collector ran, beyond what was in use then
)

// NewMemory returns memory in arenas of the given size, at least 1 MiB. The
// error is ErrUnavailable, with the reason, if generated code cannot run here.
func NewMemory(arenaBytes int) (*Memory, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	m := &Memory{arenaBytes: max(arenaBytes, arenaBytesMin), reuses: canSerialize()}
	m.mu.collectAt = collectBytes
	first, err := m.newArena(m.arenaBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	m.mu.arenas = append(m.mu.arenas, first)
	return m, nil
}

// MappedBytes is the address space that the arenas take, each counted once.
func (m *Memory) MappedBytes() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.mapped
}

// piece is installed code.
type piece struct {
	arena *arena
	start int
	code  []byte // as it may be executed, and must not be written
}

// size is how much of its arena the piece takes.
func (p *piece) size() int { return aligned(len(p.code)) }

func aligned(size int) int { return (size + codeAlignment - 1) &^ (codeAlignment - 1) }

// install copies code into executable memory. The piece must be freed once.
func (m *Memory) install(code []byte) (piece, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, start, stale, err := m.takeLocked(aligned(len(code)))
	if err != nil {
		return piece{}, err
	}
	copy(a.writable[start:], code)
	if stale {
		serialize()
	}
	a.pieces++
	m.mu.used += int64(aligned(len(code)))
	if m.mu.used > m.mu.collectAt && !m.mu.collecting {
		m.mu.collecting = true
		go m.collect()
	}
	return piece{arena: a, start: start, code: a.runnable[start : start+len(code) : start+len(code)]}, nil
}

// takeLocked finds room in an arena, the newest first, or in one more.
func (m *Memory) takeLocked(size int) (a *arena, start int, stale bool, err error) {
	for _, a := range slices.Backward(m.mu.arenas) {
		if start, stale, ok := a.take(size); ok {
			return a, start, stale, nil
		}
	}
	m.dropUnusedLocked() // what they have is too small, or not to be used again
	if a, err = m.newArena(max(m.arenaBytes, size+instrPrefetch)); err != nil {
		return nil, 0, false, err
	}
	m.mu.arenas = append(m.mu.arenas, a)
	start, stale, _ = a.take(size)
	return a, start, stale, nil
}

// take cuts room off the first extent that has it.
func (a *arena) take(size int) (start int, stale, ok bool) {
	for i := range a.free {
		e := &a.free[i]
		if e.end-e.start < size {
			continue
		}
		start, stale = e.start, e.stale
		if e.start += size; e.start == e.end {
			a.free = slices.Delete(a.free, i, i+1)
		}
		return start, stale, true
	}
	return 0, false, false
}

// free takes a piece back.
func (p piece) free() {
	a, m := p.arena, p.arena.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if a.pieces--; a.pieces < 0 {
		panic("BUG: executable memory freed twice")
	}
	m.mu.used -= int64(p.size())
	m.mu.collectAt = min(m.mu.collectAt, 2*m.mu.used+collectBytes)
	if m.reuses {
		a.give(extent{p.start, p.start + p.size(), true})
	}
	if a.pieces == 0 && len(m.mu.arenas) > 1 {
		m.dropLocked(a)
	}
}

// give adds an extent to those that are free.
func (a *arena) give(e extent) {
	i, _ := slices.BinarySearchFunc(a.free, e.start, func(f extent, start int) int { return f.start - start })
	if i > 0 && a.free[i-1].end > e.start || i < len(a.free) && a.free[i].start < e.end {
		panic("BUG: executable memory freed twice")
	}
	if i < len(a.free) && a.free[i].start == e.end {
		e.end, e.stale = a.free[i].end, true
		a.free = slices.Delete(a.free, i, i+1)
	}
	if i > 0 && a.free[i-1].end == e.start {
		a.free[i-1].end, a.free[i-1].stale = e.end, true
		return
	}
	a.free = slices.Insert(a.free, i, e)
}

// dropLocked gives an arena back that nobody uses.
func (m *Memory) dropLocked(a *arena) {
	m.mu.arenas = slices.DeleteFunc(m.mu.arenas, func(other *arena) bool { return other == a })
	m.mu.mapped -= int64(len(a.runnable))
	unmapCode(a.writable, a.runnable)
}

// collect has the collector find code that nobody can run any more. When it
// returns the pieces that were found are free, or soon will be.
func (m *Memory) collect() {
	freed := make(chan struct{})
	runtime.AddCleanup(new(*Memory), func(freed chan struct{}) { close(freed) }, freed)
	runtime.GC()
	<-freed
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.collecting = false
	m.mu.collectAt = 2*m.mu.used + collectBytes
}

// Close gives up the arenas that nobody uses; the others follow when their pieces
// are freed. Nothing may be installed after it.
func (m *Memory) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropUnusedLocked()
}

func (m *Memory) dropUnusedLocked() {
	for _, a := range slices.Clone(m.mu.arenas) {
		if a.pieces == 0 {
			m.dropLocked(a)
		}
	}
}

func (m *Memory) newArena(size int) (*arena, error) {
	writable, runnable, err := mapCode(size)
	if err != nil {
		return nil, fmt.Errorf("cannot map %d bytes of executable memory: %w", size, err)
	}
	m.mu.mapped += int64(len(runnable))
	a := &arena{memory: m, writable: writable, runnable: runnable}
	a.free = append(a.free, extent{end: (len(writable) - instrPrefetch) &^ (codeAlignment - 1)})
	return a, nil
}

// freeWith frees the piece when the collector finds owner unreachable. Whoever
// runs the code holds on to the owner.
func freeWith[T any](owner *T, p piece) {
	runtime.AddCleanup(owner, piece.free, p)
}
