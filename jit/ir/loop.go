package ir

// A Loop is one round of a loop as straight-line code: from the JUMPDEST at its
// head along one way through the blocks back to there, with the stack as high as
// before. The symbolic stack goes on from block to block, so that words put on the
// stack in one and taken off in another vanish, jumps to places that the round
// itself has pushed among them. Where the code can go another way, the round has
// a side exit: an instruction JUMPI with the operands of the condition under which
// it leaves. For example
//
//	JUMPDEST DUP3 ISZERO PUSH1 0x17 JUMPI
//	DUP2 DUP2 ADD SWAP2 POP SWAP1 SWAP2 PUSH1 1 SWAP1 SUB SWAP2 PUSH1 5 JUMP
//
// at 0x5 is the loop
//
//	loop 0x5 gas 55 need 3 peak 3
//	  guard s2 bits 62
//	  count s2 step -1 to 0x0
//	  v4 = ADD s1 s0 at 0xd
//	  s1 = s0
//	  s0 = v4
//
// Widths. Words that the round only counts, or uses as offsets, are mostly small
// though nothing in the code says so. The loop assumes that and its guards say
// what must be checked before its first round; what a round makes of them
// is then known to be small again, or checked by a side exit at its end.
//
// Gas. The head charges Gas, each side exit that stays Charge, and one that leaves
// gives Back. All of a round is charged at its head if nothing in it sees gas or
// charges more; else no more than up to the next side exit behind what does.
//
// Counting. If a side exit compares a word that each round increases or decreases
// by a constant, and nothing else in the round needs gas or Go, then Count says
// how many rounds there are before that exit leaves; it is left out of the round,
// which is to be run at most so often.
//
// Sums. If the round of a counted loop does nothing but add words and constants,
// and take constants off, Sums says so: whoever runs it may carry late.
//
// Whoever enters a loop checks its guards and that Need words are on the stack and
// that it can grow by Peak. At the end of a round all writes happen at the same
// time.
type Loop struct {
	Block      // Gas is charged at the head; Height is 0, and Term jumps to the head
	FirstGuard uint32
	EndGuard   uint32 // Guards[FirstGuard:EndGuard] are its guards
	Count      Count
	Sums       bool // rounds are counted, and each instruction is an ADD, or a SUB of a constant
}

// SideExit is where a round can leave. The instruction JUMPI with its index as
// third operand has the operands of the condition.
type SideExit struct {
	Op         Op     // LT, SLT, EQ or ISZERO
	Negated    bool   // it leaves if the condition does not hold
	Height     int16  // by how many words the stack has grown when it leaves
	Target     uint32 // block to which it leaves, by index
	Stay       uint32 // block with which the round goes on
	Back       uint32 // gas that is charged and lies behind
	Charge     uint32 // gas to charge for going on
	FirstWrite uint32 // Writes[FirstWrite:EndWrite] happen when it leaves,
	EndWrite   uint32 // or stays without the gas for that
}

// Guard is what a loop takes for granted of a word on the stack, at the start of
// each round.
type Guard struct {
	Depth   uint16 // below the top
	Bits    uint16 // the word is below 2^Bits
	NonZero bool   // it is not zero; only where Bits is at most 64
}

// Count says how many rounds a loop has before the side exit that was left out
// leaves: a word that starts as i and steps by Step is compared with Bound before
// or After the step, and the rounds go on until it is there, or behind it if
// Inclusive. Step 0: no exit was left out. Word and bound have guards.
type Count struct {
	Step      int32
	Depth     uint16 // of the word
	After     bool
	Inclusive bool
	Dropped   bool  // nothing in the round uses the word; it must be brought up to date when the loop is left
	Bound     Value // a constant or an entry slot that does not change
}

// SideExit returns the side exit of instruction i, a JUMPI.
func (p *Program) SideExit(i int) *SideExit { return &p.Exits[p.Instrs[i].Args[2]] }

// Bounds of loops. They keep the time for all loops of a program linear in the
// length of its bytecode.
const (
	loopBlocksMax  = 32  // blocks of a way
	loopInstrsMax  = 256 // instructions of a round
	loopWaysMax    = 8   // ways that are tried
	loopWork       = 4   // instructions and blocks that are tried, for each byte of bytecode
	loopWorkBase   = 1 << 10
	loopWidthTries = 6
	narrowBits     = 62 // width that small words are assumed to have: sums of a few still fit in 64 bits
)
