package evmfuzz

import (
	"math/rand/v2"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// The generator makes programs of statements. Between two statements the stack
// holds variables and nothing else, as in the code of a compiler for a language:
// a loop adds its counter, a function its return address and arguments. A
// statement leaves the stack as it was, unless it is one of the few that are
// wrong on purpose.
//
// Most of what it makes runs to its end; with the gas cut short each program
// ends everywhere else, too.

// Bounds of what is generated.
const (
	statementsMax = 8 // at the outermost level
	depthMax      = 3 // of statements in statements
	valueDepthMax = 3 // of operations in operations
	codeMax       = 4 << 10
	reach         = 16 // words that DUP and SWAP reach
)

type generator struct {
	*rand.Rand
	assembler
	variables int // words on the stack between statements
	fixed     int // of them, the lowest, that are not assigned: a return address
	depth     int // of nested statements
	values    int // of nested values
	loops     []loop
	functions []function
	inside    int // index of the function being written, -1 outside
}

func newGenerator(random *rand.Rand) *generator { return &generator{Rand: random} }

// reset begins another program.
func (g *generator) reset() {
	g.assembler = assembler{}
	g.variables, g.fixed, g.depth, g.values, g.inside = 0, 0, 0, 0, -1
	g.loops, g.functions = g.loops[:0], g.functions[:0]
}

// program returns a program.
func (g *generator) program() []byte {
	g.reset()
	if g.oneIn(60) {
		return g.soup()
	}
	if g.oneIn(40) {
		return g.bomb()
	}
	g.declareFunctions()
	if g.oneIn(25) {
		g.deepStack()
	}
	for range g.IntN(5) {
		g.variable()
	}
	g.statements(1 + g.IntN(statementsMax))
	g.end()
	g.writeFunctions()
	code := g.resolve()
	if len(code) > 0 && g.oneIn(12) {
		g.mutate(code)
	}
	return code
}

func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

// pick returns one of the choices.
func pick[T any](g *generator, choices ...T) T { return choices[g.IntN(len(choices))] }

// statements writes statements until there are enough or the code is long.
func (g *generator) statements(count int) {
	for range count {
		if len(g.code) > codeMax {
			return
		}
		g.statement()
	}
}

// choice is one of several things to generate; more weight makes it more frequent.
type choice struct {
	weight int
	write  func(*generator)
}

// choose runs one of the choices.
func (g *generator) choose(choices []choice) {
	total := 0
	for i := range choices {
		total += choices[i].weight
	}
	n := g.IntN(total)
	for i := range choices {
		if n -= choices[i].weight; n < 0 {
			choices[i].write(g)
			return
		}
	}
}

// simple are the statements without statements inside. They are set by init
// because they refer to themselves.
var simple, nested []choice

func init() {
	simple = []choice{
		{12, (*generator).assign},
		{6, (*generator).assignNarrow},
		{6, (*generator).rotate},
		{4, (*generator).checkedAdd},
		{6, (*generator).writeMemory},
		{3, (*generator).copyMemory},
		{1, (*generator).farMemory},
		{4, (*generator).writeStorage},
		{2, (*generator).log},
		{3, (*generator).callOut},
		{1, (*generator).create},
		{4, (*generator).shuffle},
		{1, (*generator).rare},
		{2, (*generator).gasBranch},
		{2, (*generator).leaveLoop},
		{3, (*generator).callFunction},
		{1, (*generator).jumpdests},
	}
	nested = append([]choice{
		{8, (*generator).branch},
		{12, (*generator).loop},
		{2, (*generator).switchCompare},
		{2, (*generator).switchTable},
	}, simple...)
}

// statement writes a statement.
func (g *generator) statement() {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > depthMax {
		g.choose(simple)
	} else {
		g.choose(nested)
	}
}

// end ends a program that has variables on the stack.
func (g *generator) end() {
	switch g.IntN(32) {
	case 0, 1, 2:
		g.op(ir.STOP)
	case 3, 4:
		g.region().op(ir.REVERT)
	case 5:
		g.op(ir.INVALID)
	case 6: // runs into whatever is behind
	case 7:
		g.target().op(ir.SELFDESTRUCT)
	default:
		g.fold()
		g.returnTop()
	}
}

// fold makes one word of the variables in reach, so that all of them show.
func (g *generator) fold() {
	g.value()
	for i := max(0, g.height-reach); i < g.variables; i++ {
		g.get(i)
		g.op(pick(g, ir.ADD, ir.XOR, ir.SUB))
	}
}

// variable pushes a new variable.
func (g *generator) variable() {
	switch g.IntN(4) {
	case 0:
		g.num(uint64(g.IntN(300)))
	case 1:
		g.push(g.constant())
	default:
		g.num(uint64(32 * g.IntN(4))).op(ir.CALLDATALOAD)
	}
	g.variables++
}

// get pushes a variable; one out of reach is a constant.
func (g *generator) get(i int) {
	if n := g.height - i; n >= 1 && n <= reach {
		g.op(ir.DUP1 + ir.Op(n-1))
		return
	}
	g.num(uint64(i))
}

// set pops the top word into a variable, or drops it if that is out of reach.
func (g *generator) set(i int) {
	if n := g.height - 1 - i; n >= 1 && n <= reach {
		g.op(ir.SWAP1 + ir.Op(n-1))
	}
	g.op(ir.POP)
}

// assignable returns a variable that may be assigned; ok is false without one.
func (g *generator) assignable() (i int, ok bool) {
	if g.variables == g.fixed {
		return 0, false
	}
	low := max(g.fixed, g.variables-reach+1)
	i = low + g.IntN(g.variables-low)
	if i < g.fixed || g.isCounter(i) && !g.oneIn(20) {
		return 0, false
	}
	return i, true
}

// assign sets a variable to a value.
func (g *generator) assign() {
	i, ok := g.assignable()
	g.value()
	if !ok {
		g.op(ir.POP)
		return
	}
	if g.oneIn(2) { // i = i op value
		g.get(i)
		g.op(pick(g, ir.ADD, ir.SUB, ir.MUL, ir.XOR, ir.OR, ir.AND, ir.SHL, ir.SHR, ir.DIV, ir.MOD, ir.SAR))
	}
	g.set(i)
}

// assignNarrow sets a variable to a value of which few bits can be set.
func (g *generator) assignNarrow() {
	i, ok := g.assignable()
	if !ok {
		return
	}
	g.value()
	if g.oneIn(2) {
		g.get(i)
		g.op(pick(g, ir.ADD, ir.MUL, ir.SUB, ir.XOR))
	}
	g.narrow()
	g.set(i)
}

// narrow makes the top word narrow.
func (g *generator) narrow() {
	switch g.IntN(5) {
	case 0:
		g.num(uint64(128 + g.IntN(128))).op(ir.SHR)
	case 1:
		g.op(ir.ISZERO)
	case 2:
		g.num(uint64(g.IntN(32))).op(ir.BYTE)
	default:
		g.push(mask(pick[uint](g, 1, 8, 16, 32, 63, 64, 65, 96, 128, 160, 192, 255))).op(ir.AND)
	}
}

// mask is a number of that many ones.
func mask(bits uint) *uint256.Int {
	x := uint256.NewInt(1)
	return x.SubUint64(x.Lsh(x, bits), 1)
}

// rotate makes of the variables a, b the variables b, a op b, as a loop over
// Fibonacci numbers does.
func (g *generator) rotate() {
	if g.variables-g.fixed < 2 {
		return
	}
	i := g.variables - 2
	if g.isCounter(i) || g.isCounter(i+1) {
		if i--; i < g.fixed || g.isCounter(i) || g.isCounter(i+1) {
			return
		}
	}
	op := pick(g, ir.ADD, ir.ADD, ir.ADD, ir.SUB, ir.MUL, ir.XOR)
	if i == g.variables-2 && g.oneIn(2) { // in place
		g.op(ir.DUP1, ir.SWAP1+1, op)
		return
	}
	g.get(i + 1)
	g.get(i)
	g.get(i + 1)
	g.op(op)
	if g.oneIn(3) {
		g.narrow()
	}
	g.set(i + 1)
	g.set(i)
}

// checkedAdd adds or multiplies as Solidity does: it reverts on overflow.
func (g *generator) checkedAdd() {
	i, ok := g.assignable()
	if !ok {
		return
	}
	good := g.newLabel()
	g.value()
	if g.oneIn(2) {
		g.narrow()
	}
	g.get(i)
	g.op(ir.DUP1+1, ir.ADD, ir.DUP1, ir.SWAP1+1, ir.GT) // sum, value > sum
	g.op(ir.ISZERO)
	g.jumpIf(good)
	g.num(0x4e487b71, 0).op(ir.MSTORE).num(0x24, 0x1c).op(ir.REVERT)
	g.bind(good)
	g.set(i)
}

// constant returns a constant at which something may change.
func (g *generator) constant() *uint256.Int {
	if g.oneIn(3) {
		x := new(uint256.Int).Lsh(uint256.NewInt(1), uint(g.IntN(256)))
		return x.AddUint64(x, uint64(g.IntN(5))-2)
	}
	return edge(g.IntN(len(edges)))
}

// edges are operands at which opcodes change their mind.
var edges = func() (words []*uint256.Int) {
	for _, x := range []string{
		"0x0", "0x1", "0x2", "0x1f", "0x20", "0x40", "0xff", "0x100", "0xffff", "0xffffffff",
		"0xffffffffffffffff", "0x10000000000000000",
		"0xffffffffffffffffffffffffffffffff", "0xca11ee",
		"0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"0x8000000000000000000000000000000000000000000000000000000000000000",
		"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff80",
		"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		words = append(words, uint256.MustFromHex(x))
	}
	return words
}()

func edge(i int) *uint256.Int { return edges[i%len(edges)] }

// pure are opcodes that take words and give one.
var pure = []ir.Op{
	ir.ADD, ir.MUL, ir.SUB, ir.DIV, ir.SDIV, ir.MOD, ir.SMOD, ir.ADDMOD, ir.MULMOD, ir.SIGNEXTEND,
	ir.LT, ir.GT, ir.SLT, ir.SGT, ir.EQ, ir.ISZERO, ir.AND, ir.OR, ir.XOR, ir.NOT, ir.BYTE, ir.SHL, ir.SHR, ir.SAR,
	ir.CLZ, ir.CALLDATALOAD, ir.BLOCKHASH, ir.BLOBHASH, ir.EXP,
}

// given are opcodes that give a word.
var given = []ir.Op{
	ir.ADDRESS, ir.ORIGIN, ir.CALLER, ir.CALLVALUE, ir.CALLDATASIZE, ir.CODESIZE, ir.GASPRICE, ir.RETURNDATASIZE,
	ir.COINBASE, ir.TIMESTAMP, ir.NUMBER, ir.PREVRANDAO, ir.GASLIMIT, ir.CHAINID, ir.SELFBALANCE, ir.BASEFEE,
	ir.BLOBBASEFEE, ir.PC, ir.MSIZE, ir.GAS,
}

// value pushes one word.
func (g *generator) value() {
	g.values++
	defer func() { g.values-- }()
	n := g.IntN(20)
	if g.values > valueDepthMax {
		n %= 8
	}
	switch n {
	case 0, 1:
		g.num(uint64(g.IntN(300)))
	case 2:
		g.push(g.constant())
	case 3:
		g.op(given[g.IntN(len(given))])
	case 4, 5, 6, 7:
		if g.variables > 0 {
			low := max(0, g.height-reach)
			g.get(low + g.IntN(max(1, g.variables-low)))
		} else {
			g.num(uint64(32 * g.IntN(4))).op(ir.CALLDATALOAD)
		}
	case 8, 9, 10, 11, 12:
		g.operation(pure[g.IntN(len(pure))])
	case 13, 14:
		g.operation(pick(g, ir.ADD, ir.SUB, ir.MUL, ir.LT, ir.GT, ir.EQ, ir.AND, ir.SHL, ir.SHR))
	case 15, 16:
		g.offset().op(ir.MLOAD)
	case 17:
		g.num(uint64(g.IntN(6))).op(pick(g, ir.SLOAD, ir.SLOAD, ir.TLOAD))
	case 18:
		g.region().op(ir.KECCAK256)
	case 19:
		g.target().op(pick(g, ir.BALANCE, ir.EXTCODESIZE, ir.EXTCODEHASH))
	}
}

// operation pushes the result of an opcode on values.
func (g *generator) operation(op ir.Op) {
	info, _ := ir.Lookup(byte(op), ir.Osaka)
	for range info.Pops {
		g.value()
	}
	g.op(op)
}

// condition pushes a condition of one of the shapes that compilers make.
func (g *generator) condition() {
	g.value()
	switch g.IntN(7) {
	case 0:
		g.op(ir.ISZERO)
	case 1:
		g.op(ir.ISZERO, ir.ISZERO)
	case 2, 3:
		g.value()
		g.op(pick(g, ir.LT, ir.GT, ir.SLT, ir.SGT, ir.EQ, ir.SUB, ir.XOR))
	case 4:
		g.value()
		g.op(pick(g, ir.LT, ir.GT, ir.EQ, ir.SUB), ir.ISZERO)
	case 5:
		g.num(1).op(ir.AND)
	}
}
