package evmfuzz

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/ir"
)

// TestOpcodes runs every opcode on edge operands, both as constants, so that the
// front end folds them, and as call data, so that it cannot.
func TestOpcodes(t *testing.T) {
	e := newTestEngines(t)
	for name, fork := range map[string]jit.Fork{"cancun": jit.Cancun, "prague": jit.Prague, "osaka": jit.Osaka} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 0))
			a := newArena(fork, e)
			for opcode := range 256 {
				checkOpcode(t, a, byte(opcode), random)
			}
		})
	}
}

func checkOpcode(t *testing.T, a *arena, opcode byte, random *rand.Rand) {
	fork := a.setup.Block.Fork
	info, _ := ir.Lookup(opcode, fork)
	pops := int(info.Pops)
	var loaded assembler
	for i := range pops {
		loaded.num(uint64(32 * i)).op(ir.CALLDATALOAD)
	}
	finishOpcode(&loaded, opcode)
	c := Case{Fork: fork, Slice: gasUncut}
	c.Codes[0] = loaded.code
	defer a.open(&c.Codes)()
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
		for create, input := range map[bool][]byte{false: input, true: pushed.code} {
			c.Create = create
			c.Message = jit.Message{Caller: sender, To: contracts[0], Input: input, Gas: 100_000}
			if _, err := a.check(&c, peers{native: true, geth: true}); err != nil {
				t.Fatalf("%s(%#x) of %v, as init code %t: %v", info.Name, opcode, operands, create, err)
			}
		}
	}
}

// finishOpcode adds the opcode and what shows its effect.
func finishOpcode(a *assembler, opcode byte) {
	a.op(ir.Op(opcode))
	for range ir.PushSize(opcode) {
		a.code = append(a.code, 0xa5)
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
			n := random.IntN(len(edges))
			if random.IntN(2) == 0 {
				n = random.IntN(7)
			}
			sets[i] = append(sets[i], edge(n))
		}
	}
	return sets
}

// TestRecorder wants every kind of change among the effects, and none that was
// reverted.
func TestRecorder(t *testing.T) {
	a := newArena(jit.Osaka, newTestEngines(t))
	var inner, outer assembler
	inner.num(3, 1).op(ir.SSTORE).num(4, 1).op(ir.TSTORE).num(0, 0).op(ir.LOG0).num(0, 0).op(ir.REVERT)
	outer.num(0, 0, 0, 0, 0).addr(contracts[1]).op(ir.GAS, ir.CALL, ir.POP)
	outer.num(0, 0).op(ir.LOG0).num(5, 2).op(ir.SSTORE).num(6, 3).op(ir.TSTORE).num(slotValue(1), 1).op(ir.SSTORE)
	outer.num(0, 0, 1).op(ir.CREATE, ir.POP).addr(absent).op(ir.SELFDESTRUCT)
	c := Case{Fork: jit.Osaka, Slice: gasUncut, Message: jit.Message{Caller: sender, To: contracts[0], Gas: 1_000_000}}
	c.Codes[0], c.Codes[1] = outer.code, inner.code
	defer a.open(&c.Codes)()
	got, err := a.check(&c, peers{native: true, geth: true})
	if err != nil {
		t.Fatal(err)
	}
	e := got.effects
	counts := fmt.Sprint(len(e.Accounts), len(e.Slots), len(e.Transient), len(e.Logs), e.Destroyed)
	if want := fmt.Sprint(3, 1, 1, 1, []common.Address{contracts[0]}); counts != want {
		t.Errorf("got %s: %s; want %s", counts, describe(e), want)
	}
}
