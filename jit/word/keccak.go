package word

import (
	"encoding/binary"
	"math/bits"
)

const (
	lanes     = 25
	rateLanes = 17
	rate      = 8 * rateLanes // bytes absorbed by one permutation

	domain = 0x01       // first byte of Keccak's padding; SHA-3 has 0x06
	last   = 0x80 << 56 // last byte of the padding, in its lane
)

// roundConstants are what iota adds to the first lane in each round.
var roundConstants = [24]uint64{
	0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
	0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
	0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
	0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
	0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
	0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
}

// Sum256 sets out to the Keccak-256 of data.
func Sum256(out *[32]byte, data []byte) {
	var state [lanes]uint64
	absorb(&state, data)
	for i := range 4 {
		binary.LittleEndian.PutUint64(out[8*i:], state[i])
	}
}

// absorb takes all of data into the state; the hash is at its start then.
func absorb(state *[lanes]uint64, data []byte) {
	for len(data) >= rate {
		for i := range rateLanes {
			state[i] ^= binary.LittleEndian.Uint64(data[8*i:])
		}
		permute(state)
		data = data[rate:]
	}
	absorbEnd(state, data)
	permute(state)
}

// absorbEnd adds what is left, less than a block, and the padding.
func absorbEnd(state *[lanes]uint64, data []byte) {
	i := 0
	for ; len(data) >= 8; i++ {
		state[i] ^= binary.LittleEndian.Uint64(data)
		data = data[8:]
	}
	lane := uint64(domain)
	for j := len(data) - 1; j >= 0; j-- {
		lane = lane<<8 | uint64(data[j])
	}
	state[i] ^= lane
	state[rateLanes-1] ^= last
}

func permute(state *[lanes]uint64) {
	if fast {
		permuteBMI2(state)
	} else {
		permuteGeneric(state)
	}
}

// permuteGeneric is Keccak-f[1600]. Lane x, y of the state is element x+5y.
func permuteGeneric(state *[lanes]uint64) {
	var other [lanes]uint64
	for i := 0; i < len(roundConstants); i += 2 {
		round(&other, state, roundConstants[i])
		round(state, &other, roundConstants[i+1])
	}
}

// round sets out to one round of in, row by row. A row comes from five lanes along
// a diagonal (pi), mixed with the parities of columns (theta) and rotated (rho).
func round(out, in *[lanes]uint64, constant uint64) {
	p0 := in[0] ^ in[5] ^ in[10] ^ in[15] ^ in[20]
	p1 := in[1] ^ in[6] ^ in[11] ^ in[16] ^ in[21]
	p2 := in[2] ^ in[7] ^ in[12] ^ in[17] ^ in[22]
	p3 := in[3] ^ in[8] ^ in[13] ^ in[18] ^ in[23]
	p4 := in[4] ^ in[9] ^ in[14] ^ in[19] ^ in[24]
	d0 := p4 ^ bits.RotateLeft64(p1, 1)
	d1 := p0 ^ bits.RotateLeft64(p2, 1)
	d2 := p1 ^ bits.RotateLeft64(p3, 1)
	d3 := p2 ^ bits.RotateLeft64(p4, 1)
	d4 := p3 ^ bits.RotateLeft64(p0, 1)

	chi((*[5]uint64)(out[0:]),
		in[0]^d0,
		bits.RotateLeft64(in[6]^d1, 44),
		bits.RotateLeft64(in[12]^d2, 43),
		bits.RotateLeft64(in[18]^d3, 21),
		bits.RotateLeft64(in[24]^d4, 14))
	out[0] ^= constant // iota
	chi((*[5]uint64)(out[5:]),
		bits.RotateLeft64(in[3]^d3, 28),
		bits.RotateLeft64(in[9]^d4, 20),
		bits.RotateLeft64(in[10]^d0, 3),
		bits.RotateLeft64(in[16]^d1, 45),
		bits.RotateLeft64(in[22]^d2, 61))
	chi((*[5]uint64)(out[10:]),
		bits.RotateLeft64(in[1]^d1, 1),
		bits.RotateLeft64(in[7]^d2, 6),
		bits.RotateLeft64(in[13]^d3, 25),
		bits.RotateLeft64(in[19]^d4, 8),
		bits.RotateLeft64(in[20]^d0, 18))
	chi((*[5]uint64)(out[15:]),
		bits.RotateLeft64(in[4]^d4, 27),
		bits.RotateLeft64(in[5]^d0, 36),
		bits.RotateLeft64(in[11]^d1, 10),
		bits.RotateLeft64(in[17]^d2, 15),
		bits.RotateLeft64(in[23]^d3, 56))
	chi((*[5]uint64)(out[20:]),
		bits.RotateLeft64(in[2]^d2, 62),
		bits.RotateLeft64(in[8]^d3, 55),
		bits.RotateLeft64(in[14]^d4, 39),
		bits.RotateLeft64(in[15]^d0, 41),
		bits.RotateLeft64(in[21]^d1, 2))
}

// chi combines the lanes of a row, the one step that is not linear.
func chi(row *[5]uint64, a, b, c, d, e uint64) {
	row[0] = a ^ c&^b
	row[1] = b ^ d&^c
	row[2] = c ^ e&^d
	row[3] = d ^ a&^e
	row[4] = e ^ b&^a
}
