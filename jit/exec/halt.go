package exec

import "github.com/redline-evm/redline/jit"

// haltTexts are go-ethereum's words for why a call failed; clients show them.
var haltTexts = [...]string{
	jit.Success:               "",
	jit.Reverted:              "execution reverted",
	jit.OutOfGas:              "out of gas",
	jit.StackUnderflow:        "stack underflow",
	jit.StackOverflow:         "stack limit reached 1024 (1023)",
	jit.InvalidJump:           "invalid jump destination",
	jit.InvalidOpcode:         "invalid opcode",
	jit.WriteProtection:       "write protection",
	jit.ReturnDataOutOfBounds: "return data out of bounds",
	jit.CallDepth:             "max call depth exceeded",
	jit.InsufficientBalance:   "insufficient balance for transfer",
	jit.CreateCollision:       "contract address collision",
	jit.NonceOverflow:         "nonce uint64 overflow",
	jit.CodeSizeExceeded:      "max code size exceeded",
	jit.InitCodeSizeExceeded:  "max initcode size exceeded",
	jit.InvalidCode:           "invalid code: must not begin with 0xef",
	jit.CodeStoreOutOfGas:     "contract creation code storage out of gas",
	jit.PrecompileFailure:     "precompiled contract failed",
	jit.Cancelled:             "execution aborted",
}

// haltText is why a call failed, in go-ethereum's words; empty for a success.
func haltText(halt jit.Halt) string { return haltTexts[halt] }
