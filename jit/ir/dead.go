package ir

import "slices"

// dropDead takes out the instructions of the open block that have no effect and
// whose result nobody wants: most are comparisons that became the condition of a
// branch.
func (b *Builder) dropDead() {
	first := int(b.block.First)
	count := len(b.out.Instrs) - first
	b.used = slices.Grow(b.used[:0], count)[:count]
	clear(b.used)
	if b.markUsed(first) == count {
		return
	}
	b.moved = slices.Grow(b.moved[:0], count)[:count]
	kept := first
	for i := range count {
		if b.used[i] {
			b.out.Instrs[kept] = b.out.Instrs[first+i]
			b.rename(b.out.Operands(kept))
			b.moved[i] = Result(kept)
			kept++
		}
	}
	b.out.Instrs = b.out.Instrs[:kept]
	writes := b.out.Writes[b.block.FirstWrite:]
	for i := range writes {
		writes[i].Value = b.renamed(writes[i].Value)
	}
	t := &b.block.Term
	t.Dest, t.X, t.Y = b.renamed(t.Dest), b.renamed(t.X), b.renamed(t.Y)
}

// markUsed marks the instructions that stay and returns their number. It goes
// backwards, so that all uses of a result are seen before it.
func (b *Builder) markUsed(first int) (count int) {
	for i := b.block.FirstWrite; i < uint32(len(b.out.Writes)); i++ {
		b.use(b.out.Writes[i].Value)
	}
	b.use(b.block.Term.Dest)
	b.use(b.block.Term.X)
	b.use(b.block.Term.Y)
	for i := len(b.used) - 1; i >= 0; i-- {
		if !b.used[i] && table[b.out.Instrs[first+i].Op].Props.Pure() {
			continue
		}
		b.used[i] = true
		count++
		for _, v := range b.out.Operands(first + i) {
			b.use(v)
		}
	}
	return count
}

func (b *Builder) use(v Value) {
	if i, ok := v.Result(); ok {
		b.used[i-int(b.block.First)] = true
	}
}

func (b *Builder) rename(values []Value) {
	for i, v := range values {
		values[i] = b.renamed(v)
	}
}

func (b *Builder) renamed(v Value) Value {
	if i, ok := v.Result(); ok {
		return b.moved[i-int(b.block.First)]
	}
	return v
}
