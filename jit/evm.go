// Package jit is Redline's EVM engine: code cache, call frames, interpreter and
// the host operations that every tier shares. It knows calls, not transactions:
// intrinsic gas, fees and receipts are jit/exec's. It sees the world through
// State alone.
//
// An Engine is shared by all goroutines; an EVM belongs to one.
package jit

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
	"github.com/redline-evm/redline/jit/ir"
)

// Fork selects the rules of one Ethereum hard fork.
type Fork = ir.Fork

// The forks that the engine runs.
const (
	Cancun = ir.Cancun
	Prague = ir.Prague
	Osaka  = ir.Osaka
)

// BlockContext is what code can read of the EVM block it runs in.
type BlockContext struct {
	Fork        Fork
	ChainID     uint64
	Number      uint64
	Timestamp   uint64 // seconds
	GasLimit    uint64
	Coinbase    common.Address
	PrevRandao  common.Hash
	BaseFee     uint256.Int                     // wei
	BlobBaseFee uint256.Int                     // wei
	BlockHash   func(number uint64) common.Hash // asked only for the last 256 blocks
	CodeSizeMax int                             // bytes of deployed code; init code may be twice as long
}

// TxContext is what code can read of the transaction it runs in.
type TxContext struct {
	Origin     common.Address
	GasPrice   uint256.Int // wei, effective
	BlobHashes []common.Hash
}

// Halt says why a frame ended. What EVM code does is a result, not an error.
type Halt uint8

// The ways a frame can end. Success and Reverted return gas and output; every
// other one takes all gas of the frame.
const (
	Success Halt = iota
	Reverted
	OutOfGas
	StackUnderflow
	StackOverflow
	InvalidJump
	InvalidOpcode
	WriteProtection
	ReturnDataOutOfBounds
	CallDepth           // more than 1024 frames
	InsufficientBalance // the caller cannot pay the value; the callee did not run
	CreateCollision
	NonceOverflow
	CodeSizeExceeded
	InitCodeSizeExceeded
	InvalidCode // deployed code starts with 0xEF (EIP-3541)
	CodeStoreOutOfGas
	PrecompileFailure
	Cancelled // EVM.Cancel was called
)

// Result is the outcome of a top-level call or create.
type Result struct {
	Halt    Halt
	GasLeft uint64
	Refund  uint64         // gas refund counter of the whole call tree; zero unless Success
	Output  []byte         // return or revert data; valid until the EVM's next call
	Created common.Address // by Create
}

// Message is a top-level call or create.
type Message struct {
	Caller common.Address
	To     common.Address // callee; for a create unused
	Input  []byte         // call data or init code
	Value  uint256.Int
	Gas    uint64
}

// String says it in go-ethereum's words, which clients know.
func (h Halt) String() string { return haltNames[h] }

var haltNames = [...]string{
	Success:               "success",
	Reverted:              "execution reverted",
	OutOfGas:              "out of gas",
	StackUnderflow:        "stack underflow",
	StackOverflow:         "stack limit reached 1024 (1023)",
	InvalidJump:           "invalid jump destination",
	InvalidOpcode:         "invalid opcode",
	WriteProtection:       "write protection",
	ReturnDataOutOfBounds: "return data out of bounds",
	CallDepth:             "max call depth exceeded",
	InsufficientBalance:   "insufficient balance for transfer",
	CreateCollision:       "contract address collision",
	NonceOverflow:         "nonce uint64 overflow",
	CodeSizeExceeded:      "max code size exceeded",
	InitCodeSizeExceeded:  "max initcode size exceeded",
	InvalidCode:           "invalid code: must not begin with 0xef",
	CodeStoreOutOfGas:     "contract creation code storage out of gas",
	PrecompileFailure:     "precompiled contract failed",
	Cancelled:             "execution aborted",
}
