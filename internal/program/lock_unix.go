//go:build unix

package program

import (
	"errors"
	"os"
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
