#include "textflag.h"

// func cpuid(leaf uint32) (eax, ebx uint32)
//
// Subleaf 0. Changes AX, BX, CX and DX; no stack.
TEXT ·cpuid(SB), NOSPLIT, $0-16
	MOVL leaf+0(FP), AX
	XORL CX, CX
	CPUID
	MOVL AX, eax+8(FP)
	MOVL BX, ebx+12(FP)
	RET
