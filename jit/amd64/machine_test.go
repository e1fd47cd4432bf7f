//go:build linux && amd64

package amd64

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/ir"
	"github.com/redline-evm/redline/jit/word"
)

// machine is a frame for tests: it runs programs block by block in plain Go, or
// as machine code of which it serves the exits. Both ways must end alike.
type machine struct {
	program  *ir.Program
	gas      uint64
	words    []uint256.Int // the stack; the first is never used
	height   int
	memory   []byte
	callData []byte
	events   []string // what operations with side effects saw
	outcome  string
	served   int // instructions that machine code left to Go
}

// The call of all machines.
var (
	testSelf   = [addressBytes]byte{0: 0x81, 3: 0x82, 4: 0x83, 11: 0x84, 12: 0x85, 19: 0x86}
	testCaller = [addressBytes]byte{0: 0x91, 3: 0x92, 4: 0x93, 11: 0x94, 12: 0x95, 19: 0x96}
	testValue  = uint256.Int{1, 2, 3, 1 << 63}
)

// What CODECOPY and RETURNDATACOPY copy from.
var (
	testBytecode   = testBytes(700, 3)
	testReturnData = testBytes(100, 7)
)

func testBytes(size, factor int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(1 + factor*i)
	}
	return data
}

func newMachine(p *ir.Program, gas uint64, callData []byte) *machine {
	return &machine{program: p, gas: gas, words: make([]uint256.Int, 1+ir.StackMax), callData: callData}
}

// String is all that is visible of the frame when it has ended. As on chain, it
// is nothing but the outcome for a frame that failed.
func (m *machine) String() string {
	if strings.HasPrefix(m.outcome, "failed") {
		return "failed\n" + strings.Join(m.events, "\n")
	}
	return fmt.Sprintf("%s gas %d memory %x\n%s", m.outcome, m.gas, m.memory, strings.Join(m.events, "\n"))
}

// endsAs reports whether both frames end alike. Of frames that fail one may have
// done more before: machine code charges ahead for what comes for certain.
func (m *machine) endsAs(other *machine) bool {
	if !strings.HasPrefix(m.outcome, "failed") || !strings.HasPrefix(other.outcome, "failed") {
		return m.String() == other.String()
	}
	common := min(len(m.events), len(other.events))
	return slices.Equal(m.events[:common], other.events[:common])
}

func (m *machine) charge(gas uint64) bool {
	if m.gas < gas {
		m.outcome = "failed: out of gas"
		return false
	}
	m.gas -= gas
	return true
}

// reach grows the memory to size bytes.
func (m *machine) reach(offset *uint256.Int, size uint64) bool {
	if !offset.IsUint64() || offset[0] > 1<<20 {
		m.outcome = "failed: out of gas"
		return false
	}
	words := func(bytes uint64) uint64 { return (bytes + 31) / 32 }
	cost := func(words uint64) uint64 { return 3*words + words*words/512 }
	have, want := words(uint64(len(m.memory))), words(offset[0]+size)
	if want <= have {
		return true
	}
	if !m.charge(cost(want) - cost(have)) {
		return false
	}
	m.memory = append(m.memory, make([]byte, 32*(want-have))...)
	return true
}

// reachCopy grows the memory for a copy and charges for it.
func (m *machine) reachCopy(offset, size *uint256.Int) bool {
	if !size.IsUint64() || size[0] > 1<<20 {
		m.outcome = "failed: out of gas"
		return false
	}
	return (size[0] == 0 || m.reach(offset, size[0])) && m.charge(3*((size[0]+31)/32))
}

// copyIn copies from src, padded with zeros.
func (m *machine) copyIn(src []byte, dst, offset, size *uint256.Int) bool {
	if !m.reachCopy(dst, size) {
		return false
	}
	for k := range size[0] {
		b := byte(0)
		if offset.IsUint64() && offset[0] < uint64(len(src)) && k < uint64(len(src))-offset[0] {
			b = src[offset[0]+k]
		}
		m.memory[dst[0]+k] = b
	}
	return true
}

// do executes one instruction. It reports false when the frame has ended.
func (m *machine) do(in *ir.Instr, args []uint256.Int) (z uint256.Int, ok bool) {
	flag := func(b bool) {
		if b {
			z.SetOne()
		}
	}
	at := func(i int) *uint256.Int { return &args[i] }
	switch in.Op {
	case ir.ADD:
		z.Add(at(0), at(1))
	case ir.SUB:
		z.Sub(at(0), at(1))
	case ir.MUL:
		z.Mul(at(0), at(1))
	case ir.DIV:
		z.Div(at(0), at(1))
	case ir.SDIV:
		z.SDiv(at(0), at(1))
	case ir.MOD:
		z.Mod(at(0), at(1))
	case ir.SMOD:
		z.SMod(at(0), at(1))
	case ir.ADDMOD:
		z.AddMod(at(0), at(1), at(2))
	case ir.MULMOD:
		z.MulMod(at(0), at(1), at(2))
	case ir.EXP:
		z.Exp(at(0), at(1))
		return z, m.charge(50 * uint64(at(1).ByteLen()))
	case ir.SIGNEXTEND:
		z.ExtendSign(at(1), at(0))
	case ir.AND:
		z.And(at(0), at(1))
	case ir.OR:
		z.Or(at(0), at(1))
	case ir.XOR:
		z.Xor(at(0), at(1))
	case ir.NOT:
		z.Not(at(0))
	case ir.LT, ir.SLT, ir.EQ, ir.ISZERO:
		flag(holds(in.Op, at(0), at(min(1, len(args)-1))))
	case ir.BYTE:
		z = *at(1)
		z.Byte(at(0))
	case ir.SHL:
		z.Lsh(at(1), shiftOf(at(0)))
	case ir.SHR:
		z.Rsh(at(1), shiftOf(at(0)))
	case ir.SAR:
		z.SRsh(at(1), shiftOf(at(0)))
	case ir.CLZ:
		z.SetUint64(uint64(256 - at(0).BitLen()))
	case ir.KECCAK256:
		if !at(1).IsUint64() || at(1)[0] > 1<<20 {
			m.outcome = "failed: out of gas"
			return z, false
		}
		size := at(1)[0]
		if size > 0 && !m.reach(at(0), size) || !m.charge(6*((size+31)/32)) {
			return z, false
		}
		var data []byte
		if size > 0 {
			data = m.memory[at(0)[0]:][:size]
		}
		z.SetBytes(crypto.Keccak256(data))
	case ir.MLOAD:
		if !m.reach(at(0), 32) {
			return z, false
		}
		z.SetBytes(m.memory[at(0)[0]:][:32])
	case ir.MSTORE:
		if !m.reach(at(0), 32) {
			return z, false
		}
		word := at(1).Bytes32()
		copy(m.memory[at(0)[0]:], word[:])
	case ir.MSTORE8:
		if !m.reach(at(0), 1) {
			return z, false
		}
		m.memory[at(0)[0]] = byte(at(1)[0])
	case ir.CALLDATALOAD:
		var buf [32]byte
		if at(0).IsUint64() && at(0)[0] < uint64(len(m.callData)) {
			copy(buf[:], m.callData[at(0)[0]:])
		}
		z.SetBytes(buf[:])
	case ir.CALLDATACOPY:
		return z, m.copyIn(m.callData, at(0), at(1), at(2))
	case ir.CODECOPY:
		return z, m.copyIn(testBytecode, at(0), at(1), at(2))
	case ir.RETURNDATACOPY:
		if end, overflow := new(uint256.Int).AddOverflow(at(1), at(2)); overflow || !end.IsUint64() || end[0] > uint64(len(testReturnData)) {
			m.outcome = "failed: return data"
			return z, false
		}
		return z, m.copyIn(testReturnData, at(0), at(1), at(2))
	case ir.MCOPY:
		farther := at(0)
		if farther.Lt(at(1)) {
			farther = at(1)
		}
		if !m.reachCopy(farther, at(2)) {
			return z, false
		}
		if size := at(2)[0]; size > 0 {
			copy(m.memory[at(0)[0]:][:size], m.memory[at(1)[0]:][:size])
		}
	case ir.CALLDATASIZE:
		z.SetUint64(uint64(len(m.callData)))
	case ir.MSIZE:
		z.SetUint64(uint64(len(m.memory)))
	case ir.ADDRESS:
		z.SetBytes20(testSelf[:])
	case ir.CALLER:
		z.SetBytes20(testCaller[:])
	case ir.CALLVALUE:
		z = testValue
	case ir.RETURNDATASIZE:
		z.SetUint64(uint64(len(testReturnData)))
	case ir.GAS:
		z.SetUint64(m.gas + uint64(in.Rest))
	default: // a stranger: note what it saw, and make up what it gives
		m.events = append(m.events, fmt.Sprintf("%v%x", in.Op, args))
		z.SetUint64(uint64(in.PC) * 0x9e3779b97f4a7c15)
		z.Lsh(&z, uint(in.PC)%200)
		z.Lsh(&z, 256-uint(in.Bits)).Rsh(&z, 256-uint(in.Bits))
	}
	return z, true
}

func shiftOf(x *uint256.Int) uint {
	if !x.IsUint64() || x[0] > 256 {
		return 256
	}
	return uint(x[0])
}

func holds(op ir.Op, x, y *uint256.Int) bool {
	switch op {
	case ir.LT:
		return x.Lt(y)
	case ir.SLT:
		return x.Slt(y)
	case ir.EQ:
		return x.Eq(y)
	}
	return x.IsZero()
}

// interpret runs the program block by block.
func (m *machine) interpret() {
	for i := 0; m.outcome == ""; {
		i = m.block(i)
	}
}

// block runs one block and returns the index of the next.
func (m *machine) block(i int) int {
	b := &m.program.Blocks[i]
	if m.height < int(b.Need) || m.height+int(b.Peak) > ir.StackMax {
		m.outcome = "failed: stack"
		return 0
	}
	if !m.charge(uint64(b.Gas)) {
		return 0
	}
	results := map[int]uint256.Int{}
	value := func(v ir.Value) (x uint256.Int) {
		if j, ok := v.Result(); ok {
			return results[j]
		}
		if depth, ok := v.EntrySlot(); ok {
			return m.words[m.height-depth]
		}
		x, _ = m.program.Const(v)
		return x
	}
	for j := int(b.First); j < int(b.End); j++ {
		var args []uint256.Int
		for _, v := range m.program.Operands(j) {
			args = append(args, value(v))
		}
		z, ok := m.do(&m.program.Instrs[j], args)
		if !ok {
			return 0
		}
		results[j] = z
	}
	t := &b.Term
	dest, x, y := value(t.Dest), value(t.X), value(t.Y)
	var written []uint256.Int
	for _, w := range m.program.Writes[b.FirstWrite:b.EndWrite] {
		written = append(written, value(w.Value))
	}
	for k, w := range m.program.Writes[b.FirstWrite:b.EndWrite] {
		m.words[m.height+int(w.At)] = written[k]
	}
	m.height += int(b.Height)
	switch taken := holds(t.Op, &x, &y) != t.Negated; {
	case t.Kind == ir.Halt:
		m.halt(t.Op, &x, &y)
		return 0
	case t.Kind == ir.Jump, t.Kind == ir.Branch && taken:
		return m.jump(uint64(t.Target))
	case t.Kind == ir.JumpTo, t.Kind == ir.BranchTo && taken:
		if !dest.IsUint64() {
			return m.jump(ir.BadTarget)
		}
		return m.jump(dest[0])
	}
	return i + 1
}

func (m *machine) jump(pc uint64) int {
	i, ok := m.program.BlockAt(pc)
	if !ok {
		m.outcome = "failed: bad jump"
	}
	return i
}

func (m *machine) halt(op ir.Op, x, y *uint256.Int) {
	switch op {
	case ir.STOP:
		m.outcome = "STOP"
	case ir.RETURN, ir.REVERT:
		m.outcome = fmt.Sprintf("%v %x %x", op, *x, *y)
	default:
		m.outcome = "failed: " + op.String()
	}
}

// execute runs the machine code and serves its exits. The code gets its gas in
// slices.
func (m *machine) execute(code *Code, slice uint64) {
	ctx := NewContext(&word.Memo{})
	ctx.Init(code, &m.words[0], m.callData)
	ctx.SetCall(&testSelf, &testCaller, &testValue)
	ctx.SetBytecode(testBytecode)
	ctx.SetReturnData(testReturnData)
	for m.outcome == "" {
		ctx.SetMemory(m.memoryWithRoom())
		ctx.AllowGrowth(cap(m.memory))
		ctx.Gas = min(m.gas, slice)
		m.gas -= ctx.Gas
		ctx.Reserve = m.gas
		exit := code.Run(ctx)
		m.gas += ctx.Gas
		m.memory = m.memory[:ctx.MemoryBytes()]
		switch exit.Kind {
		case ExitInstr:
			m.serve(ctx, exit.Index)
		case ExitGas:
			if m.gas < ctx.Need() {
				m.outcome = "failed: out of gas"
			}
			slice = max(slice, ctx.Need())
		case ExitStack:
			m.outcome = "failed: stack"
		case ExitBadJump:
			m.outcome = "failed: bad jump"
		case ExitHalt:
			t := &m.program.Blocks[exit.Index].Term
			m.halt(t.Op, &ctx.operands[topOperand], &ctx.operands[topOperand-1])
		}
	}
}

// memoryWithRoom gives the memory some room, but never much, so that it is grown
// by both sides.
func (m *machine) memoryWithRoom() []byte {
	const room = 200
	if cap(m.memory)-len(m.memory) < room/2 {
		m.memory = append(make([]byte, 0, len(m.memory)+room), m.memory...)
		for rest := m.memory[len(m.memory):cap(m.memory)]; len(rest) > 0; rest = rest[1:] {
			rest[0] = 0xee // not what memory begins as
		}
	}
	return m.memory
}

func (m *machine) serve(ctx *Context, i int) {
	m.served++
	operands := m.program.Operands(i)
	args := slices.Clone(ctx.operands[topOperand+1-len(operands) : topOperand+1])
	slices.Reverse(args)
	z, ok := m.do(&m.program.Instrs[i], args)
	switch m.program.Instrs[i].Op { // the memo learns as that of an engine does
	case ir.MULMOD:
		ctx.memo.MulMod(new(uint256.Int), &args[0], &args[1], &args[2])
	case ir.KECCAK256:
		ctx.memo.Sum256(new(uint256.Int), make([]byte, 64))
	}
	if ok && m.program.Instrs[i].Op.Pushes() {
		ctx.operands[topOperand+1-len(operands)] = z
	}
}
