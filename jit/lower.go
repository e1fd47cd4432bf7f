package jit

import (
	"fmt"
	"slices"

	"github.com/redline-evm/redline/jit/ir"
)

// lowerer turns bytecode into the interpreter's code, by way of the block-level
// program of package ir. It keeps its memory for the next use.
type lowerer struct {
	builder ir.Builder
	program *ir.Program // of the chain being lowered
	out     code
	jumps   []jumpFixup
	aliases int // headers just before that skip to the next block

	block    *ir.Block
	results  []resultInfo            // of the block's instructions
	movedTo  [ir.HeightMax + 1]int32 // by depth of an entry slot: height of a write that gets its word, or noMove
	lastRead [ir.HeightMax + 1]int32 // by depth of an entry slot: instruction, or noRead, or atEnd
	temps    temporaries
	moves    parallelMove
}

// jumpFixup is a jump whose target is still a bytecode offset.
type jumpFixup struct {
	instr int
	pc    uint32
}

// resultInfo is what the lowerer knows of an instruction's result.
type resultInfo struct {
	lastRead int32 // instruction that reads it last, or noRead, or atEnd
	place    int16
	homed    bool // place is a slot that gets the result at the block's end
}

const (
	noRead = -1
	atEnd  = 1<<31 - 1
	noMove = atEnd
)

// lower lowers code by the rules of fork. The result belongs to the lowerer and
// is valid until the next.
func (l *lowerer) lower(bytecode []byte, fork Fork) *code {
	l.builder.Start(bytecode, fork)
	l.out.instrs = append(l.out.instrs[:0],
		instr{op: armHeader, b: ir.StackMax * limbs},
		instr{op: armBadJump},
	)
	l.out.words = l.out.words[:0]
	l.out.dests = slices.Grow(l.out.dests[:0], len(bytecode))[:len(bytecode)]
	clear(l.out.dests)
	l.jumps = l.jumps[:0]
	l.chain(0)
	for pc := range bytecode {
		if l.out.dests[pc] == 0 && l.builder.IsDest(uint64(pc)) {
			l.chain(pc)
		}
	}
	l.resolveJumps()
	return &l.out
}

// sizeBytes is the memory that the lowerer holds on to.
func (l *lowerer) sizeBytes() int {
	return l.builder.SizeBytes() + l.out.sizeBytes() + 16*cap(l.jumps) + 8*cap(l.results)
}

// chain lowers the block at pc and those that control falls into from there, up
// to one that is lowered already.
func (l *lowerer) chain(pc int) {
	l.aliases = 0
	for {
		l.program = l.builder.Chain(pc)
		for i := range l.program.Blocks {
			l.lowerBlock(&l.program.Blocks[i])
		}
		last := &l.block.Term
		if !last.FallsThrough() {
			return
		}
		pc = int(last.Next)
		if target := l.out.dests[pc]; target != 0 {
			l.emitHeader(&ir.Block{})
			l.emit(instr{op: armJump, to: target})
			return
		}
	}
}

// resolveJumps replaces the bytecode offsets of static jumps by indices.
func (l *lowerer) resolveJumps() {
	for _, j := range l.jumps {
		l.out.instrs[j.instr].to = l.out.dests[j.pc]
	}
}

func (l *lowerer) emit(in instr) { l.out.instrs = append(l.out.instrs, in) }

// lowerBlock lowers one block.
func (l *lowerer) lowerBlock(block *ir.Block) {
	l.block = block
	if l.builder.IsDest(uint64(block.PC)) {
		l.out.dests[block.PC] = uint32(len(l.out.instrs))
	}
	l.emitHeader(block)
	if isAlias(block) {
		l.aliases++
		return
	}
	l.aliases = 0
	l.findReads()
	l.findHomes()
	l.temps.reset(int(block.Peak) + 1)
	for i := block.First; i < block.End; i++ {
		l.lowerInstr(int(i))
	}
	l.endBlock()
}

// isAlias reports whether the block does nothing but charge gas.
func isAlias(block *ir.Block) bool {
	return block.First == block.End && block.FirstWrite == block.EndWrite && block.Height == 0 &&
		block.Need == 0 && block.Peak == 0 && block.Term.Kind == ir.Fallthrough
}

// emitHeader emits the block's header and makes those of the aliases before it
// skip to its end.
func (l *lowerer) emitHeader(block *ir.Block) {
	in := instr{
		op:  armHeader,
		a:   int16(block.Need) * limbs,
		b:   int16(ir.StackMax-int(block.Need)-int(block.Peak)) * limbs,
		arg: block.Gas,
	}
	l.emit(in)
	if isAlias(block) {
		return
	}
	last := len(l.out.instrs) - 1
	for i := last - 1; i >= last-l.aliases; i-- {
		in.arg += l.out.instrs[i].arg
		in.to = uint32(last - i)
		l.out.instrs[i] = in
	}
}

// findReads finds the last reader of each result and entry slot.
func (l *lowerer) findReads() {
	block := l.block
	count := int(block.End - block.First)
	l.results = slices.Grow(l.results[:0], count)[:count]
	for i := range l.results {
		l.results[i] = resultInfo{lastRead: noRead}
	}
	for i := range block.Need {
		l.lastRead[i], l.movedTo[i] = noRead, noMove
	}
	for i := range count {
		for _, v := range l.program.Operands(int(block.First) + i) {
			l.read(v, int32(i))
		}
	}
	for _, w := range l.writes() {
		l.read(w.Value, atEnd)
		if depth, ok := w.Value.EntrySlot(); ok {
			l.movedTo[depth] = w.At
		}
	}
	l.read(block.Term.Dest, atEnd)
	l.read(block.Term.X, atEnd)
	l.read(block.Term.Y, atEnd)
}

func (l *lowerer) writes() []ir.Write {
	return l.program.Writes[l.block.FirstWrite:l.block.EndWrite]
}

func (l *lowerer) read(v ir.Value, by int32) {
	if r := l.result(v); r != nil {
		r.lastRead = by
	} else if depth, ok := v.EntrySlot(); ok {
		l.lastRead[depth] = by
	}
}

// result is what is known of v if it is the result of an instruction, else nil.
func (l *lowerer) result(v ir.Value) *resultInfo {
	if i, ok := v.Result(); ok {
		return &l.results[i-int(l.block.First)]
	}
	return nil
}

// findHomes lets instructions write their result to where it has to be at the
// block's end, if nobody reads what was there before after that. If what was
// there moves to another place at the end, the result can go to that one: then
// the two are exchanged.
func (l *lowerer) findHomes() {
	for _, w := range l.writes() {
		r := l.result(w.Value)
		if r == nil || r.homed {
			continue
		}
		i, _ := w.Value.Result()
		for _, at := range [...]int32{w.At, l.exchange(w.At)} {
			if at > 0 && at == w.At || at <= 0 && l.lastRead[-at] <= l.local(i) {
				r.homed, r.place = true, int16(at)*limbs
				break
			}
		}
	}
}

// exchange returns the place that gets the word at a height at the block's end.
func (l *lowerer) exchange(height int32) int32 {
	if height > 0 {
		return noMove
	}
	return l.movedTo[-height]
}

// placeOf returns where v is. A constant is brought to a temporary, which is
// free again after the instruction.
func (l *lowerer) placeOf(v ir.Value) int16 {
	if r := l.result(v); r != nil {
		return r.place
	}
	if depth, ok := v.EntrySlot(); ok {
		return int16(-depth) * limbs
	}
	place := l.temps.alloc()
	l.setConst(place, v)
	l.temps.freeLater(place)
	return place
}

// setConst sets the word at a place to a constant.
func (l *lowerer) setConst(place int16, v ir.Value) {
	if imm, ok := l.immediate(v); ok {
		l.emit(instr{op: armSet, dst: place, arg: imm})
		return
	}
	l.emit(instr{op: armSetWide, dst: place, arg: l.word(v)})
}

// immediate is the constant v if it fits in an instruction.
func (l *lowerer) immediate(v ir.Value) (imm uint32, ok bool) {
	if !v.IsConst() {
		return 0, false
	}
	x, _ := l.program.Const(v)
	return uint32(x[0]), x.IsUint64() && x[0] < 1<<32
}

// word returns the index of the constant v among those of the code.
func (l *lowerer) word(v ir.Value) uint32 {
	x, _ := l.program.Const(v)
	l.out.words = append(l.out.words, x)
	return uint32(len(l.out.words) - 1)
}

// release frees the temporaries of the operands that are not read after
// instruction i.
func (l *lowerer) release(operands []ir.Value, i int32) {
	for _, v := range operands {
		if r := l.result(v); r != nil && !r.homed && r.lastRead == i {
			l.temps.free(r.place)
			r.lastRead = noRead // an operand may stand there twice
		}
	}
	l.temps.freeNow()
}

// temporaries hands out places above the block's peak.
type temporaries struct {
	base   int // in words
	used   int
	unused []int16
	later  []int16 // to be freed
}

func (t *temporaries) reset(base int) {
	t.base, t.used = base, 0
	t.unused, t.later = t.unused[:0], t.later[:0]
}

func (t *temporaries) alloc() int16 {
	if n := len(t.unused); n > 0 {
		place := t.unused[n-1]
		t.unused = t.unused[:n-1]
		return place
	}
	t.used++
	if t.used+operandsMax > temporariesMax {
		panic(fmt.Sprintf("BUG: %d temporaries in a block", t.used))
	}
	return t.place(t.used - 1)
}

// place is that of temporary i.
func (t *temporaries) place(i int) int16 { return int16((t.base + i) * limbs) }

func (t *temporaries) free(place int16) { t.unused = append(t.unused, place) }

func (t *temporaries) freeLater(place int16) { t.later = append(t.later, place) }

func (t *temporaries) freeNow() {
	t.unused = append(t.unused, t.later...)
	t.later = t.later[:0]
}
