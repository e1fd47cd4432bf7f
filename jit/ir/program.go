package ir

import "github.com/holiman/uint256"

// Program is bytecode as basic blocks of three-address code, in which the stack
// has vanished inside each block. For example the loop
//
//	JUMPDEST DUP1 PUSH1 5 ADD SWAP1 POP DUP1 PUSH1 100 GT PUSH1 0 JUMPI
//
// at offset 0 is the block
//
//	jumpdest 0x0 gas 37 need 1 peak 2 height 0
//	  v0 = ADD s0 0x5 at 0x4
//	  s0 = v0
//	  if LT v0 0x64 jump to 0x0 next 0xe at 0xd
//
// in which s0 is the top of the stack at the block's entry: as operand what lay
// there then, and left of a sign of equality the place that gets a value at the
// block's end.
//
// Whoever enters a block checks that Need words are on the stack and that it
// can grow by Peak, and charges Gas. The instructions run in order; all writes
// then happen at the same time, the stack grows by Height, and control goes
// where Term says. A block that halts writes nothing. Values used by Term are those of before the writes.
//
// Invariants: Check lists and checks them.
type Program struct {
	Blocks []Block
	Instrs []Instr
	Args   []Value       // operands of instructions with more than three
	Writes []Write       // see Block
	Facts  []Fact        // see Block
	Places []uint32      // see Term
	Consts []uint256.Int // constants of 30 bits and more
	Loops  []Loop
	Exits  []SideExit // of loops
	Guards []Guard    // of loops
	Dests  []uint32   // by bytecode offset: one more than the index of the block of a JUMPDEST, else 0
}

// Block is a basic block.
type Block struct {
	PC         uint32 // bytecode offset of the first opcode
	Gas        uint32 // static gas of all opcodes
	First, End uint32 // Instrs[First:End] are its instructions
	FirstWrite uint32 // Writes[FirstWrite:EndWrite] are its writes
	EndWrite   uint32
	FirstFact  uint32 // Facts[FirstFact:EndFact] is known of words at its entry
	EndFact    uint32
	Need       uint16 // words that must be on the stack
	Peak       uint16 // by how many words the stack grows at most
	Height     int16  // by how many words it has grown at the end
	Term       Term
}

// Instr is one operation, of opcode Op. PUSH, DUP, SWAP, POP, JUMPDEST, PC and
// CODESIZE have vanished, GT and SGT are LT and SLT with their operands
// exchanged, jumps and halts are terminators.
type Instr struct {
	Op   Op
	Bits uint16   // the result is below 2^Bits
	Args [3]Value // its operands, that on top of the stack first; see Operands
	PC   uint32   // bytecode offset
	Rest uint32   // opcodes that see gas: gas of the block that is charged and lies behind them
}

// Fact is that a word on the stack at a block's entry is below 2^Bits.
type Fact struct {
	Depth uint16 // below the top
	Bits  uint16
}

// Write puts a value on the stack at a block's end. At is counted from the top
// at the block's entry, upwards.
type Write struct {
	At    int32
	Value Value
}

// TermKind is how a block ends.
type TermKind uint8

// The ways a block can end. PC is that of Term, Next the block behind this one.
const (
	Fallthrough TermKind = iota // to Next
	Jump                        // to Target
	Branch                      // to Target if Cond holds of X and Y, else to Next
	JumpTo                      // to the JUMPDEST at Dest, a value
	BranchTo                    // to the JUMPDEST at Dest if Cond holds, else to Next
	Halt                        // by Op, with the operands X and Y
)

// Term ends a block.
type Term struct {
	Kind    TermKind
	Op      Op   // condition: LT, SLT or EQ of X and Y, or ISZERO of X; of Halt the opcode
	Negated bool // the condition must not hold
	Dest    Value
	X, Y    Value
	Target  uint32 // bytecode offset of a JUMPDEST, or BadTarget

	// Where Dest can be: nowhere else than at Places[FirstPlace:EndPlace], if there
	// are any.
	FirstPlace, EndPlace uint32

	Next uint32 // bytecode offset of the block behind this one
	PC   uint32 // bytecode offset
}

// BadTarget is the target of a jump to where no JUMPDEST is: the frame halts.
const BadTarget = 1<<32 - 1

// FallsThrough reports whether control can go on behind the block.
func (t *Term) FallsThrough() bool {
	return t.Kind == Fallthrough || t.Kind == Branch || t.Kind == BranchTo
}

// IsDynamic reports whether the block jumps to where a value says.
func (t *Term) IsDynamic() bool { return t.Kind == JumpTo || t.Kind == BranchTo }

// BlockAt returns the index of the block of the JUMPDEST at pc.
func (p *Program) BlockAt(pc uint64) (i int, ok bool) {
	if pc >= uint64(len(p.Dests)) || p.Dests[pc] == 0 {
		return 0, false
	}
	return int(p.Dests[pc] - 1), true
}

// Operands returns the operands of instruction i, that on top of the stack
// first.
func (p *Program) Operands(i int) []Value {
	in := &p.Instrs[i]
	count := int(table[in.Op].Pops)
	if count <= len(in.Args) {
		return in.Args[:count]
	}
	return p.Args[in.Args[0]:][:count]
}

// Pushes reports whether an opcode gives a word.
func (op Op) Pushes() bool { return table[op].Pushes > 0 }
