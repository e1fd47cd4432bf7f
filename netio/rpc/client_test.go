package rpc

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// go-ethereum's client checks what it gets: roots against bodies, hashes
// against headers, required fields.

func TestClientReadsChain(t *testing.T) {
	for _, scheme := range []string{"http", "ws"} {
		t.Run(scheme, func(t *testing.T) {
			f := newFakeBackend()
			first, second := signTx(t, f, 7, []byte("one")), signTx(t, f, 8, []byte("two"))
			f.mine(first)
			sealed := f.seal()
			mini := f.mine(second)
			c := startServer(t, f, Config{}).ethClient(scheme)
			ctx := t.Context()

			if id, err := c.ChainID(ctx); err != nil || id.Cmp(f.config.ChainID) != 0 {
				t.Fatalf("chain id: got %v, %v", id, err)
			}
			if n, err := c.BlockNumber(ctx); err != nil || n != 2 {
				t.Fatalf("block number: got %d, %v; want the open block 2", n, err)
			}
			block, err := c.BlockByNumber(ctx, big.NewInt(1))
			if err != nil || block.Hash() != sealed || block.Transactions()[0].Hash() != first.Hash() {
				t.Fatalf("sealed block: got %v, %v", block, err)
			}
			if block, err = c.BlockByHash(ctx, sealed); err != nil || block.NumberU64() != 1 {
				t.Fatalf("block by hash: got %v, %v", block, err)
			}
			if block, err = c.BlockByNumber(ctx, nil); err != nil || block.NumberU64() != 2 || len(block.Transactions()) != 1 {
				t.Fatalf("open block: got %v, %v", block, err)
			}
			if header, err := c.HeaderByNumber(ctx, big.NewInt(-3)); err != nil || header.Hash() != sealed {
				t.Fatalf("finalized: got %v, %v", header, err)
			}
			receipt, err := c.TransactionReceipt(ctx, second.Hash())
			if err != nil || receipt.BlockHash != mini || receipt.BlockNumber.Uint64() != 2 || len(receipt.Logs) != 1 {
				t.Fatalf("receipt in the open block: got %+v, %v", receipt, err)
			}
			if tx, pending, err := c.TransactionByHash(ctx, second.Hash()); err != nil || pending || tx.Hash() != second.Hash() {
				t.Fatalf("transaction: got %v, %v, %v", tx, pending, err)
			}
			f.seal()
			if receipt, err = c.TransactionReceipt(ctx, second.Hash()); err != nil || receipt.BlockHash == mini {
				t.Fatalf("receipt after the seal: got %+v, %v", receipt, err)
			}
			if n, err := c.BlockByHash(ctx, mini); err != nil || n.NumberU64() != 2 {
				t.Fatalf("mini-block hash after the seal: got %v, %v", n, err)
			}
		})
	}
}

func TestClientReadsState(t *testing.T) {
	f := newFakeBackend()
	c := startServer(t, f, Config{}).ethClient("http")
	ctx := t.Context()
	if balance, err := c.BalanceAt(ctx, testSender, nil); err != nil || balance.Int64() != 1_000_000 {
		t.Fatalf("balance: got %v, %v", balance, err)
	}
	if nonce, err := c.NonceAt(ctx, testSender, nil); err != nil || nonce != 7 {
		t.Fatalf("nonce: got %v, %v", nonce, err)
	}
	if nonce, err := c.PendingNonceAt(ctx, testSender); err != nil || nonce != 7 {
		t.Fatalf("pending nonce: got %v, %v", nonce, err)
	}
	if code, err := c.CodeAt(ctx, testTarget, nil); err != nil || string(code) != string(testCode) {
		t.Fatalf("code: got %x, %v", code, err)
	}
	if slot, err := c.StorageAt(ctx, testTarget, common.HexToHash("0x41"), nil); err != nil || slot[31] != 0x42 {
		t.Fatalf("slot: got %x, %v", slot, err)
	}
	if tip, err := c.SuggestGasTipCap(ctx); err != nil || tip.Cmp(defaultTip) != 0 {
		t.Fatalf("tip: got %v, %v", tip, err)
	}
	if price, err := c.SuggestGasPrice(ctx); err != nil || price.Cmp(testBaseFee) <= 0 {
		t.Fatalf("gas price: got %v, %v", price, err)
	}
	if progress, err := c.SyncProgress(ctx); err != nil || progress != nil {
		t.Fatalf("sync progress: got %v, %v", progress, err)
	}
	if peers, err := c.PeerCount(ctx); err != nil || peers != 3 {
		t.Fatalf("peers: got %d, %v", peers, err)
	}
	if id, err := c.NetworkID(ctx); err != nil || id.Int64() != 1337 {
		t.Fatalf("network id: got %v, %v", id, err)
	}
}

func TestClientCalls(t *testing.T) {
	f := newFakeBackend()
	var got *CallRequest
	f.call = recordCall(&got)
	c := startServer(t, f, Config{GasCap: 1000}).ethClient("http")
	msg := ethereum.CallMsg{
		From: testSender, To: &testTarget, Gas: 5000, Data: []byte("in"), Value: big.NewInt(9),
		GasFeeCap: big.NewInt(2), GasTipCap: big.NewInt(1),
		AccessList: types.AccessList{{Address: testTarget, StorageKeys: []common.Hash{testTopic}}},
	}
	out, err := c.CallContract(t.Context(), msg, nil)
	if err != nil || string(out) != "in" {
		t.Fatalf("call: got %q, %v", out, err)
	}
	if got.Msg.Gas != 1000 || got.GasCap != 1000 {
		t.Errorf("gas: got %d of %d; want the cap", got.Msg.Gas, got.GasCap)
	}
	if got.Msg.From != testSender || *got.Msg.To != testTarget || got.Msg.Value.Int64() != 9 ||
		got.Msg.GasFeeCap.Int64() != 2 || got.Msg.GasTipCap.Int64() != 1 || len(got.Msg.AccessList) != 1 {
		t.Errorf("message: got %+v", got.Msg)
	}
	if gas, err := c.EstimateGas(t.Context(), msg); err != nil || gas != 21000 {
		t.Errorf("estimate: got %d, %v", gas, err)
	}
}

func TestClientLogs(t *testing.T) {
	f := newFakeBackend()
	for i := range uint64(3) {
		f.mine(signTx(t, f, 7+i, []byte{byte(i)}))
		f.seal()
	}
	f.mine(signTx(t, f, 10, []byte{3}))
	c := startServer(t, f, Config{}).ethClient("http")
	query := ethereum.FilterQuery{FromBlock: big.NewInt(1), Addresses: []common.Address{testTarget}, Topics: [][]common.Hash{{testTopic}}}
	logs, err := c.FilterLogs(t.Context(), query)
	if err != nil || len(logs) != 4 {
		t.Fatalf("logs: got %d, %v; want those of the three sealed blocks and of the open one", len(logs), err)
	}
	for i, log := range logs {
		if log.Data[0] != byte(i) || log.BlockNumber != uint64(i)+1 {
			t.Errorf("log %d: got %+v", i, log)
		}
	}
	query.Topics = [][]common.Hash{{}, {testTopic}}
	if logs, err = c.FilterLogs(t.Context(), query); err != nil || len(logs) != 0 {
		t.Errorf("logs with two topics: got %d, %v", len(logs), err)
	}
}

func TestClientFeeHistory(t *testing.T) {
	f := newFakeBackend()
	for i := range uint64(3) {
		f.mine(signTx(t, f, 7+i, nil))
		f.seal()
	}
	c := startServer(t, f, Config{}).ethClient("http")
	history, err := c.FeeHistory(t.Context(), 2, nil, []float64{10, 90})
	if err != nil {
		t.Fatal(err)
	}
	if history.OldestBlock.Uint64() != 2 || len(history.BaseFee) != 3 || len(history.GasUsedRatio) != 2 ||
		len(history.Reward) != 2 || history.Reward[0][1].Int64() != 5 {
		t.Errorf("got %+v", history)
	}
	if tip, err := c.SuggestGasTipCap(t.Context()); err != nil || tip.Int64() != 5 {
		t.Errorf("tip: got %v, %v; want that of the transactions", tip, err)
	}
}
