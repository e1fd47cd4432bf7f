package main

// The SHA-NI kernel hashes two messages at a time: one alone would leave the
// unit waiting for its own results.
//
//	X0              the words of four rounds, where SHA256RNDS2 looks for them
//	X1,X2 / X3,X4   the state of the first and of the second message, in the
//	                order that the instructions want: a b e f and c d g h, the
//	                first in the highest word
//	X5..X8 / X9..X12  the schedule, four words each
//	X13..X15        scratch; X15 swaps bytes
func (a *assembly) shani() {
	a.line("")
	a.line("// func shaNIx2(digests *[2][32]byte, messages *[2][64]byte, groups int)")
	a.line("//")
	a.line("// Requires: SHA, SSE4.1")
	a.line("TEXT ·shaNIx2(SB), NOSPLIT, $64-24")
	a.op("MOVQ digests+0(FP), DI")
	a.op("MOVQ messages+8(FP), SI")
	a.op("MOVQ groups+16(FP), CX")
	a.op("LEAQ first<>(SB), R9")
	a.op("LEAQ second<>(SB), R10")
	a.line("pair:")
	a.op("MOVOU initialABEF<>(SB), X1")
	a.op("MOVOU initialCDGH<>(SB), X2")
	a.op("MOVO X1, X3")
	a.op("MOVO X2, X4")
	a.op("MOVOU swap<>(SB), X15")
	for s := range 2 {
		for i := range 4 {
			a.op("MOVOU %d(SI), X%d", 64*s+16*i, 5+4*s+i)
			a.op("PSHUFB X15, X%d", 5+4*s+i)
		}
	}
	for step := range 16 {
		for s := range 2 {
			a.shaSchedule(step, s)
			a.op("MOVOU %d(R9), X0", 16*step)
			a.op("PADDD X%d, X0", 5+4*s+step%4)
			a.shaRounds(s)
		}
	}
	a.addInitial(1, 2)
	a.addInitial(3, 4)
	for i := range 4 {
		a.op("MOVOU X%d, %d(SP)", 1+i, 16*i)
	}
	for step := range 16 {
		for s := range 2 {
			a.op("MOVOU %d(R10), X0", 16*step)
			a.shaRounds(s)
		}
	}
	for s := range 2 {
		a.op("MOVOU %d(SP), X13", 32*s)
		a.op("PADDD X13, X%d", 1+2*s)
		a.op("MOVOU %d(SP), X13", 32*s+16)
		a.op("PADDD X13, X%d", 2+2*s)
		a.store(s)
	}
	a.op("ADDQ $128, SI")
	a.op("ADDQ $64, DI")
	a.op("DECQ CX")
	a.op("JNZ pair")
	a.op("RET")
	h := initialState()
	a.table("initialABEF", [4]uint32{h[5], h[4], h[1], h[0]})
	a.table("initialCDGH", [4]uint32{h[7], h[6], h[3], h[2]})
}

// shaRounds does four rounds of stream s with the words in X0.
func (a *assembly) shaRounds(s int) {
	abef, cdgh := 1+2*s, 2+2*s
	a.op("SHA256RNDS2 X0, X%d, X%d", abef, cdgh)
	a.op("PSHUFD $0x0e, X0, X0")
	a.op("SHA256RNDS2 X0, X%d, X%d", cdgh, abef)
}

// shaSchedule makes the four words of a step in the place of those of four steps
// before.
func (a *assembly) shaSchedule(step, s int) {
	if step < 4 {
		return
	}
	w := func(back int) int { return 5 + 4*s + (step-back)%4 }
	a.op("SHA256MSG1 X%d, X%d", w(3), w(4))
	a.op("MOVO X%d, X13", w(1))
	a.op("PALIGNR $4, X%d, X13", w(2))
	a.op("PADDD X13, X%d", w(4))
	a.op("SHA256MSG2 X%d, X%d", w(1), w(4))
}

func (a *assembly) addInitial(abef, cdgh int) {
	a.op("MOVOU initialABEF<>(SB), X13")
	a.op("PADDD X13, X%d", abef)
	a.op("MOVOU initialCDGH<>(SB), X13")
	a.op("PADDD X13, X%d", cdgh)
}

// store writes the digest of stream s.
func (a *assembly) store(s int) {
	abef, cdgh := 1+2*s, 2+2*s
	a.op("PSHUFD $0x1b, X%d, X13", abef) // a b e f from the lowest
	a.op("PSHUFD $0x1b, X%d, X14", cdgh) // c d g h
	a.op("MOVO X13, X0")
	a.op("PUNPCKLQDQ X14, X0") // a b c d
	a.op("PUNPCKHQDQ X14, X13")
	a.op("PSHUFB X15, X0")
	a.op("PSHUFB X15, X13")
	a.op("MOVOU X0, %d(DI)", 32*s)
	a.op("MOVOU X13, %d(DI)", 32*s+16)
}
