package ir

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/holiman/uint256"
)

// Parse reads the text form of a program. It does not Check it.
func Parse(text string) (*Program, error) {
	p := &parser{program: new(Program)}
	for i, line := range strings.Split(text, "\n") {
		p.words = strings.Fields(line)
		if len(p.words) == 0 {
			continue
		}
		p.line()
		if p.err == nil && len(p.words) > 0 {
			p.fail("unexpected %q", p.words[0])
		}
		if p.err != nil {
			return nil, fmt.Errorf("cannot parse line %d, %q: %w", i+1, strings.TrimSpace(line), p.err)
		}
	}
	if p.open {
		return nil, errors.New("cannot parse a program: the last block has no end")
	}
	return p.program, nil
}

// parser reads a line word by word; after an error it reads nothing.
type parser struct {
	program *Program
	words   []string // of the line, that are not read
	open    bool     // the last block has no terminator, or the last loop no end
	inLoop  bool     // the last block is that of the last loop
	inExit  bool     // writes are those of the last side exit
	err     error
}

// opcodes is the reverse of Op.String.
var opcodes = map[string]Op{}

func init() {
	for op, info := range table {
		if info.Name != "" {
			opcodes[info.Name] = Op(op)
		}
	}
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// next reads a word.
func (p *parser) next() string {
	if len(p.words) == 0 || p.err != nil {
		p.fail("a word is missing")
		return ""
	}
	word := p.words[0]
	p.words = p.words[1:]
	return word
}

// accept reads a word if it is this one.
func (p *parser) accept(word string) bool {
	if len(p.words) == 0 || p.words[0] != word {
		return false
	}
	p.next()
	return true
}

// number reads a number behind a word.
func (p *parser) number(label string, bits int) int64 {
	if word := p.next(); word != label {
		p.fail("got %q; want %s", word, label)
	}
	return p.parseInt(p.next(), bits)
}

func (p *parser) parseInt(word string, bits int) int64 {
	n, err := strconv.ParseInt(word, 0, bits+1)
	if err != nil {
		p.fail("got %q; want a number", word)
	}
	return n
}

func (p *parser) line() {
	switch {
	case p.words[0] == "block" || p.words[0] == "jumpdest":
		p.block()
	case p.words[0] == "loop":
		p.loop()
	case !p.open:
		p.fail("no block is open")
	case p.inLoop && loopLines[p.words[0]] != nil:
		loopLines[p.words[0]](p)
	case len(p.words) > 2 && p.words[1] == "bits":
		p.fact()
	case len(p.words) > 2 && p.words[1] == "=" && opcodes[p.words[2]] == 0:
		p.write()
	case p.words[0] == "next" || p.words[0] == "jump" || p.words[0] == "if" || p.words[0] == "halt":
		p.term()
	default:
		p.instr()
	}
}

func (p *parser) block() {
	if p.open {
		p.fail("the block before has no end")
	}
	p.inLoop = false
	first, firstWrite := uint32(len(p.program.Instrs)), uint32(len(p.program.Writes))
	firstFact := uint32(len(p.program.Facts))
	kind := p.words[0]
	b := Block{
		PC:     uint32(p.number(kind, 32)),
		Gas:    uint32(p.number("gas", 32)),
		Need:   uint16(p.number("need", 16)),
		Peak:   uint16(p.number("peak", 16)),
		Height: int16(p.number("height", 15)),
		First:  first, End: first, FirstWrite: firstWrite, EndWrite: firstWrite,
		FirstFact: firstFact, EndFact: firstFact,
	}
	p.program.Blocks = append(p.program.Blocks, b)
	if kind == "jumpdest" {
		p.dest(b.PC)
	}
	p.open = true
}

// codeSizeMax bounds the bytecode offset of a JUMPDEST.
const codeSizeMax = 1 << 24

// dest makes the last block that of the JUMPDEST at pc.
func (p *parser) dest(pc uint32) {
	if pc >= codeSizeMax {
		p.fail("a JUMPDEST at %#x", pc)
		return
	}
	for uint32(len(p.program.Dests)) <= pc {
		p.program.Dests = append(p.program.Dests, 0)
	}
	p.program.Dests[pc] = uint32(len(p.program.Blocks))
}

func (p *parser) instr() {
	if len(p.words) > 1 && p.words[1] == "=" {
		if word, want := p.next(), p.program.text(Result(len(p.program.Instrs))); word != want {
			p.fail("got %q; want %s", word, want)
		}
		p.next()
	}
	name := p.next()
	op, ok := opcodes[name]
	if !ok {
		p.fail("got %q; want an opcode", name)
		return
	}
	in := Instr{Op: op, Bits: 256, Args: [3]Value{NoValue, NoValue, NoValue}}
	p.operands(&in)
	if len(p.words) > 0 && p.words[0] == "bits" {
		in.Bits = uint16(p.number("bits", 16))
	}
	if len(p.words) > 0 && p.words[0] == "rest" {
		in.Rest = uint32(p.number("rest", 32))
	}
	in.PC = uint32(p.number("at", 32))
	p.program.Instrs = append(p.program.Instrs, in)
	p.last().End = uint32(len(p.program.Instrs))
}

// last is the block or the loop that is open.
func (p *parser) last() *Block {
	if p.inLoop {
		return &p.lastLoop().Block
	}
	return &p.program.Blocks[len(p.program.Blocks)-1]
}

func (p *parser) operands(in *Instr) {
	count := int(table[in.Op].Pops)
	args := in.Args[:]
	if count > len(args) {
		in.Args[0] = Value(len(p.program.Args))
		p.program.Args = append(p.program.Args, make([]Value, count)...)
		args = p.program.Args[in.Args[0]:]
	}
	for i := range count {
		args[i] = p.value()
	}
}

// value reads a value.
func (p *parser) value() Value {
	word := p.next()
	switch {
	case word == "":
		return NoValue
	case word[0] == 'v':
		return Result(int(p.parseInt(word[1:], 30)) & smallMask)
	case word[0] == 's':
		return EntrySlot(int(p.parseInt(word[1:], 16)) & smallMask)
	}
	x, err := uint256.FromHex(word)
	if err != nil {
		p.fail("got %q; want a value", word)
		return NoValue
	}
	return p.program.AddConst(x)
}

// fact reads what is known of a word at the block's entry.
func (p *parser) fact() {
	depth, ok := strings.CutPrefix(p.next(), "s")
	if !ok {
		p.fail("got no place on the stack")
	}
	fact := Fact{Depth: uint16(p.parseInt(depth, 16)), Bits: uint16(p.number("bits", 16))}
	p.program.Facts = append(p.program.Facts, fact)
	p.last().EndFact = uint32(len(p.program.Facts))
}

func (p *parser) write() {
	word := p.next()
	at := p.parseInt(word[1:], 16)
	switch word[0] {
	case 's':
		at = -at
	case 'n':
	default:
		p.fail("got %q; want a place", word)
	}
	p.next()
	p.program.Writes = append(p.program.Writes, Write{At: int32(at), Value: p.value()})
	if p.inExit {
		p.lastExit().EndWrite = uint32(len(p.program.Writes))
	} else {
		p.last().EndWrite = uint32(len(p.program.Writes))
	}
}

func (p *parser) term() {
	t := newTerm(Fallthrough, 0)
	switch p.next() {
	case "next":
		t.Next = uint32(p.parseInt(p.next(), 32))
	case "jump":
		p.target(&t, Jump, JumpTo)
	case "if":
		t.Negated = p.accept("not")
		t.Op = p.condition()
		t.X = p.value()
		if t.Op != ISZERO {
			t.Y = p.value()
		}
		if p.next() != "jump" {
			p.fail("no jump behind the condition")
		}
		p.target(&t, Branch, BranchTo)
		t.Next = uint32(p.number("next", 32))
	case "halt":
		p.halt(&t)
	}
	t.PC = uint32(p.number("at", 32))
	p.last().Term = t
	p.open = false
}

func (p *parser) condition() Op {
	name := p.next()
	op := opcodes[name]
	if op != LT && op != SLT && op != EQ && op != ISZERO {
		p.fail("got %q; want a condition", name)
	}
	return op
}

// target reads where a jump goes.
func (p *parser) target(t *Term, static, dynamic TermKind) {
	t.Kind = static
	switch {
	case p.accept("bad"):
		t.Target = BadTarget
	case p.accept("to"):
		t.Target = uint32(p.parseInt(p.next(), 32))
	default:
		t.Kind = dynamic
		t.Dest = p.value()
		p.places(t)
	}
}

// places reads where a dynamic jump can go, if that is known.
func (p *parser) places(t *Term) {
	if !p.accept("among") {
		return
	}
	t.FirstPlace = uint32(len(p.program.Places))
	for len(p.words) > 0 && p.words[0] != "at" && p.words[0] != "next" {
		p.program.Places = append(p.program.Places, uint32(p.parseInt(p.next(), 32)))
	}
	t.EndPlace = uint32(len(p.program.Places))
}

func (p *parser) halt(t *Term) {
	name := p.next()
	op, ok := opcodes[name]
	if !ok || !table[op].Props.Halts() || op == JUMP {
		p.fail("got %q; want an opcode that halts", name)
		return
	}
	t.Kind, t.Op = Halt, op
	if table[op].Pops > 0 {
		t.X = p.value()
	}
	if table[op].Pops > 1 {
		t.Y = p.value()
	}
}
