package evmfuzz

import (
	"github.com/redline-evm/redline/jit/ir"
)

// branch runs a statement on a condition, and perhaps another otherwise.
func (g *generator) branch() {
	otherwise, end := g.newLabel(), g.newLabel()
	g.condition()
	g.jumpIf(otherwise)
	g.statements(1 + g.IntN(2))
	if g.oneIn(2) {
		g.jump(end)
		g.bind(otherwise)
		g.statement()
		g.bind(end)
		return
	}
	g.bind(otherwise)
}

// gasBranch does something that depends on the gas left.
func (g *generator) gasBranch() {
	end := g.newLabel()
	g.num(uint64(g.IntN(200_000))).op(ir.GAS, pick(g, ir.LT, ir.GT))
	g.jumpIf(end)
	g.op(ir.GAS).num(uint64(g.IntN(300))).op(ir.MSTORE)
	g.bind(end)
}

// jumpdests writes a run of JUMPDESTs.
func (g *generator) jumpdests() {
	for range g.IntN(5) {
		g.here()
	}
}

// switchCompare compares a word with one constant after the other, as the code
// that finds a contract's function does.
func (g *generator) switchCompare() {
	end := g.newLabel()
	g.value()
	g.num(3).op(ir.AND)
	g.variables++
	cases := make([]label, 1+g.IntN(4))
	for i := range cases {
		cases[i] = g.newLabel()
		g.op(ir.DUP1).num(uint64(i)).op(ir.EQ)
		g.jumpIf(cases[i])
	}
	g.jump(end)
	for _, l := range cases {
		g.bind(l)
		g.statement()
		g.jump(end)
	}
	g.bind(end)
	g.op(ir.POP)
	g.variables--
}

// switchTable jumps to a computed place in a table of jumps.
func (g *generator) switchTable() {
	const entryBytes = 5 // JUMPDEST PUSH2 to JUMP
	table, end := g.newLabel(), g.newLabel()
	cases := make([]label, 2+2*g.IntN(2))
	g.value()
	g.num(uint64(len(cases)-1)).op(ir.AND).num(entryBytes).op(ir.MUL).pushLabel(table).op(ir.ADD, ir.JUMP)
	for i := range cases {
		cases[i] = g.newLabel()
		if i == 0 {
			g.bind(table)
		} else {
			g.op(ir.JUMPDEST)
		}
		g.jump(cases[i])
	}
	for _, l := range cases {
		g.bind(l)
		g.statement()
		g.jump(end)
	}
	g.bind(end)
}

// function is a function that programs call inside: it finds its return address
// below its arguments and leaves one word.
type function struct {
	entry     label
	arguments int
	used      bool
}

func (g *generator) declareFunctions() {
	for range g.IntN(4) {
		g.functions = append(g.functions, function{entry: g.newLabel(), arguments: g.IntN(4)})
	}
}

// callFunction calls a function that comes later than the one being written, and
// keeps its result or not.
func (g *generator) callFunction() {
	first := g.inside + 1
	if first >= len(g.functions) {
		return
	}
	f := &g.functions[first+g.IntN(len(g.functions)-first)]
	f.used = true
	back, before := g.newLabel(), g.height
	g.pushLabel(back)
	for range f.arguments {
		g.value()
	}
	if other := &g.functions[len(g.functions)-1]; other.arguments == f.arguments && g.oneIn(3) {
		other.used = true
		g.computedJump(f.entry, other.entry)
	} else {
		g.jump(f.entry)
	}
	g.height = before + 1
	g.bind(back)
	if i, ok := g.assignable(); ok {
		g.set(i)
	} else {
		g.op(ir.POP)
	}
}

// computedJump jumps to one of two places by a computed address.
func (g *generator) computedJump(a, b label) {
	g.pushLabel(a).pushLabel(b).op(ir.XOR)
	g.condition()
	g.op(ir.ISZERO, ir.MUL).pushLabel(b).op(ir.XOR, ir.JUMP)
}

// writeFunctions writes the functions that are called, behind everything else.
func (g *generator) writeFunctions() {
	for i := range g.functions {
		if f := &g.functions[i]; f.used {
			g.inside = i
			g.writeFunction(f)
		}
	}
}

func (g *generator) writeFunction(f *function) {
	g.height = 1 + f.arguments
	g.variables, g.fixed, g.depth, g.loops = g.height, 1, 1, g.loops[:0]
	g.bind(f.entry)
	if f.arguments > 0 && g.oneIn(4) {
		g.recurse(f)
	} else {
		g.statements(1 + g.IntN(3))
	}
	g.value()
	g.op(ir.SWAP1 + ir.Op(f.arguments)) // result, arguments, return address
	for range f.arguments {
		g.op(ir.SWAP1, ir.POP)
	}
	g.op(ir.JUMP)
}

// recurse calls the function itself, a few times at most in all.
func (g *generator) recurse(f *function) {
	end, back := g.newLabel(), g.newLabel()
	g.get(1)
	g.num(pick[uint64](g, 3, 7, 15)).op(ir.AND, ir.DUP1, ir.ISZERO)
	g.jumpIf(end)
	before := g.height
	g.pushLabel(back)
	g.num(1).op(ir.DUP1+2, ir.SUB)
	for range f.arguments - 1 {
		g.num(uint64(g.IntN(300)))
	}
	g.jump(f.entry)
	g.height = before + 1
	g.bind(back)
	g.op(ir.ADD)
	g.bind(end)
	g.set(1)
}
