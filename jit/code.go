package jit

import (
	"sync/atomic"
	"unsafe"

	"github.com/redline-evm/redline/jit/ir"
)

// instr is one instruction of the interpreter. It reads and writes words at
// places: distances in limbs of 8 bytes from the stack pointer, which moves only
// at a block's end. Places of up to ir.HeightMax words on both sides are the
// stack; those above what the block can make of it are temporaries.
type instr struct {
	op        arm
	opcode    byte  // of armHost
	dst, a, b int16 // places of the result and the operands
	arg       uint32
	to        uint32
}

const _ = uint(16 - unsafe.Sizeof(instr{}))

// limbs is the distance of two words in places.
const limbs = ir.WordSize / 8

// temporariesMax bounds the words above a block's peak: no more values are alive
// than the symbolic stack holds, before and after, and than an opcode takes.
const temporariesMax = 2*ir.HeightMax + 32

// operandsMax is the number of operands that an opcode takes at most.
const operandsMax = 7

const _ = uint(1<<15 - 1 - limbs*(ir.HeightMax+temporariesMax)) // places fit

// code is what the interpreter runs. It is made of blocks: a header
//
//	{armHeader, a: lowest height in limbs, b: how much higher it may be, arg: gas of the block, to: instructions to skip}
//
// and instructions, of which the last jumps, halts or falls into a header. Each
// JUMPDEST of a run has a header of its own that skips those behind it, so that a
// run costs one step wherever it is entered.
//
// Invariants: control never runs off the end; every target is the index of a
// header. Index 0 is a block that halts with an invalid jump.
type code struct {
	instrs []instr
	words  []word   // constants of more than 32 bits
	dests  []uint32 // by bytecode offset: index of the JUMPDEST's header, else 0

	native atomic.Pointer[nativeCode] // of the same bytecode; nil: there is none
	hot    *hotness                   // nil: it never gets hot
}

// entry is the index of the header of the first block, behind that of bad jumps.
const entry = 2

// sizeBytes is the memory that the code holds on to.
func (c *code) sizeBytes() int {
	return int(unsafe.Sizeof(instr{}))*cap(c.instrs) + ir.WordSize*cap(c.words) + 4*cap(c.dests) + c.native.Load().sizeBytes()
}

// clone returns a copy that is just as large as it must be.
func (c *code) clone() *code {
	return &code{
		instrs: append(make([]instr, 0, len(c.instrs)), c.instrs...),
		words:  append(make([]word, 0, len(c.words)), c.words...),
		dests:  append(make([]uint32, 0, len(c.dests)), c.dests...),
	}
}

// arm is what an instruction does: it names the arm of the interpreter for it.
type arm uint8

// In the comments, a, b and dst are the words at these places.
const (
	armHost   arm = iota // run the handler of opcode with operands from a down; dst = its result
	armHeader            // see code
	armBadJump

	armMove    // dst = a
	armSwap    // exchange a and b
	armSet     // dst = arg
	armSetWide // dst = words[arg]

	armAdd
	armSub
	armMul
	armDiv
	armSdiv
	armMod
	armSmod
	armAddMod // of a, b and the word at place to
	armMulMod // likewise
	armSignExtend
	armLt
	armSlt
	armEq
	armIsZero
	armAnd
	armOr
	armXor
	armNot
	armByte
	armShl // dst = b << a
	armShr
	armSar

	armAddImm  // dst = a + arg
	armSubImm  // dst = a - arg
	armSubFrom // dst = arg - a
	armAndImm
	armEqImm
	armLtImm // dst = a < arg
	armGtImm // dst = a > arg
	armShlImm
	armShrImm
	armSarImm
	armByteImm
	armSignExtendImm
	armAddWide // dst = a + words[arg]
	armAndWide
	armOrWide

	armMload    // dst = memory at a
	armMloadImm // dst = memory at arg
	armMstore   // memory at a = b
	armMstoreImm
	armMstore8
	armKeccak256 // dst = hash of b bytes of memory at a
	armCallDataLoad
	armCallDataLoadImm
	armCallDataSize
	armCallValue
	armCaller
	armGasLeft // arg: gas of the rest of the block
	armSload
	armSstore // arg: gas of the rest of the block

	// These end a block. The stack pointer moves by dst. One without a comment is the
	// opposite of that before it.
	armFall     // into the header behind
	armJump     // to the header at to
	armMoveJump // a = b before that
	armJumpTo   // to the JUMPDEST at a
	armJumpIf   // to the header at to if a is not zero, else into that behind
	armJumpIfZero
	armJumpIfLt // a < b
	armJumpIfGe
	armJumpIfSlt // a < b, signed
	armJumpIfSge
	armJumpIfEq // a == b
	armJumpIfNe
	armJumpIfLtImm // a < arg
	armJumpIfGeImm
	armJumpIfGtImm // a > arg
	armJumpIfLeImm
	armJumpIfEqImm // a == arg
	armJumpIfNeImm
	armsEnd
)

// skip returns the instruction that comes count behind in.
func skip(in *instr, count uint32) *instr {
	return (*instr)(unsafe.Add(unsafe.Pointer(in), uintptr(count)*unsafe.Sizeof(instr{})))
}

// at returns the word at a place.
func at(sp *word, place int16) *word {
	return (*word)(unsafe.Add(unsafe.Pointer(sp), int(place)*8))
}
