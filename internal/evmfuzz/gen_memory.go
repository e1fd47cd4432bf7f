package evmfuzz

import (
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// memoryUsual is as much memory as most accesses touch, in bytes.
const memoryUsual = 300

// region pushes size and offset of a small piece of memory.
func (g *generator) region() *assembler {
	return g.num(uint64(g.IntN(100)), uint64(g.IntN(memoryUsual)))
}

// offset pushes an offset into memory: a constant or computed.
func (g *generator) offset() *assembler {
	if g.variables == 0 || g.oneIn(2) {
		return g.num(uint64(g.IntN(memoryUsual)))
	}
	g.get(max(0, g.variables-1-g.IntN(4)))
	switch g.IntN(3) {
	case 0:
		g.num(5).op(ir.SHL).num(0x3ff)
	case 1:
		g.num(0x1fff)
	default:
		g.num(0xff)
	}
	return g.op(ir.AND)
}

// writeMemory stores a value.
func (g *generator) writeMemory() {
	g.value()
	g.offset().op(pick(g, ir.MSTORE, ir.MSTORE, ir.MSTORE8))
}

// copyMemory copies within memory or into it.
func (g *generator) copyMemory() {
	g.num(uint64(g.IntN(100)))
	switch g.IntN(8) {
	case 0:
		g.num(uint64(g.IntN(60)))
		g.offset()
		g.target().op(ir.EXTCODECOPY)
	case 1:
		if !g.oneIn(6) {
			g.op(ir.POP, ir.RETURNDATASIZE)
		}
		g.num(0)
		g.offset().op(ir.RETURNDATACOPY)
	case 2:
		g.value()
		g.offset().op(pick(g, ir.CALLDATACOPY, ir.CODECOPY))
	default:
		g.offset()
		g.offset().op(pick(g, ir.CALLDATACOPY, ir.CODECOPY, ir.MCOPY, ir.MCOPY))
	}
}

// farMemory touches memory far away, which mostly costs more gas than there is,
// and sizes of zero, which touch none.
func (g *generator) farMemory() {
	far := pick(g, g.constant(), uint256.NewInt(1<<16), uint256.NewInt(1<<13), uint256.NewInt(1<<32-1), uint256.NewInt(1<<63))
	switch g.IntN(6) {
	case 0:
		g.push(far).op(ir.MLOAD, ir.POP)
	case 1:
		g.value()
		g.push(far).op(pick(g, ir.MSTORE, ir.MSTORE8))
	case 2:
		g.num(pick[uint64](g, 0, 135, 136, 137, 1000, 5000)).push(pick(g, far, new(uint256.Int))).op(ir.KECCAK256, ir.POP)
	case 3:
		g.num(0).push(far).push(far).op(ir.MCOPY)
	case 4:
		g.num(uint64(g.IntN(40))).push(far).num(uint64(g.IntN(memoryUsual))).op(ir.MCOPY)
	case 5:
		g.num(uint64(g.IntN(40))).push(far).num(0).op(ir.CALLDATACOPY)
	}
}
