package evmbench

import (
	"bytes"
	"math/rand/v2"
	"slices"

	"github.com/redline-evm/redline/jit/ir"
)

// bomb is bytecode made to be costly for a compiler.
type bomb struct {
	name  string
	write func(size int) []byte
}

// bombBytes is the size of bombs: the largest contract.
const bombBytes = 24 << 10

// bombs are patterns against each part of a compiler: front end, facts, register
// allocation, lowering, loops, size of the output.
var bombs = []bomb{
	// One thing again and again.
	{"jumpdest", repeated(op(ir.JUMPDEST))},
	{"push0_pop", repeated(op(ir.PUSH0, ir.POP))},
	{"push1_jumpi", repeated(op(ir.JUMPDEST), push(1), push(0), op(ir.JUMPI))},
	{"jumpi_var", repeated(load(0), push16(0), op(ir.JUMPI))},
	{"jump_var", repeated(op(ir.JUMPDEST), load(0), op(ir.JUMP))},
	{"calldataload_add", repeated(load(0), op(ir.ADD))},
	{"mload_var", repeated(load(0), op(ir.MLOAD, ir.ADD))},
	{"msize_mload", repeated(op(ir.MSIZE, ir.MLOAD))},
	{"mstore8_var", repeated(load(0), op(ir.DUP1, ir.MSTORE8))},
	{"byte_var", repeated(load(0), op(ir.BYTE))},
	{"sar_var", repeated(load(0), op(ir.SAR))},
	{"shl_var", repeated(load(0), op(ir.SHL))},
	{"signextend_var", repeated(load(0), op(ir.SIGNEXTEND))},
	{"mul", repeated(load(0), op(ir.MUL))},
	{"sdiv_var", repeated(load(0), op(ir.SDIV))},
	{"addmod_pow2", repeated(op(ir.DUP1+1, ir.DUP1+1), push(64), op(ir.SWAP1+1, ir.ADDMOD))},
	{"dup_mulmod", repeated(op(ir.DUP1, ir.DUP1, ir.MULMOD))},
	{"exp_small", repeated(push(3), push(7), op(ir.EXP, ir.POP))},
	{"dup16_swap16", repeated(op(ir.DUP16, ir.SWAP16))},
	{"swap16_jumpdest", repeated(op(ir.JUMPDEST), permute())},
	{"jumpi_many_live", repeated(many(16, load(0)), many(16, push(0), op(ir.JUMPI)))},
	{"deep_stack_jumpi_var", repeated(op(ir.JUMPDEST), many(16, op(ir.DUP16, ir.NOT)), load(0), op(ir.DUP1+1, ir.JUMPI), many(16, op(ir.POP)))},
	{"random_ops", randomOps},

	// Loops.
	{"small_loops", smallLoops},
	{"nested_loops", nestedLoops},
	{"overlapping_loops", overlappingLoops},
	{"long_trace", longTrace(op(ir.DUP1+1, ir.ADD, ir.SWAP1, ir.DUP1, ir.MUL))},
	{"branching_trace", longTrace(op(ir.DUP1, ir.ISZERO), push16(0), op(ir.JUMPI, ir.JUMPDEST))},

	// Jumps whose targets have to be found out.
	{"calls_of_one", callsOfOne},
	{"growing_constant", repeated(op(ir.JUMPDEST), push(1), op(ir.ADD, ir.DUP1), push16(0), op(ir.JUMPI))},
	{"returns", repeated(op(ir.JUMPDEST, ir.JUMP))},
	{"widening_words", wideningWords},
}

// Pieces of bytecode.

func op(ops ...ir.Op) (code []byte) {
	for _, o := range ops {
		code = append(code, byte(o))
	}
	return code
}

func push(x byte) []byte { return []byte{byte(ir.PUSH1), x} }

// push16 is a push of two bytes whatever x is, so that code keeps its length.
func push16(x int) []byte { return []byte{byte(ir.PUSH1) + 1, byte(x >> 8), byte(x)} }

// load is a word that no compiler knows.
func load(offset byte) []byte { return append(push(offset), byte(ir.CALLDATALOAD)) }

func many(count int, pieces ...[]byte) []byte { return bytes.Repeat(slices.Concat(pieces...), count) }

// permute exchanges the top with each word that can be reached.
func permute() (code []byte) {
	for depth := range ir.Op(16) {
		code = append(code, byte(ir.SWAP1+depth))
	}
	return code
}

// repeated is a pattern as often as there is room. In the end some words are
// stored, so that what made them has not been for nothing.
func repeated(pieces ...[]byte) func(size int) []byte {
	pattern := slices.Concat(pieces...)
	return func(size int) []byte {
		return append(bytes.Repeat(pattern, (size-len(keep))/len(pattern)), keep...)
	}
}

var keep = many(8, op(ir.SSTORE))

// randomOps is operations of all kinds on whatever is on the stack.
func randomOps(size int) []byte {
	random := rand.New(rand.NewPCG(1, 1))
	code := many(64, load(0))
	for len(code)+len(keep)+16 < size {
		o := ir.ADD + ir.Op(random.IntN(int(ir.SAR-ir.ADD)))
		info, ok := ir.Lookup(byte(o), ir.Osaka)
		if !ok {
			continue
		}
		for range int(info.Pops) - int(info.Pushes) { // so that the stack stays as high as it is
			code = append(code, byte(ir.DUP1+ir.Op(random.IntN(16))))
		}
		code = append(code, byte(o))
	}
	return append(code, keep...)
}

// smallLoops is one loop behind the other.
func smallLoops(size int) (code []byte) {
	for len(code)+16 < size {
		start := len(code)
		code = slices.Concat(code, op(ir.JUMPDEST), push(1), op(ir.SWAP1, ir.SUB, ir.DUP1), push16(start), op(ir.JUMPI))
	}
	return code
}

// backEdge goes back to start unless the word on top is zero.
func backEdge(start int) []byte { return slices.Concat(op(ir.DUP1), push16(start), op(ir.JUMPI)) }

const backEdgeBytes = 5

// nestedLoops is loops inside each other, as many as fit.
func nestedLoops(size int) []byte {
	count := size / (1 + backEdgeBytes)
	code := many(count, op(ir.JUMPDEST))
	for i := range count {
		code = append(code, backEdge(count-1-i)...)
	}
	return code
}

// overlappingLoops is loops of which each begins inside the one before and ends
// behind it.
func overlappingLoops(size int) []byte {
	count := size / (1 + backEdgeBytes)
	code := many(count, op(ir.JUMPDEST))
	for i := range count {
		code = append(code, backEdge(i)...)
	}
	return code
}

// longTrace is one loop as long as the code, of a pattern.
func longTrace(pieces ...[]byte) func(size int) []byte {
	pattern := slices.Concat(pieces...)
	return func(size int) []byte {
		body := bytes.Repeat(pattern, (size-1-backEdgeBytes)/len(pattern))
		return slices.Concat(op(ir.JUMPDEST), body, backEdge(0))
	}
}

// wideningWords is a run of blocks inside a loop that makes words wider, slowly.
func wideningWords(size int) []byte {
	loop := slices.Concat(many(8, push(3), op(ir.MUL), permute()[:8]), backEdge(8))
	run := many(size-8-len(loop), op(ir.JUMPDEST))
	return slices.Concat(many(8, op(ir.PUSH0)), run, loop)
}

// callsOfOne calls one function from everywhere: its return has all places behind
// the calls as targets.
func callsOfOne(size int) []byte {
	const function = 4 // its offset
	code := slices.Concat(push16(function+2), op(ir.JUMP, ir.JUMPDEST, ir.JUMP, ir.JUMPDEST))
	const callBytes = 8
	for len(code)+callBytes <= size {
		back := len(code) + callBytes - 1
		code = slices.Concat(code, push16(back), push16(function), op(ir.JUMP, ir.JUMPDEST))
	}
	return code
}
