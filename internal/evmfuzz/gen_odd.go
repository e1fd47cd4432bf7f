package evmfuzz

import "github.com/redline-evm/redline/jit/ir"

// shuffle moves words on the stack.
func (g *generator) shuffle() {
	height := 2 + g.IntN(15)
	for range height {
		g.num(uint64(g.IntN(50)))
	}
	for range 1 + g.IntN(12) {
		n := ir.Op(g.IntN(height - 1))
		switch g.IntN(5) {
		case 0:
			g.op(ir.SWAP1 + n)
		case 1:
			g.op(ir.DUP1+n, pick(g, ir.ADD, ir.SUB, ir.LT, ir.EQ))
		case 2:
			g.op(ir.SWAP1, pick(g, ir.SUB, ir.LT, ir.GT, ir.ADD))
			g.num(uint64(g.IntN(9)))
		case 3:
			g.op(ir.SWAP1+n, ir.POP)
			g.num(uint64(g.IntN(9)))
		case 4:
			g.op(ir.DUP1+n).num(uint64(g.IntN(40))).op(pick(g, ir.ADD, ir.SHL, ir.AND), ir.SWAP1+n, ir.POP)
		}
		if g.oneIn(6) { // the words cross a block's border
			g.here()
		}
	}
	for range height {
		g.op(ir.POP)
	}
}

// rare does what mostly ends a frame.
func (g *generator) rare() {
	before := g.height
	switch g.IntN(12) {
	case 0:
		g.target().op(ir.SELFDESTRUCT)
	case 1:
		g.value()
		g.op(ir.JUMP)
	case 2:
		g.code = append(g.code, byte(g.IntN(256)))
	case 3:
		g.region().op(ir.RETURN)
	case 4:
		for range g.IntN(g.height + 3) {
			g.op(ir.POP)
		}
	case 5:
		g.num(uint64(g.IntN(len(g.code) + 1)))
		g.op(ir.JUMP)
	}
	g.height = before
}

// deepStack pushes words in a loop until the stack is high or too high. The code
// behind it does not know how high it is.
func (g *generator) deepStack() {
	n := uint64(g.IntN(100))
	if g.oneIn(2) {
		n = uint64(ir.StackMax - 40 + g.IntN(45))
	}
	g.num(n)
	top := g.here()
	g.op(ir.DUP1).num(1).op(ir.SWAP1, ir.SUB, ir.DUP1)
	g.jumpIf(top)
	g.op(ir.POP)
	g.variables = g.height
}

// recursion returns code that calls itself with all gas, as deep as that goes, and
// does little else, so that it may be given much.
func (g *generator) recursion() []byte {
	for range g.IntN(3) {
		g.num(uint64(g.IntN(300)))
	}
	g.num(32, 0, uint64(32*g.IntN(2)), 0)
	op := pick(g, ir.CALL, ir.CALLCODE, ir.DELEGATECALL, ir.STATICCALL)
	if op == ir.CALL || op == ir.CALLCODE {
		g.num(0)
	}
	g.op(ir.ADDRESS, ir.GAS, op)
	g.num(0).op(ir.MLOAD, ir.ADD)
	g.num(0).op(ir.MSTORE).num(32, 0).op(ir.RETURN)
	return g.resolve()
}

// soup returns bytes that mean little.
func (g *generator) soup() []byte {
	code := make([]byte, g.IntN(300))
	for i := range code {
		switch g.IntN(4) {
		case 0:
			code[i] = byte(g.Uint32())
		case 1:
			code[i] = byte(ir.PUSH1)
		default:
			code[i] = byte(pick(g, pure[g.IntN(len(pure))], given[g.IntN(len(given))], ir.DUP1, ir.SWAP1, ir.JUMPDEST, ir.MSTORE, ir.JUMP, ir.JUMPI, ir.POP))
		}
	}
	return code
}

// mutate changes a few bytes.
func (g *generator) mutate(code []byte) {
	for range 1 + g.IntN(3) {
		code[g.IntN(len(code))] = byte(g.Uint32())
	}
}

// bomb returns code that is made to be costly to compile: many values alive at a
// time, many tiny blocks, many jump targets, deep chains.
func (g *generator) bomb() []byte {
	count := 20 + g.IntN(300)
	switch g.IntN(6) {
	case 0:
		for i := range count {
			g.num(uint64(i)).op(ir.CALLDATALOAD)
		}
		g.here()
		for range count - 1 {
			g.op(ir.ADD)
		}
		g.returnTop()
	case 1:
		for range count {
			g.here()
		}
		g.num(uint64(g.IntN(count))).op(ir.JUMP)
	case 2:
		for range count {
			l := g.newLabel()
			g.op(ir.GAS)
			g.jumpIf(l)
			g.bind(l)
		}
	case 3:
		g.num(1)
		for range count {
			g.op(ir.DUP1, pick(g, ir.MUL, ir.ADD, ir.XOR, ir.MULMOD))
		}
	case 4:
		g.num(3, 5, 7, 9)
		for range count {
			g.op(ir.SWAP1+ir.Op(g.IntN(3)), pick(g, ir.DUP1, ir.DUP1+2, ir.ADD, ir.JUMPDEST, ir.POP, ir.CALLDATASIZE))
		}
	case 5:
		for range count / 4 {
			g.here()
			g.op(ir.PC, ir.GAS).num(uint64(g.IntN(100))).op(ir.MSTORE, ir.POP)
		}
		g.num(0).op(ir.JUMP)
	}
	return g.resolve()
}
