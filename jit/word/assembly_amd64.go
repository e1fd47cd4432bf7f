package word

import (
	"github.com/holiman/uint256"
	"github.com/klauspost/cpuid/v2"
)

// fast says that the processor has the instructions of the assembly: BMI1
// (ANDN), BMI2 (MULX, RORX) and ADX (ADCX, ADOX). They work on general registers
// and need nothing of the operating system.
var fast = cpuid.CPU.Supports(cpuid.BMI1, cpuid.BMI2, cpuid.ADX)

// divMod sets quotient to x / y and remainder to x mod y; y is not zero, and
// quotient and remainder are not the same word.
//
//go:noescape
func divMod(quotient, remainder, x, y *uint256.Int)

// mulMod sets z to x*y mod m; m is not zero.
//
//go:noescape
func mulMod(z, x, y, m *uint256.Int)

// mulModReciprocal sets z to x*y mod m, where m has four limbs and reciprocal is
// floor(2^512/m).
//
//go:noescape
func mulModReciprocal(z, x, y, m *uint256.Int, reciprocal *[5]uint64)

// permuteBMI2 is permuteGeneric.
//
//go:noescape
func permuteBMI2(state *[25]uint64)

// Routines returns the addresses of the routines for generated code.
func Routines() *[routineCount]uintptr
