//go:build linux && amd64

package amd64

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

var testLimits = Limits{BytesPerByte: 1 << 20}

// both runs bytecode in plain Go and as machine code, optimized and not, and wants
// them to end alike.
// It returns the end.
func both(t testing.TB, c *Compiler, bytecode []byte, gas, slice uint64, callData []byte) *machine {
	t.Helper()
	var plain, better ir.Builder
	program := plain.Build(bytecode, ir.Osaka)
	want := newMachine(program, gas, callData)
	want.interpret()
	better.Build(bytecode, ir.Osaka)
	for _, p := range []*ir.Program{program, better.Optimize()} {
		code, err := c.Compile(p, testLimits)
		if err != nil {
			t.Fatalf("%v\n%v", err, p)
		}
		got := newMachine(p, gas, callData)
		got.execute(code, slice)
		if !got.endsAs(want) {
			t.Fatalf("%x with gas %d, slice %d, call data %x: got\n%v\nwant\n%v\nof\n%v", bytecode, gas, slice, callData, got, want, p)
		}
	}
	return want
}

// writer writes bytecode.
type writer struct{ code []byte }

func (w *writer) op(ops ...ir.Op) *writer {
	for _, op := range ops {
		w.code = append(w.code, byte(op))
	}
	return w
}

func (w *writer) push(x *uint256.Int) *writer {
	b := x.Bytes()
	w.code = append(append(w.code, byte(ir.PUSH0)+byte(len(b))), b...)
	return w
}

func (w *writer) push64(x uint64) *writer { return w.push(uint256.NewInt(x)) }

// push16 pushes a number in two bytes, so that the code's length is known.
func (w *writer) push16(x int) *writer {
	w.code = binary.BigEndian.AppendUint16(append(w.code, byte(ir.PUSH1)+1), uint16(x))
	return w
}

// edges are words near the borders of limbs and signs, and some without pattern.
func edges(random *rand.Rand) []uint256.Int {
	var list []uint256.Int
	for _, shift := range []uint{0, 1, 5, 8, 31, 63, 64, 65, 127, 128, 191, 192, 200, 255} {
		var x uint256.Int
		x.Lsh(uint256.NewInt(1), shift)
		list = append(list, x)
		list = append(list, *new(uint256.Int).SubUint64(&x, 1), *new(uint256.Int).Neg(&x))
	}
	for range 12 {
		list = append(list, randomWord(random))
	}
	return list
}

func randomWord(random *rand.Rand) (x uint256.Int) {
	for k := range 1 + random.IntN(4) {
		x[k] = random.Uint64() >> (random.IntN(4) * 16)
	}
	return x
}

// operations of two operands, and of one, that are pure.
var (
	binaryOps = []ir.Op{ir.ADD, ir.MUL, ir.SUB, ir.DIV, ir.SDIV, ir.MOD, ir.SMOD, ir.SIGNEXTEND, ir.LT, ir.GT, ir.SLT, ir.SGT, ir.EQ, ir.AND, ir.OR, ir.XOR, ir.BYTE, ir.SHL, ir.SHR, ir.SAR}
	unaryOps  = []ir.Op{ir.ISZERO, ir.NOT, ir.CLZ}
)

// TestOperations computes each operation with operands that are constants, in
// call data and results of other instructions, narrow and wide.
func TestOperations(t *testing.T) {
	c := NewCompiler(newMemory(t))
	random := rand.New(rand.NewPCG(1, 2))
	words := edges(random)
	mask := new(uint256.Int).SubUint64(new(uint256.Int).Lsh(uint256.NewInt(1), 64), 1)
	operand := func(w *writer, x *uint256.Int, kind, place int) {
		switch kind {
		case 0:
			w.push(x)
		case 1:
			w.push64(uint64(place)).op(ir.CALLDATALOAD)
		default:
			w.push(mask).push64(uint64(place)).op(ir.CALLDATALOAD, ir.AND)
		}
	}
	for i := range words {
		for _, j := range []int{i, random.IntN(len(words)), random.IntN(len(words))} {
			x, y := words[i], words[j]
			xb, yb := x.Bytes32(), y.Bytes32()
			callData := append(xb[:], yb[:]...)
			for kinds := range 9 {
				w, height := &writer{}, 0
				for _, op := range append(binaryOps, unaryOps...) {
					operand(w, &y, kinds%3, 32)
					operand(w, &x, kinds/3, 0)
					w.op(op)
					info, _ := ir.Lookup(byte(op), ir.Osaka)
					height += 3 - int(info.Pops)
				}
				for shift := range uint(4) { // sums modulo powers of two and other numbers
					m := new(uint256.Int).Lsh(uint256.NewInt(1), 40+61*shift)
					w.push(m.AddUint64(m, uint64(kinds%2)))
					operand(w, &y, kinds%3, 32)
					operand(w, &x, kinds/3, 0)
					w.op(ir.ADDMOD)
					height++
				}
				for ; height > 1; height -= 2 { // show them
					w.op(ir.TSTORE)
				}
				both(t, c, w.code, 1e6, 1e5, callData)
			}
		}
	}
}

// fibonacci returns bytecode that computes Fibonacci numbers in n rounds.
func fibonacci(n uint64) []byte {
	w := (&writer{}).push64(0).push64(1).push64(n)
	start := len(w.code)
	w.op(ir.JUMPDEST)                                          // a b n
	w.op(ir.SWAP1+1, ir.DUP1+1, ir.ADD, ir.SWAP1, ir.SWAP1+1)  // b a+b n
	w.push64(1).op(ir.SWAP1, ir.SUB)                           // b a+b n-1
	w.op(ir.DUP1).push16(start).op(ir.JUMPI, ir.POP).push64(7) // until n is 0
	w.op(ir.TSTORE).push64(8).op(ir.TSTORE, ir.STOP)
	return w.code
}

func TestLoops(t *testing.T) {
	c := NewCompiler(newMemory(t))
	for n := uint64(1); n < 400; n += 13 {
		code := fibonacci(n)
		end := both(t, c, code, 1e6, 1e5, nil)
		used := 1e6 - end.gas
		for _, slice := range []uint64{1, 55, 100, 1000} {
			both(t, c, code, 1e6, slice, nil)
			both(t, c, code, used, slice, nil)
			if end := both(t, c, code, used-1, slice, nil); end.outcome != "failed: out of gas" {
				t.Errorf("%d rounds with a gas too little: %v", n, end)
			}
		}
	}
}

// generator makes plausible bytecode: blocks of operations on a stack whose
// height it knows, joined by jumps that are mostly good.
type generator struct {
	*rand.Rand
	w      writer
	height int
	dests  []int // where JUMPDESTs are or will be
	places []int // offsets of jump targets to fill in
}

func (g *generator) pick(ops []ir.Op) ir.Op { return ops[g.IntN(len(ops))] }

var strangers = []ir.Op{ir.ADDRESS, ir.CALLER, ir.CALLVALUE, ir.RETURNDATASIZE, ir.SLOAD, ir.KECCAK256, ir.TLOAD, ir.GAS, ir.MSIZE, ir.CALLDATASIZE, ir.ADDMOD, ir.MULMOD, ir.EXP, ir.CALL, ir.BALANCE}

// step appends one operation or a few.
func (g *generator) step() {
	switch n := g.IntN(20); {
	case n < 4 || g.height < 3:
		x := randomWord(g.Rand)
		if g.IntN(2) == 0 {
			x = *uint256.NewInt(uint64(g.IntN(300)))
		}
		g.w.push(&x)
		g.height++
	case n < 7:
		depth := g.IntN(min(g.height, 16))
		g.w.op(ir.DUP1 + ir.Op(depth))
		g.height++
	case n < 10:
		depth := g.IntN(min(g.height-1, 16))
		g.w.op(ir.SWAP1 + ir.Op(depth))
	case n < 14:
		g.w.op(g.pick(binaryOps))
		g.height--
	case n < 15:
		g.w.op(g.pick(unaryOps))
	case n < 16:
		g.w.op(ir.POP)
		g.height--
	case n < 17:
		g.w.push64(uint64(g.IntN(400))).op(ir.MLOAD)
		g.height++
	case n < 18:
		if g.IntN(2) == 0 {
			g.w.push64(uint64(g.IntN(400)))
			g.height++
		}
		g.w.op([]ir.Op{ir.MSTORE, ir.MSTORE8}[g.IntN(2)])
		g.height -= 2
	case n < 19:
		g.w.op(ir.CALLDATALOAD)
	default:
		op := g.pick(strangers)
		info, _ := ir.Lookup(byte(op), ir.Osaka)
		if g.height >= int(info.Pops) {
			g.w.op(op)
			g.height += int(info.Pushes) - int(info.Pops)
		}
	}
}

// jump appends a jump, with a condition or without, to one of the JUMPDESTs.
func (g *generator) jump() {
	op := ir.JUMPI
	switch g.IntN(4) {
	case 0:
		op = ir.JUMP
	case 1:
		g.w.op(ir.DUP1, g.pick(unaryOps))
	default:
		g.w.op(ir.DUP1, ir.DUP1+2, g.pick([]ir.Op{ir.LT, ir.GT, ir.SLT, ir.EQ, ir.SUB}))
	}
	if g.IntN(3) == 0 {
		g.w.op(ir.ISZERO)
	}
	if op == ir.JUMP {
		g.w.op(ir.POP)
	}
	if g.IntN(4) == 0 { // not known to the compiler
		g.places = append(g.places, len(g.w.code)+1)
		g.w.push16(0).push64(0).op(ir.CALLDATALOAD).push64(1).op(ir.AND, ir.ADD)
	} else {
		g.places = append(g.places, len(g.w.code)+1)
		g.w.push16(0)
	}
	g.w.op(op)
}

// program makes a program of some blocks. Each leaves at least three words.
func (g *generator) program() []byte {
	g.w.code, g.height, g.dests, g.places = nil, 0, nil, nil
	for range 2 + g.IntN(6) {
		if g.IntN(3) > 0 {
			for range 1 + g.IntN(3)*g.IntN(2) {
				g.dests = append(g.dests, len(g.w.code))
				g.w.op(ir.JUMPDEST)
			}
		}
		for range g.IntN(40) {
			g.step()
		}
		for g.height < 4 {
			g.w.push64(uint64(g.IntN(100)))
			g.height++
		}
		if g.IntN(2) == 0 {
			g.jump()
		}
	}
	for g.height >= 6 {
		g.w.op(ir.LOG4)
		g.height -= 6
	}
	g.w.op([]ir.Op{ir.STOP, ir.RETURN, ir.REVERT, ir.INVALID}[g.IntN(4)])
	for _, place := range g.places {
		if len(g.dests) > 0 && g.IntN(20) > 0 {
			binary.BigEndian.PutUint16(g.w.code[place:], uint16(g.dests[g.IntN(len(g.dests))]))
		}
	}
	return g.w.code
}

func TestRandomPrograms(t *testing.T) {
	c := NewCompiler(newMemory(t))
	outcomes := map[string]int{}
	for seed := range uint64(6000) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 3))}
		code := g.program()
		callData := make([]byte, g.IntN(3)*40)
		for i := range callData {
			callData[i] = byte(g.IntN(256) * g.IntN(2))
		}
		end := both(t, c, code, uint64(200+g.IntN(20000)), uint64(1+g.IntN(3000)), callData)
		outcomes[end.outcome[:4]]++
	}
	for _, outcome := range []string{"STOP", "RETU", "REVE", "fail"} {
		if outcomes[outcome] < 100 {
			t.Errorf("only %d programs end with %q; the generator has gone astray: %v", outcomes[outcome], outcome, outcomes)
		}
	}
}

// FuzzCompile runs any bytecode at all.
func FuzzCompile(f *testing.F) {
	f.Add(fibonacci(20), []byte{}, uint16(5000), uint16(100))
	for seed := range uint64(20) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 7))}
		f.Add(g.program(), []byte("call data of more than one word, so that it can be loaded"), uint16(10000), uint16(500))
		l := &loopGenerator{Rand: g.Rand}
		f.Add(l.program(), []byte{}, uint16(30000), uint16(3000))
	}
	c := NewCompiler(newMemory(f))
	f.Fuzz(func(t *testing.T, bytecode, callData []byte, gas, slice uint16) {
		if len(bytecode) > 1<<10 {
			t.Skip("long programs find nothing that short ones do not")
		}
		var b ir.Builder
		b.Build(bytecode, ir.Osaka)
		if _, err := c.Compile(b.Optimize(), testLimits); errors.Is(err, ErrTooLarge) {
			t.Skip(err)
		}
		both(t, c, bytecode, uint64(gas), uint64(slice)+1, callData)
	})
}

// TestManyValues has more values at a time than there are registers, and more than
// can be spilled: then the block is cut.
func TestManyValues(t *testing.T) {
	c := NewCompiler(newMemory(t))
	values := func(count int) []byte {
		w := &writer{}
		for i := range count {
			w.push64(uint64(i)).op(ir.CALLDATALOAD)
		}
		for range count / 6 {
			w.op(ir.LOG4)
		}
		return w.code
	}
	callData := make([]byte, 400)
	for i := range callData {
		callData[i] = byte(i)
	}
	for _, count := range []int{spillWords / 2, spillWords, 5 * spillWords, ir.StackMax - 1} {
		both(t, c, values(count), 1e6, 1e5, callData)
	}
}

func TestPermutations(t *testing.T) {
	c := NewCompiler(newMemory(t))
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 4))
		w := &writer{}
		for i := range 18 {
			w.push64(uint64(1000 + i))
		}
		w.op(ir.JUMPDEST) // what follows permutes words on the stack
		height := 18
		for range random.IntN(40) {
			n := random.IntN(16)
			switch {
			case random.IntN(4) > 0:
				w.op(ir.SWAP1 + ir.Op(n))
			case height < 18:
				w.op(ir.DUP1 + ir.Op(n))
				height++
			default:
				w.op(ir.POP)
				height--
			}
			if height < 17 {
				w.op(ir.DUP1 + ir.Op(n))
				height++
			}
		}
		w.op(ir.JUMPDEST, ir.LOG4, ir.LOG4)
		both(t, c, w.code, 1e5, 1e5, nil)
	}
}

// TestGrowth grows memory by far and wants generated code to do it alone.
func TestGrowth(t *testing.T) {
	const capacity = 1 << 20
	c := NewCompiler(newMemory(t))
	var b ir.Builder
	for _, offset := range []uint64{0, 1, 31, 32, 33, 1000, 20_000, 23_168, 100_000, capacity - 32, capacity - 31, 1<<64 - 20, 1<<64 - 1} {
		for _, op := range []ir.Op{ir.MSTORE, ir.MSTORE8, ir.MLOAD} {
			w := (&writer{}).push64(7).push64(0).op(ir.CALLDATALOAD, op, ir.STOP)
			program := b.Build(w.code, ir.Osaka)
			code, err := c.Compile(program, testLimits)
			if err != nil {
				t.Fatal(err)
			}
			callData := uint256.NewInt(offset).Bytes32()
			for _, gas := range []uint64{1e7, 100} {
				want := newMachine(program, gas, callData[:])
				want.interpret()
				got := newMachine(program, gas, callData[:])
				got.memory = make([]byte, 0, capacity)
				got.execute(code, gas)
				if !got.endsAs(want) {
					t.Errorf("%v at %d with gas %d: got %.200v; want %.200v", op, offset, gas, got, want)
				}
				size := uint64(wordBytes)
				if op == ir.MSTORE8 {
					size = 1
				}
				if alone := offset <= capacity-size && want.outcome == "STOP"; alone == (got.served > 0) {
					t.Errorf("%v at %d with gas %d: Go ran %d instructions", op, offset, gas, got.served)
				}
			}
		}
	}
}

func TestLimits(t *testing.T) {
	c := NewCompiler(newMemory(t))
	var b ir.Builder
	program := b.Build(make([]byte, 1), ir.Osaka)
	if _, err := c.Compile(program, Limits{}); err != nil {
		t.Errorf("a program of one byte: %v", err)
	}
	w := &writer{}
	for range 1000 {
		w.op(ir.MSIZE, ir.MLOAD, ir.POP)
	}
	if _, err := c.Compile(b.Build(w.code, ir.Osaka), Limits{BytesPerByte: 1}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v; want %v", err, ErrTooLarge)
	}
}

// BenchmarkFibonacci is one round of the loop.
func BenchmarkFibonacci(b *testing.B) {
	const rounds = 100_000
	var builder ir.Builder
	program := builder.Build(fibonacci(rounds), ir.Osaka)
	code, err := NewCompiler(newMemory(b)).Compile(program, testLimits)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m := newMachine(program, 1e12, nil)
		m.execute(code, 1e5)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rounds), "ns/round")
}

// BenchmarkCompile compiles 24 KiB of bytecode.
func BenchmarkCompile(b *testing.B) {
	const size = 24 << 10
	for _, input := range []struct {
		name string
		code func(g *generator) []byte
	}{
		{"random", (*generator).program},
		{"jumpdests", func(*generator) []byte { return []byte{byte(ir.JUMPDEST)} }},
		{"exits", func(*generator) []byte { return []byte{byte(ir.PUSH0), byte(ir.SLOAD), byte(ir.POP)} }},
		{"loads", func(*generator) []byte { return []byte{byte(ir.MSIZE), byte(ir.MLOAD), byte(ir.POP)} }},
	} {
		b.Run(input.name, func(b *testing.B) {
			g := &generator{Rand: rand.New(rand.NewPCG(1, 5))}
			var bytecode []byte
			for len(bytecode) < size {
				bytecode = append(bytecode, input.code(g)...)
			}
			var builder ir.Builder
			program := builder.Build(bytecode[:size], ir.Osaka)
			c := NewCompiler(newMemory(b))
			var machineCode int
			for b.Loop() {
				code, err := c.Compile(program, testLimits)
				if err != nil {
					b.Fatal(err)
				}
				machineCode = code.SizeBytes()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/(size>>10), "µs/KiB")
			b.ReportMetric(float64(machineCode)/size, "B/B")
		})
	}
}

func TestEnvironment(t *testing.T) {
	c := NewCompiler(newMemory(t))
	for _, op := range []ir.Op{ir.ADDRESS, ir.CALLER, ir.CALLVALUE, ir.RETURNDATASIZE, ir.GAS} {
		var w writer
		w.op(op)
		w.op(op)
		w.op(ir.RETURN)
		for _, slice := range []uint64{1, 1000} {
			both(t, c, w.code, 1000, slice, nil)
		}
		var b ir.Builder
		program := b.Build(w.code, ir.Osaka)
		code, err := c.Compile(program, testLimits)
		if err != nil {
			t.Fatal(err)
		}
		m := newMachine(program, 1000, nil)
		if m.execute(code, 1000); m.served != 0 {
			t.Errorf("%v: Go ran %d instructions", op, m.served)
		}
	}
}
