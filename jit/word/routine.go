package word

// Routine names an operation on words that generated code can have done in place.
//
// A routine is called by the address that Routines has for it. DX points to the
// operand that is on top of a stack which grows upwards, the others below it; CX
// points to a Memo where the table says so. The result goes to the place of the
// lowest operand. AX tells that it is done, by zero; else the operands are as
// they were and Go has to do the operation. All other registers but AX, CX and DX
// are kept; flags are not. A routine cannot fault as long as its pointers are
// good, and uses less than 700 bytes of stack.
type Routine uint8

// The routines.
const (
	NoRoutine     Routine = iota
	RoutineDiv            // x / y
	RoutineSDiv           // likewise signed
	RoutineMod            // x mod y
	RoutineSMod           // likewise signed
	RoutineAddMod         // x + y mod m
	RoutineMulMod         // x * y mod m, with a Memo
	RoutineKeccak         // hash of bytes, with a Memo; see KeccakMax
	RoutineCopy           // copies bytes; see CopyMax
	routineCount
)

// KeccakMax is how many bytes RoutineKeccak takes, so that it does not run long.
// Of its two operands, that on top needs the address of the bytes in the lowest
// limb, and their number in the next.
const KeccakMax = 4096

// CopyMax is how many bytes RoutineCopy takes. It has no operands and no result: DX
// points to the address to copy to, the number of bytes to write, the address to
// copy from, and the number of bytes there; behind their end it writes zeros. What
// it writes must not overlap what it reads.
const CopyMax = 1 << 15
