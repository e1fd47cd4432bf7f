//go:build unix

package program

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// lockFile takes the file's lock without waiting.
func lockFile(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}

// Abandoned reports whether a process had the lock of the data folder and has
// ended without removing the folder.
func Abandoned(dir string) bool {
	file, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return false
	}
	defer file.Close()
	return lockFile(file) == nil
}
