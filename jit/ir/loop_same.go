package ir

// A round often computes the same thing more than once: blocks do not know of each
// other. sameTable remembers instructions of the round by what they compute, one
// for each hash.
type sameTable [sameSize]uint32 // one more than the index of an instruction

const sameSize = 128

// hash leaves out constants that are not small: equal ones need not have the same
// Value.
func (in *Instr) hash() uint32 {
	h := uint32(in.Op)
	for _, v := range in.Args {
		if _, small := v.Small(); small || !v.IsConst() {
			h = (h ^ uint32(v)) * 0x9e3779b1
		}
	}
	return h >> 16 % sameSize
}

// same returns the result of an instruction of the round that computes what in
// does; if there is none, it remembers that in comes next.
func (b *Builder) same(in *Instr) Value {
	if !b.loop.open || folds[in.Op] == nil {
		return NoValue
	}
	entry := &b.loop.same[in.hash()]
	if *entry > 0 && b.equal(in, &b.out.Instrs[*entry-1]) {
		return Result(int(*entry - 1))
	}
	*entry = uint32(len(b.out.Instrs) + 1)
	return NoValue
}

// equal reports whether two instructions of an operation without effects compute
// the same.
func (b *Builder) equal(x, y *Instr) bool {
	if x.Op != y.Op {
		return false
	}
	for k := range int(table[x.Op].Pops) {
		v, w := x.Args[k], y.Args[k]
		if v == w {
			continue
		}
		c, ok := b.out.Const(v)
		d, both := b.out.Const(w)
		if !ok || !both || c != d {
			return false
		}
	}
	return true
}
