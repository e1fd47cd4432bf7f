package snapshot

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/redline-evm/redline/internal/vfs"
)

// A store's folder:
//
//	0000000000001234.manifest    the number is that of the EVM block
//	chunks/<SHA-256>.chunk       shared by the snapshots
const (
	manifestSuffix = ".manifest"
	chunkSuffix    = ".chunk"
	chunkFolder    = "chunks"
)

// Store is a folder of snapshots.
type Store struct {
	fs  vfs.FS
	dir string
}

// Open opens the store in dir of a file system, and makes the folder if there
// is none.
func Open(fsys vfs.FS, dir string) (*Store, error) {
	s := &Store{fs: fsys, dir: dir}
	if err := fsys.MkdirAll(s.chunkDir()); err != nil {
		return nil, fmt.Errorf("cannot open the snapshots: %w", err)
	}
	return s, nil
}

func (s *Store) chunkDir() string { return filepath.Join(s.dir, chunkFolder) }

func (s *Store) chunkPath(c Chunk) string {
	return filepath.Join(s.chunkDir(), fmt.Sprintf("%x%s", c.Hash, chunkSuffix))
}

// Path is the file of a snapshot's manifest.
func (s *Store) Path(block uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%016d%s", block, manifestSuffix))
}

// Blocks are the EVM blocks that there are manifests of, the newest first. It
// looks at names alone.
func (s *Store) Blocks() ([]uint64, error) {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return nil, fmt.Errorf("cannot list the snapshots: %w", err)
	}
	var blocks []uint64
	for _, name := range names {
		digits, ok := strings.CutSuffix(name, manifestSuffix)
		if block, err := strconv.ParseUint(digits, 10, 64); ok && err == nil {
			blocks = append(blocks, block)
		}
	}
	slices.Sort(blocks)
	slices.Reverse(blocks)
	return blocks, nil
}

// Manifest reads the manifest of an EVM block; ErrNone if there is no such
// snapshot. It does not look at the chunks.
func (s *Store) Manifest(block uint64) (*Manifest, error) {
	path := s.Path(block)
	file, err := vfs.ReadFile(s.fs, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w of EVM block %d in %q", ErrNone, block, s.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", path, err)
	}
	m, err := parseManifest(file)
	if err == nil && m.Block() != block {
		err = fmt.Errorf("%w: it is that of EVM block %d", ErrCorrupt, m.Block())
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", path, err)
	}
	return m, nil
}

// writeChunk brings a chunk to the disk, and reports whether there was none. One
// that is there is compared, and replaced when it is not what its name says.
func (s *Store) writeChunk(c Chunk, stored []byte) (added bool, err error) {
	path := s.chunkPath(c)
	there, err := vfs.ReadFile(s.fs, path)
	if err == nil && c.verify(there) == nil {
		return false, nil
	}
	added = errors.Is(err, fs.ErrNotExist)
	if err := vfs.WriteFile(s.fs, path, stored); err != nil {
		return added, fmt.Errorf("cannot write %q: %w", path, err)
	}
	return added, nil
}

// undo removes a file that was written, or half written. What it cannot remove,
// the next Prune does.
func (s *Store) undo(path string) {
	_ = s.fs.Remove(path)
	_ = s.fs.Remove(path + vfs.TemporarySuffix)
}

// writeManifest makes a snapshot of chunks that are written.
func (s *Store) writeManifest(m *Manifest, key *ecdsa.PrivateKey) error {
	path := s.Path(m.Block())
	file, err := m.encode(key)
	if err == nil {
		err = vfs.WriteFile(s.fs, path, file)
	}
	if err != nil {
		return fmt.Errorf("cannot write %q: %w", path, err)
	}
	return nil
}

// Prune keeps the newest snapshots whose manifests are whole, so many of them,
// and removes all others, the chunks that none of those kept has, and what a
// writer left that died. The blocks removed are returned, the newest first.
func (s *Store) Prune(keep int) (removed []uint64, err error) {
	blocks, err := s.Blocks()
	if err != nil {
		return nil, err
	}
	var kept []*Manifest
	for _, block := range blocks {
		m, err := s.Manifest(block)
		switch {
		case err == nil && len(kept) < keep:
			kept = append(kept, m)
		case err == nil || errors.Is(err, ErrCorrupt):
			removed = append(removed, block)
		default:
			return nil, err
		}
	}
	if len(kept) < keep && len(removed) > 0 { // a corrupt manifest may be all that names its chunks
		return nil, nil
	}
	return removed, s.remove(removed, kept)
}

// remove removes snapshots, and then what the kept ones do not need.
func (s *Store) remove(blocks []uint64, kept []*Manifest) error {
	for _, block := range blocks {
		if err := s.fs.Remove(s.Path(block)); err != nil {
			return fmt.Errorf("cannot prune the snapshots: %w", err)
		}
	}
	needed := map[string]bool{}
	for _, m := range kept {
		needed[s.Path(m.Block())] = true
		for _, c := range m.chunks() {
			needed[s.chunkPath(c)] = true
		}
	}
	err := s.fs.SyncDir(s.dir) // no manifest may outlive its chunks
	for _, dir := range []string{s.dir, s.chunkDir()} {
		err = errors.Join(err, s.sweep(dir, needed))
	}
	if err != nil {
		return fmt.Errorf("cannot prune the snapshots: %w", err)
	}
	return nil
}

// sweep removes the files of a store's folder that are not needed.
func (s *Store) sweep(dir string, needed map[string]bool) error {
	names, err := s.fs.List(dir)
	for _, name := range names {
		path := filepath.Join(dir, name)
		ours := strings.HasSuffix(name, chunkSuffix) || strings.HasSuffix(name, vfs.TemporarySuffix)
		if ours && !needed[path] {
			err = errors.Join(err, s.fs.Remove(path))
		}
	}
	return err
}
