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
	for len(data) >= rate {
		for i := range rateLanes {
			state[i] ^= binary.LittleEndian.Uint64(data[8*i:])
		}
		permute(&state)
		data = data[rate:]
	}
	absorbEnd(&state, data)
	permute(&state)
	for i := range 4 {
		binary.LittleEndian.PutUint64(out[8*i:], state[i])
	}
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

// A step is one lane of the walk that rho and pi make through the state: the
// lane that the one before moves to, and how far that is rotated to the left.
type step struct{ to, count uint8 }

var walk = [lanes - 1]step{
	{10, 1}, {7, 3}, {11, 6}, {17, 10}, {18, 15}, {3, 21}, {5, 28}, {16, 36},
	{8, 45}, {21, 55}, {24, 2}, {4, 14}, {15, 27}, {23, 41}, {19, 56}, {13, 8},
	{12, 25}, {2, 43}, {20, 62}, {14, 18}, {22, 39}, {9, 61}, {6, 20}, {1, 44},
}

// permuteGeneric is Keccak-f[1600]. Lane x, y of the state is element x+5y.
func permuteGeneric(state *[lanes]uint64) {
	for _, constant := range roundConstants {
		theta(state)
		moved := state[1]
		for _, s := range walk {
			moved, state[s.to] = state[s.to], bits.RotateLeft64(moved, int(s.count))
		}
		for y := 0; y < lanes; y += 5 {
			chi((*[5]uint64)(state[y:]))
		}
		state[0] ^= constant
	}
}

// theta adds to each lane the parities of the columns beside it.
func theta(state *[lanes]uint64) {
	var parity [5]uint64
	for x := range parity {
		parity[x] = state[x] ^ state[x+5] ^ state[x+10] ^ state[x+15] ^ state[x+20]
	}
	for x := range parity {
		d := parity[(x+4)%5] ^ bits.RotateLeft64(parity[(x+1)%5], 1)
		for y := 0; y < lanes; y += 5 {
			state[x+y] ^= d
		}
	}
}

// chi combines the lanes of a row, the one step that is not linear.
func chi(row *[5]uint64) {
	a, b, c, d, e := row[0], row[1], row[2], row[3], row[4]
	row[0] = a ^ c&^b
	row[1] = b ^ d&^c
	row[2] = c ^ e&^d
	row[3] = d ^ a&^e
	row[4] = e ^ b&^a
}
