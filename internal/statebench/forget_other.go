//go:build !linux

package statebench

import (
	"errors"
	"fmt"
	"os"
)

// forget says that this system does not put a file out of its cache.
func forget(file *os.File) error {
	return fmt.Errorf("%s: %w", file.Name(), errors.ErrUnsupported)
}
