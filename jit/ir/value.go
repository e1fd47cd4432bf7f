package ir

import (
	"math/bits"
	"strconv"

	"github.com/holiman/uint256"
)

// Value names a word inside a basic block: the result of an instruction, a word
// that lay on the stack when the block was entered, or a constant. A value never
// changes.
type Value uint32

// NoValue stands where there is no value.
const NoValue Value = 1<<32 - 1

// The kinds of values, in the two highest bits.
const (
	kindResult Value = iota << 30 // of Instrs[i]
	kindEntry                     // the word i below the top at the block's entry
	kindSmall                     // the constant i
	kindWide                      // Consts[i]

	kindMask  = kindWide
	smallMask = 1<<30 - 1
)

// Result is what instruction i made.
func Result(i int) Value { return kindResult | Value(i) }

// EntrySlot is the word depth below the top at the block's entry; 0 is the top.
func EntrySlot(depth int) Value { return kindEntry | Value(depth) }

// Small is the constant x, which is below 2^30.
func Small(x uint32) Value { return kindSmall | Value(x)&smallMask }

// Result returns the index of the instruction that made v.
func (v Value) Result() (i int, ok bool) { return int(v), v&kindMask == kindResult }

// EntrySlot returns the depth at which v lay at the block's entry.
func (v Value) EntrySlot() (depth int, ok bool) { return int(v & smallMask), v&kindMask == kindEntry }

// IsConst reports whether v is a constant.
func (v Value) IsConst() bool { return v&kindSmall != 0 && v != NoValue }

// Small returns the constant v if it is below 2^30.
func (v Value) Small() (x uint32, ok bool) { return uint32(v & smallMask), v&kindMask == kindSmall }

// Const returns the constant v.
func (p *Program) Const(v Value) (x uint256.Int, ok bool) {
	switch {
	case v&kindMask == kindSmall:
		return uint256.Int{uint64(v & smallMask)}, true
	case v.IsConst():
		return p.Consts[v&smallMask], true
	}
	return x, false
}

// AddConst returns the value of the constant x, which it keeps if it must.
func (p *Program) AddConst(x *uint256.Int) Value {
	if x.IsUint64() && x[0] <= smallMask {
		return Small(uint32(x[0]))
	}
	p.Consts = append(p.Consts, *x)
	return kindWide | Value(len(p.Consts)-1)
}

// Bits is an upper bound of the width of v: v < 2^Bits.
func (p *Program) Bits(v Value) int {
	switch v & kindMask {
	case kindResult:
		return int(p.Instrs[v].Bits)
	case kindSmall:
		return bits.Len32(uint32(v & smallMask))
	case kindWide:
		if v != NoValue {
			return p.Consts[v&smallMask].BitLen()
		}
	}
	return 256
}

// EntryBits is an upper bound of the width of the word that lies depth below the
// top at the entry of b.
func (p *Program) EntryBits(b *Block, depth int) int {
	for _, fact := range p.Facts[b.FirstFact:b.EndFact] {
		if int(fact.Depth) == depth {
			return int(fact.Bits)
		}
	}
	return 256
}

// text is how v reads in the text form.
func (p *Program) text(v Value) string {
	if i, ok := v.Result(); ok {
		return "v" + strconv.Itoa(i)
	}
	if depth, ok := v.EntrySlot(); ok {
		return "s" + strconv.Itoa(depth)
	}
	x, _ := p.Const(v)
	return x.Hex()
}
