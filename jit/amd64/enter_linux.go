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
	xsaveC1 = 1 << 27 // the system saves wide registers
	avxC1   = 1 << 28
	bmi1B7  = 1 << 3 // leaf 7, EBX
	avx2B7  = 1 << 5
	bmi2B7  = 1 << 8
	adxB7   = 1 << 19
	lzcntCX = 1 << 5 // leaf 0x80000001, ECX
)

// features are what generated code takes for granted; every server processor
// since 2014 has them.
var features = []struct {
	name    string
	leaf    uint32
	inECX   bool // else in EBX
	bitMask uint32
}{
	{"MOVBE", 1, true, movbeC1},
	{"AVX", 1, true, avxC1 | xsaveC1},
	{"BMI1", 7, false, bmi1B7},
	{"AVX2", 7, false, avx2B7},
	{"BMI2", 7, false, bmi2B7},
	{"ADX", 7, false, adxB7},
	{"LZCNT", 0x80000001, true, lzcntCX},
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
