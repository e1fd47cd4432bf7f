package jit

import (
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"

	words "github.com/redline-evm/redline/jit/word"
)

// Config sets the bounds of an Engine. The zero value means the defaults.
type Config struct {
	CodeCacheBytes int    // lowered code kept for reuse, over all forks
	Native         Native // when code is compiled to machine code

	// Check, if not nil, has every message that runs machine code compared with
	// tier 0, whose results count; it is told of each difference, by the goroutine
	// that runs the message.
	Check func(*Mismatch)
}

// codeCacheBytesDefault holds the code of about a thousand contracts of
// the greatest size.
const codeCacheBytesDefault = 256 << 20

// Engine runs EVM code. It holds what all its EVMs share: the cache of lowered
// code and the native tier. It is safe for concurrent use.
type Engine struct {
	codes  *codeCache
	native nativeTier
	check  checking
}

// New returns an engine.
func New(cfg Config) *Engine {
	if cfg.CodeCacheBytes == 0 {
		cfg.CodeCacheBytes = codeCacheBytesDefault
	}
	e := &Engine{codes: newCodeCache(cfg.CodeCacheBytes)}
	e.check.report = cfg.Check
	e.native.start(cfg.Native)
	return e
}

// NewEVM returns an EVM that runs on the given state inside the given EVM
// block. It belongs to one goroutine; it is made to be kept and reused.
func (e *Engine) NewEVM(state State, block *BlockContext) *EVM {
	v := &EVM{engine: e, block: block, gasSlice: gasSliceDefault}
	if e.check.report != nil {
		v.check = &checker{checking: &e.check}
	}
	v.SetState(state)
	return v
}

// EVM runs calls and creates, one at a time.
type EVM struct {
	engine *Engine
	state  State
	block  *BlockContext
	tx     TxContext
	moved  map[common.Address]common.Address // precompiled contracts that answer elsewhere

	gasSlice uint64   // see SetGasSlice
	check    *checker // nil: messages are run once

	depth   int    // running frames
	deepest int    // index of the deepest frame used in this top-level call
	refund  int64  // gas to refund, so far
	output  []byte // of the call or create that ended last; valid until the next at its depth

	top       frame    // caller of the top-level call
	frames    []*frame // by depth
	stacks    stackArena
	codes     recentCodes
	lowerer   lowerer
	compiler  nativeCompiler
	memo      words.Memo
	cancelled atomic.Bool
}

// SetState changes the state that later calls run on.
func (v *EVM) SetState(state State) {
	if v.check != nil {
		v.check.recorder = NewRecorder(state)
		state = v.check.recorder
	}
	v.state = state
}

// SetBlock changes the EVM block that later calls run in.
func (v *EVM) SetBlock(block *BlockContext) { v.block = block }

// MovePrecompiles makes the precompiled contract at moved[addr] answer at addr;
// where no contract is at moved[addr], none answers at addr. Every other address
// keeps the fork's contracts, as all do with a nil map. The EVM keeps the map.
func (v *EVM) MovePrecompiles(moved map[common.Address]common.Address) { v.moved = moved }

// SetTx sets the transaction that later calls belong to and takes back an
// earlier Cancel.
func (v *EVM) SetTx(tx TxContext) {
	v.tx = tx
	v.cancelled.Store(false)
}

// Cancel makes the running call end soon with the halt Cancelled. It may be
// called from any goroutine and holds until the next SetTx.
func (v *EVM) Cancel() { v.cancelled.Store(true) }

// Call transfers msg.Value and runs the code of msg.To, or the precompiled
// contract there. The target of a delegation (EIP-7702) becomes warm.
func (v *EVM) Call(msg *Message) (result Result) {
	v.run(&result, msg, false)
	return result
}

// Create runs msg.Input as init code and deploys what it returns. It increments
// the caller's nonce, whose value before gives the new address.
func (v *EVM) Create(msg *Message) (result Result) {
	v.run(&result, msg, true)
	return result
}

// run sets the result, which is zero, of a top-level message.
func (v *EVM) run(result *Result, msg *Message, create bool) {
	var out outcome
	if v.check == nil {
		out = v.runTop(msg, create)
	} else {
		out = v.checked(msg, create)
	}
	v.finish(result, out, create)
}

// runTop runs a top-level message once.
func (v *EVM) runTop(msg *Message, create bool) outcome {
	v.start()
	if create {
		return v.topCreate(msg)
	}
	return v.topCall(msg)
}

func (v *EVM) topCall(msg *Message) outcome {
	c := &v.top.call
	c.begin(plainCall, &msg.Caller, &msg.To, &msg.Value)
	copyAddress(&c.code, &msg.To)
	c.static, c.input, c.gas = false, msg.Input, msg.Gas
	if v.resolve(c) {
		v.state.WarmAccount(&c.target)
	}
	return v.call(c)
}

func (v *EVM) topCreate(msg *Message) outcome {
	v.top.create = create{
		caller:   msg.Caller,
		address:  createAddress(msg.Caller, v.state.Nonce(msg.Caller)),
		value:    msg.Value,
		initCode: msg.Input,
		gas:      msg.Gas,
	}
	return v.create(&v.top.create)
}

// start prepares for a top-level call.
func (v *EVM) start() {
	v.stacks.release()
	for i, f := range v.frames[:min(v.deepest+1, len(v.frames))] {
		f.trim(i)
	}
	v.depth, v.deepest, v.refund = 0, 0, 0
}

// finish sets the result, which is zero, of the message that ran last.
func (v *EVM) finish(result *Result, out outcome, create bool) {
	result.Halt, result.GasLeft, result.Output = out.halt, out.gas, v.output
	if out.halt == Success {
		result.Refund = uint64(v.refund)
	}
	if create {
		result.Created = v.top.create.address
	}
}
