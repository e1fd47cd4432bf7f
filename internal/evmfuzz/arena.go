package evmfuzz

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/internal/reference"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
)

// engines are what programs run on.
type engines struct {
	interp *jit.Engine
	native *jit.Engine // nil: not compared
	geth   bool
}

// arena is one world of a fork with an EVM of each engine in it. It is used for
// many worlds, which differ in the code of their contracts.
type arena struct {
	setup    *reference.Setup
	journal  *exec.Journal
	recorder *jit.Recorder
	interp   *jit.EVM
	native   *jit.EVM      // or nil
	geth     *reference.VM // or nil
	worlds   int           // that it was used for
}

func newArena(fork jit.Fork, e *engines) *arena {
	a := &arena{setup: setup(fork)}
	a.journal = evmbench.AllocJournal(a.setup.Alloc)
	a.journal.KeepWarm(jit.Precompiles(fork))
	a.recorder = jit.NewRecorder(a.journal)
	a.interp = a.newEVM(e.interp)
	if e.native != nil {
		a.native = a.newEVM(e.native)
	}
	if e.geth {
		vm, err := reference.New(a.setup)
		if err != nil {
			panic(fmt.Sprintf("BUG: %v", err)) // the state is in memory
		}
		a.geth = vm
	}
	return a
}

func (a *arena) newEVM(engine *jit.Engine) *jit.EVM {
	evm := engine.NewEVM(a.recorder, &a.setup.Block)
	evm.SetTx(a.setup.Tx)
	return evm
}

// open puts code on the contracts until the world is closed.
func (a *arena) open(codes *[len(contracts)][]byte) (closeWorld func()) {
	a.worlds++
	before := a.journal.Checkpoint()
	for i, code := range codes {
		a.journal.SetCode(contracts[i], code)
	}
	gethBefore := 0
	if a.geth != nil {
		gethBefore = a.geth.Checkpoint()
		for i, code := range codes {
			a.geth.SetCode(contracts[i], code)
		}
	}
	return func() {
		a.journal.Revert(before)
		if a.geth != nil {
			a.geth.Revert(gethBefore)
		}
	}
}

// outcome is what a run did.
type outcome struct {
	reference.Result
	effects *jit.Effects
}

// run runs a message on one of our EVMs and takes back what it did.
func (a *arena) run(evm *jit.EVM, c *Case) *outcome {
	before := a.journal.Checkpoint()
	defer a.journal.Revert(before)
	a.journal.WarmAccount(&c.Message.Caller)
	a.journal.WarmAccount(&coinbase)
	if !c.Create {
		a.journal.WarmAccount(&c.Message.To)
	}
	a.recorder.Reset()
	var r jit.Result
	if c.Create {
		r = evm.Create(&c.Message)
	} else {
		r = evm.Call(&c.Message)
	}
	return &outcome{
		reference.Result{
			Status: reference.StatusOf(r.Halt), GasLeft: r.GasLeft, Refund: r.Refund,
			Output: bytes.Clone(r.Output), Created: r.Created,
		},
		a.recorder.Effects(),
	}
}

// peers says what a case is compared with beside the interpreter.
type peers struct{ native, geth bool }

// check runs a case on the interpreter and its peers. The error says in what
// they differ.
func (a *arena) check(c *Case, with peers) (want *outcome, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	want = a.run(a.interp, c)
	if with.native && a.native != nil {
		a.native.SetGasSlice(c.Slice)
		if err := compare(a.run(a.native, c), want); err != nil {
			return want, fmt.Errorf("native code in slices of %d gas: %w", c.Slice, err)
		}
	}
	if with.geth && a.geth != nil {
		if err := a.checkGeth(c, want); err != nil {
			return want, fmt.Errorf("interpreter, compared with go-ethereum: %w", err)
		}
	}
	return want, nil
}

// compare says in what two runs differ.
func compare(got, want *outcome) error {
	if err := compareResults(&got.Result, &want.Result); err != nil {
		return err
	}
	if !got.effects.Equal(want.effects) {
		return fmt.Errorf("got effects %s; want %s", describe(got.effects), describe(want.effects))
	}
	return nil
}

func compareResults(got, want *reference.Result) error {
	if got.Status != want.Status || got.GasLeft != want.GasLeft || got.Refund != want.Refund || !bytes.Equal(got.Output, want.Output) {
		return fmt.Errorf("got %v, gas left %d, refund %d, output %x; want %v, %d, %d, %x",
			got.Status, got.GasLeft, got.Refund, got.Output, want.Status, want.GasLeft, want.Refund, want.Output)
	}
	return nil
}

// checkGeth runs the case on go-ethereum's EVM and compares.
func (a *arena) checkGeth(c *Case, ours *outcome) error {
	a.geth.Prepare(&c.Message, c.Create)
	defer a.geth.Undo()
	run := a.geth.Create
	if !c.Create {
		run = a.geth.Call
		if target, ok := delegations[c.Message.To]; ok && a.setup.Block.Fork >= jit.Prague {
			a.geth.Warm(target)
		}
	}
	want := run(&c.Message)
	if err := compareResults(&ours.Result, &want); err != nil {
		return err
	}
	if err := compareLogs(ours.effects.Logs, a.geth.Logs()); err != nil {
		return err
	}
	return a.compareState(ours.effects)
}

func compareLogs(got []jit.LogEffect, want []*types.Log) error {
	if len(got) != len(want) {
		return fmt.Errorf("got %d logs; want %d", len(got), len(want))
	}
	for i, w := range want {
		if g := &got[i]; g.Address != w.Address || !bytes.Equal(g.Data, w.Data) || fmt.Sprint(g.Topics) != fmt.Sprint(w.Topics) {
			return fmt.Errorf("got log %v; want %v", g, w)
		}
	}
	return nil
}

// compareState compares what our run wrote, and watched accounts and slots, with
// go-ethereum's state.
func (a *arena) compareState(e *jit.Effects) error {
	for _, addr := range watched {
		if err := a.compareAccount(a.expected(e, addr)); err != nil {
			return err
		}
	}
	for i := range e.Accounts {
		if err := a.compareAccount(e.Accounts[i]); err != nil {
			return err
		}
	}
	for _, addr := range contracts {
		for key := range uint64(slotKeys) {
			slot := jit.SlotEffect{Address: addr, Key: *uint256.NewInt(key), Value: *uint256.NewInt(slotValue(key))}
			if err := a.compareSlot(e.Slots, slot); err != nil {
				return err
			}
		}
	}
	for _, slot := range e.Slots {
		if err := a.compareSlot(nil, slot); err != nil {
			return err
		}
	}
	for _, slot := range e.Transient {
		if got := a.geth.Transient(slot.Address, slot.Key.Bytes32()); got != slot.Value.Bytes32() {
			return fmt.Errorf("transient slot %s of %s: got %s; want %s", slot.Key.Hex(), slot.Address, slot.Value.Hex(), got)
		}
	}
	for _, addr := range e.Destroyed {
		if _, old := a.setup.Alloc[addr]; a.geth.Destroyed(addr) == old {
			return fmt.Errorf("account %s: destroyed by our run; not so by go-ethereum's", addr)
		}
	}
	return nil
}

// expected is the account as the effects say, or as it is without any.
func (a *arena) expected(e *jit.Effects, addr common.Address) jit.AccountEffect {
	for i := range e.Accounts {
		if e.Accounts[i].Address == addr {
			return e.Accounts[i]
		}
	}
	account := jit.AccountEffect{Address: addr, Nonce: a.journal.Nonce(addr), CodeHash: a.journal.CodeHash(&addr)}
	a.journal.Balance(&addr, &account.Balance)
	return account
}

func (a *arena) compareAccount(got jit.AccountEffect) error {
	nonce, balance, codeHash := a.geth.Account(got.Address)
	if got.Nonce != nonce || !got.Balance.Eq(balance) || got.CodeHash != codeHash {
		return fmt.Errorf("account %s: got nonce %d, balance %s, code hash %s; want %d, %s, %s",
			got.Address, got.Nonce, got.Balance.Dec(), got.CodeHash, nonce, balance.Dec(), codeHash)
	}
	return nil
}

// compareSlot compares a slot, whose value may be another by the effects.
func (a *arena) compareSlot(effects []jit.SlotEffect, slot jit.SlotEffect) error {
	for _, effect := range effects {
		if effect.Address == slot.Address && effect.Key == slot.Key {
			slot.Value = effect.Value
		}
	}
	if want := a.geth.Storage(slot.Address, slot.Key.Bytes32()); slot.Value.Bytes32() != want {
		return fmt.Errorf("slot %s of %s: got %s; want %s", slot.Key.Hex(), slot.Address, slot.Value.Hex(), want)
	}
	return nil
}

// describe is the effects as text.
func describe(e *jit.Effects) string {
	text, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot encode effects: %v", err))
	}
	return string(text)
}
