#include "textflag.h"

// func prefetch(lines []unsafe.Pointer)
//
// Uses AX, BX and CX, no stack. It neither calls nor loops for long: lines are
// a batch.
TEXT ·prefetch(SB), NOSPLIT, $0-24
	MOVQ  lines_base+0(FP), AX
	MOVQ  lines_len+8(FP), BX
	TESTQ BX, BX
	JE    done

next:
	MOVQ       (AX), CX
	PREFETCHT0 (CX)
	ADDQ       $8, AX
	DECQ       BX
	JNE        next

done:
	RET
