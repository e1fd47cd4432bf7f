package jit_test

import (
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
	"github.com/redline-evm/redline/jit/ir"
)

var (
	caller = common.HexToAddress("0xca")
	first  = common.HexToAddress("0xa1")
	second = common.HexToAddress("0xa2")
)

// nothing is the empty state.
type nothing struct{}

func (nothing) Account(common.Address) (chain.Account, bool)            { return chain.Account{}, false }
func (nothing) Storage(common.Address, uint256.Int) (value uint256.Int) { return value }
func (nothing) Code(common.Hash) []byte                                 { return nil }

// newEVM returns an EVM on a state with the given contracts.
func newEVM(t *testing.T, tier jit.Native, contracts map[common.Address][]byte) (*jit.EVM, *exec.Journal) {
	t.Helper()
	journal := exec.NewJournal(nothing{})
	for addr, code := range contracts {
		journal.SetCode(addr, code)
		journal.SetNonce(addr, 1)
	}
	journal.SetBalance(caller, uint256.NewInt(1e18))
	journal.Finish()
	block := &jit.BlockContext{Fork: jit.Osaka, CodeSizeMax: 24576}
	engine := jit.New(jit.Config{Native: tier})
	if err := engine.NativeError(); err != nil {
		t.Skip(err)
	}
	return engine.NewEVM(journal, block), journal
}

// eachTier runs a test on the interpreter and on machine code.
func eachTier(t *testing.T, test func(t *testing.T, tier jit.Native)) {
	for _, tier := range []jit.Native{jit.NativeOff, jit.NativeEager} {
		t.Run(tier.String(), func(t *testing.T) { test(t, tier) })
	}
}

// code is bytecode from opcodes and numbers below 256.
func code(ops ...any) []byte {
	var b []byte
	for _, op := range ops {
		switch op := op.(type) {
		case ir.Op:
			b = append(b, byte(op))
		case int:
			b = append(b, byte(ir.PUSH1), byte(op))
		case []byte:
			b = append(b, op...)
		}
	}
	return b
}

// callCode calls addr with all gas, no value, and 64 bytes of memory each way.
func callCode(op ir.Op, addr common.Address) []byte {
	args := code(64, 0, 64, 0)
	if op == ir.CALL || op == ir.CALLCODE {
		args = append(args, code(0)...)
	}
	return append(args, code(int(addr[19]), ir.GAS, op)...)
}

func message(gas uint64) *jit.Message { return &jit.Message{Caller: caller, To: first, Gas: gas} }

// TestNoAllocation runs loops of calls, storage, memory and hashes: in steady
// state a frame allocates nothing.
func TestNoAllocation(t *testing.T) { eachTier(t, testNoAllocation) }

func testNoAllocation(t *testing.T, tier jit.Native) {
	callee := code(1, 0, ir.MSTORE, 64, 0, ir.KECCAK256, ir.POP, 0, ir.SLOAD, 1, ir.ADD, 0, ir.SSTORE, 32, 0, ir.RETURN)
	reader := code(1, 0, ir.MSTORE, 33, 0, ir.KECCAK256, 0, ir.SLOAD, ir.ADD, ir.CALLER, ir.BALANCE, ir.ADD, 0, ir.MSTORE, 32, 0, ir.RETURN)
	third := common.HexToAddress("0xa3")
	body := code(50, ir.JUMPDEST,
		callCode(ir.CALL, second), ir.POP,
		callCode(ir.STATICCALL, third), ir.POP,
		callCode(ir.DELEGATECALL, second), ir.POP,
		callCode(ir.CALLCODE, third), ir.POP,
		1, ir.SWAP1, ir.SUB, ir.DUP1, 2, ir.JUMPI, ir.STOP)
	evm, journal := newEVM(t, tier, map[common.Address][]byte{first: body, second: callee, third: reader})
	run := func() {
		before := journal.Checkpoint()
		evm.SetTx(jit.TxContext{Origin: caller})
		if r := evm.Call(message(10_000_000)); r.Halt != jit.Success {
			t.Fatalf("got %s; want success", r.Halt)
		}
		journal.Revert(before)
	}
	run()
	if got := testing.AllocsPerRun(10, run); got != 0 {
		t.Errorf("got %v allocations for 200 calls; want none", got)
	}
}

// TestCancel stops loops of all kinds from another goroutine.
func TestCancel(t *testing.T) { eachTier(t, testCancel) }

func testCancel(t *testing.T, tier jit.Native) {
	for name, body := range map[string][]byte{
		"static jumps":  code(ir.JUMPDEST, 0, ir.JUMP),
		"dynamic jumps": code(ir.JUMPDEST, ir.CALLVALUE, ir.JUMP),
		"branches":      code(ir.JUMPDEST, ir.CALLER, 0, ir.JUMPI),
		"calls":         code(ir.JUMPDEST, callCode(ir.CALL, first), ir.POP, 0, ir.JUMP),
		"creates":       code(ir.JUMPDEST, 0, 0, 0, ir.CREATE, ir.POP, 0, ir.JUMP),
	} {
		t.Run(name, func(t *testing.T) {
			evm, _ := newEVM(t, tier, map[common.Address][]byte{first: body})
			evm.SetTx(jit.TxContext{})
			timer := time.AfterFunc(time.Millisecond, evm.Cancel)
			defer timer.Stop()
			if r := evm.Call(message(1 << 60)); r.Halt != jit.Cancelled {
				t.Errorf("got %s; want %s", r.Halt, jit.Cancelled)
			}
			evm.SetTx(jit.TxContext{})
			if r := evm.Call(message(100)); r.Halt == jit.Cancelled {
				t.Error("got a cancelled call; want SetTx to take the cancel back")
			}
		})
	}
}

// TestGiantMemory asks for memory that no gas pays, at each place where an
// opcode takes an offset or a size.
func TestGiantMemory(t *testing.T) { eachTier(t, testGiantMemory) }

func testGiantMemory(t *testing.T, tier jit.Native) {
	huge := func(exponent byte) []byte { // pushes 1 << exponent
		return []byte{byte(ir.PUSH1), 1, byte(ir.PUSH1), exponent, byte(ir.SHL)}
	}
	for _, exponent := range []byte{31, 40, 62, 63, 64, 128, 255} {
		big := huge(exponent)
		for name, body := range map[string][]byte{
			"MLOAD":          code(big, ir.MLOAD),
			"MSTORE":         code(1, big, ir.MSTORE),
			"MSTORE8":        code(1, big, ir.MSTORE8),
			"KECCAK256":      code(big, 0, ir.KECCAK256),
			"CALLDATACOPY":   code(big, 0, 0, ir.CALLDATACOPY),
			"CODECOPY":       code(32, 0, big, ir.CODECOPY),
			"EXTCODECOPY":    code(big, 0, big, 0, ir.EXTCODECOPY),
			"RETURNDATACOPY": code(big, 0, 0, ir.RETURNDATACOPY),
			"MCOPY":          code(32, big, 0, ir.MCOPY),
			"LOG0":           code(big, big, ir.LOG0),
			"RETURN":         code(big, 0, ir.RETURN),
			"REVERT":         code(big, big, ir.REVERT),
			"CREATE":         code(big, 0, 0, ir.CREATE),
			"CALL input":     code(0, 0, big, 0, 0, 0, 0, ir.CALL),
			"CALL output":    code(32, big, 0, 0, 0, 0, 0, ir.CALL),
		} {
			evm, _ := newEVM(t, tier, map[common.Address][]byte{first: body})
			evm.SetTx(jit.TxContext{})
			if r := evm.Call(message(30_000_000)); r.Halt <= jit.Reverted || r.GasLeft != 0 {
				t.Errorf("%s of 2^%d: got %s with %d gas left; want a halt that takes all gas", name, exponent, r.Halt, r.GasLeft)
			}
		}
	}
}

// TestRecursion calls itself to the end of depth and gas.
func TestRecursion(t *testing.T) { eachTier(t, testRecursion) }

func testRecursion(t *testing.T, tier jit.Native) {
	for name, body := range map[string][]byte{
		"call":   callCode(ir.CALL, first),
		"static": callCode(ir.STATICCALL, first),
		"create": code(ir.CODESIZE, 0, 0, ir.CODECOPY, ir.CODESIZE, 0, 0, ir.CREATE),
		"wide":   append(code(bytesOf(ir.PUSH0, 1000)), callCode(ir.CALL, first)...),
	} {
		t.Run(name, func(t *testing.T) {
			evm, _ := newEVM(t, tier, map[common.Address][]byte{first: body})
			evm.SetTx(jit.TxContext{})
			if r := evm.Call(message(1 << 40)); r.Halt != jit.Success {
				t.Errorf("got %s; want success", r.Halt)
			}
		})
	}
}

func bytesOf(op ir.Op, count int) []byte {
	b := make([]byte, count)
	for i := range b {
		b[i] = byte(op)
	}
	return b
}

// TestWriteProtection tries what a static call forbids, at once and one call
// further down.
func TestWriteProtection(t *testing.T) { eachTier(t, testWriteProtection) }

func testWriteProtection(t *testing.T, tier jit.Native) {
	third := common.HexToAddress("0xa3")
	for name, body := range map[string][]byte{
		"SSTORE":       code(1, 1, ir.SSTORE),
		"TSTORE":       code(1, 1, ir.TSTORE),
		"LOG0":         code(0, 0, ir.LOG0),
		"CREATE":       code(0, 0, 0, ir.CREATE),
		"CREATE2":      code(0, 0, 0, 0, ir.CREATE2),
		"SELFDESTRUCT": code(0, ir.SELFDESTRUCT),
		"CALL":         code(0, 0, 0, 0, 1, 0, ir.GAS, ir.CALL),
	} {
		evm, _ := newEVM(t, tier, map[common.Address][]byte{
			first:  code(callCode(ir.STATICCALL, second), 0, ir.MSTORE, 32, 0, ir.RETURN),
			second: code(callCode(ir.DELEGATECALL, third), 0, ir.MSTORE, 32, 0, ir.RETURN),
			third:  body,
		})
		evm.SetTx(jit.TxContext{})
		r := evm.Call(message(1_000_000))
		if got := new(uint256.Int).SetBytes(r.Output).Uint64(); got != 1 {
			t.Errorf("%s: got %d for the static call; want success", name, got)
		}
		if r.GasLeft > 40_000 {
			t.Errorf("%s: got %d gas left; want the forbidden call to take all of its gas", name, r.GasLeft)
		}
	}
}

// TestLogsAndOutput checks that a log keeps what memory held.
func TestLogsAndOutput(t *testing.T) { eachTier(t, testLogsAndOutput) }

func testLogsAndOutput(t *testing.T, tier jit.Native) {
	body := code(7, 0, ir.MSTORE, 9, 32, 0, ir.LOG0+1, 8, 0, ir.MSTORE, 32, 0, ir.RETURN)
	evm, journal := newEVM(t, tier, map[common.Address][]byte{first: body})
	evm.SetTx(jit.TxContext{})
	r := evm.Call(message(100_000))
	if got := new(uint256.Int).SetBytes(r.Output).Uint64(); got != 8 {
		t.Errorf("got output %d; want 8", got)
	}
	logs := journal.Logs()
	if len(logs) != 1 || logs[0].Data[31] != 7 || logs[0].Topics[0] != (common.Hash{31: 9}) {
		t.Errorf("got logs %v; want one with data 7 and topic 9", logs)
	}
}

// TestDelegation runs the code of another account in the first one's place, and
// not that of a delegation's delegation (EIP-7702).
func TestDelegation(t *testing.T) { eachTier(t, testDelegation) }

func testDelegation(t *testing.T, tier jit.Native) {
	target := code(1, 1, ir.SSTORE, ir.ADDRESS, 0, ir.MSTORE, 32, 0, ir.RETURN)
	third := common.HexToAddress("0xa3")
	evm, journal := newEVM(t, tier, map[common.Address][]byte{
		first:  types.AddressToDelegation(second),
		second: target,
		third:  types.AddressToDelegation(first),
	})
	evm.SetTx(jit.TxContext{})
	r := evm.Call(message(100_000))
	if got := common.BytesToAddress(r.Output); r.Halt != jit.Success || got != first {
		t.Errorf("got %s, address %s; want success, %s", r.Halt, got, first)
	}
	if journal.WarmAccount(&second) {
		t.Error("the target of the delegation is cold; want warm")
	}
	msg := message(100_000)
	msg.To = third
	if r := evm.Call(msg); r.Halt != jit.InvalidOpcode {
		t.Errorf("got %s from a chain of delegations; want %s", r.Halt, jit.InvalidOpcode)
	}
}
