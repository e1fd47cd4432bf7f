#include "textflag.h"
#include "funcdata.h"

// func enter(ctx *Context, code uintptr)
//
// Not NOSPLIT: see the declaration. The size of the frame is frameBytes, less
// what CALL pushes.
TEXT ·enter(SB), 0, $512-16
	NO_LOCAL_POINTERS
	MOVQ ctx+0(FP), DI
	MOVQ code+8(FP), AX
	CALL AX
	RET

// func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	MOVL subleaf+4(FP), CX
	CPUID
	MOVL AX, eax+8(FP)
	MOVL BX, ebx+12(FP)
	MOVL CX, ecx+16(FP)
	MOVL DX, edx+20(FP)
	RET
