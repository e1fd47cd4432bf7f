package ir

import (
	"fmt"
	"strings"
)

// The text form of a loop is like that of a block. A side exit stands before the
// writes that happen when it leaves, and "stay" behind them.

func (p *Program) writeLoop(b *strings.Builder, l *Loop) {
	fmt.Fprintf(b, "loop %#x gas %d need %d peak %d\n", l.PC, l.Gas, l.Need, l.Peak)
	for _, g := range p.Guards[l.FirstGuard:l.EndGuard] {
		fmt.Fprintf(b, "  guard s%d bits %d%s\n", g.Depth, g.Bits, flagText(g.NonZero, " nonzero"))
	}
	if c := &l.Count; c.Step != 0 {
		fmt.Fprintf(b, "  count s%d step %d to %s%s%s%s\n", c.Depth, c.Step, p.text(c.Bound),
			flagText(c.After, " after"), flagText(c.Inclusive, " inclusive"), flagText(c.Dropped, " dropped"))
	}
	if l.Sums {
		fmt.Fprintf(b, "  sums\n")
	}
	for i := l.First; i < l.End; i++ {
		if p.Instrs[i].Op == JUMPI {
			p.writeExit(b, int(i))
		} else {
			p.writeInstr(b, int(i))
		}
	}
	p.writeWrites(b, l.FirstWrite, l.EndWrite)
	fmt.Fprintf(b, "  repeat\n")
}

func flagText(set bool, text string) string {
	if set {
		return text
	}
	return ""
}

func (p *Program) writeExit(b *strings.Builder, i int) {
	in, e := &p.Instrs[i], p.SideExit(i)
	fmt.Fprintf(b, "  leave if %s to %#x height %d back %d at %#x\n",
		p.condition(e.Op, e.Negated, in.Args[0], in.Args[1]), p.Blocks[e.Target].PC, e.Height, e.Back, in.PC)
	p.writeWrites(b, e.FirstWrite, e.EndWrite)
	fmt.Fprintf(b, "  stay %#x charge %d\n", p.Blocks[e.Stay].PC, e.Charge)
}

// loopLines read lines that only loops have, by their first word.
var loopLines map[string]func(p *parser)

func init() {
	loopLines = map[string]func(p *parser){
		"guard": (*parser).guard, "count": (*parser).count, "sums": (*parser).sums,
		"leave": (*parser).leave, "stay": (*parser).stay, "repeat": (*parser).repeat,
	}
}

func (p *parser) lastLoop() *Loop     { return &p.program.Loops[len(p.program.Loops)-1] }
func (p *parser) lastExit() *SideExit { return &p.program.Exits[len(p.program.Exits)-1] }

func (p *parser) loop() {
	if p.open {
		p.fail("the block before has no end")
	}
	p.open, p.inLoop = true, true
	first, write, guard := uint32(len(p.program.Instrs)), uint32(len(p.program.Writes)), uint32(len(p.program.Guards))
	p.program.Loops = append(p.program.Loops, Loop{FirstGuard: guard, EndGuard: guard})
	l := p.lastLoop()
	l.PC = uint32(p.number("loop", 32))
	l.Gas = uint32(p.number("gas", 32))
	l.Need = uint16(p.number("need", 16))
	l.Peak = uint16(p.number("peak", 16))
	l.First, l.End, l.FirstWrite, l.EndWrite = first, first, write, write
	l.Term = newTerm(Jump, int(l.PC))
	l.Term.Target = l.PC
}

func (p *parser) guard() {
	p.next()
	depth := p.slot()
	g := Guard{Depth: depth, Bits: uint16(p.number("bits", 16)), NonZero: p.accept("nonzero")}
	p.program.Guards = append(p.program.Guards, g)
	p.lastLoop().EndGuard++
}

// slot reads a word on the stack.
func (p *parser) slot() uint16 {
	depth, ok := p.value().EntrySlot()
	if !ok {
		p.fail("want a word on the stack")
	}
	return uint16(depth)
}

func (p *parser) count() {
	p.next()
	c := &p.lastLoop().Count
	c.Depth = p.slot()
	c.Step = int32(p.number("step", 31))
	if p.next() != "to" {
		p.fail("want a bound")
	}
	c.Bound = p.value()
	c.After, c.Inclusive, c.Dropped = p.accept("after"), p.accept("inclusive"), p.accept("dropped")
}

func (p *parser) sums() {
	p.next()
	p.lastLoop().Sums = true
}

func (p *parser) leave() {
	p.next()
	if p.next() != "if" {
		p.fail("want a condition")
	}
	write := uint32(len(p.program.Writes))
	e := SideExit{Negated: p.accept("not"), FirstWrite: write, EndWrite: write}
	e.Op = p.condition()
	in := Instr{Op: JUMPI, Bits: 256, Args: [3]Value{p.value(), NoValue, Value(len(p.program.Exits))}}
	if e.Op != ISZERO {
		in.Args[1] = p.value()
	}
	e.Target = p.blockAt("to")
	e.Height = int16(p.number("height", 15))
	e.Back = uint32(p.number("back", 32))
	in.PC = uint32(p.number("at", 32))
	p.program.Exits = append(p.program.Exits, e)
	p.program.Instrs = append(p.program.Instrs, in)
	p.last().End = uint32(len(p.program.Instrs))
	p.inExit = true
}

// blockAt reads the bytecode offset of a block behind a word, and returns the
// block's index.
func (p *parser) blockAt(label string) uint32 {
	pc := uint32(p.number(label, 32))
	for i := range p.program.Blocks {
		if p.program.Blocks[i].PC == pc {
			return uint32(i)
		}
	}
	p.fail("no block at %#x", pc)
	return 0
}

func (p *parser) stay() {
	if !p.inExit {
		p.fail("no side exit is open")
		return
	}
	p.inExit = false
	e := p.lastExit()
	e.Stay = p.blockAt("stay")
	e.Charge = uint32(p.number("charge", 32))
	p.last().FirstWrite = uint32(len(p.program.Writes))
	p.last().EndWrite = p.last().FirstWrite
}

func (p *parser) repeat() {
	p.next()
	p.open = p.inExit
}
