package ir

import (
	"slices"

	"github.com/holiman/uint256"
)

// runMax bounds how many JUMPDESTs in a row share one block.
const runMax = 1 << 16

// Decoder turns bytecode into Code. It keeps its memory for the next use.
type Decoder struct {
	code  []byte
	fork  Fork
	plain bool // no fusion
	out   Code

	reachable bool // control can reach the next opcode
	begun     bool // the block of the next opcode has its header
	block     block
	jumps     []uint32       // instructions whose Arg is a bytecode offset to resolve
	seesGas   []uint32       // instructions of the block that want to know the gas behind them
	operands  [2]uint256.Int // of a fold
}

// block is the basic block being decoded. Heights are in words, relative to the
// height at its start.
type block struct {
	start   int    // index of the first header
	headers int    // one, or one for each JUMPDEST of a run
	body    int    // index of the first instruction behind the headers
	gas     uint64 // static gas so far
	height  int    // now
	lowest  int    // lowest that an opcode reached down to
	highest int    // highest so far
}

// Decode decodes code by the rules of fork. The result belongs to the decoder
// and is valid until the next.
func (d *Decoder) Decode(code []byte, fork Fork) *Code {
	d.plain = false
	return d.decode(code, fork)
}

// DecodeOnce is Decode for code that is to run only once: it takes less time
// and fuses nothing.
func (d *Decoder) DecodeOnce(code []byte, fork Fork) *Code {
	d.plain = true
	return d.decode(code, fork)
}

// SizeBytes is the memory that the decoder holds on to.
func (d *Decoder) SizeBytes() int {
	return d.out.SizeBytes() + 4*(cap(d.jumps)+cap(d.seesGas))
}

func (d *Decoder) decode(code []byte, fork Fork) *Code {
	d.reset(code, fork)
	d.badJump()
	for pc := 0; pc < len(code); {
		switch {
		case Op(code[pc]) == JUMPDEST:
			pc += d.jumpdests(pc)
		case d.reachable:
			d.opcode(pc)
			fallthrough
		default:
			pc += 1 + PushSize(code[pc])
		}
	}
	d.end()
	d.resolveJumps()
	return &d.out
}

func (d *Decoder) reset(code []byte, fork Fork) {
	d.code, d.fork = code, fork
	d.out.Instrs = d.out.Instrs[:0]
	d.out.Words = d.out.Words[:0]
	if cap(d.out.Dests) < len(code) {
		d.out.Dests = make([]uint32, len(code))
	}
	d.out.Dests = d.out.Dests[:len(code)]
	clear(d.out.Dests)
	d.jumps = d.jumps[:0]
	d.reachable, d.begun = true, false
}

// badJump emits the block at index 0.
func (d *Decoder) badJump() {
	d.begin(1)
	d.emit(Packed{Op: BadJump})
	d.finish()
}

// end emits the STOP that bytecode has behind its end.
func (d *Decoder) end() {
	if !d.reachable {
		return
	}
	d.beginIfNeeded()
	d.emit(Packed{Op: STOP})
	d.finish()
}

// jumpdests starts the block of the JUMPDESTs at pc and returns their number.
func (d *Decoder) jumpdests(pc int) int {
	count := 1
	for pc+count < len(d.code) && Op(d.code[pc+count]) == JUMPDEST && count < runMax {
		count++
	}
	if d.begun {
		d.finish()
	}
	d.begin(count)
	dests := d.out.Dests[pc : pc+count]
	for i := range dests {
		dests[i] = uint32(d.block.start + i*HeaderSize)
	}
	d.block.gas = uint64(count) * uint64(table[JUMPDEST].Gas)
	d.reachable = true
	return count
}

// opcode decodes the opcode at pc.
func (d *Decoder) opcode(pc int) {
	d.beginIfNeeded()
	opcode := d.code[pc]
	info, ok := Lookup(opcode, d.fork)
	if !ok {
		d.emit(Packed{Op: Invalid})
		d.halt()
		return
	}
	d.count(info)
	d.translate(pc, Op(opcode), info)
	switch {
	case info.Props.Halts():
		d.halt()
	case Op(opcode) == JUMPI || d.block.gas > blockGasMax:
		d.finish()
	}
}

// count adds the opcode to the block's gas and heights.
func (d *Decoder) count(info *Info) {
	b := &d.block
	b.gas += uint64(info.Gas)
	b.height -= int(info.Pops)
	b.lowest = min(b.lowest, b.height)
	b.height += int(info.Pushes)
	b.highest = max(b.highest, b.height)
}

// translate emits the instructions of one opcode.
func (d *Decoder) translate(pc int, op Op, info *Info) {
	switch {
	case op >= PUSH0 && op <= PUSH32:
		d.push(pc, PushSize(byte(op)))
	case op >= DUP1 && op <= DUP16:
		d.emit(Packed{Op: Dup, N: uint16(op-DUP1) * WordSize})
	case op >= SWAP1 && op <= SWAP16:
		d.emit(Packed{Op: Swap, N: uint16(op-SWAP1+1) * WordSize})
	case op == JUMP:
		d.jump()
	case op == JUMPI:
		d.branch()
	case op == PC:
		d.emit(Packed{Op: Push, Arg: uint32(pc)})
	case op == CODESIZE:
		d.emit(Packed{Op: Push, Arg: uint32(len(d.code))})
	case op >= LOG0 && op <= LOG4:
		d.emit(Packed{Op: op, N: uint16(op - LOG0)})
	case info.Props.SeesGas():
		d.seesGas = append(d.seesGas, uint32(len(d.out.Instrs)))
		d.emit(Packed{Op: op, Arg: uint32(d.block.gas)})
	case op == POP && (d.plain || !d.fusePop()):
		d.emit(Packed{Op: Drop, N: WordSize})
	case op != POP && (d.plain || !d.fuse(op)):
		d.emit(Packed{Op: op})
	}
}

// push emits the constant of size bytes behind pc. Bytes behind the code's end
// are zero.
func (d *Decoder) push(pc, size int) {
	first := pc + 1
	last := min(first+size, len(d.code))
	if size <= 4 {
		imm := uint32(0)
		for i := first; i < first+size; i++ {
			imm <<= 8
			if i < last {
				imm |= uint32(d.code[i])
			}
		}
		d.emit(Packed{Op: Push, Arg: imm})
		return
	}
	var word uint256.Int
	word.SetBytes(d.code[first:last])
	word.Lsh(&word, 8*uint(first+size-last))
	d.emitWord(&word)
}

// emitWord emits a push of word.
func (d *Decoder) emitWord(word *uint256.Int) {
	if word.IsUint64() && word.Uint64() <= 1<<32-1 {
		d.emit(Packed{Op: Push, Arg: uint32(word.Uint64())})
		return
	}
	d.emit(Packed{Op: PushWide, Arg: uint32(len(d.out.Words))})
	d.out.Words = append(d.out.Words, *word)
}

func (d *Decoder) emit(in Packed) { d.out.Instrs = append(d.out.Instrs, in) }

// begin opens a block with the given number of headers, which finish writes.
func (d *Decoder) begin(headers int) {
	start := len(d.out.Instrs)
	body := start + headers*HeaderSize
	d.out.Instrs = slices.Grow(d.out.Instrs, body-start)[:body]
	d.block = block{start: start, headers: headers, body: body}
	d.begun = true
}

func (d *Decoder) beginIfNeeded() {
	if !d.begun {
		d.begin(1)
	}
}

// halt closes the block behind an opcode that control does not pass.
func (d *Decoder) halt() {
	d.finish()
	d.reachable = false
}

// finish closes the block: now its headers can be written.
func (d *Decoder) finish() {
	b := &d.block
	lowest, span := b.bounds()
	jumpdestGas := uint32(table[JUMPDEST].Gas)
	heads, gas := d.out.Instrs[b.start:b.body], uint32(b.gas)
	for len(heads) >= HeaderSize {
		rest := heads[HeaderSize:]
		heads[0] = Packed{Op: Header, N: lowest, Arg: gas}
		heads[1] = Packed{Op: Header, N: span, Arg: uint32(len(rest))}
		heads, gas = rest, gas-jumpdestGas
	}
	for _, i := range d.seesGas {
		in := &d.out.Instrs[i]
		in.Arg = uint32(b.gas) - in.Arg
	}
	d.seesGas = d.seesGas[:0]
	if !d.plain {
		d.pair()
	}
	d.begun = false
}

// bounds returns the stack heights at which the block may be entered, in bytes:
// the lowest, and how much higher the highest is. No height is between 65535
// and 65535, so that a block that needs more than the stack can hold always
// fails.
func (b *block) bounds() (lowest, span uint16) {
	low, high := -b.lowest, StackMax-b.highest
	if low > high {
		return 1<<16 - 1, 0
	}
	return uint16(low * WordSize), uint16((high - low) * WordSize)
}

// resolveJumps replaces the bytecode offsets in static jumps by instruction
// indices.
func (d *Decoder) resolveJumps() {
	for _, i := range d.jumps {
		in := &d.out.Instrs[i]
		if target := in.Arg; uint64(target) < uint64(len(d.out.Dests)) {
			in.Arg = d.out.Dests[target]
		} else {
			in.Arg = 0
		}
	}
}
