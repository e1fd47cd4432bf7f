package spectest

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// file is a JSON file of tests. Its name is the path as given, or inside the
// folder or archive.
type file struct {
	name string
	data []byte
}

// Bounds of what is read from an archive.
const (
	archiveWindowMax = 1 << 28 // bytes of zstd's window; public archives use long ones
	fileSizeMax      = 1 << 30
)

// readAll sends every JSON file below the paths.
func readAll(ctx context.Context, paths []string, out chan<- file) error {
	if len(paths) == 0 {
		return errors.New("no tests given: name at least one file, folder or archive")
	}
	for _, path := range paths {
		if err := readPath(ctx, path, out); err != nil {
			return fmt.Errorf("cannot read %q: %w", path, err)
		}
	}
	return nil
}

func readPath(ctx context.Context, path string, out chan<- file) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return readFolder(ctx, path, out)
	case strings.HasSuffix(path, ".tar.zst"), strings.HasSuffix(path, ".tar"):
		return readArchive(ctx, path, out)
	}
	return readFile(ctx, path, path, out)
}

func readFolder(ctx context.Context, root string, out chan<- file) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !isTestFile(path) {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return readFile(ctx, path, name, out)
	})
}

// isTestFile leaves out the index that releases carry in a hidden folder.
func isTestFile(path string) bool {
	return strings.HasSuffix(path, ".json") && !strings.Contains(filepath.ToSlash(path), "/.meta/")
}

func readFile(ctx context.Context, path, name string, out chan<- file) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return send(ctx, file{filepath.ToSlash(name), data}, out)
}

func readArchive(ctx context.Context, path string, out chan<- file) error {
	packed, err := os.Open(path)
	if err != nil {
		return err
	}
	defer packed.Close()
	var plain io.Reader = packed
	if strings.HasSuffix(path, ".zst") {
		decoder, err := zstd.NewReader(packed, zstd.WithDecoderMaxWindow(archiveWindowMax), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		defer decoder.Close()
		plain = decoder
	}
	return readTar(ctx, tar.NewReader(plain), out)
}

func readTar(ctx context.Context, archive *tar.Reader, out chan<- file) error {
	for {
		header, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case header.Typeflag != tar.TypeReg || !isTestFile(header.Name):
			continue
		case header.Size > fileSizeMax:
			return fmt.Errorf("%s has %d bytes; want at most %d", header.Name, header.Size, fileSizeMax)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			return fmt.Errorf("%s: %w", header.Name, err)
		}
		if err := send(ctx, file{strings.TrimPrefix(header.Name, "./"), data}, out); err != nil {
			return err
		}
	}
}

func send(ctx context.Context, f file, out chan<- file) error {
	select {
	case out <- f:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
