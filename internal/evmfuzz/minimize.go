package evmfuzz

import (
	"bytes"

	"github.com/redline-evm/redline/jit/ir"
)

// minimize returns a smaller case that still fails: contracts without code, code
// with a tail cut off or instructions replaced by JUMPDESTs, which leaves jumps as
// they are, and less input and gas.
func minimize(c *Case, fails func(*Case) bool) *Case {
	best := *c
	try := func(change func(*Case)) {
		smaller := best
		change(&smaller)
		if fails(&smaller) {
			best = smaller
		}
	}
	for i := range best.Codes {
		try(func(c *Case) { c.Codes[i] = nil })
	}
	for i := range best.Codes {
		shrink(best.Codes[i], func(code []byte) bool {
			smaller := best
			smaller.Codes[i] = code
			if !fails(&smaller) {
				return false
			}
			best = smaller
			return true
		})
	}
	if best.Create {
		shrink(best.Message.Input, func(code []byte) bool {
			smaller := best
			smaller.Message.Input = code
			if !fails(&smaller) {
				return false
			}
			best = smaller
			return true
		})
	} else {
		try(func(c *Case) { c.Message.Input = nil })
	}
	try(func(c *Case) { c.Message.Value.Clear() })
	try(func(c *Case) { c.Slice = 1 << 40 })
	return &best
}

// shrink offers smaller forms of the code to keep, which reports whether it is
// the code from then on.
func shrink(code []byte, keep func([]byte) bool) {
	for cut := len(code) / 2; cut > 0; cut /= 2 {
		for len(code) > cut && keep(code[:len(code)-cut]) {
			code = code[:len(code)-cut]
		}
	}
	for span := len(code) / 2; span > 0; span /= 2 {
		for start := 0; start < len(code); start += span {
			end := min(start+span, len(code))
			blank := bytes.Clone(code)
			copy(blank[start:end], bytes.Repeat([]byte{byte(ir.JUMPDEST)}, end-start))
			if !bytes.Equal(blank, code) && keep(blank) {
				code = blank
			}
		}
	}
}
