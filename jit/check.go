package jit

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"

	words "github.com/redline-evm/redline/jit/word"
)

// With Config.Check each top-level message that runs machine code is run twice
// from the same state: as always, then by tier 0 alone. Status, gas left, refund,
// output and all that was written must agree; what tier 0 did is what counts.
//
// The whole message is compared and not each frame. A frame sees the state, and
// its callees run as machine code too: to compare frames, the answers of the
// State would have to be recorded and given again, and gas passed between frames
// would be compared call by call though only the sum can be seen. A message has
// one beginning, the state's checkpoint, and one end.
//
// After a mismatch the node goes on with what tier 0 did, which is right whatever
// the compiler did wrong: so a sequencer makes no wrong block, and need not stop.
// No code of that message runs as machine code again, and after mismatchesMax of
// them no code at all does. A fault in generated code is a mismatch, too, if the
// runtime can recover from it.

// mismatchesMax is the number of mismatches after which no machine code runs.
const mismatchesMax = 16

// Mismatch is a message that machine code and tier 0 ran differently.
type Mismatch struct {
	Fork        Fork           `json:"fork"`
	BlockNumber uint64         `json:"blockNumber"` // of the EVM block
	Create      bool           `json:"create"`
	Caller      common.Address `json:"caller"`
	To          common.Address `json:"to"`
	Input       hexutil.Bytes  `json:"input"`
	Value       uint256.Int    `json:"value"`
	Gas         uint64         `json:"gas"`

	Codes       []CheckedCode `json:"codes"` // that ran as machine code
	Native      CheckedRun    `json:"native"`
	Interpreter CheckedRun    `json:"interpreter"`
}

// Hashes are those of the codes that ran as machine code.
func (m *Mismatch) Hashes() []common.Hash {
	hashes := make([]common.Hash, len(m.Codes))
	for i := range m.Codes {
		hashes[i] = m.Codes[i].Hash
	}
	return hashes
}

// CheckedCode is a code that ran as machine code.
type CheckedCode struct {
	Hash     common.Hash   `json:"hash"`
	Bytecode hexutil.Bytes `json:"bytecode"`
}

// CheckedRun is what a run of a message did.
type CheckedRun struct {
	Halt    string        `json:"halt"`            // in words
	Fault   string        `json:"fault,omitempty"` // how it broke off, if it did
	GasLeft uint64        `json:"gasLeft"`
	Refund  uint64        `json:"refund"`
	Output  hexutil.Bytes `json:"output"`
	Effects *Effects      `json:"effects"`

	status Halt // Success, Reverted, or OutOfGas for every other halt
}

// checking is what the EVMs of an engine share of the comparison.
type checking struct {
	report func(*Mismatch) // nil: nothing is compared

	checked    atomic.Uint64 // messages that were run twice
	mismatches atomic.Uint64
	distrusted sync.Map // codeKey of codes that do not become machine code again
}

// trusts reports whether the code may become machine code.
func (c *checking) trusts(key codeKey) bool {
	if c.report == nil {
		return true
	}
	_, distrusted := c.distrusted.Load(key)
	return !distrusted
}

// checker compares the messages of one EVM; nil compares nothing.
type checker struct {
	*checking
	recorder *Recorder
	tier0    bool // machine code does not run
	ran      []ranCode
}

// ranCode is a code that ran as machine code.
type ranCode struct {
	code     *code
	bytecode []byte
}

// admit returns the machine code to run for a code: native, which is noted, or
// none. A nil checker lets all machine code run.
func (c *checker) admit(native *nativeCode, code *code, bytecode []byte) *nativeCode {
	if c == nil || native == nil {
		return native
	}
	if c.tier0 || c.mismatches.Load() >= mismatchesMax {
		return nil
	}
	if !slices.ContainsFunc(c.ran, func(r ranCode) bool { return r.code == code }) {
		c.ran = append(c.ran, ranCode{code, bytes.Clone(bytecode)})
	}
	return native
}

// begin gets ready for a run.
func (c *checker) begin(tier0 bool) {
	c.tier0 = tier0
	c.recorder.Reset()
}

// checked runs a message and compares.
func (v *EVM) checked(msg *Message, create bool) outcome {
	c := v.check
	c.ran = c.ran[:0]
	c.begin(false)
	checkpoint := v.state.Checkpoint()
	out, fault := v.runGuarded(msg, create)
	if len(c.ran) == 0 && fault == nil || out.halt == Cancelled {
		return out
	}
	native := v.checkedRun(out, fault)
	v.state.Revert(checkpoint)
	c.begin(true)
	out = v.runTop(msg, create)
	c.checked.Add(1)
	if out.halt == Cancelled {
		return out
	}
	interpreter := v.checkedRun(out, nil)
	if !native.equal(&interpreter) {
		v.mismatch(msg, create, native, interpreter)
	}
	return out
}

// runGuarded runs a message. A panic or a fault is returned: it may come of machine
// code, or else comes again when tier 0 runs.
func (v *EVM) runGuarded(msg *Message, create bool) (out outcome, fault any) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { fault = recover() }()
	return v.runTop(msg, create), nil
}

// checkedRun is what a run did.
func (v *EVM) checkedRun(out outcome, fault any) CheckedRun {
	var r Result
	v.finish(&r, out, false)
	run := CheckedRun{
		Halt: r.Halt.String(), GasLeft: r.GasLeft, Refund: r.Refund,
		Output: bytes.Clone(r.Output), Effects: v.check.recorder.Effects(), status: r.Halt,
	}
	if r.Halt > Reverted {
		run.status = OutOfGas
	}
	if fault != nil {
		run.Halt, run.Fault = "", fmt.Sprint(fault)
	}
	return run
}

func (r *CheckedRun) equal(other *CheckedRun) bool {
	return r.Fault == other.Fault && r.status == other.status && r.GasLeft == other.GasLeft && r.Refund == other.Refund &&
		bytes.Equal(r.Output, other.Output) && r.Effects.Equal(other.Effects)
}

// mismatch takes the machine code of all codes that ran away and reports.
func (v *EVM) mismatch(msg *Message, create bool, native, interpreter CheckedRun) {
	c := v.check
	m := &Mismatch{
		Fork: v.block.Fork, BlockNumber: v.block.Number, Create: create,
		Caller: msg.Caller, To: msg.To, Input: bytes.Clone(msg.Input), Value: msg.Value, Gas: msg.Gas,
		Native: native, Interpreter: interpreter,
	}
	for _, r := range c.ran {
		var hash common.Hash
		words.Sum256((*[32]byte)(&hash), r.bytecode)
		c.distrusted.Store(codeKey{hash, v.block.Fork}, struct{}{})
		r.code.native.Store(nil)
		m.Codes = append(m.Codes, CheckedCode{hash, r.bytecode})
	}
	c.mismatches.Add(1)
	c.report(m)
}
