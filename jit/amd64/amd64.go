// Package amd64 is the machine side of the native compiler: it turns the basic
// blocks of package ir into amd64 machine code, keeps that code in executable
// memory, and runs it.
//
// From the bottom up: an assembler; executable memory; a trampoline between Go
// and generated code; assembly routines that generated code calls in place; the
// block compiler; the loop compiler.
//
// The package knows words, gas and the byte memory of one frame. It must not
// know accounts, calls or transactions: whatever touches them, or memory that
// Go manages, makes the generated code leave with an exit code, and the caller
// does the one instruction that the exit names.
//
// It compiles on every system, but only Linux on amd64 runs generated code;
// elsewhere NewMemory returns ErrUnavailable and the caller stays with its
// interpreter. A Memory may be used by many goroutines, a compiler and a
// context by one at a time.
package amd64
