// Package reference runs calls on go-ethereum's EVM: the VM that ours is
// compared with in tests and benchmarks. No program executes a block with it.
//
// It does what jit does and no more: a call or create with given state, block
// and transaction, without intrinsic gas and fees.
package reference

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit"
)

// Setup is the world that a message meets.
type Setup struct {
	Alloc types.GenesisAlloc
	Block jit.BlockContext
	Tx    jit.TxContext
}

// Status is the part of a halt that the chain can see.
type Status uint8

// The statuses.
const (
	Success Status = iota
	Reverted
	Failed // all gas is gone
)

// StatusOf is the status of a halt.
func StatusOf(halt jit.Halt) Status {
	switch halt {
	case jit.Success:
		return Success
	case jit.Reverted:
		return Reverted
	}
	return Failed
}

func (s Status) String() string { return [...]string{"success", "reverted", "failed"}[s] }

// Result is the outcome of a message.
type Result struct {
	Status  Status
	GasLeft uint64
	Refund  uint64 // zero unless Success
	Output  []byte
	Created common.Address
	Logs    []*types.Log
}

// VM is go-ethereum's EVM over a state of its own. It belongs to one goroutine.
type VM struct {
	setup  *Setup
	state  *state.StateDB
	evm    *vm.EVM
	rules  params.Rules
	before int // snapshot to go back to
}

// New returns a VM in the given world.
func New(setup *Setup) (*VM, error) {
	db, err := state.New(types.EmptyRootHash, state.NewDatabaseForTesting())
	if err != nil {
		return nil, fmt.Errorf("cannot make an empty state: %w", err)
	}
	config := Config(setup.Block.Fork, setup.Block.ChainID)
	number := new(big.Int).SetUint64(setup.Block.Number)
	v := &VM{setup: setup, state: db, rules: config.Rules(number, true, setup.Block.Timestamp)}
	fill(db, setup.Alloc)
	db.Finalise(v.rules)
	v.evm = vm.NewEVM(blockContext(&setup.Block), db, config, vm.Config{})
	return v, nil
}

func fill(db *state.StateDB, alloc types.GenesisAlloc) {
	for addr, account := range alloc {
		if account.Balance != nil {
			db.AddBalance(addr, uint256.MustFromBig(account.Balance), tracing.BalanceChangeUnspecified)
		}
		db.SetNonce(addr, account.Nonce, tracing.NonceChangeUnspecified)
		db.SetCode(addr, account.Code, tracing.CodeChangeUnspecified)
		for key, value := range account.Storage {
			db.SetState(addr, key, value)
		}
	}
}

// Config is a chain configuration that is at the given fork from its genesis
// on.
func Config(fork jit.Fork, chainID uint64) *params.ChainConfig {
	config := *params.MergedTestChainConfig
	config.ChainID = new(big.Int).SetUint64(chainID)
	config.PragueTime, config.OsakaTime = nil, nil
	config.BPO1Time, config.BPO2Time, config.BPO3Time, config.BPO4Time, config.BPO5Time = nil, nil, nil, nil, nil
	config.AmsterdamTime, config.UBTTime = nil, nil
	if fork >= jit.Prague {
		config.PragueTime = new(uint64)
	}
	if fork >= jit.Osaka {
		config.OsakaTime = new(uint64)
	}
	return &config
}

func blockContext(block *jit.BlockContext) vm.BlockContext {
	return vm.BlockContext{
		CanTransfer: core.CanTransfer,
		Transfer:    core.Transfer,
		GetHash:     block.BlockHash,
		Coinbase:    block.Coinbase,
		GasLimit:    block.GasLimit,
		BlockNumber: new(big.Int).SetUint64(block.Number),
		Time:        block.Timestamp,
		Difficulty:  new(big.Int),
		BaseFee:     block.BaseFee.ToBig(),
		BlobBaseFee: block.BlobBaseFee.ToBig(),
		Random:      &block.PrevRandao,
	}
}

// Prepare begins a transaction: sender, callee, coinbase and precompiled
// contracts are warm.
func (v *VM) Prepare(msg *jit.Message, create bool) {
	to := &msg.To
	if create {
		to = nil
	}
	v.before = v.state.Snapshot()
	v.state.Prepare(v.rules, msg.Caller, v.setup.Block.Coinbase, to, vm.ActivePrecompiles(v.rules), nil)
	v.evm.SetTxContext(vm.TxContext{
		Origin:     v.setup.Tx.Origin,
		GasPrice:   &v.setup.Tx.GasPrice,
		BlobHashes: v.setup.Tx.BlobHashes,
	})
}

// Warm makes an account warm, as the target of the callee's delegation is.
func (v *VM) Warm(addr common.Address) { v.state.AddAddressToAccessList(addr) }

// Call runs a call. It must follow Prepare.
func (v *VM) Call(msg *jit.Message) Result {
	output, gas, err := v.evm.Call(msg.Caller, msg.To, msg.Input, vm.NewGasBudget(msg.Gas, 0), &msg.Value)
	return v.result(output, gas.ExecutionGas, err)
}

// Create runs a create. It must follow Prepare.
func (v *VM) Create(msg *jit.Message) Result {
	output, created, gas, err := v.evm.Create(msg.Caller, msg.Input, vm.NewGasBudget(msg.Gas, 0), &msg.Value)
	result := v.result(output, gas.ExecutionGas, err)
	result.Created = created
	return result
}

func (v *VM) result(output []byte, gasLeft uint64, err error) Result {
	r := Result{GasLeft: gasLeft}
	switch {
	case err == nil:
		r.Status, r.Output, r.Refund = Success, output, v.state.GetRefund()
	case errors.Is(err, vm.ErrExecutionReverted):
		r.Status, r.Output = Reverted, output
	default:
		r.Status = Failed
	}
	return r
}

// Logs returns the logs since Prepare.
func (v *VM) Logs() []*types.Log { return v.state.Logs() }

// Storage reads a slot.
func (v *VM) Storage(addr common.Address, key common.Hash) common.Hash {
	return v.state.GetState(addr, key)
}

// Transient reads a slot of transient storage.
func (v *VM) Transient(addr common.Address, key common.Hash) common.Hash {
	return v.state.GetTransientState(addr, key)
}

// Account reads an account; all is zero for an empty one.
func (v *VM) Account(addr common.Address) (nonce uint64, balance *uint256.Int, codeHash common.Hash) {
	if v.state.Empty(addr) {
		return 0, new(uint256.Int), common.Hash{}
	}
	return v.state.GetNonce(addr), v.state.GetBalance(addr), v.state.GetCodeHash(addr)
}

// Destroyed reports whether the account vanishes with the transaction.
func (v *VM) Destroyed(addr common.Address) bool { return v.state.HasSelfDestructed(addr) }

// Checkpoint returns what Revert goes back to. Transactions may lie between.
func (v *VM) Checkpoint() int { return v.state.Snapshot() }

// Revert takes back all changes since the checkpoint.
func (v *VM) Revert(checkpoint int) { v.state.RevertToSnapshot(checkpoint) }

// SetCode sets an account's code.
func (v *VM) SetCode(addr common.Address, code []byte) {
	v.state.SetCode(addr, code, tracing.CodeChangeUnspecified)
}

// Undo takes back all changes since Prepare.
func (v *VM) Undo() { v.state.RevertToSnapshot(v.before) }
