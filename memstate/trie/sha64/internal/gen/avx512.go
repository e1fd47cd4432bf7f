package main

// The AVX-512 kernel hashes 16 messages at a time, one in each lane of 32 bits.
//
//	Z0..Z15   the schedule of the first block; in the second block Z0..Z7 keep
//	          the state between the two
//	Z16..Z23  the state, a..h; the roles move by one register a round
//	Z24..Z31  scratch
func (a *assembly) avx512() {
	a.line("")
	a.line("// func avx512x16(digests *[16][32]byte, messages *[16][64]byte, groups int)")
	a.line("//")
	a.line("// Requires: AVX512F, AVX512BW")
	a.line("TEXT ·avx512x16(SB), NOSPLIT, $0-24")
	a.op("MOVQ digests+0(FP), DI")
	a.op("MOVQ messages+8(FP), SI")
	a.op("MOVQ groups+16(FP), CX")
	for _, name := range []string{"initial", "first", "second"} {
		a.op("LEAQ %s<>(SB), %s", name, tableRegister[name])
	}
	a.line("group:")
	a.op("VMOVDQU32 swap<>(SB), Z31")
	for i := range 16 {
		a.op("VMOVDQU32 %d(SI), Z%d", 64*i, i)
		a.op("VPSHUFB Z31, Z%d, Z%d", i, i)
	}
	a.transpose()
	for i := range 8 {
		a.op("VPBROADCASTD %d(R8), Z%d", 4*i, 16+i)
	}
	for t := range 64 {
		if t >= 16 {
			a.schedule(t)
		}
		a.op("VPADDD.BCST %d(R9), Z%d, Z27", 4*t, t%16)
		a.round(t, "Z27")
	}
	for i := range 8 {
		a.op("VPADDD.BCST %d(R8), Z%d, Z%d", 4*i, 16+i, 16+i)
		a.op("VMOVDQA32 Z%d, Z%d", 16+i, i)
	}
	for t := range 64 {
		a.op("VPBROADCASTD %d(R10), Z27", 4*t)
		a.round(t, "Z27")
	}
	for i := range 8 {
		a.op("VPADDD Z%d, Z%d, Z%d", 16+i, i, i)
	}
	a.transpose()
	a.op("VMOVDQU32 swap<>(SB), Z31")
	for i := range 16 {
		a.op("VPSHUFB Z31, Z%d, Z%d", i, i)
		a.op("VMOVDQU Y%d, %d(DI)", i, 32*i)
	}
	a.op("ADDQ $1024, SI")
	a.op("ADDQ $512, DI")
	a.op("DECQ CX")
	a.op("JNZ group")
	a.op("VZEROUPPER")
	a.op("RET")
}

var tableRegister = map[string]string{"initial": "R8", "first": "R9", "second": "R10"}

// state is the register of a..h in round t.
func state(t, name int) int { return 16 + (name-t%8+8)%8 }

// round is round t with the register kw of constant and schedule word. It leaves
// the new a and e in the registers of h and d.
func (a *assembly) round(t int, kw string) {
	reg := func(name byte) int { return state(t, int(name-'a')) }
	a.op("VPRORD $6, Z%d, Z24", reg('e'))
	a.op("VPRORD $11, Z%d, Z25", reg('e'))
	a.op("VPRORD $25, Z%d, Z26", reg('e'))
	a.op("VPADDD %s, Z%d, Z%d", kw, reg('h'), reg('h'))
	a.op("VMOVDQA32 Z%d, Z28", reg('e'))
	a.op("VPTERNLOGD $0xca, Z%d, Z%d, Z28", reg('g'), reg('f')) // e ? f : g
	a.op("VPTERNLOGD $0x96, Z26, Z25, Z24")                     // exclusive or of three
	a.op("VPADDD Z28, Z%d, Z%d", reg('h'), reg('h'))
	a.op("VPADDD Z24, Z%d, Z%d", reg('h'), reg('h'))
	a.op("VPRORD $2, Z%d, Z24", reg('a'))
	a.op("VPRORD $13, Z%d, Z25", reg('a'))
	a.op("VPRORD $22, Z%d, Z26", reg('a'))
	a.op("VPADDD Z%d, Z%d, Z%d", reg('h'), reg('d'), reg('d'))
	a.op("VMOVDQA32 Z%d, Z28", reg('a'))
	a.op("VPTERNLOGD $0xe8, Z%d, Z%d, Z28", reg('c'), reg('b')) // majority
	a.op("VPTERNLOGD $0x96, Z26, Z25, Z24")
	a.op("VPADDD Z28, Z%d, Z%d", reg('h'), reg('h'))
	a.op("VPADDD Z24, Z%d, Z%d", reg('h'), reg('h'))
}

// schedule makes the schedule word of round t in the place of that of t-16.
func (a *assembly) schedule(t int) {
	w := func(back int) int { return (t - back) % 16 }
	a.op("VPRORD $7, Z%d, Z24", w(15))
	a.op("VPRORD $18, Z%d, Z25", w(15))
	a.op("VPSRLD $3, Z%d, Z26", w(15))
	a.op("VPADDD Z%d, Z%d, Z%d", w(7), w(16), w(16))
	a.op("VPTERNLOGD $0x96, Z26, Z25, Z24")
	a.op("VPRORD $17, Z%d, Z25", w(2))
	a.op("VPRORD $19, Z%d, Z26", w(2))
	a.op("VPSRLD $10, Z%d, Z28", w(2))
	a.op("VPADDD Z24, Z%d, Z%d", w(16), w(16))
	a.op("VPTERNLOGD $0x96, Z28, Z26, Z25")
	a.op("VPADDD Z25, Z%d, Z%d", w(16), w(16))
}

// transpose turns the 16 rows of 16 words in Z0..Z15 into columns, by way of
// Z16..Z31.
func (a *assembly) transpose() {
	for i := 0; i < 16; i += 2 {
		a.op("VPUNPCKLDQ Z%d, Z%d, Z%d", i+1, i, 16+i)
		a.op("VPUNPCKHDQ Z%d, Z%d, Z%d", i+1, i, 17+i)
	}
	for i := 0; i < 16; i += 4 {
		a.op("VPUNPCKLQDQ Z%d, Z%d, Z%d", 18+i, 16+i, i)
		a.op("VPUNPCKHQDQ Z%d, Z%d, Z%d", 18+i, 16+i, i+1)
		a.op("VPUNPCKLQDQ Z%d, Z%d, Z%d", 19+i, 17+i, i+2)
		a.op("VPUNPCKHQDQ Z%d, Z%d, Z%d", 19+i, 17+i, i+3)
	}
	// Lane l of register 4j+k holds rows 4j..4j+3 of column 4l+k.
	for k := range 4 {
		a.op("VSHUFI32X4 $0x88, Z%d, Z%d, Z%d", 4+k, k, 16+k)
		a.op("VSHUFI32X4 $0xdd, Z%d, Z%d, Z%d", 4+k, k, 20+k)
		a.op("VSHUFI32X4 $0x88, Z%d, Z%d, Z%d", 12+k, 8+k, 24+k)
		a.op("VSHUFI32X4 $0xdd, Z%d, Z%d, Z%d", 12+k, 8+k, 28+k)
	}
	for k := range 4 {
		a.op("VSHUFI32X4 $0x88, Z%d, Z%d, Z%d", 24+k, 16+k, k)
		a.op("VSHUFI32X4 $0x88, Z%d, Z%d, Z%d", 28+k, 20+k, 4+k)
		a.op("VSHUFI32X4 $0xdd, Z%d, Z%d, Z%d", 24+k, 16+k, 8+k)
		a.op("VSHUFI32X4 $0xdd, Z%d, Z%d, Z%d", 28+k, 20+k, 12+k)
	}
}
