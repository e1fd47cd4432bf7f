//go:build amd64

package amd64

import (
	"fmt"

	"github.com/klauspost/cpuid/v2"
)

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

// features are what generated code and the routines that it calls take for granted;
// every server processor since 2014 has them. All work on general registers and
// need nothing of the operating system.
var features = []cpuid.FeatureID{
	cpuid.MOVBE,
	cpuid.BMI1, // ANDN
	cpuid.BMI2, // MULX, RORX
	cpuid.ADX,  // ADCX, ADOX
}

// supported returns why generated code cannot run on this processor.
func supported() error {
	for _, f := range features {
		if !cpuid.CPU.Supports(f) {
			return fmt.Errorf("%w: the processor has no %v", ErrUnavailable, f)
		}
	}
	return nil
}
