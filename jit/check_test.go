package jit_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
	"github.com/redline-evm/redline/jit/ir"
)

// checkedProgram stores, logs, calls itself no further, and returns a sum.
var checkedProgram = code(
	7, 1, ir.SSTORE, 3, 0, ir.MSTORE8, 1, 0, ir.LOG0, 9, 2, ir.TSTORE,
	0, ir.CALLDATALOAD, 5, ir.ADD, 0, ir.MSTORE, 32, 0, ir.RETURN,
)

// newChecked returns an EVM over a state with the code at first, and the list
// that its engine's mismatches are put on.
func newChecked(t *testing.T, tier jit.Native, body []byte) (*jit.Engine, *jit.EVM, *exec.Journal, *[]*jit.Mismatch) {
	t.Helper()
	found := new([]*jit.Mismatch)
	engine := jit.New(jit.Config{Native: tier, Check: func(m *jit.Mismatch) { *found = append(*found, m) }})
	if err := engine.NativeError(); err != nil {
		t.Skip(err)
	}
	journal := exec.NewJournal(nothing{})
	journal.SetCode(first, body)
	journal.Finish()
	evm := engine.NewEVM(journal, &jit.BlockContext{Fork: jit.Osaka, CodeSizeMax: 24576, Number: 5})
	evm.SetTx(jit.TxContext{})
	return engine, evm, journal, found
}

// outcomeOf runs the program and says what came of it, the state included.
func outcomeOf(evm *jit.EVM, journal *exec.Journal) string {
	before := journal.Checkpoint()
	defer journal.Revert(before)
	msg := message(200_000)
	msg.Input = common.LeftPadBytes([]byte{37}, 32)
	r := evm.Call(msg)
	var slot, transient uint256.Int
	journal.Storage(&first, uint256.NewInt(1), &slot)
	journal.TransientStorage(&first, uint256.NewInt(2), &transient)
	return fmt.Sprint(r.Halt, r.GasLeft, r.Refund, r.Output, slot, transient, len(journal.Logs()))
}

// tampers are ways in which a compiler could go wrong, each at one instruction
// or block.
var tampers = map[string]func(*ir.Program){
	"output": func(p *ir.Program) { instr(p, ir.ADD).Args[1] = ir.Small(6) },
	"slot":   func(p *ir.Program) { instr(p, ir.SSTORE).Args[1] = ir.Small(8) },
	"transient slot": func(p *ir.Program) {
		instr(p, ir.TSTORE).Args[1] = ir.Small(8)
	},
	"log":    func(p *ir.Program) { instr(p, ir.LOG0).Args[1] = ir.Small(2) },
	"gas":    func(p *ir.Program) { p.Blocks[0].Gas++ },
	"status": func(p *ir.Program) { p.Blocks[0].Term.Op = ir.REVERT },
	"halt":   func(p *ir.Program) { p.Blocks[0].Term = ir.Term{Kind: ir.Halt, Op: ir.INVALID} },
	"jump":   func(p *ir.Program) { p.Blocks[0].Term = ir.Term{Kind: ir.Jump, Target: ir.BadTarget} },
}

// instr is the first instruction of an opcode.
func instr(p *ir.Program, op ir.Op) *ir.Instr {
	for i := range p.Instrs {
		if p.Instrs[i].Op == op {
			return &p.Instrs[i]
		}
	}
	panic("BUG: no " + op.String())
}

// TestCheckFinds wants a compiler's mistake to be found, reported once, without
// effect, and the code not to run again.
func TestCheckFinds(t *testing.T) {
	plain, journal := newEVM(t, jit.NativeOff, map[common.Address][]byte{first: checkedProgram})
	plain.SetTx(jit.TxContext{})
	want := outcomeOf(plain, journal)
	for name, tamper := range tampers {
		t.Run(name, func(t *testing.T) {
			engine, evm, journal, found := newChecked(t, jit.NativeEager, checkedProgram)
			engine.Tamper(tamper)
			for range 3 {
				if got := outcomeOf(evm, journal); got != want {
					t.Errorf("got %s; want %s", got, want)
				}
			}
			if len(*found) != 1 {
				t.Fatalf("got %d reports; want one", len(*found))
			}
			m := (*found)[0]
			if _, hash := journal.Code(&first); len(m.Codes) != 1 || m.Codes[0].Hash != hash {
				t.Errorf("got codes %v; want %s", m.Codes, hash)
			}
			if _, err := json.Marshal(m); err != nil {
				t.Error(err)
			}
			if stats := engine.NativeStats(); stats.Checked != 1 || stats.Mismatches != 1 {
				t.Errorf("got %d messages checked, %d mismatches; want one each", stats.Checked, stats.Mismatches)
			}
		})
	}
}

// TestCheckAgrees wants nothing found where there is nothing, and the results of
// an engine that does not check.
func TestCheckAgrees(t *testing.T) {
	plain, plainJournal := newEVM(t, jit.NativeOff, map[common.Address][]byte{first: checkedProgram})
	plain.SetTx(jit.TxContext{})
	engine, evm, journal, found := newChecked(t, jit.NativeEager, checkedProgram)
	if got, want := outcomeOf(evm, journal), outcomeOf(plain, plainJournal); got != want {
		t.Errorf("got %s; want %s", got, want)
	}
	create := evm.Create(&jit.Message{Caller: caller, Input: checkedProgram, Gas: 200_000})
	if create.Halt != jit.Success {
		t.Errorf("got %s from a create; want success", create.Halt)
	}
	if stats := engine.NativeStats(); stats.Checked != 2 || len(*found) != 0 {
		t.Errorf("got %d messages checked, %d reports; want 2 and none", stats.Checked, len(*found))
	}
}

// TestCheckHot wants wrong code that was compiled in the background to be found
// and not to be compiled again.
func TestCheckHot(t *testing.T) {
	loop := code(200, ir.JUMPDEST, 1, ir.SWAP1, ir.SUB, ir.DUP1, 2, ir.JUMPI, ir.GAS, 0, ir.MSTORE, 32, 0, ir.RETURN)
	engine, evm, _, found := newChecked(t, jit.NativeOn, loop)
	engine.Tamper(func(p *ir.Program) { p.Blocks[len(p.Blocks)-1].Gas++ })
	want := evm.Call(message(1_000_000)).GasLeft
	for len(*found) == 0 {
		if got := evm.Call(message(1_000_000)).GasLeft; got != want {
			t.Fatalf("got %d gas left; want %d", got, want)
		}
	}
	for range 100 {
		evm.Call(message(1_000_000))
	}
	if stats := engine.NativeStats(); stats.Compiled != 1 || stats.Mismatches != 1 {
		t.Errorf("got %+v; want the code compiled and found wrong once", stats)
	}
}

// TestCheckGivesUp wants no machine code to run after too many mismatches.
func TestCheckGivesUp(t *testing.T) {
	engine, evm, journal, found := newChecked(t, jit.NativeEager, nil)
	engine.Tamper(func(p *ir.Program) { p.Blocks[0].Gas++ })
	const limit, codes = 16, 20
	for i := range codes {
		journal.SetCode(first, code(i, ir.POP))
		evm.Call(message(1000))
	}
	if len(*found) != limit || engine.NativeStats().Checked != limit {
		t.Errorf("got %d reports of %d messages checked; want %d", len(*found), engine.NativeStats().Checked, limit)
	}
}

// faulty is a state that panics the first time that a slot is read.
type faulty struct {
	*exec.Journal
	reads int
}

func (f *faulty) Storage(addr *common.Address, key, out *uint256.Int) bool {
	if f.reads++; f.reads == 1 {
		panic("a fault")
	}
	return f.Journal.Storage(addr, key, out)
}

// TestCheckFault wants a run that breaks off to be reported, and that of tier 0
// to count.
func TestCheckFault(t *testing.T) {
	_, evm, journal, found := newChecked(t, jit.NativeEager, code(1, ir.SLOAD, ir.POP, 5, 1, ir.SSTORE))
	evm.SetState(&faulty{Journal: journal})
	if r := evm.Call(message(100_000)); r.Halt != jit.Success {
		t.Errorf("got %s; want success", r.Halt)
	}
	if len(*found) != 1 || (*found)[0].Native.Fault != "a fault" {
		t.Errorf("got %v; want one report of a fault", *found)
	}
}

// TestCheckCancelled wants no comparison of what was cancelled.
func TestCheckCancelled(t *testing.T) {
	engine, evm, _, found := newChecked(t, jit.NativeEager, code(ir.JUMPDEST, 0, ir.JUMP))
	evm.Cancel()
	if r := evm.Call(message(1 << 50)); r.Halt != jit.Cancelled {
		t.Errorf("got %s; want the call cancelled", r.Halt)
	}
	if engine.NativeStats().Checked != 0 || len(*found) != 0 {
		t.Errorf("got %+v", engine.NativeStats())
	}
}
