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

// The generator makes plausible programs: statements that keep the stack
// balanced, with loops, branches, subroutines, memory, storage, calls and
// creates. Programs of one world call each other.

// Addresses of the contracts of a world.
var worldAddrs = []common.Address{
	callee,
	common.HexToAddress("0xc1"),
	common.HexToAddress("0xc2"),
}

// delegated runs the code of the second contract since Prague.
var delegated = common.HexToAddress("0xde1e")

// targets are whom programs call and ask about.
var targets = append([]common.Address{
	sender, absent, empty, delegated,
	common.HexToAddress("0x1"), common.HexToAddress("0x2"), common.HexToAddress("0x4"), common.HexToAddress("0x5"),
}, worldAddrs...)

type generator struct {
	*rand.Rand
	assembler
	depth int // of nested statements
}

// program returns a program of a few statements and an end.
func program(random *rand.Rand, statements int) []byte {
	g := &generator{Rand: random}
	for range 1 + g.Intn(statements) {
		g.statement()
	}
	g.end()
	return g.assembler
}

func (g *generator) end() {
	switch g.Intn(8) {
	case 0:
		g.op(ir.STOP)
	case 1:
		g.region().op(ir.REVERT)
	case 2:
		g.op(ir.INVALID)
	case 3: // falls off the end
	default:
		g.value()
		g.returnTop()
	}
}

// region pushes size and offset of a small piece of memory.
func (g *generator) region() *assembler {
	return g.num(uint64(g.Intn(100)), uint64(g.Intn(200)))
}

func (g *generator) target() *assembler { return g.addr(targets[g.Intn(len(targets))]) }

// pure are opcodes that take words and give one.
var pure = []ir.Op{
	ir.ADD, ir.MUL, ir.SUB, ir.DIV, ir.SDIV, ir.MOD, ir.SMOD, ir.ADDMOD, ir.MULMOD, ir.SIGNEXTEND,
	ir.LT, ir.GT, ir.SLT, ir.SGT, ir.EQ, ir.ISZERO, ir.AND, ir.OR, ir.XOR, ir.NOT, ir.BYTE, ir.SHL, ir.SHR, ir.SAR,
	ir.CLZ, ir.CALLDATALOAD, ir.BLOCKHASH, ir.BLOBHASH, ir.EXP,
}

// given are opcodes that give a word.
var given = []ir.Op{
	ir.ADDRESS, ir.ORIGIN, ir.CALLER, ir.CALLVALUE, ir.CALLDATASIZE, ir.CODESIZE, ir.GASPRICE, ir.RETURNDATASIZE,
	ir.COINBASE, ir.TIMESTAMP, ir.NUMBER, ir.PREVRANDAO, ir.GASLIMIT, ir.CHAINID, ir.SELFBALANCE, ir.BASEFEE,
	ir.BLOBBASEFEE, ir.PC, ir.MSIZE, ir.GAS,
}

// value pushes one word.
func (g *generator) value() {
	g.depth++
	defer func() { g.depth-- }()
	choice := g.Intn(10)
	if g.depth > 4 {
		choice %= 3
	}
	switch choice {
	case 0:
		g.num(uint64(g.Intn(300)))
	case 1:
		g.push(edge(g.Intn(len(edges))))
	case 2:
		g.op(given[g.Intn(len(given))])
	case 3, 4, 5:
		op := pure[g.Intn(len(pure))]
		info, _ := ir.Lookup(byte(op), jit.Osaka)
		for range info.Pops {
			g.value()
		}
		g.op(op)
	case 6:
		g.num(uint64(g.Intn(300))).op(ir.MLOAD)
	case 7:
		g.num(uint64(g.Intn(6))).op([]ir.Op{ir.SLOAD, ir.TLOAD}[g.Intn(2)])
	case 8:
		g.region().op(ir.KECCAK256)
	case 9:
		g.target().op([]ir.Op{ir.BALANCE, ir.EXTCODESIZE, ir.EXTCODEHASH}[g.Intn(3)])
	}
}

// statement leaves the stack as it was.
func (g *generator) statement() {
	g.depth++
	defer func() { g.depth-- }()
	choices := 15
	if g.depth > 3 {
		choices = 9 // nothing with statements inside
	}
	switch g.Intn(choices) {
	case 0:
		g.value()
		g.num(uint64(g.Intn(300))).op([]ir.Op{ir.MSTORE, ir.MSTORE8}[g.Intn(2)])
	case 1:
		g.value()
		g.num(uint64(g.Intn(6))).op([]ir.Op{ir.SSTORE, ir.TSTORE}[g.Intn(2)])
	case 2:
		g.log()
	case 3:
		g.copy()
	case 4, 5:
		g.call()
		g.num(uint64(g.Intn(6))).op(ir.SSTORE)
	case 6:
		g.create()
	case 7:
		g.shuffle()
	case 8:
		g.rare()
	case 9, 10:
		g.branch()
	case 11, 12:
		g.loop()
	case 13:
		g.subroutine()
	case 14:
		for range g.Intn(5) {
			g.here()
		}
	}
}

func (g *generator) log() {
	topics := g.Intn(5)
	for range topics {
		g.value()
	}
	g.region().op(ir.LOG0 + ir.Op(topics))
}

func (g *generator) copy() {
	g.num(uint64(g.Intn(70)), uint64(g.Intn(60)), uint64(g.Intn(200)))
	switch g.Intn(5) {
	case 0:
		g.target().op(ir.EXTCODECOPY)
	case 1:
		g.op(ir.RETURNDATACOPY) // often out of bounds
	default:
		g.op([]ir.Op{ir.CALLDATACOPY, ir.CODECOPY, ir.MCOPY}[g.Intn(3)])
	}
}

// call leaves the call's success.
func (g *generator) call() {
	g.region()
	g.region()
	op := []ir.Op{ir.CALL, ir.CALLCODE, ir.DELEGATECALL, ir.STATICCALL}[g.Intn(4)]
	if op == ir.CALL || op == ir.CALLCODE {
		g.num([]uint64{0, 0, 0, 1, 5, 100_000}[g.Intn(6)])
	}
	g.target()
	switch g.Intn(3) {
	case 0:
		g.op(ir.GAS)
	case 1:
		g.num(uint64(g.Intn(100_000)))
	case 2:
		g.push(edge(len(edges) - 1))
	}
	g.op(op)
}

// create runs init code from memory: code that deploys what lies behind it, or
// whatever memory holds.
func (g *generator) create() {
	if g.Intn(2) == 0 {
		var initCode assembler
		initCode.num(uint64(g.Intn(60)), 0, 0).op(ir.CODECOPY).num(uint64(g.Intn(60)), 0)
		initCode.op([]ir.Op{ir.RETURN, ir.RETURN, ir.REVERT}[g.Intn(3)])
		g.push(new(uint256.Int).Lsh(new(uint256.Int).SetBytes(initCode), uint(8*(32-len(initCode)))))
		g.num(0).op(ir.MSTORE)
	}
	op := ir.CREATE
	if g.Intn(2) == 0 {
		op = ir.CREATE2
		g.num(uint64(g.Intn(3))) // salt
	}
	g.num(uint64(g.Intn(60)), 0, uint64(g.Intn(2))).op(op, ir.POP)
}

// shuffle moves words on the stack.
func (g *generator) shuffle() {
	height := 2 + g.Intn(15)
	for range height {
		g.num(uint64(g.Intn(50)))
	}
	for range 1 + g.Intn(12) {
		n := g.Intn(height - 1)
		switch g.Intn(5) {
		case 0:
			g.op(ir.SWAP1 + ir.Op(n))
		case 1:
			g.op(ir.DUP1+ir.Op(n), []ir.Op{ir.ADD, ir.SUB, ir.LT, ir.EQ}[g.Intn(4)])
		case 2:
			g.op(ir.SWAP1, []ir.Op{ir.SUB, ir.LT, ir.GT, ir.ADD}[g.Intn(4)])
			g.num(uint64(g.Intn(9)))
		case 3:
			g.op(ir.SWAP1+ir.Op(n), ir.POP)
			g.num(uint64(g.Intn(9)))
		case 4:
			g.op(ir.DUP1 + ir.Op(n)).num(uint64(g.Intn(40))).op([]ir.Op{ir.ADD, ir.SHL, ir.AND}[g.Intn(3)])
			g.op(ir.SWAP1+ir.Op(n), ir.POP)
		}
	}
	for range height {
		g.op(ir.POP)
	}
}

// rare does what mostly ends a frame.
func (g *generator) rare() {
	switch g.Intn(12) {
	case 0:
		g.target().op(ir.SELFDESTRUCT)
	case 1:
		g.value()
		g.op(ir.JUMP)
	case 2:
		g.op(ir.Op(g.Intn(256)))
	case 3:
		g.region().op(ir.RETURN)
	case 4:
		g.push(edge(g.Intn(len(edges)))).op(ir.MLOAD, ir.POP)
	}
}

// condition pushes a condition of one of the shapes that compilers make.
func (g *generator) condition() {
	g.value()
	switch g.Intn(6) {
	case 0:
		g.op(ir.ISZERO)
	case 1:
		g.op(ir.ISZERO, ir.ISZERO)
	case 2, 3:
		g.value()
		g.op([]ir.Op{ir.LT, ir.GT, ir.SLT, ir.SGT, ir.EQ, ir.SUB, ir.XOR}[g.Intn(7)])
	case 4:
		g.value()
		g.op([]ir.Op{ir.LT, ir.GT, ir.EQ, ir.SUB}[g.Intn(4)], ir.ISZERO)
	}
}

func (g *generator) branch() {
	g.condition()
	end := g.label()
	g.op(ir.JUMPI)
	g.statement()
	g.place(end)
}

func (g *generator) loop() {
	g.num(uint64(1 + g.Intn(6)))
	start := g.here()
	g.statement()
	switch g.Intn(3) {
	case 0: // count down, test at the bottom
		g.num(1).op(ir.SWAP1, ir.SUB, ir.DUP1)
		g.pushPC(start)
		g.op(ir.JUMPI, ir.POP)
	case 1: // count down, test at the top
		g.op(ir.DUP1, ir.ISZERO)
		end := g.label()
		g.op(ir.JUMPI).num(1).op(ir.SWAP1, ir.SUB)
		g.pushPC(start)
		g.op(ir.JUMP)
		g.place(end)
		g.op(ir.POP)
	case 2: // count up to a limit
		g.num(1).op(ir.ADD, ir.DUP1).num(8).op(ir.GT)
		g.pushPC(start)
		g.op(ir.JUMPI, ir.POP)
	}
}

// subroutine jumps to code that jumps back: a jump with a computed target.
func (g *generator) subroutine() {
	back, routine := g.label(), g.label()
	g.op(ir.JUMP)
	g.place(routine)
	g.statement()
	g.op(ir.JUMP)
	g.place(back)
}

// newWorld returns contracts that call each other.
func newWorld(tb testing.TB, fork jit.Fork, random *rand.Rand) *pair {
	contracts := map[common.Address][]byte{
		delegated: append([]byte{0xef, 0x01, 0x00}, worldAddrs[1][:]...),
	}
	for i, addr := range worldAddrs {
		contracts[addr] = program(random, 12-4*i)
	}
	return newPair(tb, fork, contracts)
}

// TestPrograms compares generated programs, with plenty of gas and with just not
// enough.
func TestPrograms(t *testing.T) {
	for name, fork := range forks {
		for seed := range int64(150) {
			checkWorld(t, fmt.Sprintf("%s seed %d", name, seed), fork, seed)
		}
	}
}

func checkWorld(tb testing.TB, what string, fork jit.Fork, seed int64) {
	random := rand.New(rand.NewSource(seed))
	p := newWorld(tb, fork, random)
	input := make([]byte, random.Intn(100))
	random.Read(input)
	msg := jit.Message{Caller: sender, To: callee, Input: input, Value: *uint256.NewInt(uint64(random.Intn(2))), Gas: 1_000_000}
	if random.Intn(8) == 0 {
		msg.To = delegated
	}
	used := p.check(tb, what, msg, false)
	for _, gas := range []uint64{used, used - 1, used + 1, used / 2, used - min(used, uint64(random.Intn(3000))), uint64(random.Intn(int(used + 1)))} {
		msg.Gas = min(gas, 1_000_000)
		p.check(tb, what, msg, false)
	}
	msg.Input, msg.Gas = program(random, 8), 300_000
	p.check(tb, what+" as init code", msg, true)
}

// FuzzCall compares both VMs on any code and gas.
func FuzzCall(f *testing.F) {
	for seed := range int64(20) {
		random := rand.New(rand.NewSource(seed))
		f.Add(program(random, 10), []byte{1, 2, 3}, uint32(random.Intn(200_000)), uint8(seed))
	}
	f.Fuzz(func(t *testing.T, code, input []byte, gas uint32, fork uint8) {
		if len(code) > 4096 || len(input) > 4096 {
			t.Skip("longer than what is worth running")
		}
		p := newPair(t, jit.Fork(fork%3), map[common.Address][]byte{
			callee:        code,
			worldAddrs[1]: {byte(ir.CALLDATASIZE), byte(ir.PUSH0), byte(ir.PUSH0), byte(ir.CALLDATACOPY), byte(ir.CALLDATASIZE), byte(ir.PUSH0), byte(ir.RETURN)},
			delegated:     append([]byte{0xef, 0x01, 0x00}, worldAddrs[1][:]...),
		})
		p.check(t, "call", jit.Message{Caller: sender, To: callee, Input: input, Gas: uint64(gas) % 1_000_000}, false)
	})
}

// FuzzPrograms compares both VMs on generated worlds.
func FuzzPrograms(f *testing.F) {
	f.Add(int64(1), uint8(0))
	f.Fuzz(func(t *testing.T, seed int64, fork uint8) {
		checkWorld(t, fmt.Sprintf("seed %d", seed), jit.Fork(fork%3), seed)
	})
}
