package amd64

import (
	"math/bits"
	"slices"

	"github.com/klauspost/cpuid/v2"

	"github.com/redline-evm/redline/jit/ir"
)

// A loop whose rounds only add (ir.Loop.Sums) need not carry in each of them. Where
// the processor has AVX-512 most of its rounds run on digits:
//
//	word     d7 d6 d5 d4 d3 d2 d1 d0       eight digits of 32 bits,
//	zmm      |d7|d6|d5|d4|d3|d2|d1|d0|     each in a lane of 64
//
// A sum is then one VPADDQ, with a latency of one cycle, where four instructions
// with a carry take two. A copy is none: it is known where each word is.
//
// Digits grow. Some rounds later, before one can be too large for its lane, all
// words are folded: the upper half of each digit is added to the next digit, and
// what the highest would give is dropped, as words are modulo 2^256. That leaves
// digits of less than 33 bits, to which the rounds between two folds are
// counted at compile time: for a, b = b, a+b there are 44.
//
// At the end the digits at even places are the four limbs of one number, and those
// at odd places of another that is 32 bits farther up. The word is their sum,
// however large the digits are.
//
// This goes between the entry of a counted loop and its scalar rounds, to which it
// leaves at least one and at most as many as lie between two folds.

// hasVectors reports whether AVX-512 may be used: the processor has it, and the
// system saves its registers.
var hasVectors = cpuid.CPU.Supports(cpuid.AVX512F)

// Bounds of loops on digits.
const (
	foldRoundsMin = 8   // between two folds; with fewer, folding takes too long
	foldRoundsMax = 64  // likewise; it is code
	foldAddsMax   = 128 // in these rounds
	sumRoundsMin  = 128 // that are left when the loop is entered; with fewer, the way to digits and back takes longer
)

// Largest digits.
const (
	digitMax  = 1<<32 - 1       // of a word as it is in memory
	foldedMax = 2 * (1<<32 - 1) // after a fold: a lower half, and the upper half of another digit
)

// sumLoop is the loop that is compiled on digits.
type sumLoop struct {
	program *ir.Program
	loop    *ir.Loop
	words   []sumWord // that rounds change
	terms   []sumTerm // that they only read
	sums    []sum     // the round's instructions
	rounds  int       // between two folds
	taken   uint32    // set of registers that hold the terms and constants

	mask zmm // 2^32-1 in each lane
	zero zmm
}

// digits are a word in a vector register.
type digits struct {
	in   zmm
	most uint64 // the largest that one can be
}

// sum is an instruction: its result and what it adds.
type sum struct {
	digits
	x, y *digits
}

type sumWord struct {
	digits
	depth int
	home  zmm     // where it is behind a fold
	next  *digits // what it is after a round
	after digits  // while all are written

	low, high zmm // while all are folded
}

// sumTerm is a word on the stack, a constant, or what is to be added to take a
// constant off.
type sumTerm struct {
	digits
	value    ir.Value
	negative bool
}

// emitSums emits the rounds on digits that are planned. R15 counts rounds; all other
// registers that hold limbs are free, and words are on the stack.
func (c *Compiler) emitSums() {
	s := &c.sums
	scalar := c.asm.newLabel()
	c.asm.aluI(cmp, r15, sumRoundsMin)
	c.asm.jcc(ifBelow, scalar)
	c.loadSums()
	c.asm.align(loopAlignment)
	top := c.asm.here()
	c.addDigits()
	c.foldSums()
	c.asm.aluI(sub, r15, int32(s.rounds))
	c.asm.aluI(cmp, r15, int32(s.rounds))
	c.asm.jcc(ifAbove, top)
	for i := range s.words {
		c.storeDigits(&s.words[i])
	}
	c.asm.vzeroupper()
	c.asm.bind(scalar)
}

// There are rounds on digits, and some are left behind them.
const _ = uint(sumRoundsMin - foldRoundsMax - 1)

// plan gets ready for a loop of sums: it gives registers to words and terms, and
// counts the rounds between two folds. It reports false if there are too few
// registers, or if it would not pay.
func (s *sumLoop) plan(program *ir.Program, loop *ir.Loop) bool {
	if !s.begin(program, loop) || !s.pays() {
		return false
	}
	s.countRounds()
	return s.rounds >= foldRoundsMin
}

// begin finds words and terms and gives them registers; false if there are too few.
func (s *sumLoop) begin(program *ir.Program, loop *ir.Loop) bool {
	s.program, s.loop = program, loop
	s.words, s.taken = s.words[:0], 0
	s.terms = slices.Grow(s.terms[:0], zmmCount)
	s.sums = slices.Grow(s.sums[:0], int(loop.End-loop.First))[:loop.End-loop.First]
	writes := program.Writes[loop.FirstWrite:loop.EndWrite]
	for _, w := range writes {
		s.words = append(s.words, sumWord{depth: -int(w.At)})
	}
	for i := range s.sums {
		in := &program.Instrs[int(loop.First)+i]
		s.sums[i].x, s.sums[i].y = s.find(in.Args[0], false), s.find(in.Args[1], in.Op == ir.SUB)
	}
	for i, w := range writes {
		s.words[i].next = s.find(w.Value, false)
	}
	const fixed, foldRegs = 2, 4 // mask and zero; places, homes, and halves of digits
	if fixed+len(s.terms)+len(s.words)+max(len(s.sums), (foldRegs-1)*len(s.words)) > zmmCount {
		return false
	}
	free := ^uint32(0)
	for i := range s.words {
		s.words[i].home = take(&free)
	}
	for i := range s.terms {
		s.terms[i].digits = digits{take(&free), digitMax}
	}
	s.mask, s.zero = take(&free), take(&free)
	s.taken = ^free
	for i := range s.words {
		s.taken &^= 1 << s.words[i].home
	}
	s.goHome()
	return true
}

// take takes the lowest of the free registers.
func take(free *uint32) zmm {
	z := bits.TrailingZeros32(*free)
	*free &= *free - 1
	return zmm(z)
}

// goHome is the state behind a fold.
func (s *sumLoop) goHome() {
	for i := range s.words {
		s.words[i].digits = digits{s.words[i].home, foldedMax}
	}
}

// find returns where v is, or for a constant its negative. A term that is not
// known yet is noted, unless there are more than registers.
func (s *sumLoop) find(v ir.Value, negative bool) *digits {
	if i, ok := v.Result(); ok {
		return &s.sums[i-int(s.loop.First)].digits
	}
	if depth, ok := v.EntrySlot(); ok {
		for i := range s.words {
			if s.words[i].depth == depth {
				return &s.words[i].digits
			}
		}
	}
	i := slices.IndexFunc(s.terms, func(t sumTerm) bool { return t.value == v && t.negative == negative })
	switch {
	case i >= 0:
		return &s.terms[i].digits
	case len(s.terms) == zmmCount: // too many; pointers to them must stay good
		return nil
	}
	s.terms = append(s.terms, sumTerm{value: v, negative: negative})
	return &s.terms[len(s.terms)-1].digits
}

// write does the writes at the end of a round.
func (s *sumLoop) write() {
	for i := range s.words {
		s.words[i].after = *s.words[i].next
	}
	for i := range s.words {
		s.words[i].digits = s.words[i].after
	}
}

// pays reports whether sums on digits take less time than on limbs.
func (s *sumLoop) pays() bool {
	limbs := 0
	for i := s.loop.First; i < s.loop.End; i++ {
		limbs += limbCount(int(s.program.Instrs[i].Bits))
	}
	return limbs > 2*len(s.sums)
}

// countRounds finds how many rounds there are to be between two folds: an even
// number, after which no digit can be too large.
func (s *sumLoop) countRounds() {
	most := min(foldRoundsMax, foldAddsMax/len(s.sums))
	for s.rounds = 0; s.rounds < most && s.grow(); {
		s.rounds++
	}
	s.rounds &^= roundsMax - 1
	s.goHome()
}

const _ = uint(2 - roundsMax) // scalar rounds come in ones or twos

// grow finds how large digits can be after a round. It reports false if one can be
// too large.
func (s *sumLoop) grow() bool {
	for i := range s.sums {
		add := &s.sums[i]
		most, carry := bits.Add64(add.x.most, add.y.most, 0)
		if carry != 0 {
			return false
		}
		add.most = most
	}
	s.write()
	return true
}

// free are the registers that hold no word.
func (s *sumLoop) free() uint32 {
	free := ^s.taken
	for i := range s.words {
		free &^= 1 << s.words[i].in
	}
	return free
}

// loadSums loads words and terms, and makes the constants.
func (c *Compiler) loadSums() {
	s := &c.sums
	for i := range s.terms { // memory first: it is read in wider pieces than it is written
		if word, ok := c.program.Const(s.terms[i].value); ok {
			if s.terms[i].negative {
				word.Neg(&word)
			}
			o := operand{kind: inConstant, limbs: len(word), words: word}
			for k := range word {
				c.storeLimb(at(rdi, spillOffset(i, k)), &o, k, rax)
			}
		}
	}
	for i := range s.words {
		c.asm.zm(opVpmovzxdq, s.words[i].home, slot(-s.words[i].depth))
	}
	c.asm.zrri(opVpternlogq, s.mask, s.mask, s.mask, 0xff) // all ones
	c.asm.zri(opVpsrlq, s.mask, s.mask, 32)
	c.asm.zrr(opVpxorq, s.zero, s.zero, s.zero)
	for i := range s.terms {
		from := at(rdi, spillOffset(i, 0))
		if depth, ok := s.terms[i].value.EntrySlot(); ok {
			from = slot(-depth)
		}
		c.asm.zm(opVpmovzxdq, s.terms[i].in, from)
	}
}

// addDigits emits the rounds between two folds. Once all words are back where they
// were, the code repeats.
func (c *Compiler) addDigits() {
	s := &c.sums
	start, period := len(c.asm.code), 1
	for c.addRound(); period < s.rounds && !s.isHome(); period++ {
		c.addRound()
	}
	end := len(c.asm.code)
	for range s.rounds/period - 1 {
		c.asm.code = append(c.asm.code, c.asm.code[start:end]...)
	}
	for range s.rounds % period {
		c.addRound()
	}
}

// isHome reports whether all words are where they are behind a fold.
func (s *sumLoop) isHome() bool {
	return !slices.ContainsFunc(s.words, func(w sumWord) bool { return w.in != w.home })
}

// addRound emits a round.
func (c *Compiler) addRound() {
	s := &c.sums
	free := s.free()
	for i := range s.sums {
		add := &s.sums[i]
		add.in = take(&free)
		c.asm.zrr(opVpaddq, add.in, add.x.in, add.y.in)
	}
	s.write()
}

// foldSums folds all words and brings them home. The halves of all digits are
// apart before the first word goes where another was.
func (c *Compiler) foldSums() {
	s := &c.sums
	free := s.free()
	for i := range s.words {
		free &^= 1 << s.words[i].home
	}
	for i := range s.words {
		w := &s.words[i]
		w.low, w.high = take(&free), take(&free)
		c.asm.zri(opVpsrlq, w.high, w.in, 32)
		c.asm.zrr(opVpandq, w.low, w.in, s.mask)
		c.asm.zrri(opValignq, w.high, w.high, s.zero, 7) // one lane up
	}
	for i := range s.words {
		c.asm.zrr(opVpaddq, s.words[i].home, s.words[i].low, s.words[i].high)
	}
	s.goHome()
}

// storeDigits brings a word to the stack. It uses RAX, RCX, RDX and RBX.
func (c *Compiler) storeDigits(w *sumWord) {
	scratch := at(rdi, spillOffset(0, 0))
	limbs := [4]reg{rax, rcx, rdx, rbx}
	c.asm.zm(opVmovdqu64To, w.in, scratch)
	for k, r := range limbs {
		c.asm.load(r, scratch.plus(int32(16*k+8))) // the digits at odd places
	}
	for k := 3; k > 0; k-- {
		c.asm.rri(opShld, limbs[k-1], limbs[k], 32)
	}
	c.asm.ri(opShl, limbs[0], 32)
	for k, op := range [4]alu{add, adc, adc, adc} {
		c.asm.aluM(op, limbs[k], scratch.plus(int32(16*k)))
	}
	for k, r := range limbs {
		c.asm.store(slot(-w.depth).plus(int32(8*k)), r)
	}
}
