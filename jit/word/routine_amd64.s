#include "textflag.h"
#include "go_asm.h"
#include "product_amd64.h"

// The routines for generated code, as routine.go describes them. Each keeps the
// registers that the functions it calls change in its own frame, behind their
// arguments. BP is kept by the frames' prologues. They have no Go frame above
// them that the collector could want to scan: it cannot run meanwhile.

#define KEEP(base) \
	MOVQ BX, (base+0)(SP)   \
	MOVQ SI, (base+8)(SP)   \
	MOVQ DI, (base+16)(SP)  \
	MOVQ R8, (base+24)(SP)  \
	MOVQ R9, (base+32)(SP)  \
	MOVQ R10, (base+40)(SP) \
	MOVQ R11, (base+48)(SP) \
	MOVQ R12, (base+56)(SP) \
	MOVQ R13, (base+64)(SP) \
	MOVQ R14, (base+72)(SP) \
	MOVQ R15, (base+80)(SP)

#define BACK(base) \
	MOVQ (base+0)(SP), BX   \
	MOVQ (base+8)(SP), SI   \
	MOVQ (base+16)(SP), DI  \
	MOVQ (base+24)(SP), R8  \
	MOVQ (base+32)(SP), R9  \
	MOVQ (base+40)(SP), R10 \
	MOVQ (base+48)(SP), R11 \
	MOVQ (base+56)(SP), R12 \
	MOVQ (base+64)(SP), R13 \
	MOVQ (base+72)(SP), R14 \
	MOVQ (base+80)(SP), R15

// Set the zero flag if the word at base is zero.
#define TESTWORD(base) \
	MOVQ (base+0)(DX), AX  \
	ORQ  (base+8)(DX), AX  \
	ORQ  (base+16)(DX), AX \
	ORQ  (base+24)(DX), AX

// Negate the limbs a to d if sign is all ones, and not if it is zero.
#define NEGATEIF(sign, a, b, c, d) \
	XORQ sign, a \
	XORQ sign, b \
	XORQ sign, c \
	XORQ sign, d \
	SUBQ sign, a \
	SBBQ sign, b \
	SBBQ sign, c \
	SBBQ sign, d

#define LOAD(place, a, b, c, d) \
	MOVQ (place+0)(DX), a  \
	MOVQ (place+8)(DX), b  \
	MOVQ (place+16)(DX), c \
	MOVQ (place+24)(DX), d

#define STORE(a, b, c, d, place, base) \
	MOVQ a, (place+0)(base)  \
	MOVQ b, (place+8)(base)  \
	MOVQ c, (place+16)(base) \
	MOVQ d, (place+24)(base)

// Pass divMod the places of its results. In the frames of divisions 32 bytes are
// its arguments, 88 registers and 32 the result that is not wanted; with signs
// also 64 the operands without, 8 the result's sign and 8 DX. Division by zero
// gives zero, which the result's place holds then.
#define RESULTS(quotient, remainder) \
	MOVQ quotient, 0(SP)  \
	MOVQ remainder, 8(SP)

// routineDiv: see Routine.
TEXT routineDiv<>(SB), NOSPLIT, $152-0
	TESTWORD(-32)
	JZ   done
	KEEP(32)
	LEAQ -32(DX), AX
	LEAQ 120(SP), CX
	RESULTS(AX, CX)
	MOVQ DX, 16(SP)
	MOVQ AX, 24(SP)
	CALL ·divMod(SB)
	BACK(32)
	XORL AX, AX

done:
	RET

// routineMod: see Routine.
TEXT routineMod<>(SB), NOSPLIT, $152-0
	TESTWORD(-32)
	JZ   done
	KEEP(32)
	LEAQ -32(DX), AX
	LEAQ 120(SP), CX
	RESULTS(CX, AX)
	MOVQ DX, 16(SP)
	MOVQ AX, 24(SP)
	CALL ·divMod(SB)
	BACK(32)
	XORL AX, AX

done:
	RET

// Put the operands without signs at 120 and 152 of the frame, and their signs into
// CX and AX.
#define MAGNITUDES \
	LOAD(0, R8, R9, R10, R11)        \
	MOVQ R11, CX                     \
	SARQ $63, CX                     \
	NEGATEIF(CX, R8, R9, R10, R11)   \
	STORE(R8, R9, R10, R11, 120, SP) \
	LOAD(-32, R8, R9, R10, R11)      \
	MOVQ R11, AX                     \
	SARQ $63, AX                     \
	NEGATEIF(AX, R8, R9, R10, R11)   \
	STORE(R8, R9, R10, R11, 152, SP)

// Call divMod of them.
#define DIVIDEMAGNITUDES \
	LEAQ 120(SP), AX \
	MOVQ AX, 16(SP)  \
	LEAQ 152(SP), AX \
	MOVQ AX, 24(SP)  \
	CALL ·divMod(SB)

// Give the result the sign at 216 of the frame.
#define SIGNRESULT \
	MOVQ 224(SP), DX                 \
	MOVQ 216(SP), CX                 \
	LOAD(-32, R8, R9, R10, R11)      \
	NEGATEIF(CX, R8, R9, R10, R11)   \
	STORE(R8, R9, R10, R11, -32, DX)

// routineSDiv: see Routine.
TEXT routineSDiv<>(SB), NOSPLIT, $232-0
	TESTWORD(-32)
	JZ   done
	KEEP(32)
	MAGNITUDES
	XORQ AX, CX
	MOVQ CX, 216(SP)
	MOVQ DX, 224(SP)
	LEAQ -32(DX), AX
	LEAQ 184(SP), CX
	RESULTS(AX, CX)
	DIVIDEMAGNITUDES
	SIGNRESULT
	BACK(32)
	XORL AX, AX

done:
	RET

// routineSMod: see Routine.
TEXT routineSMod<>(SB), NOSPLIT, $232-0
	TESTWORD(-32)
	JZ   done
	KEEP(32)
	MAGNITUDES
	MOVQ CX, 216(SP)
	MOVQ DX, 224(SP)
	LEAQ -32(DX), AX
	LEAQ 184(SP), CX
	RESULTS(CX, AX)
	DIVIDEMAGNITUDES
	SIGNRESULT
	BACK(32)
	XORL AX, AX

done:
	RET

// Reduce the word at place modulo the modulus at -64(DX), unless it is smaller
// already.
#define REDUCE(place, smaller) \
	LOAD(place, R8, R9, R10, R11) \
	SUBQ -64(DX), R8              \
	SBBQ -56(DX), R9              \
	SBBQ -48(DX), R10             \
	SBBQ -40(DX), R11             \
	JCS  smaller                  \
	LEAQ 120(SP), AX              \
	MOVQ AX, 0(SP)                \
	LEAQ place(DX), AX            \
	MOVQ AX, 8(SP)                \
	MOVQ AX, 16(SP)               \
	LEAQ -64(DX), AX              \
	MOVQ AX, 24(SP)               \
	CALL ·divMod(SB)              \
	MOVQ 152(SP), DX

// routineAddMod: see Routine.
//
// Frame: 32 bytes of arguments, 88 of registers, 32 for quotients, 8 DX.
TEXT routineAddMod<>(SB), NOSPLIT, $160-0
	TESTWORD(-64)
	JZ   done
	KEEP(32)
	MOVQ DX, 152(SP)
	REDUCE(0, small0)

small0:
	REDUCE(-32, small1)

small1: // both are smaller than the modulus: one subtraction reduces the sum
	LOAD(0, R8, R9, R10, R11)
	XORL AX, AX
	ADDQ -32(DX), R8
	ADCQ -24(DX), R9
	ADCQ -16(DX), R10
	ADCQ -8(DX), R11
	ADCQ AX, AX
	MOVQ R8, R12
	MOVQ R9, R13
	MOVQ R10, R14
	MOVQ R11, R15
	SUBQ -64(DX), R12
	SBBQ -56(DX), R13
	SBBQ -48(DX), R14
	SBBQ -40(DX), R15
	SBBQ $0, AX
	CMOVQCC R12, R8
	CMOVQCC R13, R9
	CMOVQCC R14, R10
	CMOVQCC R15, R11
	STORE(R8, R9, R10, R11, -64, DX)
	BACK(32)
	XORL AX, AX

done:
	RET

// routineMulMod: see Routine.
//
// Frame: 40 bytes of arguments, 88 of registers, 64 of a product, 8 DX.
TEXT routineMulMod<>(SB), NOSPLIT, $200-0
	TESTWORD(-64)
	JZ   done
	KEEP(40)
	LEAQ -64(DX), AX
	MOVQ AX, 0(SP)
	MOVQ DX, 8(SP)
	MOVQ AX, 24(SP)
	LEAQ -32(DX), AX
	MOVQ AX, 16(SP)
	LOAD(-64, R8, R9, R10, R11)
	TESTQ R11, R11
	JZ   plain // a reciprocal has room for four limbs only
	MOVQ R8, AX
	ANDQ R9, AX
	ANDQ R10, AX
	ANDQ R11, AX
	CMPQ AX, $-1
	JEQ  greatest
	MOVQ R8, R12
	MOVQ R9, R13
	MOVQ R10, R14
	MOVQ R11, R15
	XORQ (Memo_modulus+Modulus_value+0)(CX), R12
	XORQ (Memo_modulus+Modulus_value+8)(CX), R13
	XORQ (Memo_modulus+Modulus_value+16)(CX), R14
	XORQ (Memo_modulus+Modulus_value+24)(CX), R15
	ORQ  R13, R12
	ORQ  R15, R14
	ORQ  R14, R12
	JNZ  another
	CMPB (Memo_modulus+Modulus_known)(CX), $0
	JEQ  refused // Go computes the reciprocal
	LEAQ (Memo_modulus+Modulus_reciprocal)(CX), AX
	MOVQ AX, 32(SP)
	CALL ·mulModReciprocal(SB)
	JMP  computed

another: // remember it
	MOVQ R8, (Memo_modulus+Modulus_value+0)(CX)
	MOVQ R9, (Memo_modulus+Modulus_value+8)(CX)
	MOVQ R10, (Memo_modulus+Modulus_value+16)(CX)
	MOVQ R11, (Memo_modulus+Modulus_value+24)(CX)
	MOVB $0, (Memo_modulus+Modulus_known)(CX)

plain:
	CALL ·mulMod(SB)

computed:
	BACK(40)
	XORL AX, AX

done:
	RET

refused:
	BACK(40)
	MOVL $1, AX
	RET

greatest:
	// The modulus is 2^256-1, of which code computes full products by: the sum of
	// both halves, where a carry counts as one.
	MOVQ DX, 192(SP)
	MOVQ DX, SI
	LEAQ -32(DX), AX
	PRODUCT(128)
	MOVQ 128(SP), R8
	MOVQ 136(SP), R9
	MOVQ 144(SP), R10
	MOVQ 152(SP), R11
	ADDQ 160(SP), R8
	ADCQ 168(SP), R9
	ADCQ 176(SP), R10
	ADCQ 184(SP), R11
	ADCQ $0, R8
	ADCQ $0, R9
	ADCQ $0, R10
	ADCQ $0, R11
	MOVQ R8, AX
	ANDQ R9, AX
	ANDQ R10, AX
	ANDQ R11, AX
	XORL CX, CX
	CMPQ AX, $-1
	CMOVQEQ CX, R8
	CMOVQEQ CX, R9
	CMOVQEQ CX, R10
	CMOVQEQ CX, R11
	MOVQ 192(SP), DX
	STORE(R8, R9, R10, R11, -64, DX)
	JMP  computed

// Lane i of the state in the frame of routineKeccak.
#define LANE(i) (8+8*i)(SP)

#define ABSORBLANE(i) \
	MOVQ (8*i)(SI), AX \
	XORQ AX, LANE(i)

// Set to zero lane i and the four behind it.
#define ZEROLANES(i) \
	MOVQ AX, LANE((i+0)) \
	MOVQ AX, LANE((i+1)) \
	MOVQ AX, LANE((i+2)) \
	MOVQ AX, LANE((i+3)) \
	MOVQ AX, LANE((i+4))

// Set difference to zero where limb i of the data equals that of the key at R13.
#define COMPARE(i, difference) \
	MOVQ (8*i)(SI), R10                       \
	XORQ (hashEntry_key+8*i)(R13), R10        \
	ORQ  R10, difference

#define REMEMBER(i) \
	MOVQ (8*i)(SI), AX               \
	MOVQ AX, (hashEntry_key+8*i)(R13)

// Mix limbs low and high of the data, from the lowest bytes, into to.
#define MIX(low, high, factor, to) \
	MOVQ   (8*low)(SI), to    \
	BSWAPQ to                 \
	MOVQ   (8*high)(SI), R10  \
	BSWAPQ R10                \
	ADDQ   R10, R10           \
	XORQ   R10, to            \
	MOVQ   $factor, R10       \
	IMULQ  R10, to

// routineKeccak: see Routine and KeccakMax.
//
// Frame: 8 bytes of arguments, 200 of the state, 88 of registers, and 8 each for
// DX, the memo's entry, and the address and number of bytes to absorb.
TEXT routineKeccak<>(SB), NOSPLIT, $328-0
	KEEP(208)
	MOVQ DX, 296(SP)
	MOVQ CX, R8
	MOVQ 0(DX), SI
	MOVQ 8(DX), CX
	XORL R13, R13
	XORL R9, R9
	CMPQ CX, $const_memoKeyMax
	JEQ  two
	CMPQ CX, $(const_memoKeyMax/2)
	JEQ  one
	CMPQ CX, $const_KeccakMax
	JHI  refused

absorb:
	MOVQ R13, 304(SP)
	XORL AX, AX
	ZEROLANES(0)
	ZEROLANES(5)
	ZEROLANES(10)
	ZEROLANES(15)
	ZEROLANES(20)
	LEAQ LANE(0), AX
	MOVQ AX, 0(SP)

blocks:
	CMPQ CX, $136
	JCS  last
	ABSORBLANE(0)
	ABSORBLANE(1)
	ABSORBLANE(2)
	ABSORBLANE(3)
	ABSORBLANE(4)
	ABSORBLANE(5)
	ABSORBLANE(6)
	ABSORBLANE(7)
	ABSORBLANE(8)
	ABSORBLANE(9)
	ABSORBLANE(10)
	ABSORBLANE(11)
	ABSORBLANE(12)
	ABSORBLANE(13)
	ABSORBLANE(14)
	ABSORBLANE(15)
	ABSORBLANE(16)
	ADDQ $136, SI
	SUBQ $136, CX
	MOVQ SI, 312(SP)
	MOVQ CX, 320(SP)
	CALL ·permuteBMI2(SB)
	MOVQ 312(SP), SI
	MOVQ 320(SP), CX
	JMP  blocks

last:
	LEAQ LANE(0), DI

lanes:
	SUBQ $8, CX
	JCS  tail
	MOVQ (SI), AX
	XORQ AX, (DI)
	ADDQ $8, SI
	ADDQ $8, DI
	JMP  lanes

tail: // up to seven bytes, from the last, behind them the padding
	MOVL $const_domain, AX
	ADDQ $8, CX
	JZ   padded

bytes:
	SHLQ    $8, AX
	MOVBQZX -1(SI)(CX*1), DX
	ORQ     DX, AX
	DECQ    CX
	JNZ     bytes

padded:
	XORQ AX, (DI)
	BTCQ $63, LANE(16)
	CALL ·permuteBMI2(SB)

	MOVQ   LANE(0), R11
	MOVQ   LANE(1), R10
	MOVQ   LANE(2), R9
	MOVQ   LANE(3), R8
	BSWAPQ R8
	BSWAPQ R9
	BSWAPQ R10
	BSWAPQ R11
	MOVQ   296(SP), DX
	MOVQ   304(SP), R13
	TESTQ  R13, R13
	JZ     store
	MOVQ   0(DX), SI
	MOVQ   8(DX), CX
	MOVQ   CX, hashEntry_size(R13)
	STORE(R8, R9, R10, R11, hashEntry_hash, R13)
	REMEMBER(0)
	REMEMBER(1)
	REMEMBER(2)
	REMEMBER(3)
	CMPQ   CX, $const_memoKeyMax
	JNE    store
	REMEMBER(4)
	REMEMBER(5)
	REMEMBER(6)
	REMEMBER(7)

store:
	STORE(R8, R9, R10, R11, -32, DX)
	BACK(208)
	XORL AX, AX
	RET

two: // words
	MIX(7, 4, const_memoFactorB, R9)

one:
	MOVQ  Memo_hashes(R8), R13
	TESTQ R13, R13
	JZ    refused // Go makes the table
	MIX(3, 2, const_memoFactorA, R11)
	XORQ  R9, R11
	MOVQ  $const_memoFactorA, R10
	IMULQ R10, R11
	SHRQ  $(64-const_memoBits), R11
	IMULQ $hashEntry__size, R11
	ADDQ  R11, R13
	CMPQ  CX, hashEntry_size(R13)
	JNE   absorb
	XORL  AX, AX
	COMPARE(0, AX)
	COMPARE(1, AX)
	COMPARE(2, AX)
	COMPARE(3, AX)
	CMPQ  CX, $const_memoKeyMax
	JNE   compared
	COMPARE(4, AX)
	COMPARE(5, AX)
	COMPARE(6, AX)
	COMPARE(7, AX)

compared:
	TESTQ AX, AX
	JNZ   absorb
	MOVQ  (hashEntry_hash+0)(R13), R8
	MOVQ  (hashEntry_hash+8)(R13), R9
	MOVQ  (hashEntry_hash+16)(R13), R10
	MOVQ  (hashEntry_hash+24)(R13), R11
	JMP   store

refused:
	BACK(208)
	MOVL $1, AX
	RET

// Write CX bytes to DI, 8 at a time, that is how they are loaded next; STEP writes
// AX, or the bytes at SI, at offset.
#define WRITE(STEP, STEPBYTE, words, limbs, limb, rest, byte, end) \
words:          \
	SUBQ $32, CX  \
	JCS  limbs    \
	STEP(0)       \
	STEP(8)       \
	STEP(16)      \
	STEP(24)      \
	ADDQ $32, SI  \
	ADDQ $32, DI  \
	JMP  words    \
limbs:          \
	ADDQ $32, CX  \
limb:           \
	SUBQ $8, CX   \
	JCS  rest     \
	STEP(0)       \
	ADDQ $8, SI   \
	ADDQ $8, DI   \
	JMP  limb     \
rest:           \
	ADDQ $8, CX   \
	JZ   end      \
byte:           \
	STEPBYTE      \
	INCQ SI       \
	INCQ DI       \
	DECQ CX       \
	JNZ  byte     \
end:

#define COPYLIMB(offset) \
	MOVQ offset(SI), AX \
	MOVQ AX, offset(DI)

#define COPYBYTE \
	MOVBLZX (SI), AX \
	MOVB    AX, (DI)

#define ZEROLIMB(offset) \
	MOVQ AX, offset(DI)

#define ZEROBYTE \
	MOVB AX, (DI)

// routineCopy: see Routine and CopyMax.
TEXT routineCopy<>(SB), NOSPLIT, $16-0
	MOVQ    SI, 0(SP)
	MOVQ    DI, 8(SP)
	MOVQ    0(DX), DI
	MOVQ    8(DX), AX
	MOVQ    16(DX), SI
	MOVQ    24(DX), CX
	CMPQ    CX, AX
	CMOVQHI AX, CX
	SUBQ    CX, AX
	MOVQ    AX, DX // zeros
	CMPQ    CX, $512
	JHI     many
	WRITE(COPYLIMB, COPYBYTE, words, limbs, limb, rest, byte, copied)

zeros:
	XORL AX, AX
	MOVQ DX, CX
	WRITE(ZEROLIMB, ZEROBYTE, words0, limbs0, limb0, rest0, byte0, done)
	MOVQ 0(SP), SI
	MOVQ 8(SP), DI
	RET

many:
	CLD
	REP; MOVSB
	JMP zeros

// The table of routines in the order of their constants.
DATA routines<>+0(SB)/8, $0
DATA routines<>+8(SB)/8, $routineDiv<>(SB)
DATA routines<>+16(SB)/8, $routineSDiv<>(SB)
DATA routines<>+24(SB)/8, $routineMod<>(SB)
DATA routines<>+32(SB)/8, $routineSMod<>(SB)
DATA routines<>+40(SB)/8, $routineAddMod<>(SB)
DATA routines<>+48(SB)/8, $routineMulMod<>(SB)
DATA routines<>+56(SB)/8, $routineKeccak<>(SB)
DATA routines<>+64(SB)/8, $routineCopy<>(SB)
GLOBL routines<>(SB), RODATA, $(8*const_routineCount)

// func Routines() *[routineCount]uintptr
TEXT ·Routines(SB), NOSPLIT, $0-8
	LEAQ routines<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET
