package ir

// The operations that the decoder makes. PUSH, DUP, SWAP, JUMPDEST, PC,
// CODESIZE and undefined opcodes never reach a tier as EVM opcodes; these stand
// for them and for frequent sequences. Opcodes that see gas carry in Arg the
// gas of the block that is charged but not yet used behind them. LOG0-LOG4
// carry their number of topics in N.
const (
	Block   Op = 256 + iota // header; see Code
	BadJump                 // halt: no valid jump target
	Invalid                 // halt: no opcode

	Push     // push Arg
	PushWide // push Words[Arg]
	Dup      // push the word N bytes below the top
	Swap     // swap the top with the word N bytes below
	Drop     // pop N bytes

	Goto   // jump to header Arg
	GotoIf // pop a condition; jump to header Arg unless it is zero

	OpCount // number of operations
)

// madeNames names the operations that the decoder makes.
var madeNames = map[Op]string{
	Block: "Block", BadJump: "BadJump", Invalid: "Invalid",
	Push: "Push", PushWide: "PushWide", Dup: "Dup", Swap: "Swap", Drop: "Drop",
	Goto: "Goto", GotoIf: "GotoIf",
}
