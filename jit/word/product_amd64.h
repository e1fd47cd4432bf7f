// Add DX times the word in R8 to R11 to the limbs a0 to a3, which it makes five.
// DI is zero. Two chains of carries run side by side.
#define MULROW(a0, a1, a2, a3, a4) \
	XORL  a4, a4      \
	MULXQ R8, AX, CX  \
	ADOXQ AX, a0      \
	ADCXQ CX, a1      \
	MULXQ R9, AX, CX  \
	ADOXQ AX, a1      \
	ADCXQ CX, a2      \
	MULXQ R10, AX, CX \
	ADOXQ AX, a2      \
	ADCXQ CX, a3      \
	MULXQ R11, AX, CX \
	ADOXQ AX, a3      \
	ADCXQ CX, a4      \
	ADOXQ DI, a4

// Store the product of the words at SI and AX in eight limbs at base in the
// frame. Leaves DI zero.
#define PRODUCT(base) \
	MOVQ  0(AX), R8                 \
	MOVQ  8(AX), R9                 \
	MOVQ  16(AX), R10               \
	MOVQ  24(AX), R11               \
	XORL  DI, DI                    \
	MOVQ  0(SI), DX                 \
	MULXQ R8, AX, R12               \
	MOVQ  AX, (base+0)(SP)          \
	MULXQ R9, AX, R13               \
	ADDQ  AX, R12                   \
	MULXQ R10, AX, R14              \
	ADCQ  AX, R13                   \
	MULXQ R11, AX, R15              \
	ADCQ  AX, R14                   \
	ADCQ  $0, R15                   \
	MOVQ  8(SI), DX                 \
	MULROW(R12, R13, R14, R15, BX)  \
	MOVQ  R12, (base+8)(SP)         \
	MOVQ  16(SI), DX                \
	MULROW(R13, R14, R15, BX, R12)  \
	MOVQ  R13, (base+16)(SP)        \
	MOVQ  24(SI), DX                \
	MULROW(R14, R15, BX, R12, R13)  \
	MOVQ  R14, (base+24)(SP)        \
	MOVQ  R15, (base+32)(SP)        \
	MOVQ  BX, (base+40)(SP)         \
	MOVQ  R12, (base+48)(SP)        \
	MOVQ  R13, (base+56)(SP)
