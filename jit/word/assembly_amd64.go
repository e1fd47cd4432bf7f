package word

import "github.com/holiman/uint256"

// fast says that the processor has the instructions of the assembly: BMI1
// (ANDN), BMI2 (MULX, RORX) and ADX (ADCX, ADOX). They work on general registers
// and need nothing of the operating system.
var fast = hasExtensions()

func hasExtensions() bool {
	const (
		leaf = 7
		bmi1 = 1 << 3
		bmi2 = 1 << 8
		adx  = 1 << 19
		all  = bmi1 | bmi2 | adx
	)
	if leafMax, _ := cpuid(0); leafMax < leaf {
		return false
	}
	_, ebx := cpuid(leaf)
	return ebx&all == all
}

// cpuid asks the processor for subleaf 0 of a leaf.
func cpuid(leaf uint32) (eax, ebx uint32)

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
