//go:build !amd64

package memstate

import "unsafe"

// prefetch leaves the lines to the processor: its own reading ahead is all there
// is.
func prefetch([]unsafe.Pointer) {}
