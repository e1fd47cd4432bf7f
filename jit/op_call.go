package jit

import "github.com/ethereum/go-ethereum/common"

// Gas of calls, on top of the static gas (EIP-150, 2929, 7702).
const (
	gasCallValue      = 9000
	gasCallNewAccount = 25000
	gasCallStipend    = 2300 // given to the callee with value

	gasDelegationWarm = 100
	gasDelegationCold = 2600
)

// callOperands are the memory ranges of a call, on the stack.
type callOperands struct {
	inputOffset, inputSize   *word
	outputOffset, outputSize *word
}

// operandsBelow finds the ranges, of which the first lies at sp.
func operandsBelow(sp *word) callOperands {
	return callOperands{sp, below(sp, 1), below(sp, 2), below(sp, 3)}
}

func opCall(f *frame, in *instr, sp *word) *word {
	value := below(sp, 2)
	if f.static && !value.IsZero() {
		return f.end(WriteProtection)
	}
	setAddress(&f.call.code, below(sp, 1))
	f.call.begin(plainCall, &f.self, &f.call.code, value)
	f.call.static = f.static
	return f.runCall(in, sp, operandsBelow(below(sp, 3)))
}

func opCallCode(f *frame, in *instr, sp *word) *word {
	setAddress(&f.call.code, below(sp, 1))
	f.call.begin(callCode, &f.self, &f.self, below(sp, 2))
	f.call.static = f.static
	return f.runCall(in, sp, operandsBelow(below(sp, 3)))
}

func opDelegateCall(f *frame, in *instr, sp *word) *word {
	setAddress(&f.call.code, below(sp, 1))
	f.call.begin(delegateCall, &f.caller, &f.self, &f.value)
	f.call.static = f.static
	return f.runCall(in, sp, operandsBelow(below(sp, 2)))
}

func opStaticCall(f *frame, in *instr, sp *word) *word {
	setAddress(&f.call.code, below(sp, 1))
	f.call.begin(staticCall, &f.self, &f.call.code, &noValue)
	f.call.static = true
	return f.runCall(in, sp, operandsBelow(below(sp, 2)))
}

// noValue is the value of a call that has none.
var noValue word

// begin sets who calls whom, and the value.
func (c *call) begin(kind callKind, caller, self *common.Address, value *word) {
	c.kind = kind
	copyAddress(&c.caller, caller)
	copyAddress(&c.self, self)
	copyWord(&c.value, value)
}

// runCall charges for the frame's call, runs it and leaves its success in the word of
// its last operand. The gas of the rest of the block is given back meanwhile,
// so that the callee gets its share of all the gas there is.
func (f *frame) runCall(in *instr, sp *word, operands callOperands) *word {
	c := &f.call
	f.gas += uint64(in.arg)
	if !f.chargeCall(c, &operands) {
		return f.end(OutOfGas)
	}
	c.gas = f.gas - f.gas/64
	if sp.IsUint64() {
		c.gas = min(c.gas, sp[0])
	}
	f.gas -= c.gas
	if c.movesValue() {
		c.gas += gasCallStipend
	}
	c.input = f.slice(operands.inputOffset, operands.inputSize)
	f.protect(sp)
	out := f.evm.call(c)
	f.gas += out.gas
	if out.halt == Cancelled {
		return f.end(Cancelled)
	}
	f.returnData = f.evm.output
	copy(f.slice(operands.outputOffset, operands.outputSize), f.returnData)
	result := operands.outputSize
	setBool(result, out.halt == Success)
	return f.resume(in, result)
}

// movesValue reports whether the call is one that names a value that is not zero.
func (c *call) movesValue() bool { return c.kind <= callCode && !c.value.IsZero() }

// chargeCall charges all but the callee's gas.
func (f *frame) chargeCall(c *call, operands *callOperands) bool {
	if !f.warm(&c.code) ||
		!f.reach(operands.inputOffset, operands.inputSize) ||
		!f.reach(operands.outputOffset, operands.outputSize) {
		return false
	}
	if c.movesValue() && !f.chargeValue(c) {
		return false
	}
	return f.chargeDelegation(c)
}

func (f *frame) chargeValue(c *call) bool {
	gas := uint64(gasCallValue)
	if c.kind == plainCall && f.evm.state.Empty(&c.self) {
		gas += gasCallNewAccount
	}
	return f.charge(gas)
}

// chargeDelegation resolves the call and charges for the access to the account
// that the callee delegates to, if it does.
func (f *frame) chargeDelegation(c *call) bool {
	if !f.evm.resolve(c) {
		return true
	}
	if f.evm.state.WarmAccount(&c.target) {
		return f.charge(gasDelegationCold)
	}
	return f.charge(gasDelegationWarm)
}

// resume goes on behind an instruction for which the gas of the rest of the
// block was given back.
func (f *frame) resume(in *instr, sp *word) *word {
	if !f.charge(uint64(in.arg)) {
		return f.end(OutOfGas)
	}
	return sp
}
