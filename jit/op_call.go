package jit

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
	to := toAddress(below(sp, 1))
	f.call = call{kind: plainCall, static: f.static, caller: f.self, self: to, code: to}
	copyWord(&f.call.value, value)
	return f.runCall(in, sp, operandsBelow(below(sp, 3)))
}

func opCallCode(f *frame, in *instr, sp *word) *word {
	f.call = call{kind: callCode, static: f.static, caller: f.self, self: f.self, code: toAddress(below(sp, 1))}
	copyWord(&f.call.value, below(sp, 2))
	return f.runCall(in, sp, operandsBelow(below(sp, 3)))
}

func opDelegateCall(f *frame, in *instr, sp *word) *word {
	f.call = call{kind: delegateCall, static: f.static, caller: f.caller, self: f.self, code: toAddress(below(sp, 1))}
	copyWord(&f.call.value, &f.value)
	return f.runCall(in, sp, operandsBelow(below(sp, 2)))
}

func opStaticCall(f *frame, in *instr, sp *word) *word {
	to := toAddress(below(sp, 1))
	f.call = call{kind: staticCall, static: true, caller: f.self, self: to, code: to}
	return f.runCall(in, sp, operandsBelow(below(sp, 2)))
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
	f.returnData = out.output
	copy(f.slice(operands.outputOffset, operands.outputSize), out.output)
	result := operands.outputSize
	setBool(result, out.halt == Success)
	return f.resume(in, result)
}

// movesValue reports whether the call is one that names a value that is not zero.
func (c *call) movesValue() bool { return c.kind <= callCode && !c.value.IsZero() }

// chargeCall charges all but the callee's gas.
func (f *frame) chargeCall(c *call, operands *callOperands) bool {
	if !f.warm(c.code) ||
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
	if c.kind == plainCall && f.evm.state.Empty(c.self) {
		gas += gasCallNewAccount
	}
	return f.charge(gas)
}

// chargeDelegation resolves the call and charges for the access to the account
// that the callee delegates to, if it does.
func (f *frame) chargeDelegation(c *call) bool {
	target, ok := f.evm.resolve(c)
	if !ok {
		return true
	}
	if f.evm.state.WarmAccount(target) {
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
