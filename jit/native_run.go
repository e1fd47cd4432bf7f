package jit

import (
	"github.com/redline-evm/redline/jit/amd64"
	"github.com/redline-evm/redline/jit/ir"
)

// gasSliceDefault is how much gas generated code gets at a time. While it runs,
// the scheduler cannot preempt the goroutine and nobody can cancel the call; so
// much gas takes some microseconds.
const gasSliceDefault = 100_000

// SetGasSlice sets how much gas generated code gets at a time, at least 1. It is
// for tests, which find all ways out of generated code and back with small slices.
func (v *EVM) SetGasSlice(gas uint64) { v.gasSlice = max(gas, 1) }

// nativeFrame is what a frame needs for generated code.
type nativeFrame struct {
	running bool           // the frame's code is generated code
	context *amd64.Context // nil until then
	instr   instr          // the instruction that a handler runs
}

// forget drops what the last call has left behind.
func (n *nativeFrame) forget() {
	if n.context != nil {
		n.context.Forget()
	}
}

// runCode runs the frame's code on the best tier that has it.
func (f *frame) runCode() Halt {
	native := f.evm.check.admit(f.code.native.Load(), f.code, f.bytecode)
	f.native.running = native != nil
	if native != nil {
		return f.runNative(native)
	}
	if f.code.hot != nil {
		return f.runCounted()
	}
	return f.run()
}

// runNative is run for generated code: it enters it, does what it leaves to Go,
// and enters it again.
//
// While generated code runs, the frame's gas is in two parts: the slice in the
// context, and the rest in f.gas, which the context is told. Handlers find all of
// it in f.gas.
func (f *frame) runNative(n *nativeCode) Halt {
	if f.native.context == nil {
		f.native.context = amd64.NewContext(&f.evm.memo)
		f.native.context.SetCall((*[20]byte)(&f.self), (*[20]byte)(&f.caller), &f.value)
	}
	ctx := f.native.context
	ctx.Init(n.code, f.base, f.input)
	ctx.SetBytecode(f.bytecode)
	f.tellMemory()
	slice := f.evm.gasSlice
	for {
		ctx.Gas = min(f.gas, slice)
		f.gas -= ctx.Gas
		ctx.Reserve = f.gas
		exit := n.code.Run(ctx)
		f.gas += ctx.Gas
		f.mem.grown(ctx.MemoryBytes())
		switch exit.Kind {
		case amd64.ExitInstr:
			in := &n.program.Instrs[exit.Index]
			sp := ctx.Operands()
			switch in.Op { // without the detour where it would show
			case ir.SLOAD:
				if f.evm.state.Storage(&f.self, sp, sp) && !f.charge(gasColdSlot) {
					return OutOfGas
				}
			case ir.SSTORE:
				if halt := f.store(sp, below(sp, 1), uint64(in.Rest)); halt != Success {
					return halt
				}
			default:
				if !f.runHandler(in.Op, in.Rest) {
					return f.halt
				}
				if len(f.mem.bytes) != ctx.MemoryBytes() {
					f.tellMemory()
				}
			}
		case amd64.ExitGas:
			if f.gas < ctx.Need() {
				return OutOfGas
			}
			slice = max(f.evm.gasSlice, ctx.Need())
		case amd64.ExitStack:
			return f.nativeStackHalt(&n.program.Blocks[exit.Index])
		case amd64.ExitBadJump:
			return InvalidJump
		case amd64.ExitHalt:
			op := n.program.Blocks[exit.Index].Term.Op
			if op == ir.STOP {
				return Success
			}
			f.runHandler(op, 0)
			return f.halt
		}
		if f.evm.cancelled.Load() {
			return Cancelled
		}
	}
}

// tellMemory tells generated code of the frame's memory, which moves only when it
// grows.
func (f *frame) tellMemory() {
	f.native.context.SetMemory(f.mem.bytes)
	f.native.context.AllowGrowth(cap(f.mem.bytes))
}

// runHandler runs the handler of an opcode with the operands in the context and
// leaves its result there; rest is the gas of the rest of the block. It reports
// false when the frame has ended.
func (f *frame) runHandler(op ir.Op, rest uint32) bool {
	in := &f.native.instr
	in.opcode, in.arg = byte(op), rest
	ctx := f.native.context
	goesOn := handlers[op](f, in, ctx.Operands()) != nil
	ctx.SetReturnData(f.returnData)
	return goesOn
}

// nativeStackHalt names what is wrong with the height at which a block was
// entered.
func (f *frame) nativeStackHalt(block *ir.Block) Halt {
	height := heightLimbs(f.native.context.Top(), f.base)
	return stackHalt(height, &instr{a: int16(block.Need) * limbs})
}

// protect makes the stacks of callees start above the frame's words, of which
// those of the running instruction lie at sp; those of generated code lie in its
// context.
func (f *frame) protect(sp *word) {
	if f.native.running {
		sp = f.native.context.Top()
	}
	f.evm.stacks.protect(sp)
}
