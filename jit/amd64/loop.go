package amd64

import "github.com/redline-evm/redline/jit/ir"

// The loop compiler makes machine code of a round of a loop (ir.Loop), to which
// the jumps back to the loop's head go instead of to the code of the block there.
// That code stays: it takes over where a guard fails, gas is short or a round
// leaves, and all words lie on the EVM stack then as between any two blocks.
//
// Words that change in each round stay in registers from one round to the next,
// as many as there are registers for, and small ones need only one. The others
// stay on the stack, and so does what does not change.
//
// A round computes in place where it can, so that at its end the words often lie
// in the registers of others: after b, a+b the two have changed places. Then the
// code has a second round, which begins with them there and brings them back; what
// is not where it was after that is moved.
//
// A loop whose rounds are counted pays for as many as there are, or as there is
// gas for, before the first; R15 counts those that are left.

// roundsMax is how many rounds the code of a loop has.
const roundsMax = 2

// loopState is what is known of the loop that is compiled.
type loopState struct {
	loop   *ir.Loop
	head   int // its block
	words  []loopWord
	leaves []wayOut
	stores []store
	moved  []ir.Write
	round  int  // of those that the code has
	rounds int  // how many it has
	digits bool // most of its rounds are to run on digits
	failed bool // the loop cannot be compiled
}

func (l *loopState) counted() bool { return l.loop.Count.Step != 0 }

// loopWord is a word on the stack that is in registers at the start of each round.
type loopWord struct {
	depth int
	limbs int
	uses  int    // by instructions
	regs  [4]reg // at the start of the first round
	next  [4]reg // at the end of the round

	// While a round is closed: its next value, where that is, and whether it has
	// its registers for itself.
	value   ir.Value
	from    operand
	claimed bool
}

// compileLoops compiles loops as long as the code stays below limit. The others
// are left to their blocks.
func (c *Compiler) compileLoops(limit int) {
	for i := range c.program.Loops {
		loop := &c.program.Loops[i]
		head, _ := c.program.BlockAt(uint64(loop.PC))
		onDigits := c.vectors && loop.Sums && c.sums.plan(c.program, loop) && c.tryLoop(loop, head, true, limit)
		if onDigits || c.tryLoop(loop, head, false, limit) {
			continue
		}
		c.asm.labels[c.blocks[head].loop] = c.asm.labels[c.blocks[head].entry]
	}
}

// tryLoop compiles a loop; if it cannot below limit it reports false and leaves
// nothing behind.
func (c *Compiler) tryLoop(loop *ir.Loop, head int, digits bool, limit int) bool {
	start := c.asm.mark()
	if c.compileLoop(loop, head, digits) && len(c.asm.code) <= limit {
		return true
	}
	c.asm.rewind(start)
	c.dropStubs()
	return false
}

// compileLoop compiles a loop, with the rounds on digits that are planned or
// without; false if it cannot.
func (c *Compiler) compileLoop(loop *ir.Loop, head int, digits bool) bool {
	start := c.asm.mark()
	c.block = &loop.Block
	c.loop.loop = loop
	c.chooseWords()
	for rounds := 1; rounds <= roundsMax; rounds++ {
		c.asm.rewind(start)
		c.dropStubs()
		l := &c.loop
		*l = loopState{loop: loop, head: head, digits: digits, rounds: rounds, words: l.words, leaves: l.leaves[:0], stores: l.stores[:0], moved: l.moved[:0]}
		c.asm.labels[c.blocks[head].loop] = int32(len(c.asm.code))
		c.enterLoop()
		if c.emitRounds() {
			break
		}
	}
	c.emitStubs()
	for i := range c.loop.leaves {
		c.asm.bind(c.loop.leaves[i].at)
		c.emitLeave(&c.loop.leaves[i])
	}
	return !c.loop.failed && !c.alloc.overflow
}

// enterLoop emits what comes before the first round.
func (c *Compiler) enterLoop() {
	l := &c.loop
	generic := c.blocks[l.head].entry
	c.compareHeight(&l.loop.Block)
	c.asm.jcc(ifAbove, generic)
	for i := l.loop.FirstGuard; i < l.loop.EndGuard; i++ {
		c.emitGuard(&c.program.Guards[i], generic)
	}
	if l.counted() {
		c.enterCounted(generic)
		if l.digits {
			c.emitSums()
		}
	} else {
		c.asm.aluI(cmp, r15, int32(l.loop.Gas))
		c.asm.jcc(ifBelow, generic)
		c.asm.aluI(sub, r15, int32(l.loop.Gas))
	}
	for _, w := range l.words {
		for k, r := range w.regs[:w.limbs] {
			c.asm.load(r, slot(-w.depth).plus(int32(8*k)))
		}
	}
}

// emitGuard goes to generic if the word is not as the guard has it.
func (c *Compiler) emitGuard(g *ir.Guard, generic label) {
	word := slot(-int(g.Depth))
	limbs, above := limbCount(int(g.Bits)), uint8(g.Bits%64)
	if g.NonZero {
		c.asm.aluMI(cmp, word, 0)
		c.asm.jcc(ifEqual, generic)
	}
	op := opMov
	if above != 0 {
		c.asm.load(rax, word.plus(int32(8*(limbs-1))))
		c.asm.ri(opShr, rax, above)
		op = or.from()
	}
	for k := limbs; k < 4; k++ {
		c.asm.rm(op, rax, word.plus(int32(8*k)))
		op = or.from()
	}
	if op == or.from() {
		c.asm.rr(opTest, rax, rax)
		c.asm.jcc(ifNotEqual, generic)
	}
}

// emitRounds emits the rounds. It reports false if one more would leave all words
// in the registers where the first found them.
func (c *Compiler) emitRounds() bool {
	l := &c.loop
	c.asm.align(loopAlignment)
	top := c.asm.here()
	for i := range l.words {
		l.words[i].next = l.words[i].regs
	}
	for l.round = range l.rounds {
		c.alloc.beginLoop(c.program, l)
		c.memoryKnown = 0
		for i := int(l.loop.First); i < int(l.loop.End); i++ {
			c.lower(i)
			c.alloc.expire(i)
			if c.alloc.overflow {
				return true
			}
		}
		c.closeRound()
		if l.failed {
			return true
		}
		if l.round+1 < l.rounds && !l.counted() {
			c.asm.aluI(sub, r15, int32(l.loop.Gas))
			c.asm.jcc(ifBelow, c.addLeave(c.leaveRound()))
		}
	}
	if l.rounds < roundsMax && l.exchanged() {
		return false
	}
	c.moveWordsBack()
	end := c.leaveRound()
	if l.counted() {
		c.asm.aluI(sub, r15, int32(l.rounds))
		c.asm.jcc(ifNotEqual, top)
	} else {
		c.asm.aluI(sub, r15, int32(l.loop.Gas))
		c.asm.jcc(ifNotBelow, top)
	}
	c.emitLeave(&end)
	return true
}

const loopAlignment = 32
