//go:build linux && amd64

package amd64

import (
	"math/rand/v2"
	"testing"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
	"github.com/redline-evm/redline/jit/word"
)

// runBoth executes bytecode on both sides and returns the machine that ran machine
// code.
func runBoth(t *testing.T, c *Compiler, bytecode []byte, gas uint64, callData []byte) *machine {
	t.Helper()
	both(t, c, bytecode, gas, 1e5, callData)
	var b ir.Builder
	program := b.Build(bytecode, ir.Osaka)
	code, err := c.Compile(program, testLimits)
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(program, gas, callData)
	m.execute(code, 1e5)
	return m
}

// TestDivisions divides by numbers of all widths without leaving to Go.
func TestDivisions(t *testing.T) {
	c := NewCompiler(newMemory(t))
	random := rand.New(rand.NewPCG(5, 6))
	words := edges(random)
	for i := range words {
		x, y := words[i], words[random.IntN(len(words))]
		for _, op := range []ir.Op{ir.DIV, ir.MOD, ir.SDIV, ir.SMOD} {
			for constant := range 2 {
				xb, yb := x.Bytes32(), y.Bytes32()
				w := &writer{}
				if constant > 0 {
					w.push(&y)
				} else {
					w.push64(32).op(ir.CALLDATALOAD)
				}
				w.push64(0).op(ir.CALLDATALOAD, op).push64(0).op(ir.RETURN)
				if m := runBoth(t, c, w.code, 1000, append(xb[:], yb[:]...)); m.served > 0 {
					t.Errorf("%v of %x by %x: Go ran %d instructions", op, x, y, m.served)
				}
			}
		}
	}
}

// TestModular adds and multiplies modulo the same number again and again, of which
// Go may be asked only for the reciprocal.
func TestModular(t *testing.T) {
	c := NewCompiler(newMemory(t))
	random := rand.New(rand.NewPCG(7, 8))
	words := edges(random)
	words = append(words, uint256.Int{}, *new(uint256.Int).SetAllOne(), *new(uint256.Int).SubUint64(new(uint256.Int).SetAllOne(), 1))
	for i := range words {
		m := words[i]
		for constant := range 2 {
			w := &writer{}
			var callData []byte
			for range 4 {
				x, y := words[random.IntN(len(words))], words[random.IntN(len(words))]
				for _, op := range []ir.Op{ir.ADDMOD, ir.MULMOD} {
					if constant > 0 {
						w.push(&m)
					} else {
						w.push64(uint64(len(callData) + 64)).op(ir.CALLDATALOAD)
					}
					w.push64(uint64(len(callData)+32)).op(ir.CALLDATALOAD).push64(uint64(len(callData))).op(ir.CALLDATALOAD, op)
					xb, yb, mb := x.Bytes32(), y.Bytes32(), m.Bytes32()
					callData = append(append(append(callData, xb[:]...), yb[:]...), mb[:]...)
				}
			}
			w.op(ir.LOG4, ir.RETURN)
			if got := runBoth(t, c, w.code, 1000, callData); got.served > 2 { // the log and a reciprocal
				t.Errorf("modulo %x: Go ran %d instructions", m, got.served)
			}
		}
	}
}

// TestKeccak hashes memory of all lengths around the blocks of the hash, inside
// memory and beyond its end, with and without the gas for it.
func TestKeccak(t *testing.T) {
	const memory = 5000
	c := NewCompiler(newMemory(t))
	for _, size := range []uint64{0, 1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 135, 136, 137, 271, 272, 273, word.KeccakMax, word.KeccakMax + 1} {
		for _, offset := range []uint64{0, 1, 100, memory - size, memory - size + 1, memory + 100, 1<<64 - 1, -size} {
			for constant := range 2 {
				w := (&writer{}).push64(1).push64(memory - 32).op(ir.MSTORE)
				for i := range uint64(9) {
					w.push(&uint256.Int{i * 0x9e3779b97f4a7c15, i, ^i, 1 << 63}).push64(i * 33).op(ir.MSTORE)
				}
				for range 3 { // the second and third are remembered
					if constant > 0 {
						w.push64(size).push64(offset)
					} else {
						w.push64(32).op(ir.CALLDATALOAD).push64(0).op(ir.CALLDATALOAD)
					}
					w.op(ir.KECCAK256)
				}
				w.op(ir.SUB, ir.RETURN)
				o, s := uint256.NewInt(offset).Bytes32(), uint256.NewInt(size).Bytes32()
				callData := append(o[:], s[:]...)
				for _, gas := range []uint64{1e5, 700, 690} {
					m := runBoth(t, c, w.code, gas, callData)
					if alone := size <= word.KeccakMax && offset+size <= memory && gas == 1e5; alone && m.served > memoryExits+1 {
						t.Errorf("%d bytes at %d: Go ran %d instructions", size, offset, m.served)
					}
				}
			}
		}
	}
}

// memoryExits is how often Go is asked for memory that reaches TestKeccak's end:
// the machine has no room for so much.
const memoryExits = 1

// callingRoutines returns bytecode that calls each routine in each of n rounds.
func callingRoutines(n uint64) []byte {
	seed := uint256.Int{3, 5, 7, 1 << 63}
	w := (&writer{}).push(&seed).push64(n)
	loop := len(w.code)
	w.op(ir.JUMPDEST, ir.SWAP1)
	for _, op := range []ir.Op{ir.MUL, ir.DIV, ir.SDIV, ir.MOD, ir.SMOD} { // x = op(x+1, not x*x)
		w.op(ir.DUP1, ir.DUP1, ir.MUL, ir.NOT, ir.SWAP1).push64(1).op(ir.ADD, op).push(&seed).op(ir.XOR)
	}
	for _, op := range []ir.Op{ir.ADDMOD, ir.MULMOD, ir.MULMOD} {
		w.op(ir.DUP1, ir.DUP1, ir.DUP1, ir.NOT, op)
		w.op(ir.ADD)
	}
	w.op(ir.DUP1).push64(0).op(ir.MSTORE).push64(100).push64(0).op(ir.KECCAK256, ir.ADD)
	w.op(ir.SWAP1).push64(1).op(ir.SWAP1, ir.SUB, ir.DUP1).push16(loop).op(ir.JUMPI)
	return w.push64(8).op(ir.TSTORE).push64(9).op(ir.TSTORE).code
}

func TestRoutinesInLoops(t *testing.T) {
	c := NewCompiler(newMemory(t))
	for n := uint64(1); n < 200; n += 7 {
		end := both(t, c, callingRoutines(n), 1e6, 1e5, nil)
		if len(end.events) != 2 {
			t.Errorf("%d rounds end with %v", n, end)
		}
		both(t, c, callingRoutines(n), 1e6-end.gas-1, 777, nil)
	}
}

// TestKnownMemory wants what code has used to be taken for granted, and nothing
// else: a hash of no bytes uses no memory.
func TestKnownMemory(t *testing.T) {
	c := NewCompiler(newMemory(t))
	for _, size := range []uint64{0, 1, 31} {
		w := (&writer{}).push64(size).push64(33).op(ir.KECCAK256).push64(32).op(ir.MLOAD)
		w.push64(7).push64(64).op(ir.MSTORE8).push64(64).op(ir.MLOAD).push64(65).op(ir.MLOAD, ir.MSIZE, ir.LOG0+3)
		if end := both(t, c, w.op(ir.STOP).code, 1e5, 1e5, nil); end.outcome != "STOP" {
			t.Errorf("%d bytes hashed: %v", size, end)
		}
	}
}

// TestCopies copies bytes from everywhere to memory: inside what is there, over its
// end, overlapping, with and without the gas for it.
func TestCopies(t *testing.T) {
	const memory = 1600
	c := NewCompiler(newMemory(t))
	random := rand.New(rand.NewPCG(11, 12))
	lengths := []uint64{0, 1, 7, 8, 9, 31, 32, 33, 40, 64, 96, 100, 101, 511, 512, 513, 600, word.CopyMax + 1, 1<<64 - 1}
	places := []uint64{0, 1, 8, 32, 33, 68, 100, 188, 189, 600, memory - 32, memory, memory + 1, 1<<64 - 1, 1<<64 - 32}
	callData := testBytes(288, 5)
	for _, op := range []ir.Op{ir.CALLDATACOPY, ir.CODECOPY, ir.RETURNDATACOPY, ir.MCOPY} {
		for _, size := range lengths {
			for range 40 {
				dst, src := places[random.IntN(len(places))], places[random.IntN(len(places))]
				constant := random.IntN(2) == 0
				w := (&writer{}).push(&uint256.Int{1, 2, 3, 4 << 56}).push64(memory - 32).op(ir.MSTORE)
				w.push64(memory).push64(0).push64(0).op(ir.CODECOPY)
				for k, x := range []uint64{size, src, dst} {
					if constant {
						w.push64(x)
						continue
					}
					word := uint256.NewInt(x).Bytes32()
					copy(callData[32*k:], word[:])
					w.push64(uint64(32 * k)).op(ir.CALLDATALOAD)
				}
				w.op(op).push64(32).op(ir.MLOAD, ir.PUSH0, ir.TSTORE, ir.STOP)
				for _, gas := range []uint64{1e5, 500} {
					m := runBoth(t, c, w.code, gas, callData)
					sources := map[ir.Op]int{ir.CALLDATACOPY: len(callData), ir.CODECOPY: len(testBytecode), ir.RETURNDATACOPY: len(testReturnData), ir.MCOPY: memory}
					apart := op != ir.MCOPY || src+size <= dst || dst+size <= src
					alone := size <= word.CopyMax && dst+size <= memory && src+size <= uint64(sources[op]) && apart && gas == 1e5
					if alone && src < 1e6 && dst < 1e6 && m.served > 3 { // memory, its filling, and TSTORE
						t.Errorf("%v of %d bytes from %d to %d: Go ran %d instructions", op, size, src, dst, m.served)
					}
				}
			}
		}
	}
}
