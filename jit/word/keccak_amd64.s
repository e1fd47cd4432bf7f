#include "textflag.h"

// The permutation Keccak-f[1600] in the form that reads one array of 25 lanes
// and writes another, two rounds at a time. Each of the five rows that a round
// writes needs five lanes along a diagonal of what it reads: they are mixed with
// the parities (theta), rotated (rho; reading along the diagonal is pi) and
// combined (chi) without leaving registers.

// Lane x, y of the state that stands in Go's memory, and of the one on the stack.
#define A(i) (8*i)(DI)
#define E(i) (8*i)(SP)

#define PARITY(in, x, to) \
	MOVQ in(x), to      \
	XORQ in((x+5)), to  \
	XORQ in((x+10)), to \
	XORQ in((x+15)), to \
	XORQ in((x+20)), to

// Leave in R8 to R12 what theta adds to columns 0 to 4.
#define THETA(in) \
	PARITY(in, 0, AX)  \
	PARITY(in, 1, BX)  \
	PARITY(in, 2, CX)  \
	PARITY(in, 3, DX)  \
	PARITY(in, 4, SI)  \
	RORXQ $63, BX, R8  \
	RORXQ $63, CX, R9  \
	RORXQ $63, DX, R10 \
	RORXQ $63, SI, R11 \
	RORXQ $63, AX, R12 \
	XORQ  SI, R8       \
	XORQ  AX, R9       \
	XORQ  BX, R10      \
	XORQ  CX, R11      \
	XORQ  DX, R12

// Load a lane, add d, rotate it right by count bits.
#define LANE(in, i, d, count, to) \
	MOVQ  in(i), to     \
	XORQ  d, to         \
	RORXQ $count, to, to

// Combine lanes and store lane i: a ^ (^b & c).
#define CHI(out, i, a, b, c) \
	ANDNQ c, b, R13 \
	XORQ  a, R13    \
	MOVQ  R13, out(i)

#define CHIROW(out, i) \
	CHI(out, (i+1), BX, CX, DX) \
	CHI(out, (i+2), CX, DX, SI) \
	CHI(out, (i+3), DX, SI, AX) \
	CHI(out, (i+4), SI, AX, BX)

// One round from in to out; R14 is the address of its constant.
#define ROUND(in, out, constant) \
	THETA(in)                  \
	MOVQ  in(0), AX            \
	XORQ  R8, AX               \
	LANE(in, 6, R9, 20, BX)    \
	LANE(in, 12, R10, 21, CX)  \
	LANE(in, 18, R11, 43, DX)  \
	LANE(in, 24, R12, 50, SI)  \
	ANDNQ CX, BX, R13          \
	XORQ  AX, R13              \
	XORQ  constant(R14), R13   \
	MOVQ  R13, out(0)          \
	CHIROW(out, 0)             \
	LANE(in, 3, R11, 36, AX)   \
	LANE(in, 9, R12, 44, BX)   \
	LANE(in, 10, R8, 61, CX)   \
	LANE(in, 16, R9, 19, DX)   \
	LANE(in, 22, R10, 3, SI)   \
	CHI(out, 5, AX, BX, CX)    \
	CHIROW(out, 5)             \
	LANE(in, 1, R9, 63, AX)    \
	LANE(in, 7, R10, 58, BX)   \
	LANE(in, 13, R11, 39, CX)  \
	LANE(in, 19, R12, 56, DX)  \
	LANE(in, 20, R8, 46, SI)   \
	CHI(out, 10, AX, BX, CX)   \
	CHIROW(out, 10)            \
	LANE(in, 4, R12, 37, AX)   \
	LANE(in, 5, R8, 28, BX)    \
	LANE(in, 11, R9, 54, CX)   \
	LANE(in, 17, R10, 49, DX)  \
	LANE(in, 23, R11, 8, SI)   \
	CHI(out, 15, AX, BX, CX)   \
	CHIROW(out, 15)            \
	LANE(in, 2, R10, 2, AX)    \
	LANE(in, 8, R11, 9, BX)    \
	LANE(in, 14, R12, 25, CX)  \
	LANE(in, 15, R8, 23, DX)   \
	LANE(in, 21, R9, 62, SI)   \
	CHI(out, 20, AX, BX, CX)   \
	CHIROW(out, 20)

// func permuteBMI2(state *[25]uint64)
//
// Go's stack ABI, no calls, no stack growth, no Go memory but the state and the
// table of constants. All general registers but SP and BP change. Stack: 200
// bytes for the second array. Alignment: none needed.
TEXT ·permuteBMI2(SB), NOSPLIT, $200-8
	MOVQ state+0(FP), DI
	LEAQ ·roundConstants(SB), R14
	LEAQ 192(R14), R15

rounds:
	ROUND(A, E, 0)
	ROUND(E, A, 8)
	ADDQ $16, R14
	CMPQ R14, R15
	JNE  rounds
	RET
