package exec

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit"
)

// Contracts that simulations call; each returns one word unless said otherwise.
var programs = map[byte]string{
	0x70: "602035600035555f5fa000",                                                             // storeCode
	0x71: "60005460005260206000f3",                                                             // slot 0
	0x72: "4860005260206000f3",                                                                 // base fee
	0x73: "4260005260206000f3",                                                                 // timestamp
	0x74: "63deadbeef6000526004601cfd",                                                         // reverts with 4 bytes
	0x75: "5b600056",                                                                           // never ends
	0x76: "fe",                                                                                 // invalid opcode
	0x77: "3360005260206000f3",                                                                 // caller
	0x78: "5a620100001160085700" + "5b60006000fd",                                              // stops with little gas left, else reverts
	0x79: "6000600060006000600073aa0000000000000000000000000000000000007b620186a0f1600055",     // calls with 100,000 gas and stores
	0x7a: "5a62030d4010600a57fe5b00",                                                           // needs more than 200,000 gas
	0x7b: "60005b6001018061010010156002575000",                                                 // loops
	0x7c: "4360005260206000f3",                                                                 // number
	0x7d: "3a60005260206000f3",                                                                 // gas price
	0x7e: "600060006000600060027300000000000000000000000000000000000000045af160005260206000f3", // calls identity with value 2
}

func program(n byte) common.Address { return addr(n) }

func simulationAlloc() types.GenesisAlloc {
	alloc := testAlloc()
	for n, code := range programs {
		alloc[program(n)] = types.Account{Balance: big.NewInt(10), Code: common.FromHex(code), Nonce: 1, Storage: map[common.Hash]common.Hash{{}: {31: 42}}}
	}
	return alloc
}

func newTestSimulator() *Simulator {
	return NewSimulator(testConfig(jit.Osaka), chain.Limits{}, jit.New(jit.Config{}))
}

func callInput(to common.Address) *CallInput {
	return &CallInput{
		View:      allocView(simulationAlloc()),
		Header:    testHeader(),
		BlockHash: noBlockHash,
		Msg:       CallMsg{From: richAddr, To: &to},
		GasCap:    10_000_000,
	}
}

func TestCall(t *testing.T) {
	s := newTestSimulator()
	check := func(name string, to common.Address, change func(*CallInput), wantHalt jit.Halt, want []byte) {
		t.Helper()
		in := callInput(to)
		if change != nil {
			change(in)
		}
		got, err := s.Call(context.Background(), in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if got.Halt != wantHalt || !bytes.Equal(got.Output, want) {
			t.Errorf("%s: %q, output %x; want %q, %x", name, got.Failure(), got.Output, wantHalt, want)
		}
	}
	word := func(n uint64) []byte { b := uint256.NewInt(n).Bytes32(); return b[:] }
	slot := program(0x71)
	account := func(o AccountOverride) func(*CallInput) {
		return func(in *CallInput) { in.Accounts = map[common.Address]AccountOverride{*in.Msg.To: o} }
	}
	number, timestamp := uint256.NewInt(77), uint64(555)

	check("storage", slot, nil, jit.Success, word(42))
	check("base fee without a price", program(0x72), nil, jit.Success, word(0))
	check("base fee with a price", program(0x72), func(in *CallInput) { in.Msg.GasPrice = big.NewInt(9) }, jit.Success, word(7))
	check("gas price by fee cap", program(0x7d), func(in *CallInput) {
		in.Msg.GasFeeCap, in.Msg.GasTipCap = big.NewInt(100), big.NewInt(2)
	}, jit.Success, word(9))
	check("no price", program(0x7d), nil, jit.Success, word(0))
	check("caller", program(0x77), nil, jit.Success, common.LeftPadBytes(richAddr[:], 32))
	check("caller is a contract", program(0x77), func(in *CallInput) { in.Msg.From = contractAddr }, jit.Success, common.LeftPadBytes(contractAddr[:], 32))
	check("revert data", program(0x74), nil, jit.Reverted, []byte{0xde, 0xad, 0xbe, 0xef})
	check("invalid opcode", program(0x76), nil, jit.InvalidOpcode, nil)
	check("out of gas", program(0x75), nil, jit.OutOfGas, nil)
	check("timestamp", program(0x73), nil, jit.Success, word(1000))
	check("timestamp override", program(0x73), func(in *CallInput) { in.Block.Timestamp = &timestamp }, jit.Success, word(555))
	check("number override", program(0x7c), func(in *CallInput) { in.Block.Number = number }, jit.Success, word(77))
	check("base fee override", program(0x72), func(in *CallInput) {
		in.Block.BaseFee, in.Msg.GasPrice = uint256.NewInt(1234), big.NewInt(5000)
	}, jit.Success, word(1234))
	check("code override", slot, account(AccountOverride{Code: common.FromHex(programs[0x73])}), jit.Success, word(1000))
	check("storage override", slot, account(AccountOverride{Storage: map[common.Hash]common.Hash{{31: 9}: {31: 1}}}), jit.Success, word(0))
	check("slot override", slot, account(AccountOverride{StorageDiff: map[common.Hash]common.Hash{{}: {31: 1}}}), jit.Success, word(1))
	check("value to identity", program(0x7e), nil, jit.Success, word(1))
	check("value without funds", program(0x7e), account(AccountOverride{Balance: uint256.NewInt(1)}), jit.Success, word(0))
	identity, elsewhere := common.Address{19: 4}, addr(0x99)
	move := map[common.Address]AccountOverride{identity: {MovePrecompileTo: &elsewhere}}
	check("moved precompile", elsewhere, func(in *CallInput) { in.Accounts, in.Msg.Data = move, []byte{1, 2} }, jit.Success, []byte{1, 2})
	check("place of a moved precompile", identity, func(in *CallInput) { in.Accounts, in.Msg.Data = move, []byte{1, 2} }, jit.Success, nil)
	check("precompile where it belongs", identity, func(in *CallInput) { in.Msg.Data = []byte{1, 2} }, jit.Success, []byte{1, 2})
}

func TestCallErrors(t *testing.T) {
	s := newTestSimulator()
	check := func(name string, change func(*CallInput), want string) {
		t.Helper()
		in := callInput(program(0x71))
		change(in)
		if _, err := s.Call(context.Background(), in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v; want %q", name, err, want)
		}
	}
	check("too poor", func(in *CallInput) { in.Msg.From, in.Msg.Value = poorAddr, ether }, ErrInsufficientFunds.Error())
	check("price below base fee", func(in *CallInput) { in.Msg.GasPrice = big.NewInt(6) }, ErrFeeCapTooLow.Error())
	check("both prices", func(in *CallInput) { in.Msg.GasPrice, in.Msg.GasFeeCap = big.NewInt(6), big.NewInt(7) }, "both gasPrice and")
	check("negative value", func(in *CallInput) { in.Msg.Value = big.NewInt(-1) }, "cannot use value -1")
	check("too little gas", func(in *CallInput) { in.Msg.Gas = 20_000 }, "intrinsic gas too low: have 20000, want 21000 (supplied gas 20000)")
	check("blobs without recipient", func(in *CallInput) { in.Msg.To, in.Msg.BlobHashes = nil, []common.Hash{{1}} }, ErrBlobTxCreate.Error())
	check("both storages", func(in *CallInput) {
		in.Accounts = map[common.Address]AccountOverride{richAddr: {Storage: map[common.Hash]common.Hash{}, StorageDiff: map[common.Hash]common.Hash{}}}
	}, "has both 'state' and 'stateDiff'")
	check("move of no precompile", func(in *CallInput) {
		in.Accounts = map[common.Address]AccountOverride{richAddr: {MovePrecompileTo: &poorAddr}}
	}, "is not a precompile")
	check("block number of more than 64 bits", func(in *CallInput) { in.Block.Number = new(uint256.Int).Not(new(uint256.Int)) }, "more than 64 bits")
}

// TestCallsAreIndependent runs many calls at once on one simulator: none may see
// what another did or overrode.
func TestCallsAreIndependent(t *testing.T) {
	s := newTestSimulator()
	var group sync.WaitGroup
	for n := range byte(4) {
		group.Go(func() {
			in := callInput(program(0x71))
			if n > 0 {
				in.Accounts = map[common.Address]AccountOverride{program(0x71): {StorageDiff: map[common.Hash]common.Hash{{}: {31: n}}}}
			}
			want := []byte{42, 1, 2, 3}[n]
			for range 50 {
				got, err := s.Call(context.Background(), in)
				if err != nil || len(got.Output) != 32 || got.Output[31] != want {
					t.Errorf("call %d: %+v, %v; want %d", n, got, err, want)
				}
			}
		})
	}
	group.Wait()
}

func TestCancelledCall(t *testing.T) {
	s := newTestSimulator()
	in := callInput(program(0x75))
	in.GasCap = 0
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if got, err := s.Call(ctx, in); !errors.Is(err, context.Canceled) {
		t.Errorf("result is %+v, %v; want %v", got, err, context.Canceled)
	}
	if _, err := s.Call(ctx, in); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v; want %v", err, context.Canceled)
	}
	if _, err := s.EstimateGas(ctx, in); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v; want %v", err, context.Canceled)
	}
	if got, err := s.Call(context.Background(), callInput(program(0x71))); err != nil || got.Halt != jit.Success {
		t.Errorf("the call after a cancelled one: %+v, %v", got, err)
	}
}

// TestEstimatesAgainstReference wants go-ethereum's numbers, failures and texts.
func TestEstimatesAgainstReference(t *testing.T) {
	s := newTestSimulator()
	empty := addr(0xee)
	check := func(name string, to *common.Address, change func(*CallInput)) {
		t.Helper()
		in := callInput(common.Address{})
		in.Msg.To = to
		if change != nil {
			change(in)
		}
		checkEstimate(t, s, name, in)
	}
	for n := range programs {
		to := program(n)
		check("program "+to.Hex(), &to, nil)
		check("program with data "+to.Hex(), &to, func(in *CallInput) { in.Msg.Data = store(3, 4) })
	}
	store1 := program(0x70)
	check("transfer", &empty, func(in *CallInput) { in.Msg.Value = big.NewInt(1) })
	check("transfer with access list", &empty, func(in *CallInput) {
		in.Msg.Value, in.Msg.AccessList = big.NewInt(1), types.AccessList{{Address: storeAddr}}
	})
	check("refund", &store1, func(in *CallInput) { in.Msg.Data = store(0, 0) })
	check("create", nil, func(in *CallInput) { in.Msg.Data = common.FromHex("600a600c600039600a6000f3602035600035550000") })
	check("delegation", &delegateAddr, func(in *CallInput) { in.Msg.Data = store(3, 4) })
	check("price", &store1, func(in *CallInput) { in.Msg.Data, in.Msg.GasPrice = store(3, 4), big.NewInt(params.GWei) })
	check("price below base fee", &store1, func(in *CallInput) { in.Msg.GasPrice = big.NewInt(1) })
	check("little money", &store1, func(in *CallInput) {
		in.Msg.From, in.Msg.Data, in.Msg.GasPrice = poorAddr, store(3, 4), big.NewInt(20_000)
	})
	check("no money for the value", &store1, func(in *CallInput) { in.Msg.From, in.Msg.Value, in.Msg.GasPrice = poorAddr, ether, big.NewInt(7) })
	check("no money for the value, no price", &store1, func(in *CallInput) { in.Msg.From, in.Msg.Value = poorAddr, ether })
	check("nobody pays", &store1, func(in *CallInput) { in.Msg.From, in.Msg.GasPrice = empty, big.NewInt(7) })
	check("gas given", &store1, func(in *CallInput) { in.Msg.Data, in.Msg.Gas = store(3, 4), 30_000 })
	check("gas cap", &store1, func(in *CallInput) { in.Msg.Data, in.GasCap = store(3, 4), 30_000 })
	check("no gas cap", &store1, func(in *CallInput) { in.Msg.Data, in.GasCap = store(3, 4), 0 })
	check("set code", &poorAddr, func(in *CallInput) {
		in.Msg.AuthorizationList = []types.SetCodeAuthorization{auth(poorKey, 1337, 0, storeAddr)}
		in.Msg.Data = store(5, 6)
	})
	check("empty authorization list", &poorAddr, func(in *CallInput) { in.Msg.AuthorizationList = []types.SetCodeAuthorization{} })
}

func checkEstimate(t *testing.T, s *Simulator, name string, in *CallInput) {
	t.Helper()
	ref := newReference(t, s.config, in.Header, simulationAlloc())
	want, wantRevert, wantErr := ref.estimate(referenceMessage(in), in.GasCap)
	got, err := s.EstimateGas(context.Background(), in)
	if err != nil {
		if wantErr == nil || err.Error() != wantErr.Error() {
			t.Errorf("%s: error is %v; want %v", name, err, wantErr)
		}
		return
	}
	var invalid *vm.ErrInvalidOpCode
	switch {
	case got.Halt == jit.Reverted:
		if !errors.Is(wantErr, vm.ErrExecutionReverted) || !bytes.Equal(got.Output, wantRevert) {
			t.Errorf("%s: reverted with %x; want %x, %v", name, got.Output, wantRevert, wantErr)
		}
	case got.Halt == jit.InvalidOpcode:
		if !errors.As(wantErr, &invalid) {
			t.Errorf("%s: invalid opcode; want %v", name, wantErr)
		}
	case got.Halt != jit.Success:
		if wantErr == nil || got.Failure() != wantErr.Error() {
			t.Errorf("%s: %s; want %v", name, got.Failure(), wantErr)
		}
	case wantErr != nil || got.Gas != want:
		t.Errorf("%s: %d gas; want %d, %v", name, got.Gas, want, wantErr)
	}
}

// referenceMessage is the input's message as go-ethereum's RPC makes it.
func referenceMessage(in *CallInput) *core.Message {
	big256 := func(b *big.Int) *uint256.Int {
		if b == nil {
			return new(uint256.Int)
		}
		return uint256.MustFromBig(b)
	}
	price := big256(in.Msg.GasPrice)
	msg := &core.Message{
		From: in.Msg.From, To: in.Msg.To, Value: big256(in.Msg.Value), GasLimit: in.Msg.Gas,
		GasPrice: price, GasFeeCap: price, GasTipCap: price,
		Data: in.Msg.Data, AccessList: in.Msg.AccessList, SetCodeAuthorizations: in.Msg.AuthorizationList,
	}
	return msg.SkipNonceCheck().SkipEOACheck().SkipGasLimitCapCheck()
}
