//go:build amd64

package amd64

import "fmt"

// enter runs generated code at code until it leaves.
//
// The trampoline is an ordinary function with a prologue that checks the stack:
// each entry is a place where the scheduler may preempt the goroutine, and there
// is stack below it for assembly routines that generated code calls. Generated code may use all general and
// vector registers but RSP, which must be as it was when it returns; it finds
// the context in RDI. While it runs, the scheduler cannot preempt the goroutine
// and the collector cannot stop the world: that is what gas slices bound.
//
//go:noescape
func enter(ctx *Context, code uintptr)

// cpuid executes the instruction of that name.
func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

// Bits of the processor's features, by the register that holds them.
const (
	movbeC1 = 1 << 22 // leaf 1, ECX
	bmi1B7  = 1 << 3  // leaf 7, EBX
	bmi2B7  = 1 << 8
	adxB7   = 1 << 19
)

// features are what generated code and the routines that it calls take for granted;
// every server processor since 2014 has them. All work on general registers and
// need nothing of the operating system.
var features = []struct {
	name    string
	leaf    uint32
	inECX   bool // else in EBX
	bitMask uint32
}{
	{"MOVBE", 1, true, movbeC1},
	{"BMI1", 7, false, bmi1B7}, // ANDN
	{"BMI2", 7, false, bmi2B7}, // MULX, RORX
	{"ADX", 7, false, adxB7},   // ADCX, ADOX
}

// supported returns why generated code cannot run on this processor.
func supported() error {
	leafMax, _, _, _ := cpuid(0, 0)
	if leafMax < 7 {
		return fmt.Errorf("%w: the processor is too old", ErrUnavailable)
	}
	for _, f := range features {
		_, ebx, ecx, _ := cpuid(f.leaf, 0)
		have := ebx
		if f.inECX {
			have = ecx
		}
		if have&f.bitMask != f.bitMask {
			return fmt.Errorf("%w: the processor has no %s", ErrUnavailable, f.name)
		}
	}
	return nil
}
