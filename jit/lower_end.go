package jit

import "github.com/redline-evm/redline/jit/ir"

// endBlock lowers the block's writes and its terminator.
func (l *lowerer) endBlock() {
	t := &l.block.Term
	if t.Kind == ir.Halt {
		l.halt(t) // nobody sees the stack any more
		return
	}
	l.startMoves()
	x, y, dest := l.keepOperand(t.X), l.keepOperand(t.Y), l.keepOperand(t.Dest)
	l.moves.run(l)
	for _, w := range l.writes() {
		if w.Value.IsConst() {
			l.setConst(int16(w.At)*limbs, w.Value)
		}
	}
	height := l.block.Height * limbs
	switch t.Kind {
	case ir.Fallthrough:
		if height != 0 {
			l.emit(instr{op: armFall, dst: height})
		}
	case ir.Jump:
		l.emitJump(l.jump(height), t.Target)
	case ir.Branch:
		l.emitJump(l.branch(t, x, y, height, t.Negated), t.Target)
	case ir.JumpTo:
		l.emit(instr{op: armJumpTo, dst: height, a: l.operandPlace(t.Dest, dest)})
	case ir.BranchTo:
		place := l.operandPlace(t.Dest, dest)
		over := l.branch(t, x, y, height, !t.Negated)
		over.to = uint32(len(l.out.instrs)) + 3
		l.emit(over)
		l.emit(instr{op: armHeader, b: ir.StackMax * limbs})
		l.emit(instr{op: armJumpTo, a: place - height})
	}
}

// jump returns a jump, which takes in a move just before.
func (l *lowerer) jump(height int16) instr {
	last := len(l.out.instrs) - 1
	if in := l.out.instrs[last]; in.op == armMove {
		l.out.instrs = l.out.instrs[:last]
		return instr{op: armMoveJump, dst: height, a: in.dst, b: in.a}
	}
	return instr{op: armJump, dst: height}
}

// halt lowers a terminator that ends the frame.
func (l *lowerer) halt(t *ir.Term) {
	operands := [...]ir.Value{t.X, t.Y}
	count := 0
	for count < len(operands) && operands[count] != ir.NoValue {
		count++
	}
	top, bottom := l.stackUp(operands[:count])
	l.emit(instr{op: armHost, opcode: byte(t.Op), a: top, dst: bottom})
}

// emitJump emits a jump to a bytecode offset.
func (l *lowerer) emitJump(in instr, target uint32) {
	if target != ir.BadTarget {
		l.jumps = append(l.jumps, jumpFixup{len(l.out.instrs), target})
	}
	l.emit(in)
}

// noPlace stands for the place of a constant, which needs none yet.
const noPlace = -1 << 15

// operandPlace is the place of a terminator's operand.
func (l *lowerer) operandPlace(v ir.Value, place int16) int16 {
	if place == noPlace && v != ir.NoValue {
		return l.placeOf(v)
	}
	return place
}

// branchForms are the operations of a condition that holds, and of one that does
// not; with two words, the second operand an immediate, the first an immediate.
var branchForms = [256][3][2]arm{
	ir.ISZERO: {{armJumpIfZero, armJumpIf}},
	ir.LT:     {{armJumpIfLt, armJumpIfGe}, {armJumpIfLtImm, armJumpIfGeImm}, {armJumpIfGtImm, armJumpIfLeImm}},
	ir.SLT:    {{armJumpIfSlt, armJumpIfSge}},
	ir.EQ:     {{armJumpIfEq, armJumpIfNe}, {armJumpIfEqImm, armJumpIfNeImm}},
}

// branch returns the conditional jump of a terminator; x and y are the places of
// its operands.
func (l *lowerer) branch(t *ir.Term, x, y, height int16, negated bool) instr {
	side := 0
	if negated {
		side = 1
	}
	forms := &branchForms[t.Op]
	if imm, ok := l.immediate(t.Y); ok && forms[1][0] != armHost {
		return instr{op: forms[1][side], dst: height, a: l.operandPlace(t.X, x), arg: imm}
	}
	if imm, ok := l.immediate(t.X); ok && forms[2][0] != armHost {
		return instr{op: forms[2][side], dst: height, a: l.operandPlace(t.Y, y), arg: imm}
	}
	in := instr{op: forms[0][side], dst: height, a: l.operandPlace(t.X, x)}
	if t.Y != ir.NoValue {
		in.b = l.operandPlace(t.Y, y)
	}
	return in
}
