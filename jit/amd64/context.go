package amd64

import (
	"unsafe"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/word"
)

// operandsMax is the number of operands of the instruction that has most.
const operandsMax = 7

// spillWords is how many values a block can keep in memory at a time.
const spillWords = 64

// Context is what generated code and Go share of one running frame. Generated
// code finds it in RDI and its fields at the offsets below; the trampoline moves
// the registers in and out.
//
// Generated code only reads the pointers in it; so the collector sees all that is
// written to them.
type Context struct {
	exit   uint64  // why generated code left; see Exit
	resume uintptr // where it goes on
	top    uintptr // address of the top word of the EVM stack

	// Gas is what generated code may spend before it leaves: a slice of the
	// gas that the frame has.
	Gas uint64

	registers [savedCount]uint64 // across an exit
	base      *uint256.Int       // top of the empty stack
	routines  unsafe.Pointer     // of package word
	memo      *word.Memo         // for routines
	need      uint64             // see Need
	sign      uint64             // of a dividend, during a division
	target    uint64             // of a jump, while its condition is computed

	memory        *byte
	memoryBytes   uint64
	memoryLoads   uint64 // number of offsets at which a whole word lies in it
	memoryLimit   uint64 // how far it may be grown
	callData      *byte
	callDataBytes uint64
	callDataLoads uint64
	bytecode      *byte
	bytecodeBytes uint64
	returnData    *byte
	returnBytes   uint64

	// Reserve is the gas that the frame has beside the slice, for GAS.
	Reserve uint64

	self, caller *[addressBytes]byte
	value        *uint256.Int

	// shift has room for a word that is shifted, zeros or signs beside it, and a
	// limb of any value that is loaded with them.
	shift [9]uint64

	// operands are those of the instruction that the exit names, in the order
	// of a stack that grows upwards, the last at topOperand. The result goes to
	// where the stack's top is after it.
	operands [topOperand + 2]uint256.Int

	spill [spillWords]uint256.Int
}

const topOperand = operandsMax

// Offsets of the fields for generated code.
const (
	ctxExit          = 0
	ctxResume        = 8
	ctxTop           = 16
	ctxGas           = 24
	ctxRegisters     = 32
	ctxBase          = ctxRegisters + 8*savedCount
	ctxRoutines      = ctxBase + 8
	ctxMemo          = ctxRoutines + 8
	ctxNeed          = ctxMemo + 8
	ctxSign          = ctxNeed + 8
	ctxTarget        = ctxSign + 8
	ctxMemory        = ctxTarget + 8
	ctxMemoryBytes   = ctxMemory + 8
	ctxMemoryLoads   = ctxMemoryBytes + 8
	ctxMemoryLimit   = ctxMemoryLoads + 8
	ctxCallData      = ctxMemoryLimit + 8
	ctxCallDataBytes = ctxCallData + 8
	ctxCallDataLoads = ctxCallDataBytes + 8
	ctxBytecode      = ctxCallDataLoads + 8
	ctxBytecodeBytes = ctxBytecode + 8
	ctxReturnData    = ctxBytecodeBytes + 8
	ctxReturnBytes   = ctxReturnData + 8
	ctxReserve       = ctxReturnBytes + 8
	ctxSelf          = ctxReserve + 8
	ctxCaller        = ctxSelf + 8
	ctxValue         = ctxCaller + 8
	ctxShift         = ctxValue + 8
	ctxOperands      = ctxShift + 9*8
	ctxSpill         = ctxOperands + wordBytes*(topOperand+2)

	wordBytes    = 32
	addressBytes = 20
	savedCount   = 9 // allocatable registers; the trampoline knows them too
)

// NewContext returns a context for the frames of one goroutine that share memo.
func NewContext(memo *word.Memo) *Context {
	return &Context{routines: unsafe.Pointer(word.Routines()), memo: memo}
}

// Init gets the context ready to run code from its start. The stack is empty at
// base, which points to a word that is never used; it grows upwards.
func (ctx *Context) Init(code *Code, base *uint256.Int, callData []byte) {
	ctx.base = base
	ctx.top = uintptr(unsafe.Pointer(base))
	ctx.resume = code.entry
	ctx.callData = unsafe.SliceData(callData)
	ctx.callDataBytes = uint64(len(callData))
	ctx.callDataLoads = loads(callData)
	ctx.SetReturnData(nil)
}

// SetCall tells generated code what ADDRESS, CALLER and CALLVALUE give: it
// reads them there when it needs them. It holds for all runs to come.
func (ctx *Context) SetCall(self, caller *[addressBytes]byte, value *uint256.Int) {
	ctx.self, ctx.caller, ctx.value = self, caller, value
}

// SetBytecode tells generated code what it was made of, for CODECOPY.
func (ctx *Context) SetBytecode(bytecode []byte) {
	ctx.bytecode, ctx.bytecodeBytes = unsafe.SliceData(bytecode), uint64(len(bytecode))
}

// SetReturnData tells generated code what the last call returned; it is nothing
// after Init.
func (ctx *Context) SetReturnData(data []byte) {
	ctx.returnData, ctx.returnBytes = unsafe.SliceData(data), uint64(len(data))
}

// Forget drops all pointers that are for one run, so that a context that is kept for
// the next keeps nothing else.
func (ctx *Context) Forget() {
	ctx.base, ctx.memory, ctx.callData = nil, nil, nil
	ctx.bytecode, ctx.returnData = nil, nil
}

// SetMemory tells generated code the frame's memory. It must be told when the
// memory has grown or moved.
func (ctx *Context) SetMemory(memory []byte) {
	ctx.memory = unsafe.SliceData(memory)
	ctx.memoryBytes = uint64(len(memory))
	ctx.memoryLoads = loads(memory)
	ctx.memoryLimit = 0
}

// AllowGrowth lets generated code grow the memory set last up to limit bytes,
// which it must have capacity for, and charge for it. MemoryBytes tells how long
// it is in the next exit.
func (ctx *Context) AllowGrowth(limit int) { ctx.memoryLimit = uint64(min(limit, offsetMax)) }

// MemoryBytes is the length of the memory.
func (ctx *Context) MemoryBytes() int { return int(ctx.memoryBytes) }

// loads is the number of offsets at which a whole word lies in b.
func loads(b []byte) uint64 { return uint64(max(len(b)-(wordBytes-1), 0)) }

// Top returns the top word of the stack. In an exit it is that of the block's
// entry: nothing is above it.
func (ctx *Context) Top() *uint256.Int { return ctx.word(0) }

// word is the word at a distance from the top of the stack, upwards.
func (ctx *Context) word(distance int) *uint256.Int {
	height := ctx.top - uintptr(unsafe.Pointer(ctx.base))
	return (*uint256.Int)(unsafe.Add(unsafe.Pointer(ctx.base), int(height)+distance*wordBytes))
}

// Need is the gas that generated code needs to go on after ExitGas.
func (ctx *Context) Need() uint64 { return ctx.need }

// Operands returns the last operand of the instruction or halt that the exit
// names. Those before it lie below it, as on a stack; its result goes to where
// the top of that stack is then.
func (ctx *Context) Operands() *uint256.Int { return &ctx.operands[topOperand] }
