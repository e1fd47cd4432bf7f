package memstate

import "unsafe"

// prefetch asks for the cache lines at the addresses and waits for none. It
// reads nothing: an address may be any.
//
//go:noescape
func prefetch(lines []unsafe.Pointer)
