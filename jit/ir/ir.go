// Package ir is the front end of every execution tier: the table of opcodes and
// the decoder that turns bytecode into basic blocks of instructions. It knows
// words and gas; it knows no accounts, no calls and no machine.
//
// Everything here takes time and memory linear in the length of the bytecode,
// also for hostile bytecode. A Code may be shared by goroutines once decoded.
package ir

import "github.com/holiman/uint256"

// Fork selects the rules of one Ethereum hard fork.
type Fork uint8

// The forks that the engine runs, oldest first.
const (
	Cancun Fork = iota
	Prague
	Osaka
)

// Packed is one decoded instruction. What N and Arg hold depends on Op; see the
// constants of type Op.
type Packed struct {
	Op  Op
	N   uint16
	Arg uint32
}

// WordSize is the distance in bytes of two words on the stack. Stack distances
// in instructions are in bytes so that the interpreter need not multiply.
const WordSize = 32

// StackMax is the number of words that a stack can hold.
const StackMax = 1024

// Code is decoded bytecode.
//
// A basic block starts with a header of two instructions:
//
//	{Header, lowest start height in bytes, gas of the whole block}
//	{Header, highest minus lowest start height in bytes, instructions to skip}
//
// and ends with a jump, a halt or the header of the block that it falls into.
// Whoever enters a block charges its gas, checks the stack height and goes on
// after the header and the skipped instructions. Each JUMPDEST of a run of them
// has a header of its own that skips those of its successors, so that a run
// costs one step wherever it is entered.
//
// Invariants: a header is followed by at least one instruction; control never
// runs off the end; every jump target is the index of a header. Index 0 is a
// block that halts with an invalid jump: it is the target of all bad jumps.
type Code struct {
	Instrs []Packed
	Words  []uint256.Int // constants of more than 32 bits
	Dests  []uint32      // by bytecode offset: index of the JUMPDEST's header, else 0
}

// HeaderSize is the number of instructions that make a block header.
const HeaderSize = 2

// Entry is the index of the header of the first block.
const Entry = HeaderSize + 1

// SizeBytes is the memory that the code holds on to.
func (c *Code) SizeBytes() int {
	return 8*cap(c.Instrs) + WordSize*cap(c.Words) + 4*cap(c.Dests)
}

// Clone returns a copy that is just as large as it must be.
func (c *Code) Clone() *Code {
	return &Code{
		Instrs: append(make([]Packed, 0, len(c.Instrs)), c.Instrs...),
		Words:  append(make([]uint256.Int, 0, len(c.Words)), c.Words...),
		Dests:  append(make([]uint32, 0, len(c.Dests)), c.Dests...),
	}
}
