package vfs

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

func write(t *testing.T, file File, data string, offset int64) {
	t.Helper()
	if _, err := file.WriteAt([]byte(data), offset); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, f FS, name string, mode Mode) File {
	t.Helper()
	file, err := f.Open(name, mode)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// check compares a file with the contents that it shall have; "-" stands for no
// file.
func check(t *testing.T, f FS, name, want string) {
	t.Helper()
	got, err := ReadFile(f, name)
	if errors.Is(err, fs.ErrNotExist) {
		got = []byte("-")
	} else if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s: got %q; want %q", name, got, want)
	}
}

// TestSameOnDiskAndInMemory runs the same operations on both.
func TestSameOnDiskAndInMemory(t *testing.T) {
	for name, f := range map[string]FS{"disk": OS, "memory": NewMemory(), "faulty": NewFaulty(OS)} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "b")
			if err := f.MkdirAll(dir); err != nil {
				t.Fatal(err)
			}
			one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
			if _, err := f.Open(one, Write); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("missing file: got %v; want %v", err, fs.ErrNotExist)
			}
			file := open(t, f, one, Create)
			write(t, file, "hello", 0)
			write(t, file, "p me", 3)
			if size, err := file.Size(); size != 7 || err != nil {
				t.Errorf("size: got %d, %v; want 7", size, err)
			}
			if err := errors.Join(file.Truncate(4), file.Truncate(6), file.Sync(), file.Close()); err != nil {
				t.Fatal(err)
			}
			check(t, f, one, "help\x00\x00")
			if err := WriteFile(f, two, []byte("whole")); err != nil {
				t.Fatal(err)
			}
			if got, err := f.List(dir); err != nil || !slices.Equal(got, []string{"one", "two"}) {
				t.Errorf("list: got %q, %v", got, err)
			}
			if err := errors.Join(f.Rename(two, one), f.SyncDir(dir)); err != nil {
				t.Fatal(err)
			}
			check(t, f, one, "whole")
			check(t, f, two, "-")
			write(t, open(t, f, one, Create), "", 0)
			check(t, f, one, "")
			if err := f.Remove(one); err != nil {
				t.Fatal(err)
			}
			if err := f.Remove(one); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("removed twice: got %v; want %v", err, fs.ErrNotExist)
			}
		})
	}
}

func TestDirectWrites(t *testing.T) {
	for name, f := range map[string]FS{"disk": OS, "memory": NewMemory()} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := errors.Join(open(t, f, path, Create).Truncate(3*BlockSize), f.SyncDir(filepath.Dir(path))); err != nil {
				t.Fatal(err)
			}
			file, err := f.Open(path, Direct)
			if errors.Is(err, ErrNoDirect) {
				t.Logf("not tested: %v", err)
				return
			} else if err != nil {
				t.Fatal(err)
			}
			block := AlignedBytes(BlockSize)
			copy(block, bytes.Repeat([]byte("x"), BlockSize))
			if _, err := file.WriteAt(block, BlockSize); err != nil {
				t.Fatal(err)
			}
			if _, err := file.WriteAt(block[:100], BlockSize); err == nil {
				t.Error("a part of a block was taken")
			}
			zeros := string(make([]byte, BlockSize))
			check(t, f, path, zeros+string(block)+zeros)
		})
	}
}

// TestWhatACrashLeaves writes without a sync, with one of the file, with one of
// the folder, with both.
func TestWhatACrashLeaves(t *testing.T) {
	m := NewMemory()
	file := open(t, m, "d/file", Create)
	write(t, file, "one", 0)
	check(t, m.CrashClone(nil), "d/file", "-")
	if err := file.Sync(); err != nil {
		t.Fatal(err)
	}
	check(t, m.CrashClone(nil), "d/file", "-")
	write(t, file, "two", 3)
	if err := m.SyncDir("d"); err != nil {
		t.Fatal(err)
	}
	check(t, m.CrashClone(nil), "d/file", "one")
	if err := errors.Join(file.Sync(), m.Rename("d/file", "d/other")); err != nil {
		t.Fatal(err)
	}
	check(t, m.CrashClone(nil), "d/file", "onetwo")
	check(t, m.Clone(), "d/other", "onetwo")
	check(t, m.Clone(), "d/file", "-")
	if err := m.SyncDir("d"); err != nil {
		t.Fatal(err)
	}
	check(t, m.CrashClone(nil), "d/other", "onetwo")
	check(t, m.CrashClone(nil), "d/file", "-")
}

// TestCrashTearsWrites finds every kind of torn write in the clones, and nothing
// but old and new bytes.
func TestCrashTearsWrites(t *testing.T) {
	const sectors = 4
	m := NewMemory()
	file := open(t, m, "file", Create)
	before, after := bytes.Repeat([]byte("a"), sectors*sectorSize), bytes.Repeat([]byte("b"), sectors*sectorSize)
	write(t, file, string(before), 0)
	if err := errors.Join(file.Sync(), m.SyncDir(".")); err != nil {
		t.Fatal(err)
	}
	write(t, file, string(after), 0)
	random, kinds := rand.New(rand.NewPCG(1, 1)), map[string]int{}
	for range 1000 {
		got, err := ReadFile(m.CrashClone(random), "file")
		if err != nil || len(got) != len(before) || len(bytes.Trim(got, "ab")) > 0 {
			t.Fatalf("got %d bytes, %v", len(got), err)
		}
		switch end := bytes.LastIndexByte(got, 'b') + 1; {
		case end == 0:
			kinds["nothing"]++
		case end == len(got) && bytes.IndexByte(got, 'a') < 0:
			kinds["everything"]++
		case end%sectorSize != 0 && bytes.IndexByte(got, 'a') == end:
			kinds["some bytes"]++
		case bytes.IndexByte(got, 'a') < end:
			kinds["later sectors first"]++
		default:
			kinds["earlier sectors"]++
		}
	}
	if len(kinds) != 5 {
		t.Errorf("got %v; want five kinds", kinds)
	}
}

// TestWriteFileIsAtomic looks at the file after a crash at each moment of its
// replacement.
func TestWriteFileIsAtomic(t *testing.T) {
	m, random := NewMemory(), rand.New(rand.NewPCG(2, 2))
	if err := WriteFile(m, "d/file", []byte("before")); err != nil {
		t.Fatal(err)
	}
	check(t, m.CrashClone(nil), "d/file", "before")
	m.OnSync(func() {
		for range 50 {
			got, err := ReadFile(m.CrashClone(random), "d/file")
			if err != nil || string(got) != "before" && string(got) != "after" {
				t.Fatalf("got %q, %v", got, err)
			}
		}
	})
	if err := WriteFile(m, "d/file", []byte("after")); err != nil {
		t.Fatal(err)
	}
	check(t, m.CrashClone(nil), "d/file", "after")
}

// TestFaults makes each kind of operation fail once.
func TestFaults(t *testing.T) {
	faulty := NewFaulty(NewMemory())
	for kind := OpOpen; kind <= OpSyncDir; kind++ {
		faulty.SetRule(nil)
		file := open(t, faulty, "file", Create)
		faulty.SetRule(func(op Operation) Fault {
			if op.Kind == kind {
				return Fault{Err: syscall.ENOSPC, Written: 2}
			}
			return Fault{}
		})
		_, created := faulty.Open("new", Create)
		_, opened := faulty.Open("file", Write)
		n, written := file.WriteAt([]byte("four"), 0)
		_, read := file.ReadAt(make([]byte, 2), 0)
		errs := []error{
			OpOpen: opened, OpCreate: created, OpRead: read, OpWrite: written, OpSync: file.Sync(), OpTruncate: file.Truncate(2),
			OpRemove: faulty.Remove("new"), OpRename: faulty.Rename("file", "renamed"), OpSyncDir: faulty.SyncDir("."),
		}
		for i, err := range errs {
			wantFailed := Kind(i) == kind || kind == OpCreate && Kind(i) == OpRemove // nothing was created
			if (err != nil) != wantFailed {
				t.Errorf("kind %d fails: operation %d: got %v", kind, i, err)
			}
		}
		if kind == OpWrite {
			check(t, faulty, "renamed", "fo")
			if n != 2 {
				t.Errorf("short write: got %d; want 2", n)
			}
		}
	}
}
