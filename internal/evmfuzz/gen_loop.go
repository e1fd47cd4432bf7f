package evmfuzz

import (
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// loop is a loop being written. Its counter is a variable.
type loop struct {
	counter    int
	next, exit label // with the counter on the stack
}

// isCounter reports whether the variable counts a loop being written.
func (g *generator) isCounter(i int) bool {
	for _, l := range g.loops {
		if l.counter == i {
			return true
		}
	}
	return false
}

// counting is how a loop counts and when it goes on. All code leaves the stack
// as high as it was but for the words named.
type counting struct {
	start func(g *generator, n uint64) // pushes the first value of the counter
	step  func(g *generator)           // changes the counter on top of the stack
	goOn  func(g *generator, n uint64) // pushes whether to go on, by the counter on top
}

// two64, two256 and less push that power less n.
func startSmall(g *generator, _ uint64) { g.num(uint64(g.IntN(2))) }
func startCount(g *generator, n uint64) { g.num(n) }
func start64(g *generator, n uint64)    { g.num(-n) }
func start256(g *generator, n uint64)   { g.push(new(uint256.Int).Neg(uint256.NewInt(n))) }
func startData(g *generator, n uint64)  { g.num(0).op(ir.CALLDATALOAD).num(n).op(ir.AND) }

func stepUp(g *generator)   { g.num(1).op(ir.ADD) }
func stepTwo(g *generator)  { g.num(2).op(ir.ADD) }
func stepWord(g *generator) { g.num(32).op(ir.ADD) }
func stepDown(g *generator) { g.num(1).op(ir.SWAP1, ir.SUB) }
func stepBack(g *generator) { g.op(ir.PUSH0, ir.NOT, ir.ADD) }
func stepUp64(g *generator) { g.num(1).op(ir.ADD).num(1<<64 - 1).op(ir.AND) }
func stepMul(g *generator)  { g.num(3).op(ir.MUL).num(1).op(ir.ADD) }
func stepShift(g *generator) {
	g.num(1).op(ir.SHR)
}

func untilZero(g *generator, _ uint64)    { g.op(ir.DUP1) }
func untilNotZero(g *generator, _ uint64) { g.op(ir.DUP1, ir.ISZERO, ir.ISZERO) }
func whileBelow(g *generator, n uint64)   { g.num(n).op(ir.DUP1+1, ir.LT) }
func whileAbove(g *generator, n uint64)   { g.op(ir.DUP1).num(n).op(ir.GT) }
func whileOther(g *generator, n uint64)   { g.op(ir.DUP1).num(n).op(pick(g, ir.XOR, ir.SUB)) }
func whileNotEqual(g *generator, n uint64) {
	g.op(ir.DUP1).num(n).op(ir.EQ, ir.ISZERO)
}
func whileSigned(g *generator, n uint64)  { g.num(n).op(ir.DUP1+1, ir.SLT) }
func whileBelow64(g *generator, _ uint64) { g.push(mask(64)).op(ir.DUP1+1, ir.LT) }
func whileBelowData(g *generator, n uint64) {
	g.num(32).op(ir.CALLDATALOAD).num(n).op(ir.AND, ir.DUP1+1, ir.LT)
}
func whileBelowWords(g *generator, n uint64) { g.num(32*n).op(ir.DUP1+1, ir.LT) }
func whileBelowVariable(g *generator, n uint64) {
	g.get(max(0, g.variables-2-g.IntN(3)))
	g.num(n).op(ir.AND, ir.DUP1+1, ir.LT)
}
func whileGas(g *generator, _ uint64) { g.num(20_000).op(ir.GAS, ir.GT) }
func always(g *generator, _ uint64)   { g.num(1) }

var countings = []counting{
	{startSmall, stepUp, whileBelow},
	{startSmall, stepUp, whileBelow},
	{startSmall, stepUp, whileAbove},
	{startSmall, stepUp, whileOther},
	{startSmall, stepUp, whileNotEqual},
	{startSmall, stepTwo, whileBelow},
	{startSmall, stepWord, whileBelowWords},
	{startSmall, stepUp, whileBelowData},
	{startSmall, stepUp, whileBelowVariable},
	{startSmall, stepMul, whileBelow},
	{startCount, stepDown, untilZero},
	{startCount, stepBack, untilZero},
	{startCount, stepDown, untilNotZero},
	{startCount, stepShift, untilZero},
	{startData, stepDown, untilNotZero},
	{startData, stepShift, untilNotZero},
	{start64, stepUp, whileBelow64},
	{start64, stepUp64, untilZero},
	{start64, stepUp64, whileOther},
	{start64, stepTwo, whileBelow64},
	{start256, stepUp, untilZero},
	{start256, stepUp, whileOther},
	{start256, stepUp, whileSigned},
	{start256, stepTwo, whileSigned},
	{startSmall, stepUp, whileGas},
}

// loop writes a loop: tested at its top or bottom, left from the middle, entered
// in the middle.
func (g *generator) loop() {
	c := countings[g.IntN(len(countings))]
	if g.oneIn(40) {
		c.goOn = always
	}
	n := uint64(1 + g.IntN(7))
	if len(g.loops) == 0 && g.oneIn(4) {
		n = uint64(1 + g.IntN(60))
	}
	c.start(g, n)
	l := loop{counter: g.variables, next: g.newLabel(), exit: g.newLabel()}
	g.variables++
	g.loops = append(g.loops, l)
	var middle label
	entered := g.oneIn(12)
	if entered {
		middle = g.newLabel()
		g.condition()
		g.jumpIf(middle)
	}
	top := g.here()
	atTop := g.oneIn(2)
	if atTop {
		c.goOn(g, n)
		g.op(ir.ISZERO)
		g.jumpIf(l.exit)
	}
	g.statement()
	if entered {
		g.bind(middle)
	}
	g.statements(g.IntN(3))
	g.bind(l.next)
	c.step(g)
	if atTop {
		g.jump(top)
	} else {
		c.goOn(g, n)
		g.jumpIf(top)
	}
	g.bind(l.exit)
	g.op(ir.POP)
	g.variables--
	g.loops = g.loops[:len(g.loops)-1]
}

// leaveLoop leaves or continues one of the loops around on a condition.
func (g *generator) leaveLoop() {
	if len(g.loops) == 0 {
		g.assign()
		return
	}
	l := g.loops[len(g.loops)-1-g.IntN(min(len(g.loops), 2))]
	to := pick(g, l.next, l.exit)
	g.condition()
	surplus := g.variables - 1 - l.counter
	if surplus == 0 {
		g.jumpIf(to)
		return
	}
	stay, before := g.newLabel(), g.height-1
	g.op(ir.ISZERO)
	g.jumpIf(stay)
	for range surplus {
		g.op(ir.POP)
	}
	g.jump(to)
	g.height = before
	g.bind(stay)
}
