package vfs

import "sync"

// Operation is one call of a file system or a file.
type Operation struct {
	Kind   Kind
	Name   string // of the file or folder
	Offset int64  // of a write
	Size   int    // of a write
}

// Kind is a kind of operation that can fail.
type Kind uint8

// The kinds. Operations without a kind never fail.
const (
	OpOpen Kind = iota
	OpCreate
	OpRead
	OpWrite
	OpSync
	OpTruncate
	OpRemove
	OpRename
	OpSyncDir
)

// Fault is what becomes of an operation. The zero value lets it pass.
type Fault struct {
	Err     error
	Written int // so many bytes of a write reach the file in spite of Err
}

// Faulty is a file system whose operations can fail.
type Faulty struct {
	FS

	mu   sync.Mutex
	rule func(Operation) Fault
}

// NewFaulty returns fs with operations that pass until SetRule says otherwise.
func NewFaulty(fs FS) *Faulty { return &Faulty{FS: fs} }

// SetRule makes rule decide about each operation; nil lets all pass. rule is
// called by whoever calls the operation, and may hold it up.
func (f *Faulty) SetRule(rule func(Operation) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rule = rule
}

func (f *Faulty) decide(op Operation) Fault {
	f.mu.Lock()
	rule := f.rule
	f.mu.Unlock()
	if rule == nil {
		return Fault{}
	}
	return rule(op)
}

// Open opens a file of the file system below.
func (f *Faulty) Open(name string, mode Mode) (File, error) {
	kind := OpOpen
	if mode == Create {
		kind = OpCreate
	}
	if fault := f.decide(Operation{Kind: kind, Name: name}); fault.Err != nil {
		return nil, fault.Err
	}
	file, err := f.FS.Open(name, mode)
	if err != nil {
		return nil, err
	}
	return &faultyFile{File: file, fs: f, name: name}, nil
}

// Remove removes a file of the file system below.
func (f *Faulty) Remove(name string) error {
	if fault := f.decide(Operation{Kind: OpRemove, Name: name}); fault.Err != nil {
		return fault.Err
	}
	return f.FS.Remove(name)
}

// Rename renames a file of the file system below.
func (f *Faulty) Rename(from, to string) error {
	if fault := f.decide(Operation{Kind: OpRename, Name: from}); fault.Err != nil {
		return fault.Err
	}
	return f.FS.Rename(from, to)
}

// SyncDir syncs a folder of the file system below.
func (f *Faulty) SyncDir(dir string) error {
	if fault := f.decide(Operation{Kind: OpSyncDir, Name: dir}); fault.Err != nil {
		return fault.Err
	}
	return f.FS.SyncDir(dir)
}

type faultyFile struct {
	File
	fs   *Faulty
	name string
}

func (f *faultyFile) ReadAt(b []byte, offset int64) (int, error) {
	if fault := f.fs.decide(Operation{Kind: OpRead, Name: f.name, Offset: offset, Size: len(b)}); fault.Err != nil {
		return 0, fault.Err
	}
	return f.File.ReadAt(b, offset)
}

func (f *faultyFile) WriteAt(b []byte, offset int64) (int, error) {
	fault := f.fs.decide(Operation{Kind: OpWrite, Name: f.name, Offset: offset, Size: len(b)})
	if fault.Err == nil {
		return f.File.WriteAt(b, offset)
	}
	if fault.Written == 0 {
		return 0, fault.Err
	}
	n, err := f.File.WriteAt(b[:min(fault.Written, len(b))], offset)
	if err != nil {
		return n, err
	}
	return n, fault.Err
}

func (f *faultyFile) Truncate(size int64) error {
	if fault := f.fs.decide(Operation{Kind: OpTruncate, Name: f.name}); fault.Err != nil {
		return fault.Err
	}
	return f.File.Truncate(size)
}

func (f *faultyFile) Sync() error {
	if fault := f.fs.decide(Operation{Kind: OpSync, Name: f.name}); fault.Err != nil {
		return fault.Err
	}
	return f.File.Sync()
}
