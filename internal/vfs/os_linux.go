package vfs

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// openDirect opens a file for direct writes. Some file systems refuse the flag
// when the file is opened, others each write.
func openDirect(name string) (File, error) {
	file, err := os.OpenFile(name, os.O_RDWR|syscall.O_DIRECT|syscall.O_DSYNC, 0)
	if errors.Is(err, syscall.EINVAL) {
		return nil, fmt.Errorf("cannot open %q: %w", name, ErrNoDirect)
	} else if err != nil {
		return nil, err
	}
	return directFile{osFile{file}}, nil
}

type directFile struct{ osFile }

func (f directFile) WriteAt(b []byte, offset int64) (int, error) {
	n, err := f.osFile.WriteAt(b, offset)
	if errors.Is(err, syscall.EINVAL) {
		err = fmt.Errorf("cannot write %q: %w", f.Name(), ErrNoDirect)
	}
	return n, err
}
