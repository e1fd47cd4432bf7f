package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
)

// Memory is a file system in memory that knows what of it would survive a
// power failure: of a file what was synced or written directly, of a folder the
// names as of its last SyncDir. Everything else may be there or not: each sector
// for itself, while changes of names keep their order, as with a journal.
//
// Folders themselves are never lost, and exist once a file stands in them.
type Memory struct {
	mu      sync.Mutex
	files   map[string]*memoryNode
	durable map[string]*memoryNode // as of the last SyncDir of each folder
	changes []nameChange           // since then, oldest first
	onSync  func()
}

// memoryNode is a file without its name.
type memoryNode struct {
	data, durable      []byte
	dirtyLow, dirtyEnd int // all differences between the two are between these offsets
}

// nameChange makes name stand for node, or for nothing.
type nameChange struct {
	name string
	node *memoryNode
	with *nameChange // belongs to the same operation
}

// NewMemory returns an empty file system.
func NewMemory() *Memory {
	return &Memory{files: map[string]*memoryNode{}, durable: map[string]*memoryNode{}}
}

// OnSync makes the file system call f whenever something is about to become
// durable: it stands in the files, and may still be lost. f may call
// CrashClone.
func (m *Memory) OnSync(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.onSync = f
}

func (m *Memory) syncing() {
	m.mu.Lock()
	f := m.onSync
	m.mu.Unlock()
	if f != nil {
		f()
	}
}

// Open opens a file.
func (m *Memory) Open(name string, mode Mode) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = filepath.Clean(name)
	node := m.files[name]
	switch {
	case mode == Create && node != nil:
		node.truncate(0)
	case mode == Create:
		node = &memoryNode{}
		m.change(nameChange{name: name, node: node})
	case node == nil:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &memoryFile{fs: m, name: name, node: node, mode: mode}, nil
}

// Remove removes a file.
func (m *Memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = filepath.Clean(name)
	if m.files[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	m.change(nameChange{name: name})
	return nil
}

// Rename gives a file another name in the same folder.
func (m *Memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, to = filepath.Clean(from), filepath.Clean(to)
	node := m.files[from]
	switch {
	case node == nil:
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	case filepath.Dir(from) != filepath.Dir(to):
		return &fs.PathError{Op: "rename", Path: from, Err: fmt.Errorf("%q is in another folder", to)}
	}
	m.change(nameChange{name: from, with: &nameChange{name: to, node: node}})
	return nil
}

// MkdirAll does nothing.
func (*Memory) MkdirAll(string) error { return nil }

// List returns the names of the files in a folder.
func (m *Memory) List(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name := range m.files {
		if filepath.Dir(name) == filepath.Clean(dir) {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// SyncDir makes the names in a folder durable.
func (m *Memory) SyncDir(dir string) error {
	m.syncing()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes = slices.DeleteFunc(m.changes, func(c nameChange) bool {
		inside := filepath.Dir(c.name) == filepath.Clean(dir)
		if inside {
			c.apply(m.durable)
		}
		return inside
	})
	return nil
}

func (m *Memory) change(c nameChange) {
	c.apply(m.files)
	m.changes = append(m.changes, c)
}

func (c *nameChange) apply(names map[string]*memoryNode) {
	if c.node == nil {
		delete(names, c.name)
	} else {
		names[c.name] = c.node
	}
	if c.with != nil {
		c.with.apply(names)
	}
}

// CrashClone returns the file system as it could be after a power failure now;
// random decides what of all that is not durable is there. Without random it is
// nothing. The clone shares nothing with m.
func (m *Memory) CrashClone(random *rand.Rand) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := maps.Clone(m.durable)
	if random != nil {
		for _, c := range m.changes[:random.IntN(len(m.changes)+1)] {
			c.apply(names)
		}
	}
	clone := NewMemory()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		node := &memoryNode{durable: names[name].survivor(random)}
		node.data = bytes.Clone(node.durable)
		clone.files[name], clone.durable[name] = node, node
	}
	return clone
}

// Clone returns the file system as another process sees it after this one was
// killed: nothing is lost.
func (m *Memory) Clone() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	clone := NewMemory()
	for name, node := range m.files {
		copied := &memoryNode{data: bytes.Clone(node.data), durable: bytes.Clone(node.data)}
		clone.files[name], clone.durable[name] = copied, copied
	}
	return clone
}

// sectorSize is the unit that a disk writes whole or not at all.
const sectorSize = 512

// survivor is what a power failure leaves of a file.
func (n *memoryNode) survivor(random *rand.Rand) []byte {
	left := bytes.Clone(n.durable)
	if random == nil || n.dirtyLow >= n.dirtyEnd {
		return left
	}
	const kinds = 4
	switch random.IntN(kinds) {
	case 0: // nothing was written
	case 1: // everything was
		left = bytes.Clone(n.data)
	case 2: // some sectors were
		left = resized(left, len(n.data))
		for at := n.dirtyLow - n.dirtyLow%sectorSize; at < n.dirtyEnd && at < len(n.data); at += sectorSize {
			if random.IntN(2) == 0 {
				end := min(at+sectorSize, len(n.data))
				copy(left[at:end], n.data[at:end])
			}
		}
	default: // all up to some byte was
		cut := min(n.dirtyLow+random.IntN(n.dirtyEnd-n.dirtyLow+1), len(n.data))
		left = resized(left, max(cut, min(len(left), len(n.data))))
		copy(left[n.dirtyLow:max(cut, n.dirtyLow)], n.data[n.dirtyLow:max(cut, n.dirtyLow)])
	}
	return left
}

// resized cuts b or adds zeros.
func resized(b []byte, size int) []byte {
	if size <= len(b) {
		return b[:size]
	}
	return append(b, make([]byte, size-len(b))...)
}

func (n *memoryNode) writeAt(b []byte, offset int) {
	n.data = resized(n.data, max(len(n.data), offset+len(b)))
	copy(n.data[offset:], b)
	n.dirty(offset, offset+len(b))
}

func (n *memoryNode) truncate(size int) {
	low, end := min(size, len(n.data)), max(size, len(n.data))
	clear(n.data[low:])
	n.data = resized(n.data, size)
	n.dirty(low, end)
}

func (n *memoryNode) dirty(low, end int) {
	if n.dirtyLow >= n.dirtyEnd {
		n.dirtyLow, n.dirtyEnd = low, end
		return
	}
	n.dirtyLow, n.dirtyEnd = min(n.dirtyLow, low), max(n.dirtyEnd, end)
}

func (n *memoryNode) sync() {
	n.durable = resized(n.durable, len(n.data))
	if low, end := n.dirtyLow, min(n.dirtyEnd, len(n.data)); low < end {
		copy(n.durable[low:end], n.data[low:end])
	}
	n.dirtyLow, n.dirtyEnd = 0, 0
}

// memoryFile is an open file of a Memory.
type memoryFile struct {
	fs   *Memory
	name string
	node *memoryNode
	mode Mode
}

func (f *memoryFile) ReadAt(b []byte, offset int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if offset >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.node.data[offset:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) WriteAt(b []byte, offset int64) (int, error) {
	switch {
	case f.mode == Read:
		return 0, &fs.PathError{Op: "write", Path: f.name, Err: fs.ErrPermission}
	case f.mode == Direct && (len(b)%BlockSize != 0 || offset%BlockSize != 0 || misalignment(b) != 0):
		return 0, &fs.PathError{Op: "write", Path: f.name, Err: fmt.Errorf("%d bytes at %d: %w", len(b), offset, errUnaligned)}
	}
	f.fs.mu.Lock()
	f.node.writeAt(b, int(offset))
	f.fs.mu.Unlock()
	if f.mode == Direct {
		return len(b), f.Sync()
	}
	return len(b), nil
}

var errUnaligned = errors.New("a direct write must be of whole blocks, aligned in file and memory")

func (f *memoryFile) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.node.truncate(int(size))
	return nil
}

func (f *memoryFile) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return int64(len(f.node.data)), nil
}

func (f *memoryFile) Sync() error {
	f.fs.syncing()
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.node.sync()
	return nil
}

func (*memoryFile) Close() error { return nil }
