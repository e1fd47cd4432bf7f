//go:build !linux

package vfs

import "fmt"

func openDirect(name string) (File, error) {
	return nil, fmt.Errorf("cannot open %q: %w on this system", name, ErrNoDirect)
}
