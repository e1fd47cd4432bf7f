package evmfuzz

import (
	"math/bits"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// assembler writes bytecode and counts the words that it leaves on the stack.
type assembler struct {
	code   []byte
	height int
	labels []labelPlace
}

// label is a place in the code that may be used before it is known.
type label int

type labelPlace struct {
	pc   int   // once bound
	uses []int // offsets of the two bytes to be set
}

func (a *assembler) op(ops ...ir.Op) *assembler {
	for _, op := range ops {
		a.code = append(a.code, byte(op))
		if info, ok := ir.Lookup(byte(op), ir.Osaka); ok {
			a.height += int(info.Pushes) - int(info.Pops)
		}
	}
	return a
}

// push pushes x with the fewest bytes.
func (a *assembler) push(x *uint256.Int) *assembler {
	b := x.Bytes()
	a.op(ir.PUSH0 + ir.Op(len(b)))
	a.code = append(a.code, b...)
	return a
}

// num pushes numbers with the fewest bytes.
func (a *assembler) num(numbers ...uint64) *assembler {
	for _, n := range numbers {
		size := (bits.Len64(n) + 7) / 8
		a.op(ir.PUSH0 + ir.Op(size))
		for shift := 8 * (size - 1); shift >= 0; shift -= 8 {
			a.code = append(a.code, byte(n>>shift))
		}
	}
	return a
}

func (a *assembler) addr(addr common.Address) *assembler {
	return a.push(new(uint256.Int).SetBytes20(addr[:]))
}

func (a *assembler) newLabel() label {
	a.labels = append(a.labels, labelPlace{})
	return label(len(a.labels) - 1)
}

// pushLabel pushes the place of l.
func (a *assembler) pushLabel(l label) *assembler {
	a.op(ir.PUSH1 + 1)
	a.labels[l].uses = append(a.labels[l].uses, len(a.code))
	a.code = append(a.code, 0, 0)
	return a
}

// bind writes a JUMPDEST here as the place of l.
func (a *assembler) bind(l label) {
	a.labels[l].pc = len(a.code)
	a.op(ir.JUMPDEST)
}

// here is a new label, bound here.
func (a *assembler) here() label {
	l := a.newLabel()
	a.bind(l)
	return l
}

func (a *assembler) jump(l label) { a.pushLabel(l).op(ir.JUMP) }

// jumpIf jumps if the top word is not zero.
func (a *assembler) jumpIf(l label) { a.pushLabel(l).op(ir.JUMPI) }

// resolve sets all uses of labels and returns the code. Code is at most 64 KiB.
func (a *assembler) resolve() []byte {
	for _, l := range a.labels {
		for _, at := range l.uses {
			a.code[at], a.code[at+1] = byte(l.pc>>8), byte(l.pc)
		}
	}
	return a.code
}

// returnTop returns the top word, the memory's size and the gas left.
func (a *assembler) returnTop() *assembler {
	return a.num(0).op(ir.MSTORE, ir.MSIZE).num(32).op(ir.MSTORE, ir.GAS).num(64).op(ir.MSTORE).num(96, 0).op(ir.RETURN)
}
