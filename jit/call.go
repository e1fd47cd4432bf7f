package jit

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
)

// depthMax is the number of frames that may be open when another is begun.
const depthMax = 1024

// callKind tells the four calls of the EVM apart.
type callKind uint8

const (
	plainCall callKind = iota
	callCode
	delegateCall
	staticCall
)

// call is what a call needs to know.
type call struct {
	kind   callKind
	static bool
	caller common.Address
	self   common.Address // whose storage and balance
	code   common.Address // whose code
	value  word           // seen by the callee; moved by a plainCall
	input  []byte
	gas    uint64

	// Set by resolve.
	target     common.Address         // to whose code the account delegates, if it does
	precompile vm.PrecompiledContract // or nil
	bytecode   []byte
	hash       common.Hash // of bytecode
}

// outcome is how a call or create ended; its output is left in the EVM. It is
// small enough to be returned in registers.
type outcome struct {
	halt Halt
	gas  uint64
}

// call runs a resolved call. Whatever it changed is undone unless it succeeds.
func (v *EVM) call(c *call) outcome {
	v.output = nil
	if v.depth > depthMax {
		return outcome{halt: CallDepth, gas: c.gas}
	}
	if c.kind <= callCode && !v.canPay(&c.caller, &c.value) {
		return outcome{halt: InsufficientBalance, gas: c.gas}
	}
	checkpoint, refund := v.state.Checkpoint(), v.refund
	if c.kind == plainCall {
		v.state.Transfer(&c.caller, &c.self, &c.value)
	}
	out := v.execute(c)
	if out.halt != Success {
		v.state.Revert(checkpoint)
		v.refund = refund
	}
	return out
}

// canPay reports whether the account owns the amount.
func (v *EVM) canPay(addr *common.Address, amount *word) bool {
	if amount.IsZero() {
		return true
	}
	balance := &v.nextFrame().scratch
	v.state.Balance(addr, balance)
	return !balance.Lt(amount)
}

// resolve finds what the call runs. If the account delegates (EIP-7702), that is
// the code of the target.
func (v *EVM) resolve(c *call) (delegated bool) {
	if c.precompile = v.precompileAt(&c.code); c.precompile != nil {
		return false
	}
	c.bytecode, c.hash = v.state.Code(&c.code)
	if v.block.Fork < Prague || len(c.bytecode) == 0 || c.bytecode[0] != types.DelegationPrefix[0] {
		return false
	}
	c.target, delegated = types.ParseDelegation(c.bytecode)
	if delegated {
		c.bytecode, c.hash = v.state.Code(&c.target)
	}
	return delegated
}

// execute runs a resolved call.
func (v *EVM) execute(c *call) outcome {
	if c.precompile != nil {
		return v.runPrecompile(c)
	}
	if len(c.bytecode) == 0 {
		return outcome{gas: c.gas}
	}
	f := v.nextFrame()
	f.code = v.codeOf(c.bytecode, &c.hash)
	f.bytecode = c.bytecode
	copyAddress(&f.self, &c.self)
	copyAddress(&f.caller, &c.caller)
	f.static = c.static
	f.gas = c.gas
	f.input = c.input
	copyWord(&f.value, &c.value)
	return v.runFrame(f)
}

func (v *EVM) runPrecompile(c *call) outcome {
	gas := c.precompile.RequiredGas(c.input)
	if gas > c.gas {
		return outcome{halt: OutOfGas}
	}
	output, err := c.precompile.Run(c.input)
	if err != nil {
		return outcome{halt: PrecompileFailure}
	}
	v.output = output
	return outcome{gas: c.gas - gas}
}

// nextFrame returns the frame that the next call uses.
func (v *EVM) nextFrame() *frame {
	if v.depth == len(v.frames) {
		v.frames = append(v.frames, &frame{evm: v})
	}
	v.deepest = max(v.deepest, v.depth)
	return v.frames[v.depth]
}

// runFrame runs a frame whose code, addresses, input and gas are set.
func (v *EVM) runFrame(f *frame) outcome {
	f.mem.reset()
	f.returnData, f.output = nil, nil
	place := v.stacks.place
	f.base = v.stacks.alloc()
	v.depth++
	halt := f.runCode()
	v.depth--
	v.stacks.place = place
	v.output = f.output
	if halt != Success && halt != Reverted {
		return outcome{halt: halt}
	}
	return outcome{halt: halt, gas: f.gas}
}

// trim gives back memory that is not worth keeping between top-level calls, and
// drops what the last call has left behind.
func (f *frame) trim(depth int) {
	kept := memoryKept(depth)
	f.mem.trim(kept)
	if f.lowererBytes() > kept {
		f.lowerer = nil
	}
	f.input, f.bytecode, f.returnData, f.output, f.code = nil, nil, nil, nil, nil
	f.native.forget()
}

// lowererBytes is the memory that the frame's lowerer holds on to.
func (f *frame) lowererBytes() int {
	if f.lowerer == nil {
		return 0
	}
	return f.lowerer.sizeBytes()
}
