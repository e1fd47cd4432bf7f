package evmfuzz

import (
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// target pushes an address that programs call and ask about.
func (g *generator) target() *assembler { return g.addr(targets[g.IntN(len(targets))]) }

// slotKeys is the number of slots that programs use.
const slotKeys = 6

// writeStorage writes a slot, at times with the values that matter for refunds.
func (g *generator) writeStorage() {
	switch g.IntN(4) {
	case 0:
		g.num(0)
	case 1:
		g.num(slotValue(uint64(g.IntN(slotKeys))))
	default:
		g.value()
	}
	g.num(uint64(g.IntN(slotKeys))).op(pick(g, ir.SSTORE, ir.SSTORE, ir.TSTORE))
}

func (g *generator) log() {
	topics := g.IntN(5)
	for range topics {
		g.value()
	}
	g.region().op(ir.LOG0 + ir.Op(topics))
}

// callOut calls and stores success, size of the output, or nothing.
func (g *generator) callOut() {
	g.call()
	switch g.IntN(3) {
	case 0:
		g.num(uint64(g.IntN(slotKeys))).op(ir.SSTORE)
	case 1:
		g.op(ir.RETURNDATASIZE, ir.ADD).num(uint64(g.IntN(memoryUsual))).op(ir.MSTORE)
	case 2:
		g.op(ir.POP)
	}
}

// call leaves the call's success.
func (g *generator) call() {
	g.region()
	g.region()
	op := pick(g, ir.CALL, ir.CALL, ir.CALLCODE, ir.DELEGATECALL, ir.STATICCALL)
	if op == ir.CALL || op == ir.CALLCODE {
		g.num(pick[uint64](g, 0, 0, 0, 1, 5, 100_000))
	}
	g.target()
	switch g.IntN(5) {
	case 0, 1:
		g.op(ir.GAS)
	case 2:
		g.num(uint64(g.IntN(100_000)))
	case 3: // at the edge of what may be given
		g.num(uint64(g.IntN(200)), 64).op(ir.GAS, ir.DIV, ir.GAS, ir.SUB, ir.SUB)
	case 4:
		g.push(edge(len(edges) - 1))
	}
	g.op(op)
}

// create runs init code from memory: code that deploys what lies behind it, or
// whatever memory holds.
func (g *generator) create() {
	if !g.oneIn(3) {
		var initCode assembler
		initCode.num(uint64(g.IntN(60)), 0, 0).op(ir.CODECOPY).num(uint64(g.IntN(60)), 0)
		initCode.op(pick(g, ir.RETURN, ir.RETURN, ir.REVERT))
		g.push(new(uint256.Int).Lsh(new(uint256.Int).SetBytes(initCode.code), uint(8*(32-len(initCode.code)))))
		g.num(0).op(ir.MSTORE)
	}
	op := ir.CREATE
	if g.oneIn(2) {
		op = ir.CREATE2
		g.num(uint64(g.IntN(3))) // salt
	}
	g.num(uint64(g.IntN(60)), 0, uint64(g.IntN(2))).op(op)
	if g.oneIn(2) {
		g.op(ir.POP)
		return
	}
	// Call what was created.
	g.num(0, 0, 0, 0, 0).op(ir.DUP1+5, ir.GAS, ir.CALL, ir.ADD).num(uint64(g.IntN(slotKeys))).op(ir.SSTORE)
}
