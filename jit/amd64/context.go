package amd64

// Context is what generated code and Go share of one running frame. Generated
// code finds it in RDI and its fields at the offsets below.
//
// Invariant: nothing in it points into a Go stack, for stacks move.
type Context struct {
	exit   uint64  // why generated code left
	resume uintptr // where to enter it again
}

// Offsets of the fields, and the frame below the trampoline, for generated code.
const (
	ctxExit   = 0
	ctxResume = 8

	frameBytes = 512 // of which [RSP+8, RSP+frameBytes) is free
)
