package jit

import "github.com/redline-evm/redline/jit/ir"

// A handler executes one instruction and returns the new stack pointer, or what
// frame.end returns when the frame has ended. Its operands are the words from sp
// down. The gas of the block is charged.
type handler func(f *frame, in *instr, sp *word) *word

// handlers holds, by opcode, what run has no arm for, and what it has one for but
// generated code leaves to Go.
var handlers [256]handler

func init() {
	for op := range handlers {
		handlers[op] = opUnknown
	}
	for op, h := range map[ir.Op]handler{
		ir.INVALID: opInvalid,
		ir.STOP:    opStop, ir.RETURN: opReturn, ir.REVERT: opRevert, ir.SELFDESTRUCT: opSelfDestruct,

		ir.EXP: opExp, ir.CLZ: opCLZ,
		ir.DIV: opDiv, ir.SDIV: opSdiv, ir.MOD: opMod, ir.SMOD: opSmod, ir.ADDMOD: opAddMod, ir.MULMOD: opMulMod,
		ir.SIGNEXTEND: opSignExtend, ir.BYTE: opByte,
		ir.KECCAK256: opKeccak256, ir.MLOAD: opMload, ir.MSTORE: opMstore, ir.MSTORE8: opMstore8,
		ir.CALLDATALOAD: opCallDataLoad,

		ir.MSIZE: opMSize, ir.MCOPY: opMCopy,
		ir.CALLDATACOPY: opCallDataCopy,
		ir.CODECOPY:     opCodeCopy, ir.RETURNDATASIZE: opReturnDataSize, ir.RETURNDATACOPY: opReturnDataCopy,

		ir.ADDRESS: opAddress, ir.ORIGIN: opOrigin,
		ir.GASPRICE: opGasPrice, ir.BLOCKHASH: opBlockHash, ir.COINBASE: opCoinbase,
		ir.TIMESTAMP: opTimestamp, ir.NUMBER: opNumber, ir.PREVRANDAO: opPrevRandao, ir.GASLIMIT: opGasLimit,
		ir.CHAINID: opChainID, ir.BASEFEE: opBaseFee, ir.BLOBHASH: opBlobHash, ir.BLOBBASEFEE: opBlobBaseFee,

		ir.BALANCE: opBalance, ir.SELFBALANCE: opSelfBalance, ir.EXTCODESIZE: opExtCodeSize,
		ir.EXTCODECOPY: opExtCodeCopy, ir.EXTCODEHASH: opExtCodeHash,
		ir.TLOAD: opTLoad, ir.TSTORE: opTStore,
		ir.LOG0: opLog, ir.LOG0 + 1: opLog, ir.LOG0 + 2: opLog, ir.LOG0 + 3: opLog, ir.LOG4: opLog,

		ir.CALL: opCall, ir.CALLCODE: opCallCode, ir.DELEGATECALL: opDelegateCall, ir.STATICCALL: opStaticCall,
		ir.CREATE: opCreate, ir.CREATE2: opCreate2,
	} {
		handlers[op] = h
	}
}

func opUnknown(_ *frame, in *instr, _ *word) *word {
	panic("BUG: no handler for " + ir.Op(in.opcode).String())
}

func opInvalid(f *frame, _ *instr, _ *word) *word { return f.end(InvalidOpcode) }
