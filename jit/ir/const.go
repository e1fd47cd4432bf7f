package ir

import "github.com/holiman/uint256"

// push pushes the constant of size bytes behind pc. Bytes behind the code's end
// are zero.
func (b *Builder) push(pc, size int) {
	first := pc + 1
	last := min(first+size, len(b.code))
	if size <= 3 {
		x := 0
		for i := first; i < first+size; i++ {
			x <<= 8
			if i < last {
				x |= int(b.code[i])
			}
		}
		b.stack.push(Small(uint32(x)))
		return
	}
	var word uint256.Int
	word.SetBytes(b.code[first:last])
	word.Lsh(&word, 8*uint(first+size-last))
	b.stack.push(b.out.AddConst(&word))
}

// small is the constant x, an offset into bytecode or its size.
func (b *Builder) small(x int) Value { return b.out.AddConst(uint256.NewInt(uint64(x))) }
