package ir

import (
	"math/bits"
	"slices"
	"unsafe"

	"github.com/redline-evm/redline/internal/invariants"
)

// Bounds of a block; longer stretches are cut. They keep all that is counted in
// a block within the fields that hold it.
const (
	blockGasMax = 1 << 30
	blockReach  = 48 // words below the start that are read, or values on the symbolic stack
	opcodeReach = 17 // what the last opcode may reach in addition
	HeightMax   = blockReach + opcodeReach
	_           = uint(StackMax - 2*HeightMax) // Need and Peak never rule each other out
)

// Builder turns bytecode into Programs. It keeps its memory for the next use.
type Builder struct {
	code  []byte
	fork  Fork
	dests []uint64 // by bytecode offset: a bit for each JUMPDEST
	out   Program

	block  Block // the one being built
	stack  symbolicStack
	lowest int  // lowest height that an opcode of the block reached down to
	sees   bool // one of its instructions sees gas
	used   []bool
	moved  []Value
	folder folder

	flow     flow
	state    *stackState // of the block, where it is known
	replaced []Value     // what the instructions of the block before a pass have become
	loop     loopBuilder
}

// Build builds the whole program of code by the rules of fork. The result
// belongs to the builder and is valid until the next.
func (b *Builder) Build(code []byte, fork Fork) *Program {
	b.Start(code, fork)
	b.out.Dests = slices.Grow(b.out.Dests[:0], len(code))[:len(code)]
	clear(b.out.Dests)
	b.buildChain(0)
	for i, rest := range b.dests {
		for ; rest != 0; rest &= rest - 1 {
			if pc := 64*i + bits.TrailingZeros64(rest); b.out.Dests[pc] == 0 {
				b.buildChain(pc)
			}
		}
	}
	if invariants.Enabled {
		if err := b.out.Check(); err != nil {
			panic(err)
		}
	}
	return &b.out
}

// Start prepares for the chains of code.
func (b *Builder) Start(code []byte, fork Fork) {
	b.code, b.fork = code, fork
	b.out.Dests = b.out.Dests[:0]
	b.reset()
	b.findDests()
}

// SizeBytes is the memory that the builder holds on to.
func (b *Builder) SizeBytes() int {
	return int(unsafe.Sizeof(*b)) + b.out.SizeBytes() + 8*cap(b.dests) + 5*cap(b.used) + b.flow.sizeBytes()
}

func (b *Builder) reset() {
	b.out.Blocks = b.out.Blocks[:0]
	b.out.Instrs = b.out.Instrs[:0]
	b.out.Args = b.out.Args[:0]
	b.out.Writes = b.out.Writes[:0]
	b.out.Facts = b.out.Facts[:0]
	b.out.Places = b.out.Places[:0]
	b.out.Consts = b.out.Consts[:0]
	b.out.Loops = b.out.Loops[:0]
	b.out.Exits = b.out.Exits[:0]
	b.out.Guards = b.out.Guards[:0]
}

// findDests marks the JUMPDESTs.
func (b *Builder) findDests() {
	words := len(b.code)/64 + 1
	b.dests = slices.Grow(b.dests[:0], words)[:words]
	clear(b.dests)
	for pc := 0; pc < len(b.code); pc++ {
		switch op := Op(b.code[pc]); {
		case op < JUMPDEST || op > PUSH32: // most
		case op == JUMPDEST:
			b.dests[pc/64] |= 1 << (pc % 64)
		default:
			pc += PushSize(byte(op))
		}
	}
}

// IsDest reports whether a JUMPDEST is at pc.
func (b *Builder) IsDest(pc uint64) bool {
	return pc < uint64(len(b.code)) && b.dests[pc/64]>>(pc%64)&1 != 0
}

// Chain builds a block and those that control falls into from there, up to the
// next JUMPDEST, as a program without Dests. It belongs to the builder and is
// valid until the next.
func (b *Builder) Chain(pc int) *Program {
	b.reset()
	b.buildChain(pc)
	return &b.out
}

func (b *Builder) buildChain(pc int) {
	for {
		b.buildBlock(pc)
		last := &b.out.Blocks[len(b.out.Blocks)-1]
		if len(b.out.Dests) > 0 && b.IsDest(uint64(pc)) {
			b.out.Dests[pc] = uint32(len(b.out.Blocks))
		}
		if !last.Term.FallsThrough() {
			return
		}
		pc = int(last.Term.Next)
		if len(b.out.Dests) == 0 && b.IsDest(uint64(pc)) {
			return
		}
	}
}

// buildBlock builds the block at pc.
func (b *Builder) buildBlock(pc int) {
	start := uint32(len(b.out.Instrs))
	b.block = Block{PC: uint32(pc), First: start, FirstWrite: uint32(len(b.out.Writes))}
	b.stack.reset()
	b.lowest, b.sees = 0, false
	next := pc
	for open := true; open; {
		switch {
		case next >= len(b.code):
			b.halt(STOP, next)
			open = false
		case next > pc && Op(b.code[next]) == JUMPDEST:
			b.fallThrough(next)
			open = false
		default:
			open = b.opcode(next)
			next += 1 + PushSize(b.code[next])
			open = open && !b.cut(next)
		}
	}
	b.finish()
}

// cut ends a block that is at one of its bounds.
func (b *Builder) cut(next int) bool {
	if b.block.Gas < blockGasMax && b.stack.size() <= blockReach && -b.lowest <= blockReach {
		return false
	}
	b.fallThrough(next)
	return true
}

func (b *Builder) fallThrough(next int) {
	b.block.Term = newTerm(Fallthrough, next)
	b.block.Term.Next = uint32(next)
}

// newTerm returns a terminator without values.
func newTerm(kind TermKind, pc int) Term {
	return Term{Kind: kind, Dest: NoValue, X: NoValue, Y: NoValue, PC: uint32(pc)}
}

// opcode builds the opcode at pc; false if it ends the block.
func (b *Builder) opcode(pc int) bool {
	op := Op(b.code[pc])
	info, ok := Lookup(byte(op), b.fork)
	if !ok {
		b.halt(INVALID, pc)
		return false
	}
	b.count(info)
	switch {
	case op == JUMPDEST:
	case op >= PUSH0 && op <= PUSH32:
		b.push(pc, PushSize(byte(op)))
	case op >= DUP1 && op <= DUP16:
		b.stack.push(b.stack.at(int(op - DUP1)))
	case op >= SWAP1 && op <= SWAP16:
		b.stack.swap(int(op-SWAP1) + 1)
	case op == POP:
		b.stack.pop()
	case op == PC:
		b.stack.push(b.small(pc))
	case op == CODESIZE:
		b.stack.push(b.small(len(b.code)))
	case op == JUMP:
		b.jump(pc)
		return false
	case op == JUMPI:
		b.branch(pc)
		return false
	case info.Props.Halts():
		b.halt(op, pc)
		return false
	default:
		b.operation(op, info, pc)
	}
	return true
}

// count adds the opcode to the block's gas and heights.
func (b *Builder) count(info *Info) {
	b.block.Gas += uint32(info.Gas)
	height := b.stack.height()
	b.lowest = min(b.lowest, height-int(info.Pops))
	height += int(info.Pushes) - int(info.Pops)
	b.block.Peak = max(b.block.Peak, uint16(max(height, 0)))
}

// halt ends the block by op.
func (b *Builder) halt(op Op, pc int) {
	b.block.Term = newTerm(Halt, pc)
	b.block.Term.Op = op
	if table[op].Pops > 0 {
		b.block.Term.X = b.stack.pop()
	}
	if table[op].Pops > 1 {
		b.block.Term.Y = b.stack.pop()
	}
}

// operation makes the instruction of an opcode that stays one.
func (b *Builder) operation(op Op, info *Info, pc int) {
	in := Instr{Op: op, Bits: resultBits[op], Args: [3]Value{NoValue, NoValue, NoValue}, PC: uint32(pc)}
	if info.Props.SeesGas() {
		in.Rest = b.block.Gas // finish turns it around
		b.sees = true
	}
	if count := int(info.Pops); count <= len(in.Args) {
		for i := range count {
			in.Args[i] = b.stack.pop()
		}
	} else {
		in.Args[0] = Value(len(b.out.Args))
		for range count {
			b.out.Args = append(b.out.Args, b.stack.pop())
		}
	}
	if info.Pushes == 0 {
		b.out.Instrs = append(b.out.Instrs, in)
		return
	}
	b.stack.push(b.simplify(&in))
}

// emit appends an instruction and returns its result.
func (b *Builder) emit(in *Instr) Value {
	b.out.Instrs = append(b.out.Instrs, *in)
	return Result(len(b.out.Instrs) - 1)
}

// finish completes the block.
func (b *Builder) finish() {
	block := &b.block
	block.Need = uint16(-b.lowest)
	block.Height = int16(b.stack.height())
	if block.Term.Kind != Halt { // then nobody sees the stack any more
		b.out.Writes = b.stack.appendWrites(b.out.Writes)
	}
	block.EndWrite = uint32(len(b.out.Writes))
	if b.sees {
		for i := block.First; i < uint32(len(b.out.Instrs)); i++ {
			if in := &b.out.Instrs[i]; table[in.Op].Props.SeesGas() {
				in.Rest = block.Gas - in.Rest
			}
		}
	}
	b.dropDead()
	block.End = uint32(len(b.out.Instrs))
	b.out.Blocks = append(b.out.Blocks, *block)
}
