package jit

// Config sets the bounds of an Engine. The zero value means the defaults.
type Config struct {
	CodeCacheBytes int // decoded code kept for reuse, over all forks
}

// Engine runs EVM code. It holds what all its EVMs share: the cache of decoded
// code. It is safe for concurrent use.
type Engine struct{}

// New returns an engine.
func New(cfg Config) *Engine { return &Engine{} }

// NewEVM returns an EVM that runs on the given state inside the given EVM
// block. It belongs to one goroutine; it is made to be kept and reused.
func (e *Engine) NewEVM(state State, block *BlockContext) *EVM {
	return &EVM{engine: e, state: state, block: block}
}

// EVM runs calls and creates, one at a time.
type EVM struct {
	engine *Engine
	state  State
	block  *BlockContext
	tx     TxContext
}

// SetState changes the state that later calls run on.
func (v *EVM) SetState(state State) { v.state = state }

// SetBlock changes the EVM block that later calls run in.
func (v *EVM) SetBlock(block *BlockContext) { v.block = block }

// SetTx sets the transaction that later calls belong to and takes back an
// earlier Cancel.
func (v *EVM) SetTx(tx TxContext) { v.tx = tx }

// Cancel makes the running call end soon with the halt Cancelled. It may be
// called from any goroutine and holds until the next SetTx.
func (v *EVM) Cancel() {}

// Call runs the code of msg.To, or the precompiled contract there.
func (v *EVM) Call(msg *Message) Result { panic("BUG: not built") }

// Create runs msg.Input as init code and deploys what it returns.
func (v *EVM) Create(msg *Message) Result { panic("BUG: not built") }
