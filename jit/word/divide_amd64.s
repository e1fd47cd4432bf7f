#include "textflag.h"
#include "product_amd64.h"

// Long division by the method of Knuth (The Art of Computer Programming,
// volume 2, 4.3.1, algorithm D), with the hardware's division of 128 by 64 bits
// for one digit of 64 bits.
//
// The divisor is shifted left until it fills four limbs, whatever its width, and
// the dividend with it: one loop then serves all widths from two limbs up. V is
// the shifted divisor, U the shifted dividend. The window of the current digit
// is in R12 (low), R13, R14, R15 and BX; after each digit it holds a remainder
// smaller than V.
//
// No division can fault. DIVQ does when the quotient does not fit, that is when
// the high half of the dividend is not smaller than the divisor. The window
// without its low limb is a remainder, smaller than V, so its high limb BX is at
// most V3, and the case that they are equal is taken apart. V3 has its high bit
// set and so is not zero. For a divisor of one limb the high half is the
// remainder of the digit before, smaller than the divisor, which is not zero.
//
// Both entries: Go's stack ABI, no calls, no stack growth, no Go memory but what
// the pointers name; operands and results may be the same words. All general
// registers but SP and BP change. Words need 8-byte alignment for speed only.

#define V0 0(SP)
#define V1 8(SP)
#define V2 16(SP)
#define V3 24(SP)
#define U(i) (32+8*i)(SP)

// Estimate one digit into DX: it is right or one too large. The quotient of the
// high limbs is at most 2 too large, and less than 2 if the next limbs do not
// show it to be too large (Knuth's theorem B and his exercises 19 and 20): one
// step down is enough. If BX equals V3 that quotient would be 2^64 or more, so
// the greatest digit is itself at most one too large.
#define ESTIMATE(ready) \
	MOVQ  $-1, DX     \
	CMPQ  BX, V3      \
	JCC   ready       \
	MOVQ  BX, DX      \
	MOVQ  R15, AX     \
	DIVQ  V3          \
	MOVQ  DX, R8      \
	MOVQ  AX, DX      \
	MULXQ V2, R9, R10 \
	CMPQ  R14, R9     \ // one too large if digit*V2 > rest:R14
	SBBQ  R10, R8     \
	SBBQ  AX, AX      \
	ADDQ  AX, DX      \
ready:

// Subtract DX times V from the window. Carry if the digit was too large.
#define SUBTRACT \
	MULXQ V0, R8, R9  \
	MULXQ V1, AX, R10 \
	ADDQ  AX, R9      \
	MULXQ V2, AX, R11 \
	ADCQ  AX, R10     \
	MULXQ V3, AX, DX  \
	ADCQ  AX, R11     \
	ADCQ  $0, DX      \
	SUBQ  R8, R12     \
	SBBQ  R9, R13     \
	SBBQ  R10, R14    \
	SBBQ  R11, R15    \
	SBBQ  DX, BX

// Add V to the window, which is negative.
#define ADDBACK \
	ADDQ V0, R12 \
	ADCQ V1, R13 \
	ADCQ V2, R14 \
	ADCQ V3, R15 \
	ADCQ $0, BX

// Move the window, at SI, one limb down.
#define SLIDE \
	MOVQ R15, BX     \
	MOVQ R14, R15    \
	MOVQ R13, R14    \
	MOVQ R12, R13    \
	MOVQ -8(SI), R12 \
	SUBQ $8, SI

// Load the window at SI.
#define WINDOW \
	MOVQ 32(SI), BX  \
	MOVQ 24(SI), R15 \
	MOVQ 16(SI), R14 \
	MOVQ 8(SI), R13  \
	MOVQ 0(SI), R12

// Count the limbs of the divisor in R8 to R11 into AX and the zero bits above it
// in its high limb into CX.
#define MEASURE(counted, one) \
	MOVL $4, AX   \
	BSRQ R11, CX  \
	JNZ  counted  \
	MOVL $3, AX   \
	BSRQ R10, CX  \
	JNZ  counted  \
	MOVL $2, AX   \
	BSRQ R9, CX   \
	JZ   one      \
counted:          \
	XORQ $63, CX

// Shift the divisor by CX bits and 4-AX limbs into V. AX becomes 4-AX, and the
// limbs that the dividend will leave out become zero.
#define NORMALISE \
	SHLQ CX, R10, R11     \
	SHLQ CX, R9, R10      \
	SHLQ CX, R8, R9       \
	SHLQ CX, R8           \
	NEGQ AX               \
	ADDQ $4, AX           \
	XORL SI, SI           \
	MOVQ SI, V0           \
	MOVQ SI, V1           \
	MOVQ R8, 0(SP)(AX*8)  \
	MOVQ R9, 8(SP)(AX*8)  \
	MOVQ R10, 16(SP)(AX*8)\
	MOVQ R11, 24(SP)(AX*8)\
	MOVQ SI, U(0)         \
	MOVQ SI, U(1)

// Shift the window back by CX bits and AX limbs and store it at DI.
#define REMAINDER \
	SHRQ CX, R13, R12      \
	SHRQ CX, R14, R13      \
	SHRQ CX, R15, R14      \
	SHRQ CX, R15           \
	XORL DX, DX            \
	MOVQ R12, U(0)         \
	MOVQ R13, U(1)         \
	MOVQ R14, U(2)         \
	MOVQ R15, U(3)         \
	MOVQ DX, U(4)          \
	MOVQ DX, U(5)          \
	MOVQ 32(SP)(AX*8), R12 \
	MOVQ 40(SP)(AX*8), R13 \
	MOVQ 48(SP)(AX*8), R14 \
	MOVQ 56(SP)(AX*8), R15 \
	MOVQ R12, 0(DI)        \
	MOVQ R13, 8(DI)        \
	MOVQ R14, 16(DI)       \
	MOVQ R15, 24(DI)

// One digit for a divisor of two limbs, in R10 and R11, whose high bit is set, of
// the window u2, u1, u0; what is left is in u1 and u0. The quotient of the high
// limbs less the rest of the divisor is the remainder itself: there is no long
// product to subtract. SI says whether the remainder is negative.
#define DIGIT2(u2, u1, u0, digit, estimate, correct, settled) \
	CMPQ  u2, R11      \
	JNE   estimate     \
	MOVQ  $-1, DX      \
	SUBQ  R10, u1      \
	ADDQ  R10, u0      \
	ADCQ  R11, u1      \
	CMC                \
	SBBQ  SI, SI       \
	JMP   correct      \
estimate:              \
	MOVQ  u2, DX       \
	MOVQ  u1, AX       \
	DIVQ  R11          \
	MOVQ  DX, u1       \
	MOVQ  AX, DX       \
	MULXQ R10, R8, R9  \
	SUBQ  R8, u0       \
	SBBQ  R9, u1       \
	SBBQ  SI, SI       \
correct:               \
	ADDQ  SI, DX       \
	MOVQ  R10, R8      \
	MOVQ  R11, R9      \
	ANDQ  SI, R8       \
	ANDQ  SI, R9       \
	ADDQ  R8, u0       \
	ADCQ  R9, u1       \
	SBBQ  AX, AX       \
	CMPQ  AX, SI       \
	JEQ   settled      \
	DECQ  DX           \
	ADDQ  R10, u0      \
	ADCQ  R11, u1      \
settled:               \
	MOVQ  DX, digit

// func divMod(quotient, remainder, x, y *uint256.Int)
//
// Stack: 96 bytes, of which 32 V, 56 U, 8 the shift in limbs.
TEXT ·divMod(SB), NOSPLIT, $96-32
	MOVQ x+16(FP), SI
	MOVQ 0(SI), R12
	MOVQ 8(SI), R13
	MOVQ 16(SI), R14
	MOVQ 24(SI), R15
	MOVQ y+24(FP), SI
	MOVQ 0(SI), R8
	MOVQ 8(SI), R9
	MOVQ 16(SI), R10
	MOVQ 24(SI), R11
	MOVQ quotient+0(FP), DI
	XORL AX, AX
	MOVQ AX, 0(DI)
	MOVQ AX, 8(DI)
	MOVQ AX, 16(DI)
	MOVQ AX, 24(DI)
	MEASURE(counted, one)

	// DX is the number of digits, less one.
	MOVL  $4, DX
	TESTQ R15, R15
	JNZ   digits
	MOVL  $3, DX
	TESTQ R14, R14
	JNZ   digits
	MOVL  $2, DX
	TESTQ R13, R13
	JNZ   digits
	MOVL  $1, DX

digits:
	SUBQ AX, DX
	JCS  small
	XORL BX, BX
	SHLQ CX, R15, BX
	SHLQ CX, R14, R15
	SHLQ CX, R13, R14
	SHLQ CX, R12, R13
	SHLQ CX, R12
	CMPL AX, $2
	JEQ  two
	NORMALISE
	LEAQ 32(SP)(AX*8), SI
	MOVQ R12, 0(SI)
	MOVQ R13, 8(SI)
	MOVQ R14, 16(SI)
	MOVQ R15, 24(SI)
	MOVQ BX, 32(SI)
	MOVQ AX, 88(SP)
	LEAQ 32(SP)(DX*8), SI
	LEAQ (DI)(DX*8), DI
	WINDOW

digit:
	ESTIMATE(ready)
	MOVQ DX, 0(DI)
	SUBTRACT
	JCS  addback

next:
	LEAQ 32(SP), AX
	CMPQ SI, AX
	JEQ  done
	SLIDE
	SUBQ $8, DI
	JMP  digit

addback:
	DECQ 0(DI)
	ADDBACK
	JMP  next

done:
	MOVQ 88(SP), AX
	MOVQ remainder+8(FP), DI
	REMAINDER
	RET

small: // fewer limbs than the divisor
	MOVQ remainder+8(FP), DI
	MOVQ R12, 0(DI)
	MOVQ R13, 8(DI)
	MOVQ R14, 16(DI)
	MOVQ R15, 24(DI)
	RET

two: // a divisor of two limbs
	SHLQ CX, R8, R9
	SHLQ CX, R8
	MOVQ R9, R11
	MOVQ R8, R10
	CMPL DX, $1
	JCS  two0
	JEQ  two1
	DIGIT2(BX, R15, R14, 16(DI), estimate2, correct2, settled2)

two1:
	DIGIT2(R15, R14, R13, 8(DI), estimate1, correct1, settled1)

two0:
	DIGIT2(R14, R13, R12, 0(DI), estimate0, correct0, settled0)
	SHRQ CX, R13, R12
	SHRQ CX, R13
	MOVQ remainder+8(FP), DI
	XORL AX, AX
	MOVQ R12, 0(DI)
	MOVQ R13, 8(DI)
	MOVQ AX, 16(DI)
	MOVQ AX, 24(DI)
	RET

one: // a divisor of one limb
	XORL  DX, DX
	TESTQ R15, R15
	JNZ   one3
	TESTQ R14, R14
	JNZ   one2
	TESTQ R13, R13
	JNZ   one1
	JMP   one0

one3:
	MOVQ R15, AX
	DIVQ R8
	MOVQ AX, 24(DI)

one2:
	MOVQ R14, AX
	DIVQ R8
	MOVQ AX, 16(DI)

one1:
	MOVQ R13, AX
	DIVQ R8
	MOVQ AX, 8(DI)

one0:
	MOVQ R12, AX
	DIVQ R8
	MOVQ AX, 0(DI)
	MOVQ remainder+8(FP), DI
	XORL AX, AX
	MOVQ DX, 0(DI)
	MOVQ AX, 8(DI)
	MOVQ AX, 16(DI)
	MOVQ AX, 24(DI)
	RET

#define P(i) (120+8*i)(SP)

// Store limb i of the shifted product: high shifted left by CX with bits of low.
#define SHIFTED(i, low, high) \
	MOVQ P((i-1)), low    \
	SHLQ CX, low, high    \
	MOVQ high, (8*i)(SI)

// func mulMod(z, x, y, m *uint256.Int)
//
// Stack: 192 bytes, of which 32 V, 88 U, 64 the product, 8 the shift in limbs.
TEXT ·mulMod(SB), NOSPLIT, $192-32
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), AX
	PRODUCT(120)

	MOVQ m+24(FP), SI
	MOVQ 0(SI), R8
	MOVQ 8(SI), R9
	MOVQ 16(SI), R10
	MOVQ 24(SI), R11

	MOVL $8, DX // limbs of the product

scan:
	CMPQ 112(SP)(DX*8), $0
	JNE  scanned
	DECQ DX
	JNZ  scan

scanned:
	MEASURE(counted, one)
	SUBQ AX, DX
	JCS  small
	NORMALISE
	LEAQ 32(SP)(AX*8), SI
	MOVQ AX, 184(SP)
	XORL R9, R9
	MOVQ P(7), R8
	SHLQ CX, R8, R9
	MOVQ R9, 64(SI)
	SHIFTED(7, R9, R8)
	SHIFTED(6, R8, R9)
	SHIFTED(5, R9, R8)
	SHIFTED(4, R8, R9)
	SHIFTED(3, R9, R8)
	SHIFTED(2, R8, R9)
	SHIFTED(1, R9, R8)
	SHLQ CX, R9
	MOVQ R9, 0(SI)
	LEAQ 32(SP)(DX*8), SI
	LEAQ 32(SP), DI
	WINDOW

digit:
	ESTIMATE(ready)
	SUBTRACT
	JCS  addback

next:
	CMPQ SI, DI
	JEQ  done
	SLIDE
	JMP  digit

addback:
	ADDBACK
	JMP next

done:
	MOVQ 184(SP), AX
	MOVQ z+0(FP), DI
	REMAINDER
	RET

small: // fewer limbs than the modulus
	MOVQ z+0(FP), DI
	MOVQ P(0), R12
	MOVQ P(1), R13
	MOVQ P(2), R14
	MOVQ P(3), R15
	MOVQ R12, 0(DI)
	MOVQ R13, 8(DI)
	MOVQ R14, 16(DI)
	MOVQ R15, 24(DI)
	RET

one: // a modulus of one limb
	MOVQ DX, CX
	XORL DX, DX
	TESTQ CX, CX
	JZ   reduced

reduce:
	MOVQ 112(SP)(CX*8), AX
	DIVQ R8
	DECQ CX
	JNZ  reduce

reduced:
	MOVQ z+0(FP), DI
	XORL AX, AX
	MOVQ DX, 0(DI)
	MOVQ AX, 8(DI)
	MOVQ AX, 16(DI)
	MOVQ AX, 24(DI)
	RET

// Add DX times the limb at factor to the limbs low and high.
#define MULADD(factor, low, high) \
	MULXQ factor, AX, CX \
	ADOXQ AX, low        \
	ADCXQ CX, high

// Add the low half of DX times the limb at factor to a limb.
#define MULADDLOW(factor, low) \
	MULXQ factor, AX, CX \
	ADOXQ AX, low

// Set R8, R9, R15, BX, DI to the limbs R10 to R14 less the modulus at SI.
#define LESSMODULUS \
	MOVQ R10, R8     \
	MOVQ R11, R9     \
	MOVQ R12, R15    \
	MOVQ R13, BX     \
	MOVQ R14, DI     \
	SUBQ 0(SI), R8   \
	SBBQ 8(SI), R9   \
	SBBQ 16(SI), R15 \
	SBBQ 24(SI), BX  \
	SBBQ $0, DI

// func mulModReciprocal(z, x, y, m *uint256.Int, reciprocal *[5]uint64)
//
// Barrett's reduction (Handbook of Applied Cryptography, 14.42): with a quotient
// of limbs 3 to 7 of the product times the reciprocal, floor(2^512/m), without
// the low five limbs. It is at most 2 too small, and 1 more as the products of
// limbs that end below limb 4 are left out.
//
// Stack: 64 bytes for the product. All general registers but SP and BP change.
TEXT ·mulModReciprocal(SB), NOSPLIT, $64-40
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), AX
	PRODUCT(0)

	// Limbs 3 to 9 in R8 to R14: the quotient is in R10 to R14.
	MOVQ  reciprocal+32(FP), SI
	MOVQ  24(SP), DX
	MULXQ 24(SI), R8, R9
	MULXQ 32(SI), AX, R10
	ADDQ  AX, R9
	ADCQ  $0, R10
	MOVQ  32(SP), DX
	XORL  R11, R11
	MULADD(16(SI), R8, R9)
	MULADD(24(SI), R9, R10)
	MULADD(32(SI), R10, R11)
	ADOXQ DI, R11
	MOVQ  40(SP), DX
	XORL  R12, R12
	MULADD(8(SI), R8, R9)
	MULADD(16(SI), R9, R10)
	MULADD(24(SI), R10, R11)
	MULADD(32(SI), R11, R12)
	ADOXQ DI, R12
	MOVQ  48(SP), DX
	XORL  R13, R13
	MULADD(0(SI), R8, R9)
	MULADD(8(SI), R9, R10)
	MULADD(16(SI), R10, R11)
	MULADD(24(SI), R11, R12)
	MULADD(32(SI), R12, R13)
	ADOXQ DI, R13
	MOVQ  56(SP), DX
	XORL  R14, R14
	MULADD(0(SI), R9, R10)
	MULADD(8(SI), R10, R11)
	MULADD(16(SI), R11, R12)
	MULADD(24(SI), R12, R13)
	MULADD(32(SI), R13, R14)
	ADOXQ DI, R14

	// The low limbs of the quotient times the modulus, in R8, R9, R15, BX, DI.
	MOVQ  m+24(FP), SI
	MOVQ  R10, DX
	MULXQ 0(SI), R8, R9
	MULXQ 8(SI), AX, R15
	ADDQ  AX, R9
	MULXQ 16(SI), AX, BX
	ADCQ  AX, R15
	MULXQ 24(SI), AX, DI
	ADCQ  AX, BX
	ADCQ  $0, DI
	MOVQ  R11, DX
	XORL  AX, AX
	MULADD(0(SI), R9, R15)
	MULADD(8(SI), R15, BX)
	MULADD(16(SI), BX, DI)
	MULADDLOW(24(SI), DI)
	MOVQ  R12, DX
	XORL  AX, AX
	MULADD(0(SI), R15, BX)
	MULADD(8(SI), BX, DI)
	MULADDLOW(16(SI), DI)
	MOVQ  R13, DX
	XORL  AX, AX
	MULADD(0(SI), BX, DI)
	MULADDLOW(8(SI), DI)
	MOVQ  R14, DX
	XORL  AX, AX
	MULADDLOW(0(SI), DI)

	// What is left of the product, smaller than four times the modulus.
	MOVQ 0(SP), R10
	MOVQ 8(SP), R11
	MOVQ 16(SP), R12
	MOVQ 24(SP), R13
	MOVQ 32(SP), R14
	SUBQ R8, R10
	SBBQ R9, R11
	SBBQ R15, R12
	SBBQ BX, R13
	SBBQ DI, R14
	LESSMODULUS
	CMOVQCC R8, R10
	CMOVQCC R9, R11
	CMOVQCC R15, R12
	CMOVQCC BX, R13
	CMOVQCC DI, R14

rare:
	LESSMODULUS
	JCS  reduced
	MOVQ R8, R10
	MOVQ R9, R11
	MOVQ R15, R12
	MOVQ BX, R13
	MOVQ DI, R14
	JMP  rare

reduced:
	MOVQ z+0(FP), DI
	MOVQ R10, 0(DI)
	MOVQ R11, 8(DI)
	MOVQ R12, 16(DI)
	MOVQ R13, 24(DI)
	RET
