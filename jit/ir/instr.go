package ir

// The operations that the decoder makes. PUSH, DUP, SWAP, POP, JUMPDEST, PC,
// CODESIZE and undefined opcodes never reach a tier as EVM opcodes; these stand
// for them and for frequent sequences. Opcodes that see gas carry in Arg the
// gas of the block that is charged but not yet used behind them. LOG0-LOG4
// carry their number of topics in N.
//
// In the comments, top is the top word and at(N) the word N bytes below it.
const (
	Header  Op = LOG4 + 1 + iota // header; see Code
	BadJump                      // halt: no valid jump target
	Invalid                      // halt: no opcode

	Push     // push Arg
	PushWide // push Words[Arg]
	Dup      // push at(N)
	Swap     // swap top with at(N)
	SwapDrop // at(N) = top, pop
	Drop     // pop N bytes

	// Two of the above in a row; the operand of the second is in Arg where both
	// have one in N.
	DupDup
	DupSwap
	PushDup // Push Arg, Dup N
	DupPush // Dup N, Push Arg
	SwapSwap
	SwapDropDrop

	AddImm     // top += Arg
	SubImm     // top -= Arg
	AndImm     // top &= Arg
	AndWide    // top &= Words[Arg]
	ShlImm     // top <<= Arg, which is below 256
	ShrImm     // top >>= Arg, which is below 256
	EqImm      // top = top == Arg
	DupAdd     // top += at(N)
	DupAnd     // top &= at(N)
	DupSub     // top = at(N) - top
	DupAddImm  // push at(N) + Arg
	DupAndWide // push at(N) & Words[Arg]
	SubSwap    // x = pop, top = top - x

	MloadImm  // push the memory word at Arg
	MstoreImm // pop a word to memory at Arg
	MloadAdd  // top = the memory word at top + Arg
	DupMload  // push the memory word at at(N)
	DupMstore // pop a word to memory at what at(N) was before

	Goto         // jump to header Arg
	GotoIf       // x = pop; jump if x != 0
	GotoIfZero   // x = pop; jump if x == 0
	GotoIfAt     // jump if at(N) != 0
	GotoIfZeroAt // jump if at(N) == 0
	GotoIfLt     // x, y = pop, pop; jump if x < y
	GotoIfGe     // likewise if x >= y
	GotoIfGt     // likewise if x > y
	GotoIfLe     // likewise if x <= y
	GotoIfEq     // likewise if x == y
	GotoIfNe     // likewise if x != y

	// These take two instructions: the header to jump to is Arg of the second.
	GotoIfTopEq // jump if top == Arg
	GotoIfTopLt // jump if top < Arg

	madeEnd
)

const _ = uint8(CREATE - madeEnd) // they fit between LOG4 and CREATE

// madeNames names the operations that the decoder makes.
var madeNames = map[Op]string{
	Header: "Header", BadJump: "BadJump", Invalid: "Invalid",
	Push: "Push", PushWide: "PushWide", Dup: "Dup", Swap: "Swap", SwapDrop: "SwapDrop", Drop: "Drop",
	DupDup: "DupDup", DupSwap: "DupSwap", PushDup: "PushDup", DupPush: "DupPush",
	SwapSwap: "SwapSwap", SwapDropDrop: "SwapDropDrop",
	AddImm: "AddImm", SubImm: "SubImm", AndImm: "AndImm", AndWide: "AndWide", ShlImm: "ShlImm", ShrImm: "ShrImm",
	EqImm: "EqImm", DupAdd: "DupAdd", DupAnd: "DupAnd", DupSub: "DupSub", DupAddImm: "DupAddImm", DupAndWide: "DupAndWide", SubSwap: "SubSwap",
	MloadImm: "MloadImm", MstoreImm: "MstoreImm", MloadAdd: "MloadAdd", DupMload: "DupMload", DupMstore: "DupMstore",
	Goto: "Goto", GotoIf: "GotoIf", GotoIfZero: "GotoIfZero", GotoIfAt: "GotoIfAt", GotoIfZeroAt: "GotoIfZeroAt",
	GotoIfLt: "GotoIfLt", GotoIfGe: "GotoIfGe", GotoIfGt: "GotoIfGt", GotoIfLe: "GotoIfLe",
	GotoIfEq: "GotoIfEq", GotoIfNe: "GotoIfNe", GotoIfTopEq: "GotoIfTopEq", GotoIfTopLt: "GotoIfTopLt",
}
