//go:build linux && amd64

package amd64

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// loopGenerator makes programs of loops over a few words that lie on the stack
// between any two statements: counted up and down, nested, with ways out of the
// middle, conditions, memory, calls of a subroutine, and words that grow beyond a
// limb or the whole width.
type loopGenerator struct {
	*rand.Rand
	w      writer
	words  int
	temps  int // words above them
	ends   []*jumpLabel
	open   int          // loops that are being written
	calls  []*jumpLabel // of the subroutine
	labels []*jumpLabel
}

// jumpLabel is a JUMPDEST and the places that jump to it.
type jumpLabel struct {
	pc     int
	places []int
}

func (g *loopGenerator) newLabel() *jumpLabel {
	l := new(jumpLabel)
	g.labels = append(g.labels, l)
	return l
}

func (g *loopGenerator) bind(l *jumpLabel) {
	l.pc = len(g.w.code)
	g.w.op(ir.JUMPDEST)
}

func (g *loopGenerator) pushLabel(l *jumpLabel) {
	l.places = append(l.places, len(g.w.code)+1)
	g.w.push16(0)
}

func (g *loopGenerator) jumpTo(l *jumpLabel) {
	g.pushLabel(l)
	g.w.op(ir.JUMP)
}

// jumpIf jumps if the word on top is not zero.
func (g *loopGenerator) jumpIf(l *jumpLabel) {
	g.pushLabel(l)
	g.w.op(ir.JUMPI)
	g.temps--
}

func (g *loopGenerator) constant(x *uint256.Int) {
	g.w.push(x)
	g.temps++
}

func (g *loopGenerator) load(word int) {
	g.w.op(ir.DUP1 + ir.Op(word+g.temps))
	g.temps++
}

// store takes the word on top.
func (g *loopGenerator) store(word int) {
	g.w.op(ir.SWAP1+ir.Op(word+g.temps-1), ir.POP)
	g.temps--
}

func (g *loopGenerator) binary(op ir.Op) {
	g.w.op(op)
	g.temps--
}

// atom is a word or a constant.
func (g *loopGenerator) atom() {
	switch g.IntN(6) {
	case 0:
		g.constant(uint256.NewInt(uint64(g.IntN(100))))
	case 1:
		x := randomWord(g.Rand)
		g.constant(&x)
	default:
		g.load(g.IntN(g.words))
	}
}

var cheapOps = []ir.Op{ir.ADD, ir.ADD, ir.ADD, ir.SUB, ir.MUL, ir.AND, ir.OR, ir.XOR, ir.LT, ir.GT, ir.EQ, ir.SHL, ir.SHR, ir.SAR}

// value computes something onto the stack.
func (g *loopGenerator) value(pure bool) {
	g.atom()
	for range 1 + g.IntN(3) {
		switch n := g.IntN(12); {
		case n < 7 || pure:
			g.atom()
			g.binary(cheapOps[g.IntN(len(cheapOps))])
		case n < 8:
			g.constant(uint256.NewInt(1<<32 - 1))
			g.binary(ir.AND)
		case n < 9:
			g.atom()
			g.binary([]ir.Op{ir.DIV, ir.MOD, ir.SDIV, ir.BYTE, ir.SIGNEXTEND, ir.EXP}[g.IntN(6)])
		case n < 10:
			g.constant(uint256.NewInt(uint64(g.IntN(1 << 10))))
			g.binary(ir.AND)
			g.w.op(ir.MLOAD)
		case n < 11:
			g.w.op(ir.ISZERO)
		default:
			g.w.op([]ir.Op{ir.GAS, ir.MSIZE, ir.CALLDATASIZE}[g.IntN(3)])
			g.temps++
			g.binary(ir.ADD)
		}
	}
}

func (g *loopGenerator) condition() {
	g.atom()
	g.atom()
	g.binary([]ir.Op{ir.LT, ir.GT, ir.SLT, ir.SGT, ir.EQ, ir.SUB, ir.AND}[g.IntN(7)])
	for range g.IntN(3) {
		g.w.op(ir.ISZERO)
	}
}

// checkedSum adds to a word, and leaves on the stack whether that overflows.
func (g *loopGenerator) checkedSum() {
	x, y := g.IntN(g.words), g.IntN(g.words)
	g.load(x)
	g.load(y)
	g.binary(ir.ADD)
	g.load([]int{x, y}[g.IntN(2)])
	g.w.op(ir.DUP1 + 1)
	g.temps++
	g.binary(ir.LT)
	g.w.op(ir.SWAP1)
	g.store(x)
}

// statement writes one; pure ones need neither gas nor Go.
func (g *loopGenerator) statement(pure bool) {
	n := g.IntN(20)
	if pure && n >= 13 {
		n = g.IntN(13)
	}
	switch {
	case n < 8:
		g.value(pure)
		g.store(g.IntN(g.words))
	case n < 10: // exchange
		x, y := g.IntN(g.words), g.IntN(g.words)
		g.load(x)
		g.load(y)
		g.store(x)
		g.store(y)
	case n < 12: // a loop's sum
		x := g.IntN(g.words)
		g.load(x)
		g.atom()
		g.binary(ir.ADD)
		g.store(x)
	case n < 13:
		if len(g.ends) > 0 {
			if g.IntN(2) == 0 {
				g.checkedSum()
			} else {
				g.condition()
			}
			g.jumpIf(g.ends[g.IntN(len(g.ends))])
		}
	case n < 15:
		skip := g.newLabel()
		g.condition()
		g.jumpIf(skip)
		g.statement(pure)
		g.bind(skip)
	case n < 17:
		g.value(false)
		g.load(g.IntN(g.words))
		if g.IntN(8) > 0 {
			g.constant(uint256.NewInt(uint64(g.IntN(1 << 9))))
			g.binary(ir.AND)
		}
		g.w.op([]ir.Op{ir.MSTORE, ir.MSTORE, ir.MSTORE8}[g.IntN(3)])
		g.temps -= 2
	case n < 18:
		back := g.newLabel()
		g.pushLabel(back)
		g.jumpTo(g.calls[g.IntN(len(g.calls))])
		g.bind(back)
	case n < 19:
		g.atom()
		g.w.op([]ir.Op{ir.SLOAD, ir.TLOAD, ir.BALANCE}[g.IntN(3)])
		g.store(g.IntN(g.words))
	default:
		g.loop()
	}
}

// loop writes a loop: its counter is a word, its bound a word or a constant.
func (g *loopGenerator) loop() {
	if g.open == 2 {
		return
	}
	g.open++
	counter, rounds := g.IntN(g.words), uint64(g.IntN(30))
	step, pure := uint64(1), g.IntN(2) == 0
	if g.IntN(3) == 0 {
		step = uint64(1 + g.IntN(40))
	}
	start := [...]uint64{0, 1, 5, 1<<62 - 3, 1<<63 - 20, 1<<64 - 30}[g.IntN(6)*g.IntN(2)]
	down := g.IntN(3) == 0
	bound := uint256.NewInt(start)
	bound.Add(bound, uint256.NewInt(rounds*step))
	if down {
		start, bound = rounds*step, uint256.NewInt(0)
	}
	g.constant(uint256.NewInt(start))
	g.store(counter)
	boundWord := -1
	if g.IntN(2) == 0 {
		if boundWord = g.IntN(g.words); boundWord != counter {
			g.constant(bound)
			g.store(boundWord)
		}
	}
	test := func() {
		g.load(counter)
		if boundWord >= 0 {
			g.load(boundWord)
		} else {
			g.constant(bound)
		}
		above, below := ir.GT, ir.LT // bound above counter, bound below
		if g.IntN(4) == 0 {
			above, below = ir.SGT, ir.SLT
		}
		if down {
			above, below = below, above
		}
		switch g.IntN(6) {
		case 0:
			g.binary(ir.EQ)
			g.w.op(ir.ISZERO)
		case 1:
			g.binary(ir.SUB)
		case 2:
			g.binary(below)
			g.w.op(ir.ISZERO)
		default:
			g.binary(above)
		}
	}
	head, end := g.newLabel(), g.newLabel()
	top := g.IntN(2) == 0
	g.bind(head)
	if top {
		test()
		g.w.op(ir.ISZERO)
		g.jumpIf(end)
	}
	g.ends = append(g.ends, end)
	for range 1 + g.IntN(4) {
		g.statement(pure)
	}
	g.ends = g.ends[:len(g.ends)-1]
	g.constant(uint256.NewInt(step))
	g.load(counter)
	if down {
		g.binary(ir.SUB)
	} else {
		g.binary(ir.ADD)
	}
	g.store(counter)
	if top {
		g.jumpTo(head)
	} else {
		test()
		g.jumpIf(head)
	}
	g.bind(end)
	g.open--
}

// program writes a program. Words that are shown at its end are all there is.
func (g *loopGenerator) program() []byte {
	g.words = 2 + g.IntN(7)
	sub := g.newLabel()
	g.calls = append(g.calls, sub)
	for range g.words {
		x := randomWord(g.Rand)
		if g.IntN(2) == 0 {
			x = *uint256.NewInt(uint64(g.IntN(50)))
		}
		g.w.push(&x)
	}
	for range 1 + g.IntN(3) {
		g.loop()
		g.statement(false)
	}
	for range (g.words + 1) / 2 {
		g.w.op(ir.DUP1+1, ir.TSTORE) // shows two, and leaves one more than that
	}
	g.w.op(ir.STOP)
	g.bind(sub) // s0 is where it returns to
	g.temps = 1
	g.value(false)
	g.store(g.IntN(g.words))
	g.w.op(ir.JUMP)
	g.patch()
	return g.w.code
}

// patch fills in where labels are.
func (g *loopGenerator) patch() {
	for _, l := range g.labels {
		for _, place := range l.places {
			binary.BigEndian.PutUint16(g.w.code[place:], uint16(l.pc))
		}
	}
}

func TestRandomLoops(t *testing.T) {
	c := NewCompiler(newMemory(t))
	outcomes := map[string]int{}
	var loops, counted int
	for seed := range uint64(loopSeeds) {
		g := &loopGenerator{Rand: rand.New(rand.NewPCG(seed, 9))}
		code := g.program()
		slice := uint64(1 + g.IntN(300)*g.IntN(300))
		end := both(t, c, code, uint64(500+g.IntN(300)*g.IntN(300)), slice, nil)
		outcomes[end.outcome[:4]]++
		var b ir.Builder
		b.Build(code, ir.Osaka)
		for _, loop := range b.Optimize().Loops {
			loops++
			if loop.Count.Step != 0 {
				counted++
			}
		}
	}
	if loops < loopSeeds/2 || counted < loopSeeds/10 || outcomes["STOP"] < loopSeeds/4 || outcomes["fail"] < loopSeeds/10 {
		t.Errorf("%d loops, %d counted, %v; the generator has gone astray", loops, counted, outcomes)
	}
}

const loopSeeds = 6000

// fromText returns the bytecode of a text: opcodes, numbers to push, labels like
// "top:", which are JUMPDESTs, and their names, which push where they are.
func fromText(text string) []byte {
	labels := map[string]int{}
	var code []byte
	for range 2 { // labels are known in the second pass
		code = code[:0]
		for _, word := range strings.Fields(text) {
			name, isLabel := strings.CutSuffix(word, ":")
			w := writer{code}
			switch op, isOp := opcodeNames[word]; {
			case isLabel:
				labels[name] = len(code)
				w.op(ir.JUMPDEST)
			case isOp:
				w.op(op)
			case word[0] >= '0' && word[0] <= '9':
				w.push(uint256.MustFromDecimal(word))
			default:
				w.push16(labels[word])
			}
			code = w.code
		}
	}
	return code
}

var opcodeNames = map[string]ir.Op{}

func init() {
	for op := range 256 {
		opcodeNames[ir.Op(op).String()] = ir.Op(op)
	}
}

// loopShapes are loops of about n rounds each; %[1]d is n.
var loopShapes = []struct{ name, text string }{
	{"down, tested last, words exchanged", `
		%[1]d 3 5 top: DUP1 SWAP2 ADD SWAP1 SWAP2 1 SWAP1 SUB SWAP2 DUP3 top JUMPI TSTORE 0 TSTORE STOP`},
	{"up, tested first", `
		3 %[1]d 0 top: DUP2 DUP2 LT ISZERO end JUMPI 1 ADD SWAP2 DUP3 ADD SWAP2 top JUMP end: TSTORE 0 TSTORE STOP`},
	{"up by three to a word and with it, and used", `
		3 %[1]d 0 top: SWAP2 DUP3 MUL DUP3 XOR SWAP2 3 ADD DUP2 DUP2 GT ISZERO top JUMPI TSTORE 0 TSTORE STOP`},
	{"with a way out of the middle", `
		%[1]d 7 MUL 2 SWAP1 DIV 0 %[1]d top: 1 SWAP1 SUB SWAP1 7 ADD SWAP1 DUP2 DUP4 LT out JUMPI
		SWAP1 DUP1 5 XOR ADD SWAP1 DUP1 top JUMPI STOP out: TSTORE 0 TSTORE STOP`},
	{"with memory and gas", `
		0 %[1]d 0 top: GAS DUP2 MSTORE DUP1 MLOAD DUP4 ADD SWAP3 POP 33 ADD SWAP1 1 SWAP1 SUB SWAP1
		DUP2 top JUMPI TSTORE 0 TSTORE STOP`},
	{"with offsets, and a round that ends beyond what is small", `
		1 4611686018427387804 DUP1 %[1]d 30 MUL ADD SWAP1 top: DUP1 63 AND MLOAD DUP4 ADD DUP2 DUP1 DUP1 ADD ADD ADD SWAP3
		POP 30 ADD DUP2 DUP2 LT top JUMPI TSTORE 0 TSTORE STOP`},
	{"with a word that no guard lets pass for some rounds", `
		%[1]d 115792089237316195423570985008687907853269984665640564039457584007913129639930 top: 3 ADD DUP1 0 MSTORE
		SWAP1 1 SWAP1 SUB SWAP1 DUP2 top JUMPI TSTORE STOP`},
	{"with a subroutine and sums that are checked", `
		1 %[1]d top: SWAP1 back DUP2 DUP1 sum JUMP back: SWAP1 POP SWAP1 1 SWAP1 SUB DUP1 top JUMPI TSTORE STOP
		sum: DUP2 ADD DUP1 DUP3 GT over JUMPI SWAP1 POP SWAP1 JUMP over: 9 TSTORE TSTORE STOP`},
	{"with a word that only a condition uses, which an assumption decides", `
		%[1]d 26 top: DUP1 36893488147419103232 LT out JUMPI POP 26 SWAP1 1 SWAP1 SUB SWAP1 DUP2 ISZERO out JUMPI
		DUP2 3 EQ special JUMPI top JUMP special: POP 36893488147419103233 top JUMP out: TSTORE STOP`},
	{"in a loop", `
		1 %[1]d outer: 5 inner: SWAP2 DUP1 ADD 1 ADD SWAP2 1 SWAP1 SUB DUP1 inner JUMPI POP 1 SWAP1 SUB DUP1 outer JUMPI TSTORE STOP`},
}

// TestLoopRounds runs loops of every small number of rounds with every small slice
// of gas, and with a gas too little.
func TestLoopRounds(t *testing.T) {
	c := NewCompiler(newMemory(t))
	var b ir.Builder
	for _, shape := range loopShapes {
		for n := 1; n < 100; n += 1 + n/6 {
			plain := new(ir.Builder).Build(fromText(fmt.Sprintf(shape.text, n)), ir.Osaka)
			b.Build(fromText(fmt.Sprintf(shape.text, n)), ir.Osaka)
			program := b.Optimize()
			if n > 2 && len(program.Loops) == 0 {
				t.Fatalf("%s: it is no loop", shape.name)
			}
			code, err := c.Compile(program, testLimits)
			if err != nil {
				t.Fatal(err)
			}
			run := func(gas, slice uint64) *machine { return runLoop(t, plain, program, code, gas, slice) }
			end := run(1e6, 1e5)
			if end.outcome != "STOP" {
				t.Fatalf("%s, %d rounds: got %s", shape.name, n, end)
			}
			used := 1e6 - end.gas
			for _, slice := range []uint64{1, 57, 100, 150, 1000} {
				run(used, slice)
				run(used-1, slice)
			}
			if n < 4 {
				for k := range uint64(120) {
					run(used, k+1)
					run(used-min(k, used), 1e5)
				}
			}
		}
	}
}

// runLoop runs a program in plain Go, and a better one as machine code, and wants
// them to end alike. It returns the end.
func runLoop(t *testing.T, plain, better *ir.Program, code *Code, gas, slice uint64) *machine {
	t.Helper()
	want := newMachine(plain, gas, nil)
	want.interpret()
	got := newMachine(better, gas, nil)
	got.execute(code, slice)
	if !got.endsAs(want) {
		t.Fatalf("with gas %d, slice %d: got\n%v\nwant\n%v\nof\n%v", gas, slice, got, want, better)
	}
	return want
}
