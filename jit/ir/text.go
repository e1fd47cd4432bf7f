package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// String is the text form of the program, which Parse reads.
func (p *Program) String() string {
	var b strings.Builder
	for i := range p.Blocks {
		p.writeBlock(&b, i)
	}
	for i := range p.Loops {
		p.writeLoop(&b, &p.Loops[i])
	}
	return b.String()
}

func (p *Program) writeBlock(b *strings.Builder, i int) {
	block := &p.Blocks[i]
	kind := "block"
	if dest, ok := p.BlockAt(uint64(block.PC)); ok && dest == i {
		kind = "jumpdest"
	}
	fmt.Fprintf(b, "%s %#x gas %d need %d peak %d height %d\n", kind, block.PC, block.Gas, block.Need, block.Peak, block.Height)
	for _, fact := range p.Facts[block.FirstFact:block.EndFact] {
		fmt.Fprintf(b, "  s%d bits %d\n", fact.Depth, fact.Bits)
	}
	for i := block.First; i < block.End; i++ {
		p.writeInstr(b, int(i))
	}
	p.writeWrites(b, block.FirstWrite, block.EndWrite)
	fmt.Fprintf(b, "  %s at %#x\n", p.termText(&block.Term), block.Term.PC)
}

func (p *Program) writeWrites(b *strings.Builder, first, end uint32) {
	for _, w := range p.Writes[first:end] {
		fmt.Fprintf(b, "  %s = %s\n", placeText(int(w.At)), p.text(w.Value))
	}
}

func (p *Program) writeInstr(b *strings.Builder, i int) {
	in := &p.Instrs[i]
	b.WriteString("  ")
	if in.Op.Pushes() {
		fmt.Fprintf(b, "%s = ", p.text(Result(i)))
	}
	b.WriteString(in.Op.String())
	for _, v := range p.Operands(i) {
		b.WriteString(" " + p.text(v))
	}
	if in.Op.Pushes() && in.Bits < 256 {
		fmt.Fprintf(b, " bits %d", in.Bits)
	}
	if in.Rest > 0 {
		fmt.Fprintf(b, " rest %d", in.Rest)
	}
	fmt.Fprintf(b, " at %#x\n", in.PC)
}

// placeText is how a place on the stack reads: s0 is the top at the block's
// entry, s1 the word below it, n1 the first word above.
func placeText(at int) string {
	if at > 0 {
		return "n" + strconv.Itoa(at)
	}
	return "s" + strconv.Itoa(-at)
}

func (p *Program) termText(t *Term) string {
	switch t.Kind {
	case Fallthrough:
		return fmt.Sprintf("next %#x", t.Next)
	case Jump:
		return "jump " + targetText(t.Target)
	case Branch:
		return fmt.Sprintf("if %s jump %s next %#x", p.conditionText(t), targetText(t.Target), t.Next)
	case JumpTo:
		return "jump " + p.text(t.Dest) + p.placesText(t)
	case BranchTo:
		return fmt.Sprintf("if %s jump %s%s next %#x", p.conditionText(t), p.text(t.Dest), p.placesText(t), t.Next)
	}
	return strings.Join(append([]string{"halt", t.Op.String()}, p.texts(t.X, t.Y)...), " ")
}

// placesText says where a dynamic jump can go, if that is known.
func (p *Program) placesText(t *Term) string {
	if t.FirstPlace == t.EndPlace {
		return ""
	}
	text := " among"
	for _, pc := range p.Places[t.FirstPlace:t.EndPlace] {
		text += fmt.Sprintf(" %#x", pc)
	}
	return text
}

func targetText(target uint32) string {
	if target == BadTarget {
		return "bad"
	}
	return fmt.Sprintf("to %#x", target)
}

func (p *Program) conditionText(t *Term) string { return p.condition(t.Op, t.Negated, t.X, t.Y) }

func (p *Program) condition(op Op, negated bool, x, y Value) string {
	words := append([]string{op.String()}, p.texts(x, y)...)
	if negated {
		words = append([]string{"not"}, words...)
	}
	return strings.Join(words, " ")
}

// texts is the text of those that are values.
func (p *Program) texts(values ...Value) (texts []string) {
	for _, v := range values {
		if v != NoValue {
			texts = append(texts, p.text(v))
		}
	}
	return texts
}
