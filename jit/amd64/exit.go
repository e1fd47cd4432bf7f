package amd64

import (
	"runtime"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

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
	exit := Exit{Kind: ExitKind(ctx.exit & (1<<exitKindBits - 1)), Index: int(ctx.exit >> exitKindBits)}
	switch exit.Kind {
	case ExitInstr:
		ctx.fill(c.program, c.program.Operands(exit.Index))
	case ExitHalt:
		term := &c.program.Blocks[exit.Index].Term
		ctx.fill(c.program, []ir.Value{term.X, term.Y})
	}
	return exit
}

// fill completes the operands by those that generated code leaves to Go:
// constants and what lay on the stack.
func (ctx *Context) fill(program *ir.Program, operands []ir.Value) {
	for i, v := range operands {
		dst := &ctx.operands[topOperand-i]
		if depth, ok := v.EntrySlot(); ok {
			copyWord(dst, ctx.word(-depth))
		} else if x, ok := v.Small(); ok {
			dst[0], dst[1], dst[2], dst[3] = uint64(x), 0, 0, 0
		} else if x, ok := program.Const(v); ok {
			copyWord(dst, &x)
		}
	}
}

// copyWord copies limb by limb: an assignment would become loads of 16 bytes,
// which wait for the stores of 8 bytes that generated code made just before.
func copyWord(dst, src *uint256.Int) {
	dst[0], dst[1], dst[2], dst[3] = src[0], src[1], src[2], src[3]
}
