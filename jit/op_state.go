package jit

import (
	"bytes"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/jit/ir"
)

// Gas of access to the state, on top of the static gas (EIP-2200, 2929, 3529).
const (
	gasColdAccount = 2500 // what a cold account costs above a warm one
	gasColdSlot    = 2000 // likewise a cold slot, on reading

	gasStoreStipend = 2300  // a store needs more gas than this
	gasStoreCold    = 2100  // on writing
	gasStoreWarm    = 100   // no change, or not the first change
	gasStoreNew     = 20000 // first change, from zero
	gasStoreChange  = 2900  // first change, from another value
	refundClear     = 4800  // slot becomes zero

	gasDestroyCold       = 2600 // beneficiary is cold
	gasDestroyNewAccount = 25000

	gasLogByte = 8
)

// warm marks the account warm and charges for a cold one.
func (f *frame) warm(addr *common.Address) bool {
	return !f.evm.state.WarmAccount(addr) || f.charge(gasColdAccount)
}

// address is the account that x names; valid until the next.
func (f *frame) address(x *word) *common.Address {
	setAddress(&f.named, x)
	return &f.named
}

func opBalance(f *frame, _ *instr, sp *word) *word {
	addr := f.address(sp)
	if !f.warm(addr) {
		return f.end(OutOfGas)
	}
	f.evm.state.Balance(addr, sp)
	return sp
}

func opSelfBalance(f *frame, _ *instr, sp *word) *word {
	sp = above(sp)
	f.evm.state.Balance(&f.self, sp)
	return sp
}

func opExtCodeSize(f *frame, _ *instr, sp *word) *word {
	addr := f.address(sp)
	if !f.warm(addr) {
		return f.end(OutOfGas)
	}
	setUint64(sp, uint64(f.evm.state.CodeSize(addr)))
	return sp
}

func opExtCodeCopy(f *frame, _ *instr, sp *word) *word {
	addr := f.address(sp)
	if !f.warm(addr) {
		return f.end(OutOfGas)
	}
	code, _ := f.evm.state.Code(addr)
	return f.copyIn(code, below(sp, 1))
}

func opExtCodeHash(f *frame, _ *instr, sp *word) *word {
	addr := f.address(sp)
	if !f.warm(addr) {
		return f.end(OutOfGas)
	}
	hash := f.evm.state.CodeHash(addr)
	sp.SetBytes32(hash[:])
	return sp
}

// store writes a slot; rest is the gas of the rest of the block.
func (f *frame) store(key, value *word, rest uint64) Halt {
	if f.static {
		return WriteProtection
	}
	if f.gas+rest <= gasStoreStipend {
		return OutOfGas
	}
	f.evm.state.SetStorage(&f.self, key, value, &f.change)
	gas, refund := storeGas(&f.change, value)
	f.evm.refund += refund
	if !f.charge(gas) {
		return OutOfGas
	}
	return Success
}

// storeGas is the gas of a storage write and what it adds to the refund.
func storeGas(change *SlotChange, value *word) (gas uint64, refund int64) {
	original, current := &change.Original, &change.Current
	if change.Cold {
		gas = gasStoreCold
	}
	if current.Eq(value) {
		return gas + gasStoreWarm, 0
	}
	if original.Eq(current) {
		switch {
		case original.IsZero():
			return gas + gasStoreNew, 0
		case value.IsZero():
			return gas + gasStoreChange, refundClear
		default:
			return gas + gasStoreChange, 0
		}
	}
	if !original.IsZero() {
		if current.IsZero() {
			refund -= refundClear
		} else if value.IsZero() {
			refund += refundClear
		}
	}
	if original.Eq(value) {
		if original.IsZero() {
			refund += gasStoreNew - gasStoreWarm
		} else {
			refund += gasStoreChange - gasStoreWarm
		}
	}
	return gas + gasStoreWarm, refund
}

func opTLoad(f *frame, _ *instr, sp *word) *word {
	f.evm.state.TransientStorage(&f.self, sp, sp)
	return sp
}

func opTStore(f *frame, _ *instr, sp *word) *word {
	if f.static {
		return f.end(WriteProtection)
	}
	f.evm.state.SetTransientStorage(&f.self, sp, below(sp, 1))
	return below(sp, 2)
}

func opLog(f *frame, in *instr, sp *word) *word {
	if f.static {
		return f.end(WriteProtection)
	}
	offset, size := sp, below(sp, 1)
	if !f.reach(offset, size) || !f.charge(gasLogByte*size[0]) {
		return f.end(OutOfGas)
	}
	entry := &logEntry{}
	entry.Topics = entry.topics[:in.opcode-byte(ir.LOG0)]
	for i := range entry.Topics {
		storeWord(entry.topics[i][:], below(sp, 2+i))
	}
	copyAddress(&entry.Address, &f.self)
	entry.Data = bytes.Clone(f.slice(offset, size))
	f.evm.state.AddLog(&entry.Log)
	return below(sp, 2+len(entry.Topics))
}

// logEntry is a log with room for its topics, so that they are allocated at once.
type logEntry struct {
	types.Log
	topics [logTopicsMax]common.Hash
}

const logTopicsMax = int(ir.LOG4 - ir.LOG0)

func opSelfDestruct(f *frame, _ *instr, sp *word) *word {
	if f.static {
		return f.end(WriteProtection)
	}
	state, beneficiary := f.evm.state, f.address(sp)
	if state.WarmAccount(beneficiary) && !f.charge(gasDestroyCold) {
		return f.end(OutOfGas)
	}
	if state.Empty(beneficiary) {
		state.Balance(&f.self, &f.scratch)
		if !f.scratch.IsZero() && !f.charge(gasDestroyNewAccount) {
			return f.end(OutOfGas)
		}
	}
	state.SelfDestruct(f.self, *beneficiary)
	return f.end(Success)
}
