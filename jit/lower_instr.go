package jit

import "github.com/redline-evm/redline/jit/ir"

// form is how an opcode with an arm in the interpreter is lowered.
type form struct {
	op       arm
	operands uint8
	imm      [2]arm // if operand 0 or 1 is a constant of 32 bits; zero: none
	wide     arm    // if operand 1 is any other constant; zero: none
	shift    bool   // imm holds for constants below 256 only
}

var forms = [256]form{
	ir.ADD:        {op: armAdd, operands: 2, imm: [2]arm{1: armAddImm}, wide: armAddWide},
	ir.SUB:        {op: armSub, operands: 2, imm: [2]arm{armSubFrom, armSubImm}},
	ir.MUL:        {op: armMul, operands: 2},
	ir.DIV:        {op: armDiv, operands: 2},
	ir.SDIV:       {op: armSdiv, operands: 2},
	ir.MOD:        {op: armMod, operands: 2},
	ir.SMOD:       {op: armSmod, operands: 2},
	ir.ADDMOD:     {op: armAddMod, operands: 3},
	ir.MULMOD:     {op: armMulMod, operands: 3},
	ir.SIGNEXTEND: {op: armSignExtend, operands: 2, imm: [2]arm{0: armSignExtendImm}, shift: true},
	ir.LT:         {op: armLt, operands: 2, imm: [2]arm{armGtImm, armLtImm}},
	ir.SLT:        {op: armSlt, operands: 2},
	ir.EQ:         {op: armEq, operands: 2, imm: [2]arm{1: armEqImm}},
	ir.ISZERO:     {op: armIsZero, operands: 1},
	ir.AND:        {op: armAnd, operands: 2, imm: [2]arm{1: armAndImm}, wide: armAndWide},
	ir.OR:         {op: armOr, operands: 2, wide: armOrWide},
	ir.XOR:        {op: armXor, operands: 2},
	ir.NOT:        {op: armNot, operands: 1},
	ir.BYTE:       {op: armByte, operands: 2, imm: [2]arm{0: armByteImm}, shift: true},
	ir.SHL:        {op: armShl, operands: 2, imm: [2]arm{0: armShlImm}, shift: true},
	ir.SHR:        {op: armShr, operands: 2, imm: [2]arm{0: armShrImm}, shift: true},
	ir.SAR:        {op: armSar, operands: 2, imm: [2]arm{0: armSarImm}, shift: true},

	ir.MLOAD:        {op: armMload, operands: 1, imm: [2]arm{0: armMloadImm}},
	ir.MSTORE:       {op: armMstore, operands: 2, imm: [2]arm{0: armMstoreImm}},
	ir.MSTORE8:      {op: armMstore8, operands: 2},
	ir.KECCAK256:    {op: armKeccak256, operands: 2},
	ir.CALLDATALOAD: {op: armCallDataLoad, operands: 1, imm: [2]arm{0: armCallDataLoadImm}},
	ir.CALLDATASIZE: {op: armCallDataSize},
	ir.CALLVALUE:    {op: armCallValue},
	ir.CALLER:       {op: armCaller},
	ir.GAS:          {op: armGasLeft},
	ir.SLOAD:        {op: armSload, operands: 1},
	ir.SSTORE:       {op: armSstore, operands: 2},
}

// immediateForm returns the operation for an instruction of which operand i is
// the constant imm.
func (f *form) immediateForm(i int, imm uint32) (op arm, ok bool) {
	if f.shift && imm > 255 {
		return armHost, false
	}
	return f.imm[i], f.imm[i] != armHost
}

// lowerInstr lowers instruction i of the program.
func (l *lowerer) lowerInstr(i int) {
	in := &l.program.Instrs[i]
	operands := l.program.Operands(i)
	form := &forms[in.Op]
	if form.op == armHost {
		l.lowerHost(i, in, operands)
		return
	}
	out := l.choose(form, operands)
	if in.Rest > 0 {
		out.arg = in.Rest
	}
	l.release(operands, l.local(i))
	out.dst = l.resultPlace(i, in)
	l.emit(out)
}

// local is the number of an instruction inside its block.
func (l *lowerer) local(i int) int32 { return int32(i - int(l.block.First)) }

// choose picks the operation by the operands that are constants.
func (l *lowerer) choose(form *form, operands []ir.Value) instr {
	for i, v := range operands[:min(len(operands), 2)] {
		imm, ok := l.immediate(v)
		if !ok {
			continue
		}
		op, ok := form.immediateForm(i, imm)
		if !ok {
			continue
		}
		out := instr{op: op, arg: imm}
		if form.operands == 2 {
			out.a = l.placeOf(operands[1-i])
		}
		return out
	}
	if form.wide != armHost && operands[1].IsConst() {
		return instr{op: form.wide, a: l.placeOf(operands[0]), arg: l.word(operands[1])}
	}
	out := instr{op: form.op}
	if form.operands > 0 {
		out.a = l.placeOf(operands[0])
	}
	if form.operands > 1 {
		out.b = l.placeOf(operands[1])
	}
	if form.operands > 2 {
		out.to = uint32(l.placeOf(operands[2]))
	}
	return out
}

// resultPlace is where the result of instruction i goes.
func (l *lowerer) resultPlace(i int, in *ir.Instr) int16 {
	if !in.Op.Pushes() {
		return 0
	}
	r := &l.results[l.local(i)]
	if r.homed {
		return r.place
	}
	r.place = l.temps.alloc()
	if r.lastRead == noRead {
		l.temps.free(r.place)
	}
	return r.place
}

// lowerHost lowers an instruction that a handler runs. Handlers find their
// operands as a stack above all that is in use, and leave the result there.
func (l *lowerer) lowerHost(i int, in *ir.Instr, operands []ir.Value) {
	top, bottom := l.stackUp(operands)
	l.release(operands, l.local(i))
	dst := bottom
	if in.Op.Pushes() {
		dst = l.resultPlace(i, in)
	}
	l.emit(instr{op: armHost, opcode: byte(in.Op), dst: dst, a: top, arg: in.Rest})
}

// stackUp copies operands to above all temporaries, the first on top. It returns
// the place of the top and that of the bottom, which is one above the top when
// there are none.
func (l *lowerer) stackUp(operands []ir.Value) (top, bottom int16) {
	first := l.temps.used
	for k, v := range operands {
		place := l.temps.place(first + len(operands) - 1 - k)
		if v.IsConst() {
			l.setConst(place, v)
		} else {
			l.emit(instr{op: armMove, dst: place, a: l.placeOf(v)})
		}
	}
	return l.temps.place(first + len(operands) - 1), l.temps.place(first)
}
