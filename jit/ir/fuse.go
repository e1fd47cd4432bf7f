package ir

// fuse emits op, or replaces the instructions just before it by one that does
// the work of all of them.
func (d *Decoder) fuse(op Op) {
	switch op {
	case POP:
		d.emit(Instr{Op: Drop, N: WordSize})
	case JUMP:
		d.jump(JUMP, Goto)
	case JUMPI:
		d.jump(JUMPI, GotoIf)
	default:
		d.emit(Instr{Op: op})
	}
}

// jump emits a jump, static when the target has just been pushed.
func (d *Decoder) jump(dynamic, static Op) {
	last := d.last()
	switch {
	case last.Op == Push:
		d.drop(1)
	case last.Op == PushWide:
		d.drop(1)
		last.Arg = noTarget
	default:
		d.emit(Instr{Op: dynamic})
		return
	}
	d.jumps = append(d.jumps, uint32(len(d.out.Instrs)))
	d.emit(Instr{Op: static, Arg: last.Arg})
}

// noTarget is a bytecode offset that no code has.
const noTarget = 1<<32 - 1

// last returns the instruction before, if it is in the same block; else a zero
// one (STOP, which ends a block and is therefore never before another).
func (d *Decoder) last() Instr {
	if n := len(d.out.Instrs); n > d.block.body {
		return d.out.Instrs[n-1]
	}
	return Instr{}
}

// drop takes back the last count instructions.
func (d *Decoder) drop(count int) {
	d.out.Instrs = d.out.Instrs[:len(d.out.Instrs)-count]
}
