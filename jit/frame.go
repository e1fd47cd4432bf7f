package jit

import "github.com/ethereum/go-ethereum/common"

// frame is one running call or create. Frames belong to the EVM, one for each
// depth, and keep their memory for the next call.
type frame struct {
	evm  *EVM
	code *code
	base *word // stack pointer of the empty stack
	gas  uint64
	mem  memory

	self     common.Address // whose storage and balance
	caller   common.Address
	value    word
	input    []byte
	bytecode []byte
	static   bool

	returnData []byte // of the last call; lies in the memory of the frame above
	output     []byte // lies in mem
	halt       Halt

	// What State is given and gives that is not on the stack.
	scratch word
	named   common.Address
	change  SlotChange

	lowerer *lowerer // for init code, which is run once; nil until then

	native nativeFrame

	// What the frame calls and creates. They are here and not in the function
	// that fills them because State gets pointers into them, so that they
	// would be allocated each time.
	call   call
	create create
}

// charge takes gas; false when there is too little.
func (f *frame) charge(gas uint64) bool {
	if f.gas < gas {
		return false
	}
	f.gas -= gas
	return true
}

// end makes the frame halt; a handler returns its result.
func (f *frame) end(halt Halt) *word {
	f.halt = halt
	return nil
}
