package evmbench

import (
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/reference"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
)

// Engines names the engines that can run code.
var Engines = []string{"interp", native, peer}

const (
	native = "native"
	peer   = "geth" // what the ratios are against
)

// enginesHere are the engines that this system can run.
func enginesHere() []string {
	here := slices.Clone(Engines)
	if jit.New(jit.Config{Native: jit.NativeEager}).NativeError() != nil {
		here = slices.DeleteFunc(here, func(name string) bool { return name == native })
	}
	return here
}

// machine runs one message again and again from the same state.
type machine interface {
	// prepare begins a transaction for the message.
	prepare()
	// run runs the message.
	run() reference.Result
	// undo goes back to the state before prepare.
	undo()
	// logs returns the logs since prepare.
	logs() []*types.Log
}

// newMachine returns a machine of the named engine.
func newMachine(engine string, fork jit.Fork, c *Case) (machine, error) {
	return newMachineOf(engine, fork, c, jit.Config{})
}

// newMachineOf is newMachine with settings for an engine of ours.
func newMachineOf(engine string, fork jit.Fork, c *Case, cfg jit.Config) (machine, error) {
	setup := &reference.Setup{Alloc: c.Alloc, Block: blockContext(fork), Tx: jit.TxContext{Origin: c.Message.Caller}}
	switch engine {
	case "interp":
		return newOurs(setup, &c.Message, cfg)
	case native:
		cfg.Native = jit.NativeEager
		return newOurs(setup, &c.Message, cfg)
	case peer:
		vm, err := reference.New(setup)
		return &geth{vm: vm, msg: &c.Message}, err
	}
	return nil, fmt.Errorf("cannot run engine %q: want one of %q", engine, Engines)
}

// blockContext is the EVM block that cases run in.
func blockContext(fork jit.Fork) jit.BlockContext {
	return jit.BlockContext{
		Fork:        fork,
		ChainID:     1,
		Number:      1,
		Timestamp:   1,
		GasLimit:    1 << 60,
		BlobBaseFee: *uint256.NewInt(1),
		BlockHash:   func(uint64) common.Hash { return common.Hash{} },
		CodeSizeMax: params.MaxCodeSize,
	}
}

// ours is our engine over a journal.
type ours struct {
	evm     *jit.EVM
	journal *exec.Journal
	setup   *reference.Setup
	msg     *jit.Message
	before  int // checkpoint
	halt    jit.Halt
}

func newOurs(setup *reference.Setup, msg *jit.Message, cfg jit.Config) (*ours, error) {
	engine := jit.New(cfg)
	if err := engine.NativeError(); err != nil {
		return nil, fmt.Errorf("cannot run native code: %w", err)
	}
	journal := AllocJournal(setup.Alloc)
	journal.KeepWarm(jit.Precompiles(setup.Block.Fork))
	evm := engine.NewEVM(journal, &setup.Block)
	return &ours{evm: evm, journal: journal, setup: setup, msg: msg}, nil
}

func (o *ours) prepare() {
	o.before = o.journal.Checkpoint()
	for _, addr := range []common.Address{o.msg.Caller, o.msg.To, o.setup.Block.Coinbase} {
		o.journal.WarmAccount(&addr)
	}
	o.evm.SetTx(o.setup.Tx)
}

func (o *ours) run() reference.Result {
	r := o.evm.Call(o.msg)
	o.halt = r.Halt
	return reference.Result{Status: reference.StatusOf(r.Halt), GasLeft: r.GasLeft, Refund: r.Refund, Output: r.Output}
}

func (o *ours) undo() { o.journal.Revert(o.before) }

func (o *ours) logs() []*types.Log { return o.journal.Logs() }

// geth is go-ethereum's EVM.
type geth struct {
	vm  *reference.VM
	msg *jit.Message
}

func (g *geth) prepare()              { g.vm.Prepare(g.msg, false) }
func (g *geth) run() reference.Result { return g.vm.Call(g.msg) }
func (g *geth) undo()                 { g.vm.Undo() }
func (g *geth) logs() []*types.Log    { return g.vm.Logs() }

// AllocJournal returns a journal in which the accounts of alloc exist and
// nothing has been changed since.
func AllocJournal(alloc types.GenesisAlloc) *exec.Journal {
	journal := exec.NewJournal(nothing{})
	for addr, account := range alloc {
		if account.Balance != nil {
			journal.SetBalance(addr, uint256.MustFromBig(account.Balance))
		}
		if account.Nonce != 0 {
			journal.SetNonce(addr, account.Nonce)
		}
		if len(account.Code) > 0 {
			journal.SetCode(addr, account.Code)
		}
		for key, value := range account.Storage {
			journal.SetStorage(&addr, new(uint256.Int).SetBytes32(key[:]), new(uint256.Int).SetBytes32(value[:]), new(jit.SlotChange))
		}
	}
	journal.Finish()
	journal.Diff()
	return journal
}

// nothing is the empty state.
type nothing struct{}

// Account implements exec.StateView.
func (nothing) Account(common.Address) (chain.Account, bool) { return chain.Account{}, false }

// Storage implements exec.StateView.
func (nothing) Storage(common.Address, uint256.Int) uint256.Int { return uint256.Int{} }

// Code implements exec.StateView.
func (nothing) Code(common.Hash) []byte { return nil }
