package evmfuzz

import "github.com/redline-evm/redline/jit/ir"

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

// light are the statements of tight loops: those that compilers keep in registers,
// and a few that make them leave now and then.
var light = []choice{
	{8, (*generator).assign},
	{6, (*generator).assignNarrow},
	{8, (*generator).rotate},
	{4, (*generator).checkedAdd},
	{6, (*generator).increase},
	{5, (*generator).writeMemory},
	{2, (*generator).leaveLoop},
	{1, (*generator).callFunction},
	{1, (*generator).copyMemory},
	{1, (*generator).writeStorage},
	{1, (*generator).gasBranch},
}

// body writes what a loop does in each round.
func (g *generator) body(tight bool) {
	if !tight {
		g.statement()
		g.statements(g.IntN(3))
		return
	}
	for range g.IntN(4) {
		g.choose(light)
	}
}

// increase adds a constant to a variable, which makes it another counter.
func (g *generator) increase() {
	i, ok := g.assignable()
	if !ok {
		return
	}
	g.num(pick[uint64](g, 1, 1, 2, 31, 32, 64))
	g.get(i)
	g.op(pick(g, ir.ADD, ir.ADD, ir.SUB))
	g.set(i)
}

// Rounds of loops.
const (
	roundsFew  = 7
	roundsSome = 60 // of outermost loops
	roundsMany = 400
)

// rounds returns about how often a loop runs.
func (g *generator) rounds() uint64 {
	n := roundsFew
	if len(g.loops) == 0 {
		n = pick(g, roundsFew, roundsFew, roundsFew, roundsSome, roundsSome, roundsMany)
	}
	return uint64(1 + g.IntN(n))
}

// loop writes a loop: tested at its top or bottom, left from the middle, entered
// in the middle.
func (g *generator) loop() {
	n := g.rounds()
	c := g.newCounting(n)
	g.begin(&c)
	l := loop{counter: g.variables - 1, next: g.newLabel(), exit: g.newLabel()}
	g.loops = append(g.loops, l)
	entered := g.oneIn(15)
	var middle label
	if entered {
		middle = g.newLabel()
		g.condition()
		g.jumpIf(middle)
	}
	top := g.here()
	atTop := g.oneIn(2)
	if atTop {
		g.goOn(&c, n)
		if g.oneIn(8) {
			g.op(ir.ISZERO, ir.ISZERO)
		}
		g.op(ir.ISZERO)
		g.jumpIf(l.exit)
	}
	tight := g.oneIn(2)
	g.body(tight)
	if entered {
		g.bind(middle)
		g.body(tight)
	}
	g.bind(l.next)
	g.advance(&c)
	if atTop {
		g.jump(top)
	} else {
		g.goOn(&c, n)
		g.jumpIf(top)
	}
	g.bind(l.exit)
	g.loops = g.loops[:len(g.loops)-1]
	g.finish(&c)
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
