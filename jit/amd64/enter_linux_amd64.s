#include "textflag.h"
#include "funcdata.h"

// func enter(ctx *Context, code uintptr)
//
// Not NOSPLIT: see the declaration. Generated code gets the context in DI, the
// top of the EVM stack in R12 and gas in R15. It leaves with the exit in CX and
// the address where it goes on in AX; its other registers are kept in the
// context. The offsets are those of context.go.
TEXT ·enter(SB), 0, $512-16
	NO_LOCAL_POINTERS
	MOVQ ctx+0(FP), DI
	MOVQ code+8(FP), AX
	MOVQ 16(DI), R12
	MOVQ 24(DI), R15
	MOVQ 32(DI), BX
	MOVQ 40(DI), BP
	MOVQ 48(DI), SI
	MOVQ 56(DI), R8
	MOVQ 64(DI), R9
	MOVQ 72(DI), R10
	MOVQ 80(DI), R11
	MOVQ 88(DI), R13
	MOVQ 96(DI), R14
	CALL AX
	MOVQ CX, 0(DI)
	MOVQ AX, 8(DI)
	MOVQ R12, 16(DI)
	MOVQ R15, 24(DI)
	MOVQ BX, 32(DI)
	MOVQ BP, 40(DI)
	MOVQ SI, 48(DI)
	MOVQ R8, 56(DI)
	MOVQ R9, 64(DI)
	MOVQ R10, 72(DI)
	MOVQ R11, 80(DI)
	MOVQ R13, 88(DI)
	MOVQ R14, 96(DI)
	RET
