package reference_test

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// assembler writes bytecode.
type assembler []byte

func (a *assembler) op(ops ...ir.Op) *assembler {
	for _, op := range ops {
		*a = append(*a, byte(op))
	}
	return a
}

// push pushes x with the fewest bytes.
func (a *assembler) push(x *uint256.Int) *assembler {
	b := x.Bytes()
	*a = append(*a, byte(ir.PUSH0)+byte(len(b)))
	*a = append(*a, b...)
	return a
}

func (a *assembler) num(numbers ...uint64) *assembler {
	for _, n := range numbers {
		a.push(uint256.NewInt(n))
	}
	return a
}

func (a *assembler) addr(addr common.Address) *assembler {
	return a.push(new(uint256.Int).SetBytes20(addr[:]))
}

// label pushes a jump target of two bytes to be set by place.
func (a *assembler) label() (at int) {
	*a = append(*a, byte(ir.PUSH1)+1, 0, 0)
	return len(*a) - 2
}

// place writes a JUMPDEST here and sets the label to it.
func (a *assembler) place(label int) {
	a.set(label, len(*a))
	a.op(ir.JUMPDEST)
}

func (a *assembler) set(label, pc int) { (*a)[label], (*a)[label+1] = byte(pc>>8), byte(pc) }

// here writes a JUMPDEST and returns its place.
func (a *assembler) here() (pc int) {
	a.op(ir.JUMPDEST)
	return len(*a) - 1
}

// pushPC pushes a place in the code.
func (a *assembler) pushPC(pc int) { a.set(a.label(), pc) }

// returnTop returns the top word, the memory's size and the gas left.
func (a *assembler) returnTop() *assembler {
	return a.num(0).op(ir.MSTORE, ir.MSIZE).num(32).op(ir.MSTORE, ir.GAS).num(64).op(ir.MSTORE).num(96, 0).op(ir.RETURN)
}
