package ir

import "github.com/holiman/uint256"

// simplify emits an instruction that gives a word, or finds its value without.
func (b *Builder) simplify(in *Instr) Value {
	b.canonical(in)
	if v := b.fold(in); v != NoValue {
		return v
	}
	if v := b.identity(in); v != NoValue {
		return v
	}
	if v := b.same(in); v != NoValue {
		return v
	}
	in.Bits = b.bitsOf(in)
	return b.emit(in)
}

// canonical leaves LT and SLT of the comparisons by order, and puts the constant
// operand last where the order of operands does not matter.
func (b *Builder) canonical(in *Instr) {
	switch in.Op {
	case GT:
		in.Op = LT
	case SGT:
		in.Op = SLT
	case ADD, MUL, AND, OR, XOR, EQ:
		if !in.Args[0].IsConst() {
			return
		}
	default:
		return
	}
	in.Args[0], in.Args[1] = in.Args[1], in.Args[0]
}

// folds compute an operation of constants into z; x was on top of the stack.
var folds = [256]func(z, x, y *uint256.Int){
	ADD:        func(z, x, y *uint256.Int) { z.Add(x, y) },
	MUL:        func(z, x, y *uint256.Int) { z.Mul(x, y) },
	SUB:        func(z, x, y *uint256.Int) { z.Sub(x, y) },
	DIV:        func(z, x, y *uint256.Int) { z.Div(x, y) },
	SDIV:       func(z, x, y *uint256.Int) { z.SDiv(x, y) },
	MOD:        func(z, x, y *uint256.Int) { z.Mod(x, y) },
	SMOD:       func(z, x, y *uint256.Int) { z.SMod(x, y) },
	SIGNEXTEND: func(z, x, y *uint256.Int) { z.ExtendSign(y, x) },
	LT:         func(z, x, y *uint256.Int) { setBool(z, x.Lt(y)) },
	SLT:        func(z, x, y *uint256.Int) { setBool(z, x.Slt(y)) },
	EQ:         func(z, x, y *uint256.Int) { setBool(z, x.Eq(y)) },
	ISZERO:     func(z, x, _ *uint256.Int) { setBool(z, x.IsZero()) },
	AND:        func(z, x, y *uint256.Int) { z.And(x, y) },
	OR:         func(z, x, y *uint256.Int) { z.Or(x, y) },
	XOR:        func(z, x, y *uint256.Int) { z.Xor(x, y) },
	NOT:        func(z, x, _ *uint256.Int) { z.Not(x) },
	BYTE:       func(z, x, y *uint256.Int) { z.Set(y).Byte(x) },
	SHL:        func(z, x, y *uint256.Int) { z.Lsh(y, shiftCount(x)) },
	SHR:        func(z, x, y *uint256.Int) { z.Rsh(y, shiftCount(x)) },
	SAR:        func(z, x, y *uint256.Int) { z.SRsh(y, shiftCount(x)) },
}

func setBool(z *uint256.Int, b bool) {
	z.Clear()
	if b {
		z.SetOne()
	}
}

// shiftCount is the shift in bits; all of 256 and more are alike.
func shiftCount(x *uint256.Int) uint {
	if !x.IsUint64() || x.Uint64() > 256 {
		return 256
	}
	return uint(x.Uint64())
}

// fold computes an operation of constants.
func (b *Builder) fold(in *Instr) Value {
	one := table[in.Op].Pops == 1
	if folds[in.Op] == nil || !in.Args[0].IsConst() || !one && !in.Args[1].IsConst() {
		return NoValue
	}
	return b.out.AddConst(b.folder.compute(&b.out, in.Op, in.Args[0], in.Args[1]))
}

// folder is room for an operation of folds and its outcome, which would else be
// allocated.
type folder struct{ z, x, y uint256.Int }

// compute is the outcome of an operation of folds on constants of p; y is NoValue
// if there is none. It is valid until the next.
func (f *folder) compute(p *Program, op Op, x, y Value) *uint256.Int {
	f.x, _ = p.Const(x)
	f.y, _ = p.Const(y)
	folds[op](&f.z, &f.x, &f.y)
	return &f.z
}

// identity finds the value of an operation that returns one of its operands. An
// EQ with zero becomes an ISZERO.
func (b *Builder) identity(in *Instr) Value {
	x, y := in.Args[0], in.Args[1]
	zero := Small(0)
	switch in.Op {
	case ADD, OR, XOR, SUB:
		if y == zero {
			return x
		}
	case SHL, SHR, SAR:
		if x == zero {
			return y
		}
	case MUL, DIV:
		if y == Small(1) {
			return x
		}
	case AND:
		if mask, ok := b.out.Const(y); ok && isMask(&mask) && b.bits(x) <= mask.BitLen() {
			return x
		}
	case EQ:
		if y == zero {
			in.Op, in.Args[1] = ISZERO, NoValue
			return b.identity(in)
		}
	case ISZERO:
		return b.doubleNegation(x)
	}
	return NoValue
}

// isMask reports whether x is a power of two less one.
func isMask(x *uint256.Int) bool {
	next := new(uint256.Int).AddUint64(x, 1)
	return next.And(next, x).IsZero()
}

// doubleNegation returns y if x is the ISZERO of y, and y is zero or one.
func (b *Builder) doubleNegation(x Value) Value {
	i, ok := x.Result()
	if !ok || b.out.Instrs[i].Op != ISZERO {
		return NoValue
	}
	if y := b.out.Instrs[i].Args[0]; b.bits(y) <= 1 {
		return y
	}
	return NoValue
}
