package ir

import "github.com/holiman/uint256"

// Fusion. The decoder looks back at the instructions of the open block while it
// translates an opcode, and replaces those that feed it by one instruction that
// does the work of all: dispatch is most of what an interpreter pays. For
// example
//
//	DUP3 ISZERO PUSH1 0x17 JUMPI            GotoIfZeroAt 64 → 0x17
//	PUSH1 1 PUSH1 1 PUSH1 160 SHL SUB AND   AndWide 2^160-1
//	PUSH1 1 SWAP1 SUB                       SubImm 1
//
// The tables below are indexed by operation; zero, which is STOP, means none.
//
// Gas and heights are counted from the opcodes, so that they stay exact; a fused
// instruction never needs more stack than its parts. Looking back takes bounded
// time for each opcode.

// immForms are the instructions for an operation whose top operand is a small
// constant.
var immForms = [256]Op{
	ADD: AddImm, AND: AndImm, SHL: ShlImm, SHR: ShrImm, EQ: EqImm,
	MLOAD: MloadImm, MSTORE: MstoreImm,
}

// dupForms are the instructions for an operation whose top operand is the copy
// of a word on the stack.
var dupForms = [256]Op{
	ADD: DupAdd, AND: DupAnd, SUB: DupSub, MLOAD: DupMload, MSTORE: DupMstore,
	AddImm: DupAddImm, AndWide: DupAndWide,
}

// constFolds compute an operation of two constants; x is the top one.
var constFolds = [256]func(z, x, y *uint256.Int) *uint256.Int{
	ADD: (*uint256.Int).Add,
	SUB: (*uint256.Int).Sub,
	MUL: (*uint256.Int).Mul,
	AND: (*uint256.Int).And,
	OR:  (*uint256.Int).Or,
	XOR: (*uint256.Int).Xor,
	SHL: func(z, x, y *uint256.Int) *uint256.Int { return z.Lsh(y, shiftCount(x)) },
	SHR: func(z, x, y *uint256.Int) *uint256.Int { return z.Rsh(y, shiftCount(x)) },
}

// mirrored are the operations with their operands swapped.
var mirrored = [256]Op{
	ADD: ADD, MUL: MUL, AND: AND, OR: OR, XOR: XOR, EQ: EQ,
	LT: GT, GT: LT, SLT: SGT, SGT: SLT,
	SUB: SubSwap,
}

// fuse replaces the instructions that feed op, which is not to be emitted then.
func (d *Decoder) fuse(op Op) bool {
	switch last := d.back(1); last.Op {
	case Push, PushWide:
		return d.fold(op) || d.fuseImm(op, last)
	case Swap:
		return d.fuseSwap(op, last)
	case Dup:
		return d.fuseUnder(op, last) || d.fuseDup(Packed{Op: op}, last)
	case AddImm:
		return d.fuseLoad(op, last)
	}
	return false
}

// back returns the instruction i before the next, if it is in the same block;
// else a zero one, which is a STOP and therefore never before another.
func (d *Decoder) back(i int) Packed {
	if n := len(d.out.Instrs) - i; n >= d.block.body {
		return d.out.Instrs[n]
	}
	return Packed{}
}

// drop takes back the last count instructions, and their constants where they
// are the last ones.
func (d *Decoder) drop(count int) {
	for ; count > 0; count-- {
		last := d.back(1)
		if last.Op == PushWide && int(last.Arg) == len(d.out.Words)-1 {
			d.out.Words = d.out.Words[:last.Arg]
		}
		d.out.Instrs = d.out.Instrs[:len(d.out.Instrs)-1]
	}
}

// constant stores in x what the instruction pushes; false if it is no constant.
func (d *Decoder) constant(in Packed, x *uint256.Int) bool {
	switch in.Op {
	case Push:
		*x = uint256.Int{uint64(in.Arg)}
	case PushWide:
		*x = d.out.Words[in.Arg]
	default:
		return false
	}
	return true
}

// fold computes op now when its operands are constants.
func (d *Decoder) fold(op Op) bool {
	compute, x, y := constFolds[op], &d.operands[0], &d.operands[1]
	if compute == nil && op != NOT || !d.constant(d.back(1), x) {
		return false
	}
	if op == NOT {
		d.drop(1)
		d.emitWord(x.Not(x))
		return true
	}
	if !d.constant(d.back(2), y) {
		return false
	}
	d.drop(2)
	d.emitWord(compute(x, x, y))
	return true
}

// fuseSwap makes a SWAP1 before op vanish.
func (d *Decoder) fuseSwap(op Op, swap Packed) bool {
	other := mirrored[op]
	if other == 0 || swap.N != WordSize {
		return false
	}
	d.drop(1)
	if imm := d.back(1); op == SUB && imm.Op == Push {
		d.drop(1)
		d.emit(Packed{Op: SubImm, Arg: imm.Arg})
		return true
	}
	d.emitOrFuse(other)
	return true
}

// emitOrFuse emits op if it does not fuse.
func (d *Decoder) emitOrFuse(op Op) {
	if !d.fuse(op) {
		d.emit(Packed{Op: op})
	}
}

// fuseUnder turns a constant and a DUP before op around, so that the constant is
// the top operand: PUSH20 mask, DUP3, AND is DUP2, PUSH20 mask, AND.
func (d *Decoder) fuseUnder(op Op, dup Packed) bool {
	other, constant := mirrored[op], d.back(2)
	if other == 0 || op == SUB || dup.N == 0 || constant.Op != Push && constant.Op != PushWide {
		return false
	}
	n := len(d.out.Instrs)
	d.out.Instrs[n-2] = Packed{Op: Dup, N: dup.N - WordSize}
	d.out.Instrs[n-1] = constant
	d.emitOrFuse(other)
	return true
}

// fuseImm takes the constant before op into the instruction.
func (d *Decoder) fuseImm(op Op, imm Packed) bool {
	form := immForms[op]
	switch {
	case form == 0:
		return false
	case imm.Op == PushWide:
		if op != AND {
			return false
		}
		form = AndWide
	case (op == SHL || op == SHR) && imm.Arg > 255:
		return false
	}
	d.out.Instrs = d.out.Instrs[:len(d.out.Instrs)-1] // a wide constant stays
	in := Packed{Op: form, Arg: imm.Arg}
	if last := d.back(1); last.Op != Dup || !d.fuseDup(in, last) {
		d.emit(in)
	}
	return true
}

// fuseDup takes the DUP before an operation into its instruction.
func (d *Decoder) fuseDup(in, dup Packed) bool {
	form := dupForms[in.Op]
	if form == 0 {
		return false
	}
	d.drop(1)
	d.emit(Packed{Op: form, N: dup.N, Arg: in.Arg})
	return true
}

// fuseLoad adds a constant to the offset of an MLOAD.
func (d *Decoder) fuseLoad(op Op, add Packed) bool {
	if op != MLOAD {
		return false
	}
	d.drop(1)
	d.emit(Packed{Op: MloadAdd, Arg: add.Arg})
	return true
}

// fusePop makes the instruction before a POP do it.
func (d *Decoder) fusePop() bool {
	n := len(d.out.Instrs)
	if n == d.block.body {
		return false
	}
	last := &d.out.Instrs[n-1]
	switch {
	case last.Op == Swap:
		last.Op = SwapDrop
	case last.Op == Drop && last.N < StackMax*WordSize:
		last.N += WordSize
	default:
		return false
	}
	return true
}

// noTarget is a bytecode offset that no code has.
const noTarget = 1<<32 - 1

// takeTarget takes back the constant that was pushed as jump target.
func (d *Decoder) takeTarget() (target uint32, ok bool) {
	last := d.back(1)
	switch last.Op {
	case Push:
		target = last.Arg
	case PushWide:
		target = noTarget
	default:
		return 0, false
	}
	d.drop(1)
	return target, true
}

// emitJump emits a static jump whose target is to be resolved.
func (d *Decoder) emitJump(op Op, n uint16, target uint32) {
	d.jumps = append(d.jumps, uint32(len(d.out.Instrs)))
	d.emit(Packed{Op: op, N: n, Arg: target})
}

func (d *Decoder) jump() {
	if target, ok := d.takeTarget(); ok {
		d.emitJump(Goto, 0, target)
		return
	}
	d.emit(Packed{Op: JUMP})
}

// branches are the branches on a comparison: if it holds, and if it does not.
// What is not zero holds, so that a difference is a comparison, too.
var branches = [256][2]Op{
	LT:  {GotoIfLt, GotoIfGe},
	GT:  {GotoIfGt, GotoIfLe},
	EQ:  {GotoIfEq, GotoIfNe},
	SUB: {GotoIfNe, GotoIfEq},
	XOR: {GotoIfNe, GotoIfEq},
}

// branch emits a JUMPI together with what makes its condition.
func (d *Decoder) branch() {
	target, ok := d.takeTarget()
	if !ok {
		d.emit(Packed{Op: JUMPI})
		return
	}
	if d.plain {
		d.emitJump(GotoIf, 0, target)
		return
	}
	negated := 0
	for d.back(1).Op == ISZERO {
		d.drop(1)
		negated ^= 1
	}
	last := d.back(1)
	if last.Op == Dup {
		d.drop(1)
		d.emitJump([2]Op{GotoIfAt, GotoIfZeroAt}[negated], last.N, target)
		return
	}
	if negated == 0 && d.branchOnTop(target) {
		return
	}
	if forms := branches[last.Op]; forms[0] != 0 {
		d.drop(1)
		d.emitJump(forms[negated], 0, target)
		return
	}
	d.emitJump([2]Op{GotoIf, GotoIfZero}[negated], 0, target)
}

// branchOnTop emits the branches of a contract's dispatch: DUP1, PUSH4, then EQ
// or GT, and a JUMPI.
func (d *Decoder) branchOnTop(target uint32) bool {
	top := Packed{Op: Dup}
	if last := d.back(1); last.Op == EqImm && d.back(2) == top {
		d.drop(2)
		d.emit(Packed{Op: GotoIfTopEq, Arg: last.Arg})
	} else if imm := d.back(2); last.Op == GT && imm.Op == Push && d.back(3) == top {
		d.drop(3)
		d.emit(Packed{Op: GotoIfTopLt, Arg: imm.Arg})
	} else {
		return false
	}
	d.emitJump(Goto, 0, target)
	return true
}
