package reference_test

import (
	"bytes"
	"fmt"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/internal/reference"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
)

var (
	sender   = common.HexToAddress("0xf0")
	coinbase = common.HexToAddress("0xc0")
	callee   = common.HexToAddress("0xca11ee")
	absent   = common.HexToAddress("0xab5e")
	empty    = common.Address{}
)

// pair runs messages on both VMs, ours on each of its tiers, from the same state
// each time.
type pair struct {
	setup   *reference.Setup
	vm      *reference.VM
	journal *exec.Journal
	evms    map[jit.Native]*jit.EVM
	watched []common.Address // accounts that code can easily reach
}

func newPair(tb testing.TB, fork jit.Fork, contracts map[common.Address][]byte) *pair {
	tb.Helper()
	setup := &reference.Setup{
		Alloc: types.GenesisAlloc{
			sender: {Balance: big.NewInt(1e18), Nonce: 7},
		},
		Block: jit.BlockContext{
			Fork: fork, ChainID: 1337, Number: 300, Timestamp: 1_700_000_000, GasLimit: 30_000_000,
			Coinbase: coinbase, PrevRandao: common.HexToHash("0xdada"),
			BaseFee: *uint256.NewInt(7), BlobBaseFee: *uint256.NewInt(3), CodeSizeMax: params.MaxCodeSize,
			BlockHash: func(n uint64) common.Hash { return common.BigToHash(new(big.Int).SetUint64(n + 1<<40)) },
		},
		Tx: jit.TxContext{
			Origin: sender, GasPrice: *uint256.NewInt(11),
			BlobHashes: []common.Hash{{0: 1, 31: 2}, {0: 1, 31: 3}},
		},
	}
	for addr, code := range contracts {
		setup.Alloc[addr] = types.Account{
			Code: code, Balance: big.NewInt(1000), Nonce: 1,
			Storage: map[common.Hash]common.Hash{
				common.BigToHash(common.Big1): common.BigToHash(big.NewInt(0x1111)),
				common.BigToHash(common.Big2): common.BigToHash(big.NewInt(0x2222)),
			},
		}
	}
	vm, err := reference.New(setup)
	if err != nil {
		tb.Fatal(err)
	}
	p := &pair{setup: setup, vm: vm, journal: evmbench.AllocJournal(setup.Alloc)}
	p.journal.KeepWarm(jit.Precompiles(fork))
	p.watched = []common.Address{sender, coinbase, absent, empty}
	for addr := range setup.Alloc {
		p.watched = append(p.watched, addr)
		for nonce := range uint64(3) {
			p.watched = append(p.watched, crypto.CreateAddress(addr, nonce))
		}
	}
	p.evms = map[jit.Native]*jit.EVM{}
	for tier, engine := range engines {
		if engine.NativeError() == nil {
			p.evms[tier] = engine.NewEVM(p.journal, &setup.Block)
		}
	}
	return p
}

// engines has one engine for each tier.
var engines = map[jit.Native]*jit.Engine{
	jit.NativeOff:   jit.New(jit.Config{}),
	jit.NativeEager: jit.New(jit.Config{Native: jit.NativeEager}),
}

// check runs a message on both VMs, compares all that can be seen after each tier
// of ours, and returns the gas used.
func (p *pair) check(tb testing.TB, what string, msg jit.Message, create bool) (gasUsed uint64) {
	tb.Helper()
	p.vm.Prepare(&msg, create)
	defer p.vm.Undo()
	warm := []common.Address{msg.Caller, coinbase}
	if !create {
		warm = append(warm, msg.To)
		if target, ok := types.ParseDelegation(p.setup.Alloc[msg.To].Code); ok && p.setup.Block.Fork >= jit.Prague {
			p.vm.Warm(target)
		}
	}
	run := p.vm.Call
	if create {
		run = p.vm.Create
	}
	want := run(&msg)
	for tier := range p.evms {
		p.checkTier(tb, fmt.Sprintf("%s, native %s", what, tier), tier, msg, create, warm, &want)
	}
	return msg.Gas - want.GasLeft
}

// checkTier runs a message on one tier and compares it with what the reference
// did.
func (p *pair) checkTier(tb testing.TB, what string, tier jit.Native, msg jit.Message, create bool, warm []common.Address, want *reference.Result) {
	tb.Helper()
	before := p.journal.Checkpoint()
	logsBefore := len(p.journal.Logs())
	defer p.journal.Revert(before)
	for _, addr := range warm {
		p.journal.WarmAccount(&addr)
	}
	evm := p.evms[tier]
	evm.SetTx(p.setup.Tx)
	run := evm.Call
	if create {
		run = evm.Create
	}
	got := run(&msg)
	describe := func(status reference.Status, gasLeft, refund uint64, output []byte) string {
		return fmt.Sprintf("%v, gas left %d, refund %d, output %x", status, gasLeft, refund, output)
	}
	wantText := describe(want.Status, want.GasLeft, want.Refund, want.Output)
	gotText := describe(reference.StatusOf(got.Halt), got.GasLeft, got.Refund, got.Output)
	if gotText != wantText {
		tb.Fatalf("%s, gas %d:\n got %s (%s)\nwant %s", what, msg.Gas, gotText, got.Halt, wantText)
	}
	p.compareLogs(tb, what, p.journal.Logs()[logsBefore:])
	p.compareState(tb, what, got.Created)
}

func (p *pair) compareLogs(tb testing.TB, what string, got []*types.Log) {
	tb.Helper()
	want := p.vm.Logs()
	if len(got) != len(want) {
		tb.Fatalf("%s: got %d logs; want %d", what, len(got), len(want))
	}
	for i := range got {
		if got[i].Address != want[i].Address || !bytes.Equal(got[i].Data, want[i].Data) ||
			fmt.Sprint(got[i].Topics) != fmt.Sprint(want[i].Topics) {
			tb.Fatalf("%s: log %d: got %v; want %v", what, i, got[i], want[i])
		}
	}
}

// compareState compares the watched accounts and their first slots.
func (p *pair) compareState(tb testing.TB, what string, created common.Address) {
	tb.Helper()
	for _, addr := range append(p.watched, created) {
		nonce, balance, code, _ := p.vm.Account(addr)
		var gotBalance uint256.Int
		p.journal.Balance(&addr, &gotBalance)
		gotCode, _ := p.journal.Code(&addr)
		if got := p.journal.Nonce(addr); got != nonce || !gotBalance.Eq(balance) || !bytes.Equal(gotCode, code) {
			tb.Fatalf("%s: account %s: got nonce %d, balance %s, code %x; want %d, %s, %x",
				what, addr, got, gotBalance.Dec(), gotCode, nonce, balance.Dec(), code)
		}
		for key := range uint64(4) {
			p.compareSlot(tb, what, addr, uint256.NewInt(key))
		}
	}
}

func (p *pair) compareSlot(tb testing.TB, what string, addr common.Address, key *uint256.Int) {
	tb.Helper()
	var got uint256.Int
	p.journal.Storage(&addr, key, &got)
	if want := p.vm.Storage(addr, key.Bytes32()); got.Bytes32() != want {
		tb.Fatalf("%s: slot %s of %s: got %s; want %s", what, key.Hex(), addr, got.Hex(), want.Hex())
	}
}
