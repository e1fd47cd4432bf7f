package exec

import (
	"crypto/ecdsa"
	"math"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit"
)

// txCase is a transaction that this package and go-ethereum must treat alike:
// same refusal in the same words, or same gas, status and state.
type txCase struct {
	name string
	key  *ecdsa.PrivateKey
	tx   types.TxData
	on   []jit.Fork // nil for all
}

func legacy(nonce, gas uint64, to *common.Address, value *big.Int, data ...byte) *types.LegacyTx {
	return &types.LegacyTx{Nonce: nonce, Gas: gas, GasPrice: big.NewInt(10), To: to, Value: value, Data: data}
}

func dynamic(tip, feeCap int64) *types.DynamicFeeTx {
	return &types.DynamicFeeTx{ChainID: big.NewInt(1337), Gas: 21000, To: &coinbase, GasTipCap: big.NewInt(tip), GasFeeCap: big.NewInt(feeCap), Value: new(big.Int)}
}

func blob(feeCap uint64, hashes ...common.Hash) *types.BlobTx {
	return &types.BlobTx{
		ChainID: uint256.NewInt(1337), Gas: 100_000, To: storeAddr, GasTipCap: uint256.NewInt(1), GasFeeCap: uint256.NewInt(10),
		Value: new(uint256.Int), BlobFeeCap: uint256.NewInt(feeCap), BlobHashes: hashes, Data: make([]byte, 64),
	}
}

func setCode(to common.Address, data []byte, auths ...types.SetCodeAuthorization) *types.SetCodeTx {
	return &types.SetCodeTx{
		ChainID: uint256.NewInt(1337), Gas: 300_000, To: to, GasTipCap: uint256.NewInt(1), GasFeeCap: uint256.NewInt(10),
		Value: uint256.NewInt(1), Data: data, AuthList: auths,
	}
}

func auth(key *ecdsa.PrivateKey, chainID, nonce uint64, target common.Address) types.SetCodeAuthorization {
	signed, err := types.SignSetCode(key, types.SetCodeAuthorization{ChainID: *uint256.NewInt(chainID), Address: target, Nonce: nonce})
	if err != nil {
		panic(err)
	}
	return signed
}

// store is call data for storeCode.
func store(key, value byte) []byte {
	data := make([]byte, 64)
	data[31], data[63] = key, value
	return data
}

func txCases() []txCase {
	beforeOsaka := []jit.Fork{jit.Cancun, jit.Prague}
	goodHash, badHash := common.Hash{0: 1}, common.Hash{0: 2}
	huge := new(big.Int).Lsh(big.NewInt(1), 255)
	accessList := &types.AccessListTx{
		ChainID: big.NewInt(1337), Gas: 100_000, GasPrice: big.NewInt(9), To: &storeAddr, Value: new(big.Int), Data: store(1, 9),
		AccessList: types.AccessList{{Address: storeAddr, StorageKeys: []common.Hash{{31: 1}, {31: 2}}}, {Address: addr(77)}},
	}
	invalidAuth := auth(poorKey, 1337, 0, storeAddr)
	invalidAuth.V = 9
	newAddr, emptyAddr := addr(0x60), common.Address{}
	return []txCase{
		{name: "transfer to a new account", key: richKey, tx: legacy(0, 21000, &newAddr, big.NewInt(5))},
		{name: "transfer of nothing to nobody", key: richKey, tx: legacy(0, 21000, &newAddr, new(big.Int))},
		{name: "transfer to itself", key: richKey, tx: legacy(0, 21000, &richAddr, big.NewInt(5))},
		{name: "transfer to the coinbase", key: richKey, tx: legacy(0, 21000, &coinbase, big.NewInt(5))},
		{name: "call a precompile", key: richKey, tx: legacy(0, 30000, &common.Address{19: 4}, big.NewInt(1), 1, 2, 3)},
		{name: "store and log", key: richKey, tx: legacy(0, 100_000, &storeAddr, new(big.Int), store(2, 3)...)},
		{name: "clear a slot for a refund", key: richKey, tx: legacy(0, 100_000, &storeAddr, new(big.Int), store(1, 0)...)},
		{name: "out of gas", key: richKey, tx: legacy(0, 23000, &storeAddr, new(big.Int), store(2, 3)...)},
		{name: "data floor", key: richKey, tx: legacy(0, 100_000, &newAddr, new(big.Int), make([]byte, 1000)...)},
		{name: "create", key: richKey, tx: legacy(0, 200_000, nil, big.NewInt(3), common.FromHex("600a600c600039600a6000f3602035600035550000")...)},
		{name: "create that reverts", key: richKey, tx: legacy(0, 200_000, nil, big.NewInt(3), common.FromHex("60006000fd")...)},
		{name: "create that destroys itself", key: richKey, tx: legacy(0, 200_000, nil, big.NewInt(3), common.FromHex("600160005530ff")...)},
		{name: "access list", key: richKey, tx: accessList},
		{name: "dynamic fee", key: richKey, tx: dynamic(2, 100)},
		{name: "dynamic fee at the cap", key: richKey, tx: dynamic(5, 9)},
		{name: "blobs", key: richKey, tx: blob(1, goodHash, goodHash)},
		{name: "set code", key: richKey, tx: setCode(poorAddr, store(4, 5), auth(poorKey, 1337, 0, storeAddr))},
		{name: "set code for any chain, twice", key: richKey, tx: setCode(poorAddr, store(4, 5), auth(poorKey, 0, 0, addr(9)), auth(poorKey, 0, 1, storeAddr))},
		{name: "set code of the sender", key: richKey, tx: setCode(richAddr, store(4, 5), auth(richKey, 1337, 1, storeAddr))},
		{name: "change and clear a delegation", key: richKey, tx: setCode(delegateAddr, store(4, 5), auth(delegateKey, 1337, 5, addr(9)), auth(delegateKey, 1337, 6, emptyAddr))},
		{name: "authorizations that do not hold", key: richKey, tx: setCode(poorAddr, nil,
			auth(poorKey, 1, 0, storeAddr), auth(poorKey, 1337, 7, storeAddr), auth(contractKey, 1337, 1, storeAddr), auth(poorKey, 1337, math.MaxUint64, storeAddr), invalidAuth)},
		{name: "call a delegation", key: richKey, tx: legacy(0, 100_000, &delegateAddr, big.NewInt(1), store(2, 3)...)},
		{name: "send from a delegation", key: delegateKey, tx: legacy(5, 100_000, &storeAddr, big.NewInt(1), store(2, 3)...)},

		{name: "nonce too low", key: delegateKey, tx: legacy(4, 21000, &newAddr, new(big.Int))},
		{name: "nonce too high", key: richKey, tx: legacy(1, 21000, &newAddr, new(big.Int))},
		{name: "sender is a contract", key: contractKey, tx: legacy(1, 21000, &newAddr, new(big.Int))},
		{name: "gas above the transaction cap", key: richKey, tx: legacy(0, params.MaxTxGas+1, &newAddr, new(big.Int))},
		{name: "gas above the block's", key: richKey, tx: legacy(0, 40_000_001, &newAddr, new(big.Int)), on: beforeOsaka},
		{name: "fee cap below the base fee", key: richKey, tx: dynamic(1, 6)},
		{name: "tip above the fee cap", key: richKey, tx: dynamic(11, 10)},
		{name: "no gas", key: richKey, tx: legacy(0, 0, &newAddr, new(big.Int))},
		{name: "too little gas", key: richKey, tx: legacy(0, 20999, &newAddr, new(big.Int))},
		{name: "too little gas for the data floor", key: richKey, tx: legacy(0, 30000, &newAddr, new(big.Int), make([]byte, 1000)...)},
		{name: "too poor for the gas", key: poorKey, tx: legacy(0, 10_000_000_000/20, &newAddr, big.NewInt(1)), on: beforeOsaka},
		{name: "too poor for the value", key: poorKey, tx: legacy(0, 21000, &newAddr, ether)},
		{name: "cost overflows", key: richKey, tx: &types.LegacyTx{Gas: 21000, GasPrice: huge, To: &newAddr, Value: huge}},
		{name: "init code too long", key: richKey, tx: legacy(0, 10_000_000, nil, new(big.Int), make([]byte, params.MaxInitCodeSize+1)...)},
		{name: "no blobs", key: richKey, tx: blob(1)},
		{name: "bad blob hash", key: richKey, tx: blob(1, goodHash, badHash)},
		{name: "too many blobs", key: richKey, tx: blob(1, goodHash, goodHash, goodHash, goodHash, goodHash, goodHash, goodHash), on: []jit.Fork{jit.Osaka}},
		{name: "blob fee cap too low", key: richKey, tx: blob(0, goodHash)},
		{name: "no authorizations", key: richKey, tx: setCode(poorAddr, nil)},
	}
}

func TestTransactionsAgainstReference(t *testing.T) {
	for _, c := range txCases() {
		if c.on == nil {
			c.on = []jit.Fork{jit.Cancun, jit.Prague, jit.Osaka}
		}
		for _, fork := range c.on {
			t.Run(c.name, func(t *testing.T) { checkTransaction(t, fork, &c) })
		}
	}
}

func checkTransaction(t *testing.T, fork jit.Fork, c *txCase) {
	config, header, alloc := testConfig(fork), testHeader(), testAlloc()
	tx, err := types.SignNewTx(c.key, types.LatestSignerForChainID(config.ChainID), c.tx)
	if err != nil {
		t.Fatal(err)
	}
	ref := newReference(t, config, header, alloc)
	want, wantErr := ref.apply(tx)

	journal := NewJournal(allocView(alloc))
	block := NewBlock(config, header, jit.New(jit.Config{}), journal, noBlockHash)
	sender, err := types.Sender(types.LatestSignerForChainID(config.ChainID), tx)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := block.Apply(tx, sender)
	diff := journal.Diff()
	if root := rootOf(alloc, diff); root != ref.root() {
		t.Errorf("fork %d: root is %s; want %s\n%+v", fork, root, ref.root(), diff)
	}
	if wantErr != nil || err != nil {
		if err == nil || wantErr == nil || err.Error() != wantErr.Error() {
			t.Errorf("fork %d: error is %v; want %v", fork, err, wantErr)
		}
		if !diff.Empty() {
			t.Errorf("fork %d: a refused transaction changed the state: %+v", fork, diff)
		}
		return
	}
	if receipt.GasUsed != want.UsedGas || (receipt.Status == types.ReceiptStatusFailed) != want.Failed() {
		t.Errorf("fork %d: gas %d, status %d; want %d, failed %v", fork, receipt.GasUsed, receipt.Status, want.UsedGas, want.Failed())
	}
	if logs := ref.state.Logs(); len(logs) != len(receipt.Logs) {
		t.Errorf("fork %d: %d logs; want %d", fork, len(receipt.Logs), len(logs))
	}
}

// TestReceiptFields looks at what later parts read from a receipt.
func TestReceiptFields(t *testing.T) {
	config, header := testConfig(jit.Osaka), testHeader()
	block := NewBlock(config, header, jit.New(jit.Config{}), NewJournal(allocView(testAlloc())), noBlockHash)
	signer := types.LatestSignerForChainID(config.ChainID)
	var last *types.Receipt
	for nonce, data := range []types.TxData{
		legacy(0, 100_000, &storeAddr, new(big.Int), store(1, 2)...),
		legacy(1, 100_000, nil, new(big.Int)),
		&types.DynamicFeeTx{ChainID: config.ChainID, Nonce: 2, Gas: 100_000, To: &storeAddr, GasTipCap: big.NewInt(1), GasFeeCap: big.NewInt(100), Data: store(1, 3)},
	} {
		tx := types.MustSignNewTx(richKey, signer, data)
		receipt, err := block.Apply(tx, richAddr)
		if err != nil {
			t.Fatal(err)
		}
		if receipt.TxHash != tx.Hash() || receipt.TransactionIndex != uint(nonce) || receipt.CumulativeGasUsed != block.GasUsed() {
			t.Errorf("receipt %d is %+v", nonce, receipt)
		}
		last = receipt
	}
	if got, want := block.Receipts()[1].ContractAddress, crypto.CreateAddress(richAddr, 1); got != want {
		t.Errorf("contract address is %s; want %s", got, want)
	}
	if last.EffectiveGasPrice.Int64() != 8 || len(last.Logs) != 1 || last.Logs[0].Index != 1 || last.Logs[0].TxIndex != 2 || last.Logs[0].TxHash != last.TxHash {
		t.Errorf("last receipt is %+v, logs %+v; want price 8 and log 1 of transaction 2", last, last.Logs)
	}
	if !types.BloomLookup(last.Bloom, storeAddr) {
		t.Error("the bloom does not hold the log's address")
	}
	if block.LogCount() != 2 {
		t.Errorf("block has %d logs; want 2", block.LogCount())
	}
}

func TestLimitsOfTheChain(t *testing.T) {
	config := testConfig(jit.Osaka)
	block := NewBlock(config, testHeader(), jit.New(jit.Config{}), NewJournal(allocView(testAlloc())), noBlockHash)
	block.SetLimits(chain.Limits{TxGasLimit: 30_000_000, CodeSizeLimit: 1 << 17})
	signer := types.LatestSignerForChainID(config.ChainID)
	apply := func(nonce, gas uint64, data []byte) error {
		_, err := block.Apply(types.MustSignNewTx(richKey, signer, legacy(nonce, gas, nil, new(big.Int), data...)), richAddr)
		return err
	}
	if err := apply(0, 20_000_000, make([]byte, 200_000)); err != nil {
		t.Errorf("a transaction within the chain's own limits is refused: %v", err)
	}
	if err := apply(1, 30_000_001, nil); err == nil {
		t.Error("a transaction above the chain's own gas cap is accepted")
	}
}
