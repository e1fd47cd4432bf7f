package evmfuzz

import (
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// counting is how a loop counts and when it goes on. Most count by a constant
// from near an edge over it: compilers that keep a counter in fewer bits, or count
// the rounds before the first, go wrong there if anywhere.
type counting struct {
	start, step, bound *uint256.Int
	up                 bool
	form               int  // of the condition
	variable           bool // the bound is the variable below the counter
	odd                *oddCounting
}

// oddCounting counts otherwise than by a constant, or ends otherwise than at a
// bound. All code leaves the stack as high as it was but for a condition.
type oddCounting struct {
	step func(*generator)
	goOn func(g *generator, n uint64)
}

var oddCountings = []oddCounting{
	{func(g *generator) { g.num(3).op(ir.MUL).num(1).op(ir.ADD) }, func(g *generator, n uint64) { g.num(n).op(ir.DUP1+1, ir.LT) }},
	{func(g *generator) { g.num(1).op(ir.SHR) }, func(g *generator, _ uint64) { g.op(ir.DUP1) }},
	{func(g *generator) { g.num(1).op(ir.ADD).push(mask(64)).op(ir.AND) }, func(g *generator, n uint64) { g.op(ir.DUP1).num(n).op(ir.XOR) }},
	{func(g *generator) { g.num(1).op(ir.ADD).num(0xff).op(ir.AND) }, func(g *generator, n uint64) { g.num(n).op(ir.DUP1+1, ir.LT) }},
	{func(g *generator) { g.num(1).op(ir.ADD) }, func(g *generator, _ uint64) { g.num(20_000).op(ir.GAS, ir.GT) }},
	{func(g *generator) { g.op(ir.DUP1, ir.ADD) }, func(g *generator, n uint64) { g.num(n<<8).op(ir.DUP1+1, ir.LT) }},
	{func(g *generator) { g.value(); g.op(ir.ADD) }, func(g *generator, n uint64) { g.num(n<<4).op(ir.DUP1+1, ir.LT) }},
	{func(g *generator) { g.num(1).op(ir.ADD) }, func(g *generator, _ uint64) { g.condition() }},
	{func(g *generator) { g.num(1).op(ir.ADD) }, func(g *generator, _ uint64) { g.num(1) }},
}

// newCounting returns a way to count to about n rounds.
func (g *generator) newCounting(n uint64) counting {
	if g.oneIn(8) {
		return counting{start: uint256.NewInt(g.Uint64N(2 * n)), odd: &oddCountings[g.IntN(len(oddCountings))]}
	}
	step := uint256.NewInt(pick[uint64](g, 1, 1, 1, 1, 2, 3, 7, 32, 33, 1<<31, 1<<32+1))
	c := counting{step: step, up: g.oneIn(2), form: g.IntN(conditionForms), variable: g.oneIn(4)}
	way := new(uint256.Int).Mul(step, uint256.NewInt(n))
	edge := new(uint256.Int)
	if !g.oneIn(3) {
		edge.Set(g.constant())
	}
	// The edge is somewhere on the way, or at one of its ends.
	part := new(uint256.Int).Mul(step, uint256.NewInt(g.Uint64N(n+1)))
	if g.oneIn(2) {
		part.Clear()
	}
	if c.up {
		c.start = new(uint256.Int).Sub(edge, part)
		c.bound = new(uint256.Int).Add(c.start, way)
	} else {
		c.start = new(uint256.Int).Add(edge, part)
		c.bound = new(uint256.Int).Sub(c.start, way)
	}
	if g.oneIn(4) {
		c.bound.SubUint64(c.bound.AddUint64(c.bound, g.Uint64N(3)), 1)
	}
	return c
}

// unclear adds something to the top word that is zero or one and not known before.
func (g *generator) unclear() {
	if g.oneIn(2) {
		g.op(ir.CALLVALUE, ir.ADD)
	}
}

// begin pushes the bound, if it is a variable, and the counter.
func (g *generator) begin(c *counting) {
	if c.variable {
		g.push(c.bound)
		g.unclear()
		g.variables++
	}
	g.push(c.start)
	g.unclear()
	g.variables++
}

// finish pops what begin has pushed.
func (g *generator) finish(c *counting) {
	g.op(ir.POP)
	g.variables--
	if c.variable {
		g.op(ir.POP)
		g.variables--
	}
}

// advance changes the counter on top of the stack.
func (g *generator) advance(c *counting) {
	if c.odd != nil {
		c.odd.step(g)
		return
	}
	negated := new(uint256.Int).Neg(c.step)
	if g.oneIn(8) {
		g.checkWrap(c)
	}
	switch {
	case c.step.IsUint64() && c.step[0] == 1 && !c.up && g.oneIn(3):
		g.num(0).op(ir.NOT, ir.ADD)
	case c.up && g.oneIn(8):
		g.push(negated).op(ir.SWAP1, ir.SUB)
	case c.up && g.oneIn(3):
		g.push(c.step).op(ir.DUP1+1, ir.ADD, ir.SWAP1, ir.POP)
	case c.up:
		g.push(c.step).op(ir.ADD)
	case g.oneIn(4):
		g.push(negated).op(ir.ADD)
	default:
		g.push(c.step).op(ir.SWAP1, ir.SUB)
	}
}

// checkWrap reverts if the counter is at the end of its range, as the code of
// checked arithmetic does.
func (g *generator) checkWrap(c *counting) {
	good := g.newLabel()
	g.op(ir.DUP1)
	if c.up {
		g.op(ir.NOT)
	}
	g.jumpIf(good)
	g.num(0, 0).op(ir.REVERT)
	g.bind(good)
}

// conditionForms is the number of forms that goOn knows.
const conditionForms = 12

// goOn pushes whether the loop goes on, by the counter on top.
func (g *generator) goOn(c *counting, n uint64) {
	if c.odd != nil {
		c.odd.goOn(g, n)
		return
	}
	less, more := ir.LT, ir.GT
	if !c.up {
		less, more = more, less
	}
	signed := map[ir.Op]ir.Op{ir.LT: ir.SLT, ir.GT: ir.SGT}
	switch c.form {
	case 0, 1, 2: // counter < bound
		g.pushBound(c)
		g.op(ir.DUP1+1, less)
	case 3, 4: // bound > counter
		g.op(ir.DUP1)
		g.pushBound(c)
		g.op(more)
	case 5: // not counter > bound
		g.pushBound(c)
		g.op(ir.DUP1+1, more, ir.ISZERO)
	case 6: // not bound < counter
		g.op(ir.DUP1)
		g.pushBound(c)
		g.op(less, ir.ISZERO)
	case 7:
		g.pushBound(c)
		g.op(ir.DUP1+1, signed[less])
	case 8:
		g.op(ir.DUP1)
		g.pushBound(c)
		g.op(signed[less], ir.ISZERO)
	case 9:
		g.op(ir.DUP1)
		g.pushBound(c)
		g.op(ir.EQ, ir.ISZERO)
	case 10:
		g.pushBound(c)
		g.op(ir.DUP1+1, pick(g, ir.XOR, ir.SUB))
	case 11: // until zero, wherever the bound is
		g.op(ir.DUP1)
	}
}

// pushBound pushes the bound, with the counter below the words pushed since.
func (g *generator) pushBound(c *counting) {
	if c.variable {
		g.get(g.variables - 2)
		return
	}
	g.push(c.bound)
}
