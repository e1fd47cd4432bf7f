package amd64

import "runtime"

// Exit says why generated code left. Its index names what it is about, except
// for ExitGas.
type Exit struct {
	Kind  ExitKind
	Index int
}

// ExitKind is a kind of exit.
type ExitKind uint8

// The kinds of exits.
const (
	ExitInstr   ExitKind = iota // run instruction Index, then go on
	ExitGas                     // Gas is less than Need; give at least that, then go on
	ExitStack                   // the stack is too low or too high for block Index
	ExitHalt                    // block Index halts by its terminator
	ExitBadJump                 // block Index jumps to where no JUMPDEST is

	exitKindBits = 3
)

// exitWord is an exit as generated code gives it.
func exitWord(kind ExitKind, index int) uint64 { return uint64(index)<<exitKindBits | uint64(kind) }

// Run runs the code until it leaves: from its start after Init, else from where
// it left.
func (c *Code) Run(ctx *Context) Exit {
	enter(ctx, ctx.resume)
	runtime.KeepAlive(c)
	return Exit{Kind: ExitKind(ctx.exit & (1<<exitKindBits - 1)), Index: int(ctx.exit >> exitKindBits)}
}
