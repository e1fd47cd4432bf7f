package amd64

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"github.com/redline-evm/redline/jit/ir"
)

// The block compiler makes machine code of each basic block by itself, in one
// pass. Between blocks all words lie on the EVM stack in memory. Inside a block
// a word that was computed lives in registers, one for each limb that it can
// have; words that lay on the stack and constants are operands where they are.
// At the block's end the words that changed are stored.
//
//	register       holds
//	RDI            the context
//	R12            address of the top word at the block's entry
//	R15            gas left of the slice
//	RAX, RCX, RDX  nothing between two instructions
//	the other nine limbs of words
//
// All loads and stores of words are of 8 bytes: a wider load over narrower
// stores just made would wait for them.
//
// Code that is seldom run (exits, and the slow ways of instructions) lies behind
// that of all blocks.

// ErrTooLarge says that the machine code would be larger than the limits allow;
// bytecode that does this to the compiler stays with the interpreter.
var ErrTooLarge = errors.New("machine code is too large")

// Limits bound what a compilation makes.
type Limits struct {
	BytesPerByte int // of machine code, for each byte of bytecode
}

// limitBase is allowed whatever the length of the bytecode.
const limitBase = 1 << 10

// Compiler compiles programs. It keeps its memory for the next.
type Compiler struct {
	memory   *Memory
	asm      assembler
	program  *ir.Program
	block    *ir.Block // that is being compiled
	blocks   []blockLabels
	stubs    []stub
	operands []operand // of the stubs
	gasExit  label
	grow     label // routine
	jumps    label // the table of dynamic jumps
	dynamic  bool  // there is one

	alloc allocator
	moves mover
	known bounds
	loop  loopState
	sums  sumLoop

	vectors bool // AVX-512 may be used

	memoryKnown uint64 // bytes of memory that are there for sure
}

// Code is machine code for a program. It may be run by many goroutines, each
// with a context of its own. Its memory is freed when it is unreachable.
type Code struct {
	entry uintptr
	bytes []byte
}

// SizeBytes is the size of the machine code.
func (c *Code) SizeBytes() int { return len(c.bytes) }

// blockLabels are the entries of a block's code.
type blockLabels struct {
	entry   label // nothing is done yet
	checked label // the stack's height is known to be good
	run     label // nothing is done, and RAX is the gas to charge; only behind an empty block
	body    label // the height is good and gas is charged
	loop    label // jumps back go here; noLoop if that is to the block itself
	gas     uint64
}

const noLoop = -1

// NewCompiler returns a compiler that installs code in memory.
func NewCompiler(memory *Memory) *Compiler { return &Compiler{memory: memory, vectors: hasVectors} }

// Compile compiles a program. It takes time linear in the program's size.
func (c *Compiler) Compile(program *ir.Program, limits Limits) (*Code, error) {
	c.reset(program)
	limit := limitBase + limits.BytesPerByte*len(program.Dests)
	c.reserveJumps()
	for i := range program.Blocks {
		if err := c.compileBlock(i); err != nil {
			return nil, err
		}
		if size := len(c.asm.code); size > limit {
			return nil, fmt.Errorf("%w: %d bytes for %d of bytecode", ErrTooLarge, size, len(program.Dests))
		}
	}
	c.emitStubs()
	if size := len(c.asm.code); size > limit {
		return nil, fmt.Errorf("%w: %d bytes for %d of bytecode", ErrTooLarge, size, len(program.Dests))
	}
	c.compileLoops(limit)
	c.emitGasExit()
	c.emitGrow()
	c.asm.resolve()
	c.fillJumps()
	return c.install()
}

func (c *Compiler) install() (*Code, error) {
	p, err := c.memory.install(c.asm.code)
	if err != nil {
		return nil, err
	}
	code := &Code{bytes: p.code}
	code.entry = uintptr(unsafe.Pointer(&p.code[c.asm.labels[c.blocks[0].entry]]))
	freeWith(code, p)
	return code, nil
}

func (c *Compiler) reset(program *ir.Program) {
	c.asm.reset()
	c.program = program
	c.dropStubs()
	c.dynamic = false
	c.known, c.memoryKnown = bounds{}, 0
	if cap(c.blocks) < len(program.Blocks) {
		c.blocks = make([]blockLabels, len(program.Blocks))
	}
	c.blocks = c.blocks[:len(program.Blocks)]
	for i := len(c.blocks) - 1; i >= 0; i-- {
		b, labels := &program.Blocks[i], &c.blocks[i]
		*labels = blockLabels{entry: c.asm.newLabel(), loop: noLoop, gas: uint64(b.Gas)}
		if empty(b) {
			labels.run = c.blocks[i+1].run
			labels.gas += c.blocks[i+1].gas
		} else {
			labels.checked, labels.run, labels.body = c.asm.newLabel(), c.asm.newLabel(), c.asm.newLabel()
		}
		c.dynamic = c.dynamic || b.Term.IsDynamic() && b.Term.FirstPlace == b.Term.EndPlace
	}
	for i := range program.Loops {
		head, _ := program.BlockAt(uint64(program.Loops[i].PC))
		c.blocks[head].loop = c.asm.newLabel()
	}
	c.gasExit, c.grow = c.asm.newLabel(), c.asm.newLabel()
}

// empty reports whether the block does nothing but cost gas: one of a run of
// JUMPDESTs. It charges for the whole run at once, and goes on behind it.
func empty(b *ir.Block) bool {
	return b.First == b.End && b.FirstWrite == b.EndWrite && b.Need == 0 && b.Peak == 0 && b.Term.Kind == ir.Fallthrough
}

func (c *Compiler) compileBlock(i int) error {
	b := &c.program.Blocks[i]
	c.block = b
	labels := &c.blocks[i]
	if empty(b) {
		c.asm.bind(labels.entry)
		c.asm.movI(rax, labels.gas)
		c.asm.jmp(labels.run)
		return nil
	}
	if _, target := c.program.BlockAt(uint64(b.PC)); target {
		c.known, c.memoryKnown = bounds{}, 0
	}
	if i > 0 && empty(&c.program.Blocks[i-1]) {
		c.chargeRun(i)
	}
	c.asm.bind(labels.entry)
	c.checkStack(i)
	c.asm.bind(labels.checked)
	c.chargeGas(labels)
	c.asm.bind(labels.body)
	c.known = c.known.after(b)
	c.alloc.begin(c.program, b)
	for j := int(b.First); j < int(b.End); j++ {
		c.lower(j)
		c.alloc.expire(j)
		if c.alloc.overflow {
			return fmt.Errorf("%w: too many values in a block", ErrTooLarge)
		}
	}
	c.terminate(i)
	return nil
}

// chargeGas charges what a block costs, or leaves with the gas as it was and
// comes back to the block's entry.
func (c *Compiler) chargeGas(labels *blockLabels) {
	if labels.gas == 0 {
		return
	}
	if labels.gas <= 1<<31-1 {
		c.asm.aluI(sub, r15, int32(labels.gas))
	} else {
		c.asm.movI(rax, labels.gas)
		c.asm.alu(sub, r15, rax)
	}
	c.asm.jcc(ifBelow, c.addStub(stub{kind: stubGas, resume: labels.entry, gas: labels.gas}))
}

// chargeRun charges what a run of empty blocks costs together with the block
// behind it, block i, and goes to that.
func (c *Compiler) chargeRun(i int) {
	labels := &c.blocks[i]
	resume, short := c.asm.newLabel(), c.asm.newLabel()
	c.asm.bind(labels.run)
	c.asm.alu(sub, r15, rax)
	c.asm.jccShort(ifBelow, short)
	c.checkStack(i)
	c.asm.jmp(labels.body)
	c.asm.bind(short)
	c.asm.leaLabel(rcx, resume)
	c.asm.jmp(c.gasExit)
	c.asm.bind(resume)
	c.asm.load(rax, at(rdi, ctxNeed))
	c.asm.jmp(labels.run)
}

// emitGasExit emits the way out for all that lack gas: RAX is how much they
// charged and RCX where they go on.
func (c *Compiler) emitGasExit() {
	c.asm.bind(c.gasExit)
	c.asm.alu(add, r15, rax)
	c.asm.store(at(rdi, ctxNeed), rax)
	c.asm.mov(rax, rcx)
	c.asm.movI(rcx, exitWord(ExitGas, 0))
	c.asm.ret()
}

// bounds is what is known of the stack's height: at least low words are on it,
// and it can grow by at least room.
type bounds struct{ low, room int }

// cover reports whether the height is good for block b.
func (k bounds) cover(b *ir.Block) bool { return int(b.Need) <= k.low && int(b.Peak) <= k.room }

// after is what is known at the end of b, at whose start k is known and which
// has been checked.
func (k bounds) after(b *ir.Block) bounds {
	return bounds{
		low:  max(int(b.Need), k.low) + int(b.Height),
		room: max(int(b.Peak), k.room) - int(b.Height),
	}
}

// checkStack leaves if the stack is too low or too high for block i, unless it
// is known not to be.
func (c *Compiler) checkStack(i int) {
	b := &c.program.Blocks[i]
	if c.known.cover(b) {
		return
	}
	c.compareHeight(b)
	c.asm.jcc(ifAbove, c.addStub(stub{kind: stubExit, exit: exitWord(ExitStack, i), resume: c.blocks[i].entry}))
}

// compareHeight compares the stack's height with what is good for b: above, it is
// not.
func (c *Compiler) compareHeight(b *ir.Block) {
	c.asm.mov(rax, r12)
	c.asm.aluM(sub, rax, at(rdi, ctxBase))
	if b.Need > 0 {
		c.asm.aluI(sub, rax, int32(b.Need)*wordBytes)
	}
	c.asm.aluI(cmp, rax, (ir.StackMax-int32(b.Peak)-int32(b.Need))*wordBytes)
}

// entry is where to go for block i from here: past its check of the stack if it
// must succeed.
func (c *Compiler) entry(i int) label {
	b := &c.program.Blocks[i]
	if c.known.cover(b) && !empty(b) {
		return c.blocks[i].checked
	}
	return c.blocks[i].entry
}

// reserveJumps makes room for the table of dynamic jumps: for each offset in the
// bytecode, how far behind the table the code of its JUMPDEST lies, or 0.
func (c *Compiler) reserveJumps() {
	if !c.dynamic {
		return
	}
	c.jumps = c.asm.here()
	c.asm.zeros(jumpBytes * len(c.program.Dests))
	c.asm.align(codeAlignment)
}

const jumpBytes = 4

func (c *Compiler) fillJumps() {
	if !c.dynamic {
		return
	}
	start := c.asm.labels[c.jumps]
	for pc, dest := range c.program.Dests {
		if dest != 0 {
			distance := c.asm.labels[c.blocks[dest-1].entry] - start
			binary.LittleEndian.PutUint32(c.asm.code[int(start)+jumpBytes*pc:], uint32(distance))
		}
	}
}
