package program

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const lockName = "LOCK" // in the data folder

// errLocked says that another process has the lock.
var errLocked = errors.New("locked")

// LockDataDir makes the folder, if need be, and keeps other processes out of it
// until unlock is called or the process ends, however it ends.
func LockDataDir(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot use the data folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot use the data folder: %w", err)
	}
	if err := lockFile(file); err != nil {
		defer file.Close()
		if !errors.Is(err, errLocked) {
			return nil, fmt.Errorf("cannot lock the data folder %s: %w", dir, err)
		}
		holder, _ := io.ReadAll(io.LimitReader(file, 32)) // the message does without it
		return nil, fmt.Errorf("cannot use the data folder %s: %s is using it; stop it, or choose another folder by --%s",
			dir, holderName(string(holder)), DataDirFlag)
	}
	if err := writeHolder(file); err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot lock the data folder %s: %w", dir, err)
	}
	return file.Close, nil
}

func writeHolder(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintf(file, "%d\n", os.Getpid())
	return err
}

func holderName(pid string) string {
	if pid = strings.TrimSpace(pid); pid == "" {
		return "another process"
	}
	return "process " + pid
}
