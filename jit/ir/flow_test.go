package ir

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/holiman/uint256"
)

// walker executes a program block by block: operations on words as they are, all
// others by making up what they give, the same at the same step. It notes what can
// be seen from outside.
type walker struct {
	p      *Program
	seed   uint64
	words  []uint256.Int // the stack
	steps  int           // blocks so far
	events []string
	ended  bool
	// entered is called at each block, before it runs.
	entered func(block int)
}

// walk executes at most so many blocks.
func (w *walker) walk(blocks int) {
	for i := 0; !w.ended && w.steps < blocks; w.steps++ {
		i = w.block(i)
	}
}

func (w *walker) note(format string, args ...any) {
	w.events = append(w.events, fmt.Sprintf(format, args...))
}

// end ends the execution.
func (w *walker) end(format string, args ...any) int {
	w.note(format, args...)
	w.ended = true
	return 0
}

// block executes block i and returns the index of the next.
func (w *walker) block(i int) int {
	b := &w.p.Blocks[i]
	if len(w.words) < int(b.Need) || len(w.words)+int(b.Peak) > StackMax {
		return w.end("stack")
	}
	if w.entered != nil {
		w.entered(i)
	}
	w.note("block %#x gas %d height %d", b.PC, b.Gas, len(w.words))
	results := make(map[int]uint256.Int)
	value := func(v Value) (x uint256.Int) {
		if j, ok := v.Result(); ok {
			return results[j]
		}
		if depth, ok := v.EntrySlot(); ok {
			return w.words[len(w.words)-1-depth]
		}
		x, _ = w.p.Const(v)
		return x
	}
	for j := int(b.First); j < int(b.End); j++ {
		var args []uint256.Int
		for _, v := range w.p.Operands(j) {
			args = append(args, value(v))
		}
		results[j] = w.do(&w.p.Instrs[j], args)
	}
	t := b.Term
	x, y, dest := value(t.X), value(t.Y), value(t.Dest)
	w.write(b, value)
	switch {
	case t.Kind == Halt:
		return w.end("%v %x %x", t.Op, x, y)
	case t.Kind == Branch || t.Kind == BranchTo:
		var z uint256.Int
		folds[t.Op](&z, &x, &y)
		if z.IsZero() != t.Negated {
			return i + 1
		}
	case t.Kind == Fallthrough:
		return i + 1
	}
	target := uint64(t.Target)
	if t.IsDynamic() {
		target = 1 << 40
		if dest.IsUint64() {
			target = dest[0]
		}
	}
	next, ok := w.p.BlockAt(target)
	if !ok {
		return w.end("bad jump")
	}
	if places := w.p.Places[t.FirstPlace:t.EndPlace]; len(places) > 0 && !slices.Contains(places, uint32(target)) {
		return w.end("jump to %#x, not one of %x", target, places)
	}
	return next
}

// write does the writes of b.
func (w *walker) write(b *Block, value func(Value) uint256.Int) {
	var values []uint256.Int
	for _, write := range w.p.Writes[b.FirstWrite:b.EndWrite] {
		values = append(values, value(write.Value))
	}
	top := len(w.words) - 1
	if b.Height > 0 {
		w.words = append(w.words, make([]uint256.Int, b.Height)...)
	}
	for k, write := range w.p.Writes[b.FirstWrite:b.EndWrite] {
		w.words[top+int(write.At)] = values[k]
	}
	w.words = w.words[:top+1+int(b.Height)]
}

// do is an operation.
func (w *walker) do(in *Instr, args []uint256.Int) (z uint256.Int) {
	if !table[in.Op].Props.Pure() {
		w.note("%v %x rest %d at %#x", in.Op, args, in.Rest, in.PC)
	}
	switch {
	case folds[in.Op] != nil:
		folds[in.Op](&z, &args[0], &args[len(args)-1])
	case in.Op == ADDMOD:
		z.AddMod(&args[0], &args[1], &args[2])
	case in.Op == MULMOD:
		z.MulMod(&args[0], &args[1], &args[2])
	case in.Op == CLZ:
		z.SetUint64(uint64(256 - args[0].BitLen()))
	default:
		random := rand.New(rand.NewPCG(w.seed+uint64(in.PC), uint64(w.steps)))
		z = uint256.Int{random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64()}
		z.Rsh(&z, 256-uint(resultBits[in.Op])+uint(random.IntN(4)*60))
	}
	return z
}

// checkFacts executes code that was built and wants what the analysis found out to
// hold at each block's entry, and the optimized program to do the same. It reports
// whether the analysis did not give up.
func checkFacts(t *testing.T, code []byte, seed uint64) (known bool) {
	t.Helper()
	const blocks = 200
	var plain, better Builder
	want := &walker{p: plain.Build(code, Osaka), seed: seed}
	var f flow
	known = f.run(want.p)
	if known {
		want.entered = func(i int) { checkState(t, &f, want, i) }
	}
	better.Build(code, Osaka)
	better.Optimize()
	if err := better.out.Check(); err != nil {
		t.Fatalf("%x: %v", code, err)
	}
	got := &walker{p: &better.out, seed: seed}
	want.walk(blocks)
	got.walk(blocks)
	if !slices.Equal(got.events, want.events) {
		i := 0
		for i < min(len(got.events), len(want.events)) && got.events[i] == want.events[i] {
			i++
		}
		t.Fatalf("%x: event %d: got %q; want %q\n%v\noptimized\n%v", code, i,
			got.events[i:min(i+1, len(got.events))], want.events[i:min(i+1, len(want.events))], want.p, got.p)
	}
	return known
}

// checkState compares what is known of the words at the entry of block i with the
// words.
func checkState(t *testing.T, f *flow, w *walker, i int) {
	t.Helper()
	if !f.reached[i] {
		t.Fatalf("block %#x is entered, which was said not to be\n%v", w.p.Blocks[i].PC, w.p)
	}
	for depth := range min(len(w.words), flowDepth) {
		x := w.words[len(w.words)-1-depth]
		known := f.states[i][depth]
		ok := x.BitLen() <= f.bits(known)
		if v, isConst := known.constant(); isConst {
			c, _ := w.p.Const(v)
			ok = c == x
		} else if k, isSet := known.set(); isSet {
			ok = slices.Contains(f.sets[k], uint32(x[0]))
		} else if known == label {
			ok = x.IsUint64() && f.isLabel(uint32(x[0]))
		}
		if !ok {
			t.Fatalf("block %#x: word %d is %x; want it to be as %#x says\n%v", w.p.Blocks[i].PC, depth, x, known, w.p)
		}
	}
}

// jumpy makes bytecode of many short blocks that jump to each other by constants,
// by words on the stack, and by words made of these.
type jumpy struct {
	*rand.Rand
	code   []byte
	dests  []int // where JUMPDESTs are
	places []int // two bytes that get the offset of one
}

var (
	jumpyOps  = []Op{ADD, SUB, AND, OR, XOR, MUL, DIV, MOD, LT, GT, SLT, EQ, SHL, SHR, SAR, BYTE, SIGNEXTEND}
	jumpyMore = []Op{ISZERO, NOT, CALLER, GAS, SLOAD, MLOAD, CALLDATASIZE, PC, MSIZE, SSTORE, CALLDATALOAD}
)

func (j *jumpy) write(n int) []byte {
	for range 20 {
		j.pushAny()
	}
	for range n {
		j.segment()
	}
	for _, at := range j.places {
		to := len(j.code)
		if len(j.dests) > 0 && j.IntN(40) > 0 {
			to = j.dests[j.IntN(len(j.dests))]
		}
		j.code[at], j.code[at+1] = byte(to>>8), byte(to)
	}
	return j.code
}

// pushAny pushes a place or a number.
func (j *jumpy) pushAny() {
	switch n := j.IntN(8); {
	case n < 4:
		j.pushPlace()
	case n < 7:
		j.code = append(j.code, byte(PUSH1), byte(j.IntN(1<<j.IntN(9))))
	default:
		j.code = append(j.code, byte(PUSH1)+15)
		for range 16 {
			j.code = append(j.code, byte(j.Uint32()))
		}
	}
}

func (j *jumpy) pushPlace() {
	j.code = append(j.code, byte(PUSH1)+1, 0, 0)
	j.places = append(j.places, len(j.code)-2)
}

func (j *jumpy) segment() {
	if j.IntN(8) > 0 {
		j.dests = append(j.dests, len(j.code))
		j.code = append(j.code, byte(JUMPDEST))
	}
	for range j.IntN(8) {
		switch n := j.IntN(12); {
		case n < 3:
			j.pushAny()
		case n < 5:
			j.code = append(j.code, byte(DUP1)+byte(j.IntN(6)))
		case n < 7:
			j.code = append(j.code, byte(SWAP1)+byte(j.IntN(6)))
		case n < 8:
			j.code = append(j.code, byte(POP))
		case n < 11:
			j.code = append(j.code, byte(jumpyOps[j.IntN(len(jumpyOps))]))
		default:
			j.code = append(j.code, byte(jumpyMore[j.IntN(len(jumpyMore))]))
		}
	}
	switch n := j.IntN(12); {
	case n < 2:
		j.pushPlace()
		j.code = append(j.code, byte(JUMP))
	case n < 5:
		j.pushPlace()
		j.code = append(j.code, byte(JUMPI))
	case n < 8: // to what is on the stack
		j.code = append(j.code, byte(SWAP1)+byte(j.IntN(4)), byte(JUMP))
	case n < 9:
		j.code = append(j.code, byte(DUP1)+byte(j.IntN(4)), byte(JUMPI))
	}
}

// calling makes bytecode as compilers do: functions that return to an offset on
// the stack, called from many places, and loops that count.
type calling struct {
	*rand.Rand
	code    []byte
	starts  []int    // of functions
	entries [][2]int // two bytes that get the start of a function
}

func (c *calling) write(functions int) []byte {
	c.body(0, functions)
	c.code = append(c.code, byte(STOP))
	for i := range functions {
		c.starts = append(c.starts, len(c.code))
		c.code = append(c.code, byte(JUMPDEST))
		c.body(i+1, functions)
		c.code = append(c.code, byte(JUMP))
	}
	for _, entry := range c.entries {
		start := c.starts[entry[1]]
		c.code[entry[0]], c.code[entry[0]+1] = byte(start>>8), byte(start)
	}
	return c.code
}

// body leaves the stack as high as it was; it calls functions from first on.
func (c *calling) body(first, functions int) {
	for range 1 + c.IntN(5) {
		switch n := c.IntN(6); {
		case n < 3 && first < functions:
			c.call(first + c.IntN(functions-first))
		case n == 3 && len(c.code) < 1000:
			c.loop(first, functions)
		case n == 4:
			c.code = append(c.code, byte(PUSH1), byte(c.IntN(256)), byte(CALLDATALOAD), byte(PUSH1), byte(c.Uint32()), byte(AND), byte(SLOAD), byte(POP))
		default:
			c.code = append(c.code, byte(PUSH1), byte(c.Uint32()), byte(DUP1), byte(ISZERO), byte(MLOAD), byte(ADD), byte(POP))
		}
	}
}

func (c *calling) call(function int) {
	back := len(c.code) + 7
	c.code = append(c.code, byte(PUSH1)+1, byte(back>>8), byte(back), byte(PUSH1)+1, 0, 0, byte(JUMP), byte(JUMPDEST))
	c.entries = append(c.entries, [2]int{len(c.code) - 4, function})
}

func (c *calling) loop(first, functions int) {
	c.code = append(c.code, byte(PUSH0))
	head := len(c.code)
	c.code = append(c.code, byte(JUMPDEST), byte(PUSH1), byte(c.IntN(20)), byte(DUP1)+1, byte(LT), byte(ISZERO), byte(PUSH1)+1, 0, 0, byte(JUMPI))
	out := len(c.code) - 3
	c.body(first, functions)
	c.code = append(c.code, byte(PUSH1), 1, byte(ADD), byte(PUSH1)+1, byte(head>>8), byte(head), byte(JUMP))
	c.code[out], c.code[out+1] = byte(len(c.code)>>8), byte(len(c.code))
	c.code = append(c.code, byte(JUMPDEST), byte(POP))
}

// TestFacts checks what the analysis finds out of random programs.
func TestFacts(t *testing.T) {
	const seeds = 1000
	known := [2]int{}
	for seed := range uint64(seeds) {
		random := rand.New(rand.NewPCG(seed, 0))
		wild, tame := &jumpy{Rand: random}, &calling{Rand: random}
		for i, code := range [][]byte{wild.write(2 + random.IntN(20)), tame.write(random.IntN(8))} {
			for run := range uint64(3) {
				if checkFacts(t, code, run) && run == 0 {
					known[i]++
				}
			}
		}
	}
	t.Logf("facts of %d wild and %d tame programs, of %d each", known[0], known[1], seeds)
	if min(known[0], known[1]) < seeds/10 {
		t.Errorf("got facts of %v programs of %d each; want more", known, seeds)
	}
}

// TestFactsOfHostilePrograms checks the analysis on bytecode made to blow it up.
func TestFactsOfHostilePrograms(t *testing.T) {
	const size = 4 << 10
	for name, pattern := range hostile {
		t.Run(name, func(t *testing.T) { checkFacts(t, bytes.Repeat(pattern, size/len(pattern)), 1) })
	}
}

func FuzzFacts(f *testing.F) {
	f.Add([]byte{byte(PUSH1), 4, byte(JUMP), byte(STOP), byte(JUMPDEST)})
	f.Add((&jumpy{Rand: rand.New(rand.NewPCG(1, 1))}).write(9))
	f.Fuzz(func(t *testing.T, code []byte) { checkFacts(t, code, 1) })
}
