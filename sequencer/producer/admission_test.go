package producer

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
)

// TestRefusals checks the texts that clients match on; they are go-ethereum's.
func TestRefusals(t *testing.T) {
	key, to := testKeys[0], &common.Address{1}
	base := func(change func(*types.DynamicFeeTx)) *types.Transaction {
		tx := &types.DynamicFeeTx{
			ChainID: testChain.ChainID, Nonce: 5, Gas: params.TxGas, To: to, Value: new(big.Int),
			GasTipCap: big.NewInt(gwei), GasFeeCap: big.NewInt(2 * gwei),
		}
		change(tx)
		return sign(key, tx)
	}
	accounts := fundedAccounts()
	a := accounts[addressOf(key)]
	a.Nonce = 5
	accounts[addressOf(key)] = a
	p := newTestPool(accounts, PoolConfig{TipMin: 1})
	mustAdd(t, p, base(func(tx *types.DynamicFeeTx) {}))

	check := func(want string, tx *types.Transaction) {
		t.Helper()
		if err := p.Add(tx); err == nil || err.Error() != want {
			t.Errorf("got %v; want %s", err, want)
		}
		checkPool(t, p)
	}
	check("already known", base(func(tx *types.DynamicFeeTx) {}))
	check("nonce too low: next nonce 5, tx nonce 4", base(func(tx *types.DynamicFeeTx) { tx.Nonce = 4 }))
	check("nonce has max value", base(func(tx *types.DynamicFeeTx) { tx.Nonce = 1<<64 - 1 }))
	check("replacement transaction underpriced", base(func(tx *types.DynamicFeeTx) { tx.Value = big.NewInt(1) }))
	check("replacement transaction underpriced", base(func(tx *types.DynamicFeeTx) { // only one cap is 10 % higher
		tx.GasFeeCap = big.NewInt(3 * gwei)
	}))
	check("insufficient funds for gas * price + value: balance 1000000000000000000, tx cost 1000042000000000000, overshot 42000000000000",
		base(func(tx *types.DynamicFeeTx) { tx.Value = big.NewInt(params.Ether) }))
	check("insufficient funds for gas * price + value: balance 1000000000000000000, queued cost 42000000000000, tx cost 1000000000000000000, overshot 42000000000000",
		base(func(tx *types.DynamicFeeTx) { tx.Nonce, tx.Value = 6, big.NewInt(params.Ether-42_000*gwei) }))
	check("intrinsic gas too low: gas 20999, minimum needed 21000", base(func(tx *types.DynamicFeeTx) { tx.Gas-- }))
	check("insufficient gas for floor data gas cost: gas 21200, minimum needed 21400", base(func(tx *types.DynamicFeeTx) {
		tx.Gas, tx.Data = 21200, []byte("0123456789")
	}))
	check("transaction gas limit too high (cap: 16777216, tx: 16777217)", base(func(tx *types.DynamicFeeTx) { tx.Gas = 1<<24 + 1 }))
	check("max priority fee per gas higher than max fee per gas", base(func(tx *types.DynamicFeeTx) { tx.GasTipCap = big.NewInt(3 * gwei) }))
	check("max fee per gas higher than 2^256-1", base(func(tx *types.DynamicFeeTx) { tx.GasFeeCap = new(big.Int).Lsh(common.Big1, 256) }))
	check("transaction gas price below minimum: gas tip cap 0, minimum needed 1", base(func(tx *types.DynamicFeeTx) { tx.GasTipCap = new(big.Int) }))
	check("max initcode size exceeded: code size 49153 limit 49152", base(func(tx *types.DynamicFeeTx) {
		tx.To, tx.Gas, tx.Data = nil, 1<<24, make([]byte, 49153)
	}))
	check("oversized data: transaction size 131188, limit 131072", base(func(tx *types.DynamicFeeTx) { tx.Data = make([]byte, 128<<10) }))

	check("invalid sender: invalid chain id for signer: have 1 want 1337", types.MustSignNewTx(key, types.LatestSignerForChainID(common.Big1),
		&types.DynamicFeeTx{ChainID: common.Big1, Nonce: 5, Gas: params.TxGas, To: to, GasTipCap: common.Big1, GasFeeCap: common.Big1}))
	check("invalid sender: invalid transaction v, r, s values", types.NewTx(&types.LegacyTx{
		Nonce: 5, Gas: params.TxGas, To: to, GasPrice: big.NewInt(gwei), V: big.NewInt(27), R: common.Big1, S: new(big.Int),
	}))
	check("transaction type not supported: this chain takes no blob transactions (type 3); send the data as call data", sign(key, &types.BlobTx{
		ChainID: uint256.MustFromBig(testChain.ChainID), Nonce: 6, Gas: params.TxGas, GasTipCap: uint256.NewInt(1), GasFeeCap: uint256.NewInt(1),
		BlobFeeCap: uint256.NewInt(1), BlobHashes: []common.Hash{{1}},
	}))
	check("set code tx must have at least one authorization tuple", sign(key, &types.SetCodeTx{
		ChainID: uint256.MustFromBig(testChain.ChainID), Nonce: 6, Gas: params.TxGas, GasTipCap: uint256.NewInt(1), GasFeeCap: uint256.NewInt(1),
	}))

	p.SetHeader(&types.Header{Number: big.NewInt(1), Time: 1, GasLimit: 50_000, BaseFee: new(big.Int)})
	check("exceeds block gas limit", base(func(tx *types.DynamicFeeTx) { tx.Gas = 50_001 }))
}

func TestAdmittedTypes(t *testing.T) {
	p := newTestPool(fundedAccounts(), PoolConfig{})
	key, to, price := testKeys[0], &common.Address{1}, big.NewInt(2*gwei)
	auth, err := types.SignSetCode(testKeys[1], types.SetCodeAuthorization{Address: *to})
	if err != nil {
		t.Fatal(err)
	}
	unprotected := types.MustSignNewTx(key, types.HomesteadSigner{}, &types.LegacyTx{Nonce: 1, Gas: params.TxGas, To: to, GasPrice: price})
	mustAdd(t, p,
		sign(key, &types.LegacyTx{Nonce: 0, Gas: params.TxGas, To: to, GasPrice: price}),
		unprotected, // deployers of well-known contracts are signed without a chain id
		sign(key, &types.AccessListTx{ChainID: testChain.ChainID, Nonce: 2, Gas: params.TxGas, To: to, GasPrice: price}),
		transfer(key, 3, 1, 2),
		sign(key, &types.SetCodeTx{
			ChainID: uint256.MustFromBig(testChain.ChainID), Nonce: 4, Gas: 50_000, To: *to,
			GasTipCap: uint256.NewInt(gwei), GasFeeCap: uint256.NewInt(2 * gwei), AuthList: []types.SetCodeAuthorization{auth},
		}),
	)
	if got, want := takeAll(p), "0:0 0:1 0:2 0:3 0:4"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

// FuzzAdmission feeds bytes from outside to the pool.
func FuzzAdmission(f *testing.F) {
	for _, tx := range []*types.Transaction{
		transfer(testKeys[0], 0, 1, 9),
		transfer(testKeys[1], 3, 1, 9),
		sign(testKeys[2], &types.LegacyTx{Gas: params.TxGas, To: &common.Address{1}, GasPrice: big.NewInt(gwei)}),
		sign(testKeys[3], &types.LegacyTx{Gas: 1 << 23, Data: []byte(strings.Repeat("code", 100)), GasPrice: big.NewInt(gwei)}),
	} {
		raw, err := tx.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte{})
	f.Add([]byte{3, 0xc0})
	f.Add(mustHex("04f8"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var tx types.Transaction
		if tx.UnmarshalBinary(raw) != nil {
			return
		}
		p := newTestPool(fundedAccounts(), PoolConfig{BytesMax: 64 << 10})
		first := p.Add(&tx)
		second := p.Add(&tx)
		checkPool(t, p)
		if (first == nil) != (p.Get(tx.Hash()) != nil) || second == nil {
			t.Errorf("admitted with %v, then with %v", first, second)
		}
	})
}

func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// TestRefusalsAreGethsOwn compares what needs no state with go-ethereum's pool,
// text by text.
func TestRefusalsAreGethsOwn(t *testing.T) {
	p := newTestPool(fundedAccounts(), PoolConfig{TipMin: 1})
	head := testHeader(gwei)
	head.Difficulty = new(big.Int)
	opts := &txpool.ValidationOptions{
		Config: testChain, MaxSize: txBytesMin, MinTip: common.Big1,
		Accept: 1<<types.LegacyTxType | 1<<types.AccessListTxType | 1<<types.DynamicFeeTxType | 1<<types.SetCodeTxType,
	}
	random := rand.New(rand.NewPCG(3, 4))
	pick := func(values ...int64) int64 { return values[random.IntN(len(values))] }
	refused := map[string]bool{}
	for range 600 {
		data := make([]byte, pick(0, 0, 10, 1000, 49_152, 49_153, 131_072))
		for i := range data {
			data[i] = byte(random.IntN(2))
		}
		var to *common.Address
		if random.IntN(3) > 0 {
			to = &common.Address{1}
		}
		tx := sign(testKeys[0], &types.DynamicFeeTx{
			ChainID: testChain.ChainID, Nonce: uint64(pick(0, 1, -1)), To: to, Data: data, Value: big.NewInt(pick(0, 1)),
			Gas:       uint64(pick(20_999, 21_000, 21_400, 53_000, 100_000, 10_000_000, 1<<24, 1<<24+1, 31_000_000)),
			GasTipCap: big.NewInt(pick(0, 1, gwei)), GasFeeCap: big.NewInt(pick(0, 1, 2*gwei)),
		})
		_, got := p.examine(tx)
		want := txpool.ValidateTransaction(tx, head, p.signer, opts)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %v; want %v", got, want)
		}
		if want != nil {
			reason, _, _ := strings.Cut(want.Error(), ":")
			refused[reason] = true
		}
	}
	if len(refused) < 7 {
		t.Errorf("met only %v", refused)
	}
}
