//go:build linux && amd64

package amd64

import (
	"math/rand/v2"
	"testing"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
)

// TestMaskedShifts shifts words under masks that keep bits from moving to another
// limb, and under masks that fail to by one bit.
func TestMaskedShifts(t *testing.T) {
	c := NewCompiler(newMemory(t))
	random := rand.New(rand.NewPCG(9, 10))
	word := uint256.Int{random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64()}
	callData := word.Bytes32()
	for count := uint64(0); count < 260; count++ {
		kept := ^uint64(0) << (count % 64)
		for stray := range 3 {
			right := uint256.Int{kept, kept, kept, kept}
			left := uint256.Int{^uint64(0) >> (count % 64), 1, ^uint64(0) >> (count % 64), 1}
			if stray > 0 {
				right[1+stray] |= 1 << random.Uint64N(64)
				left[stray] |= 1 << random.Uint64N(64)
			}
			w := &writer{}
			for _, s := range []struct {
				op   ir.Op
				mask *uint256.Int
			}{{ir.SHR, &right}, {ir.SHL, &left}, {ir.SAR, &right}, {ir.SHL, &right}, {ir.SHR, &left}, {ir.SAR, &left}} {
				w.push(s.mask).push64(0).op(ir.CALLDATALOAD, ir.AND).push64(count).op(s.op)
			}
			w.op(ir.LOG4)
			both(t, c, w.code, 1e5, 1e5, callData[:])
		}
	}
}
