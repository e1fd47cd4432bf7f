//go:build !linux

package tuning

import (
	"errors"
	"fmt"
	"unsafe"
)

// Reserve says that regions are not for this system: memory of Go's heap that
// holds no pointers serves instead.
func Reserve(size uintptr, _ *MemoryPolicy) (*Region, error) {
	return nil, fmt.Errorf("cannot reserve %d bytes of address space: %w", size, errors.ErrUnsupported)
}

func mapExtent(unsafe.Pointer, uintptr, bool) (PageKind, error) { return 0, errors.ErrUnsupported }

func unmap([]byte) error { return errors.ErrUnsupported }
