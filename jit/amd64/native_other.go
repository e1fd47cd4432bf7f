//go:build !linux || !amd64

package amd64

// Generated code runs on Linux on amd64 only. NewMemory says so; nothing else
// here is reached.

func supported() error { return ErrUnavailable }

func mapCode(int) (writable, runnable []byte, err error) { return nil, nil, ErrUnavailable }

func unmapCode(_, _ []byte) {}

func enter(*Context, uintptr) { panic("BUG: native code entered where there is none") }

func canSerialize() bool { return false }

func serialize() {}
