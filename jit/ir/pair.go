package ir

// Pairing. What is left of PUSH, DUP, SWAP and POP when a block is complete
// mostly comes in rows, and is put together two by two. That happens last,
// because alone they may still vanish into what comes behind them.

// pairClasses number the instructions that pair, from 1.
var pairClasses = [256]uint8{Push: 1, Dup: 2, Swap: 3, SwapDrop: 4, Drop: 5}

// pairForms are the instructions for two in a row, by their classes.
var pairForms = [6][6]Op{
	1: {2: PushDup},
	2: {1: DupPush, 2: DupDup, 3: DupSwap},
	3: {3: SwapSwap},
	4: {5: SwapDropDrop},
}

// pair puts the block's instructions together where they pair.
func (d *Decoder) pair() {
	body := d.out.Instrs[d.block.body:]
	kept := body[:0]
	for i := 0; i < len(body); i++ {
		in := body[i]
		if i+1 < len(body) {
			if form := pairForms[pairClasses[in.Op]][pairClasses[body[i+1].Op]]; form != 0 {
				in = in.pairedWith(body[i+1], form)
				i++
			}
		}
		kept = append(kept, in)
	}
	removed := len(body) - len(kept)
	d.out.Instrs = d.out.Instrs[:d.block.body+len(kept)]
	// Only the block's last instruction jumps.
	if n := len(d.jumps); n > 0 && int(d.jumps[n-1]) >= d.block.body {
		d.jumps[n-1] -= uint32(removed)
	}
}

// pairedWith returns the instruction of the given form that does the work of
// both.
func (in Packed) pairedWith(next Packed, form Op) Packed {
	switch {
	case in.Op == Push:
		return Packed{Op: form, N: next.N, Arg: in.Arg}
	case next.Op == Push:
		return Packed{Op: form, N: in.N, Arg: next.Arg}
	}
	return Packed{Op: form, N: in.N, Arg: uint32(next.N)}
}
