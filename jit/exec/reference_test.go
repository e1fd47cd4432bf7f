package exec

import (
	"context"
	"crypto/ecdsa"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus"
	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/gasestimator"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/mpt"
	"github.com/redline-evm/redline/jit"
)

// Keys and accounts that the tests of this package share.
var (
	richKey, richAddr         = testKey(1) // owns 1000 ether
	poorKey, poorAddr         = testKey(2) // owns 1 gwei
	contractKey, contractAddr = testKey(3) // has code, and yet a known key
	delegateKey, delegateAddr = testKey(4) // delegates to storeAddr
	coinbase                  = addr(0xcb)
	storeAddr                 = addr(0x51) // code of storeCode
)

func testKey(n byte) (*ecdsa.PrivateKey, common.Address) {
	key, err := crypto.ToECDSA(common.LeftPadBytes([]byte{n}, 32))
	if err != nil {
		panic(err)
	}
	return key, crypto.PubkeyToAddress(key.PublicKey)
}

var ether = big.NewInt(params.Ether)

// storeCode stores the call data's second word at the slot of its first, and
// logs it.
var storeCode = common.FromHex("602035600035555f5fa000")

func testConfig(fork jit.Fork) *params.ChainConfig {
	config := *params.MergedTestChainConfig
	config.BPO1Time, config.BPO2Time, config.BPO3Time, config.BPO4Time, config.BPO5Time = nil, nil, nil, nil, nil
	config.AmsterdamTime, config.OsakaTime, config.PragueTime = nil, nil, nil
	if fork >= jit.Prague {
		config.PragueTime = new(uint64)
	}
	if fork >= jit.Osaka {
		config.OsakaTime = new(uint64)
	}
	config.ChainID = big.NewInt(1337)
	return &config
}

func testHeader() *types.Header {
	excess := uint64(0)
	return &types.Header{
		Coinbase:      coinbase,
		Difficulty:    new(big.Int),
		Number:        big.NewInt(100),
		GasLimit:      40_000_000,
		Time:          1000,
		BaseFee:       big.NewInt(7),
		ExcessBlobGas: &excess,
	}
}

func testAlloc() types.GenesisAlloc {
	return types.GenesisAlloc{
		richAddr:     {Balance: new(big.Int).Mul(ether, big.NewInt(1000))},
		poorAddr:     {Balance: big.NewInt(params.GWei)},
		contractAddr: {Balance: ether, Code: storeCode, Nonce: 1},
		delegateAddr: {Balance: ether, Code: types.AddressToDelegation(storeAddr), Nonce: 5},
		storeAddr:    {Balance: new(big.Int), Code: storeCode, Nonce: 1, Storage: map[common.Hash]common.Hash{{31: 1}: {31: 1}}},
	}
}

// allocView is a view of an alloc.
func allocView(alloc types.GenesisAlloc) *mapView {
	view := newMapView()
	view.apply((&chain.Genesis{Alloc: alloc}).Diff())
	return view
}

func noBlockHash(uint64) common.Hash { return common.Hash{} }

// reference is the same state and block in go-ethereum.
type reference struct {
	config *params.ChainConfig
	header *types.Header
	state  *state.StateDB
	pool   *core.GasPool
}

func newReference(t testing.TB, config *params.ChainConfig, header *types.Header, alloc types.GenesisAlloc) *reference {
	db, err := state.New(types.EmptyRootHash, state.NewDatabaseForTesting())
	if err != nil {
		t.Fatal(err)
	}
	for addr, account := range alloc {
		db.SetBalance(addr, uint256.MustFromBig(account.Balance), tracing.BalanceChangeUnspecified)
		db.SetNonce(addr, account.Nonce, tracing.NonceChangeUnspecified)
		db.SetCode(addr, account.Code, tracing.CodeChangeUnspecified)
		for key, value := range account.Storage {
			db.SetState(addr, key, value)
		}
	}
	r := &reference{config: config, header: header, pool: core.NewGasPool(header.GasLimit)}
	root, err := db.Commit(r.rules(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if r.state, err = state.New(root, db.Database()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *reference) rules() params.Rules { return r.config.Rules(r.header.Number, true, r.header.Time) }

// Config, Engine and the embedded nil interface make a core.ChainContext.
type referenceChain struct {
	consensus.ChainHeaderReader
	config *params.ChainConfig
}

func (c referenceChain) Config() *params.ChainConfig { return c.config }
func (c referenceChain) Engine() consensus.Engine    { return beacon.New(nil) }

func (r *reference) apply(tx *types.Transaction) (*core.ExecutionResult, error) {
	msg, err := core.TransactionToMessage(tx, types.LatestSignerForChainID(r.config.ChainID), r.header.BaseFee)
	if err != nil {
		return nil, err
	}
	blockContext := core.NewEVMBlockContext(r.header, referenceChain{config: r.config}, &r.header.Coinbase)
	snapshot := r.state.Snapshot()
	result, err := core.ApplyMessage(vm.NewEVM(blockContext, r.state, r.config, vm.Config{}), msg, r.pool)
	if err != nil {
		r.state.RevertToSnapshot(snapshot)
	}
	r.state.Finalise(r.rules())
	return result, err
}

func (r *reference) root() common.Hash { return r.state.IntermediateRoot(r.rules()) }

func (r *reference) estimate(msg *core.Message, gasCap uint64) (uint64, []byte, error) {
	return gasestimator.Estimate(context.Background(), msg, &gasestimator.Options{
		Config:     r.config,
		Chain:      referenceChain{config: r.config},
		Header:     r.header,
		State:      r.state.Copy(),
		ErrorRatio: estimateErrorRatio,
	}, gasCap)
}

// rootOf is the state root of an alloc after a diff.
func rootOf(alloc types.GenesisAlloc, diff *chain.StateDiff) common.Hash {
	tr := mpt.New()
	tr.Update((&chain.Genesis{Alloc: alloc}).Diff())
	tr.Update(diff)
	return tr.Root()
}
