package reference_test

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/ir"
)

var forks = map[string]jit.Fork{"cancun": jit.Cancun, "prague": jit.Prague, "osaka": jit.Osaka}

// edges are operands at which opcodes change their mind.
var edges = []string{
	"0x0", "0x1", "0x2", "0x1f", "0x20", "0x40", "0xff", "0x100", "0xffff", "0xffffffff",
	"0xffffffffffffffff", "0x10000000000000000",
	"0xffffffffffffffffffffffffffffffff", "0xca11ee",
	"0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"0x8000000000000000000000000000000000000000000000000000000000000000",
	"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff80",
	"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

func edge(i int) *uint256.Int { return uint256.MustFromHex(edges[i%len(edges)]) }

// TestOpcodes runs every opcode on edge operands, both as constants, so that the
// decoder fuses them, and as call data, so that it cannot.
func TestOpcodes(t *testing.T) {
	for name, fork := range forks {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewSource(1))
			for opcode := range 256 {
				checkOpcode(t, fork, byte(opcode), random)
			}
		})
	}
}

func checkOpcode(t *testing.T, fork jit.Fork, opcode byte, random *rand.Rand) {
	info, _ := ir.Lookup(opcode, fork)
	pops := int(info.Pops)
	var loaded assembler
	for i := range pops {
		loaded.num(uint64(32 * i)).op(ir.CALLDATALOAD)
	}
	finishOpcode(&loaded, opcode)
	p := newPair(t, fork, map[common.Address][]byte{callee: loaded, absent: {byte(ir.CALLER), 0}})
	sets := operandSets(pops, random)
	if fork != jit.Osaka { // the forks differ in few opcodes
		random.Shuffle(len(sets), func(i, j int) { sets[i], sets[j] = sets[j], sets[i] })
		sets = sets[:min(len(sets), 8)]
	}
	for _, operands := range sets {
		var input []byte
		var pushed assembler
		for _, x := range operands {
			word := x.Bytes32()
			input = append(input, word[:]...)
			pushed.push(x)
		}
		finishOpcode(&pushed, opcode)
		what := fmt.Sprintf("%s(%#x) of %v", info.Name, opcode, operands)
		msg := jit.Message{Caller: sender, To: callee, Input: input, Gas: 100_000}
		p.check(t, what, msg, false)
		msg.Input = pushed
		p.check(t, what+" as constants", msg, true)
	}
}

// finishOpcode adds the opcode and what shows its effect.
func finishOpcode(a *assembler, opcode byte) {
	a.op(ir.Op(opcode))
	for range ir.PushSize(opcode) {
		*a = append(*a, 0xa5)
	}
	info, ok := ir.Lookup(opcode, jit.Osaka)
	if !ok || info.Pushes == 0 {
		a.op(ir.MSIZE)
	}
	a.returnTop()
}

// operandSets returns all combinations for one or two operands and some for
// more; the last operand is the top of the stack.
func operandSets(count int, random *rand.Rand) [][]*uint256.Int {
	switch count {
	case 0:
		return [][]*uint256.Int{nil}
	case 1, 2:
		var sets [][]*uint256.Int
		for i := range len(edges) {
			for j := range len(edges) {
				sets = append(sets, []*uint256.Int{edge(i), edge(j)}[:count])
			}
		}
		return sets
	}
	sets := make([][]*uint256.Int, 60)
	for i := range sets {
		for range count {
			// Small ones more often: with large operands in a row nothing but
			// running out of gas would be tested.
			n := random.Intn(len(edges))
			if random.Intn(2) == 0 {
				n = random.Intn(7)
			}
			sets[i] = append(sets[i], edge(n))
		}
	}
	return sets
}
