package jit

import (
	"bytes"
	"math"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	words "github.com/redline-evm/redline/jit/word"
)

// Gas of creates, on top of the static gas (EIP-170, 3541, 3860).
const (
	gasInitCodeWord = 2
	gasDeployByte   = 200

	reservedCodeByte = 0xef // no deployed code starts with it
)

// create is what a create needs to know.
type create struct {
	caller   common.Address
	address  common.Address
	value    word
	initCode []byte
	gas      uint64
}

func createAddress(caller common.Address, nonce uint64) common.Address {
	return crypto.CreateAddress(caller, nonce)
}

// create runs a create. Whatever it changed is undone unless it succeeds, but
// for the caller's nonce and the new address being warm.
func (v *EVM) create(c *create) outcome {
	v.output = nil
	if v.depth > depthMax {
		return outcome{halt: CallDepth, gas: c.gas}
	}
	if !v.canPay(&c.caller, &c.value) {
		return outcome{halt: InsufficientBalance, gas: c.gas}
	}
	nonce := v.state.Nonce(c.caller)
	if nonce == math.MaxUint64 {
		return outcome{halt: NonceOverflow, gas: c.gas}
	}
	v.state.SetNonce(c.caller, nonce+1)
	v.state.WarmAccount(&c.address)
	if !v.state.CanCreate(c.address) {
		return outcome{halt: CreateCollision}
	}
	checkpoint, refund := v.state.Checkpoint(), v.refund
	v.state.CreateContract(c.address)
	v.state.Transfer(&c.caller, &c.address, &c.value)
	out := v.initialize(c)
	if out.halt != Success {
		v.state.Revert(checkpoint)
		v.refund = refund
	}
	return out
}

// initialize runs the init code and deploys what it returns.
func (v *EVM) initialize(c *create) outcome {
	if len(c.initCode) == 0 {
		return outcome{gas: c.gas}
	}
	f := v.nextFrame()
	if f.lowerer == nil {
		f.lowerer = new(lowerer)
	}
	f.code = f.lowerer.lower(c.initCode, v.block.Fork)
	v.compileNow(f.code, c.initCode)
	f.bytecode = c.initCode
	f.self, f.caller = c.address, c.caller
	f.static = false
	f.gas = c.gas
	f.input = nil
	copyWord(&f.value, &c.value)
	out := v.runFrame(f)
	if out.halt != Success {
		return out
	}
	return v.deploy(c.address, out)
}

// deploy makes the output of init code, which ended as out says, the code of addr.
func (v *EVM) deploy(addr common.Address, out outcome) outcome {
	code := v.output
	gas := gasDeployByte * uint64(len(code))
	if len(code) == 0 {
		return out
	}
	halt := Success
	switch {
	case code[0] == reservedCodeByte:
		halt = InvalidCode
	case gas > out.gas:
		halt = CodeStoreOutOfGas
	case len(code) > v.block.CodeSizeMax:
		halt = CodeSizeExceeded
	}
	if halt != Success {
		v.output = nil
		return outcome{halt: halt}
	}
	v.state.SetCode(addr, bytes.Clone(code))
	out.gas -= gas
	return out
}

func opCreate(f *frame, in *instr, sp *word) *word {
	offset, size := below(sp, 1), below(sp, 2)
	if halt := f.chargeCreate(in, offset, size, gasInitCodeWord); halt != Success {
		return f.end(halt)
	}
	addr := createAddress(f.self, f.evm.state.Nonce(f.self))
	return f.runCreate(in, sp, size, addr)
}

func opCreate2(f *frame, in *instr, sp *word) *word {
	offset, size, salt := below(sp, 1), below(sp, 2), below(sp, 3)
	if halt := f.chargeCreate(in, offset, size, gasInitCodeWord+gasKeccakWord); halt != Success {
		return f.end(halt)
	}
	var initHash [32]byte
	words.Sum256(&initHash, f.slice(offset, size))
	addr := crypto.CreateAddress2(f.self, salt.Bytes32(), initHash[:])
	return f.runCreate(in, sp, salt, addr)
}

// chargeCreate checks and charges a create up to the point where gas is handed
// to the init code. The gas of the rest of the block is given back until
// resume takes it again.
func (f *frame) chargeCreate(in *instr, offset, size *word, gasWord uint64) Halt {
	f.gas += uint64(in.arg)
	switch {
	case f.static:
		return WriteProtection
	case !size.IsUint64() || size[0] > uint64(2*f.evm.block.CodeSizeMax):
		return InitCodeSizeExceeded
	case !f.reach(offset, size) || !f.charge(gasWord*wordCount(size[0])):
		return OutOfGas
	}
	return Success
}

// runCreate runs the create whose operands are value, offset and size from sp
// down, and leaves the address, or zero, in the word result.
func (f *frame) runCreate(in *instr, sp, result *word, addr common.Address) *word {
	offset, size := below(sp, 1), below(sp, 2)
	gas := f.gas - f.gas/64
	f.gas -= gas
	f.protect(sp)
	f.create = create{
		caller:   f.self,
		address:  addr,
		value:    *sp,
		initCode: f.slice(offset, size),
		gas:      gas,
	}
	out := f.evm.create(&f.create)
	f.gas += out.gas
	f.returnData = nil
	result.Clear()
	switch out.halt {
	case Success:
		result.SetBytes20(addr[:])
	case Reverted:
		f.returnData = f.evm.output
	case Cancelled:
		return f.end(Cancelled)
	}
	return f.resume(in, result)
}
