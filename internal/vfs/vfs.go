// Package vfs is the file system as the parts that keep data use it: few
// operations, with a say in what is on the disk and when. There are three: the
// real one, one in memory that can lose what was not synced, and one that makes
// operations of another fail. So everything that must survive a crash or a full
// disk can be tested against both.
//
// The package must not know what stands in the files. A file system may be used
// from any goroutine, a file as an os.File.
package vfs

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"unsafe"
)

// FS is a file system. Names are paths as of package filepath.
type FS interface {
	Open(name string, mode Mode) (File, error)
	Remove(name string) error
	// Rename moves a file inside its folder, in the place of one that has the
	// name already.
	Rename(from, to string) error
	// MkdirAll makes a folder and those above it, which are on the disk when it
	// returns.
	MkdirAll(dir string) error
	// List returns the names in a folder, sorted.
	List(dir string) ([]string, error)
	// SyncDir brings to the disk which files are in a folder.
	SyncDir(dir string) error
}

// Mode says how a file is opened.
type Mode uint8

// The modes. Create makes a file, or empties the one that is there; the others
// want one that is there.
const (
	Read   Mode = iota
	Write       // to read and to write
	Create      // the same
	// Direct is to write past the cache of the operating system: what WriteAt
	// wrote is on the disk when it returns. Offset, length and memory are
	// multiples of BlockSize: see AlignedBytes. Open fails with ErrNoDirect
	// where that is not to be had.
	Direct
)

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(size int64) error
	// Sync brings contents and size to the disk. After an error it is not known
	// what of the writes since the last Sync is there; they must be repeated.
	Sync() error
}

// BlockSize is the unit of direct writes: a multiple of the sectors of all
// usual disks, so that a write never touches a sector that holds something else.
const BlockSize = 4096

// ErrNoDirect says that the file system or the disk does not take direct writes.
var ErrNoDirect = errors.New("direct writes are not supported")

// AlignedBytes returns size bytes of memory that direct writes accept.
func AlignedBytes(size int) []byte {
	memory := make([]byte, size+BlockSize)
	skip := -misalignment(memory) & (BlockSize - 1)
	return memory[skip : skip+size : skip+size]
}

// misalignment is how far after a multiple of BlockSize b begins.
func misalignment(b []byte) int {
	return int(uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (BlockSize - 1))
}

// ReadFile returns the contents of a file.
func ReadFile(fs FS, name string) ([]byte, error) {
	file, err := fs.Open(name, Read)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := file.ReadAt(data, 0); err != nil && !(errors.Is(err, io.EOF) && size == 0) {
		return nil, fmt.Errorf("cannot read %q: %w", name, err)
	}
	return data, nil
}

// WriteFile makes data the contents of a file, which is on the disk when
// WriteFile returns. After a crash the file has its contents from before or
// data, nothing between.
func WriteFile(fs FS, name string, data []byte) error {
	temporary := name + TemporarySuffix
	file, err := fs.Open(temporary, Create)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(data, 0)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(fmt.Errorf("cannot write %q: %w", name, err), fs.Remove(temporary))
	}
	return Publish(fs, temporary, name)
}

// TemporarySuffix ends the names of files that are being written. One that is
// found after a crash is worth nothing.
const TemporarySuffix = ".tmp"

// Publish gives a synced file its final name, which is on the disk when Publish
// returns.
func Publish(fs FS, temporary, name string) error {
	if err := fs.Rename(temporary, name); err != nil {
		return err
	}
	return fs.SyncDir(filepath.Dir(name))
}
