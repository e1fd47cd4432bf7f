package ir

import "github.com/holiman/uint256"

// push pushes the constant of size bytes behind pc. Bytes behind the code's end
// are zero.
func (b *Builder) push(pc, size int) {
	first := pc + 1
	last := min(first+size, len(b.code))
	var word uint256.Int
	if size <= 8 {
		for _, x := range b.code[first:last] {
			word[0] = word[0]<<8 | uint64(x)
		}
		word[0] <<= 8 * (first + size - last)
	} else {
		word.SetBytes(b.code[first:last])
		word.Lsh(&word, 8*uint(first+size-last))
	}
	b.stack.push(b.out.AddConst(&word))
}

// small is the constant x, an offset into bytecode or its size.
func (b *Builder) small(x int) Value { return b.out.AddConst(uint256.NewInt(uint64(x))) }
