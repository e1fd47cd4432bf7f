package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/fasthttp/websocket"
)

func receive[T any](t *testing.T, ch <-chan T, sub ethereum.Subscription) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case err := <-sub.Err():
		t.Fatalf("subscription ended: %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
	}
	return v
}

func TestSubscriptions(t *testing.T) {
	f := newFakeBackend()
	rpcClient := startServer(t, f, Config{}).dial("ws")
	c, ctx := ethclient.NewClient(rpcClient), t.Context()
	heads, logs := make(chan *types.Header, 9), make(chan types.Log, 9)
	hashes, txs := make(chan common.Hash, 9), make(chan *types.Transaction, 9)
	headSub, err := c.SubscribeNewHead(ctx, heads)
	if err != nil {
		t.Fatal(err)
	}
	logSub, err := c.SubscribeFilterLogs(ctx, ethereum.FilterQuery{Topics: [][]common.Hash{{testTopic}}}, logs)
	if err != nil {
		t.Fatal(err)
	}
	otherSub, err := c.SubscribeFilterLogs(ctx, ethereum.FilterQuery{Addresses: []common.Address{testSender}}, logs)
	if err != nil {
		t.Fatal(err)
	}
	hashSub, err := rpcClient.EthSubscribe(ctx, hashes, "newPendingTransactions")
	if err != nil {
		t.Fatal(err)
	}
	txSub, err := rpcClient.EthSubscribe(ctx, txs, "newPendingTransactions", true)
	if err != nil {
		t.Fatal(err)
	}

	tx := signTx(t, f, 7, []byte("hello"))
	if err := c.SendTransaction(ctx, tx); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, hashes, hashSub); got != tx.Hash() {
		t.Errorf("pending hash: got %v", got)
	}
	if got := receive(t, txs, txSub); got.Hash() != tx.Hash() {
		t.Errorf("pending transaction: got %v", got)
	}
	mini := f.mine(tx)
	log := receive(t, logs, logSub)
	if log.BlockHash != mini || log.TxHash != tx.Hash() || string(log.Data) != "hello" || log.BlockNumber != 1 {
		t.Errorf("log: got %+v", log)
	}
	if len(heads) != 0 {
		t.Error("a head came before the seal")
	}
	sealed := f.seal()
	if got := receive(t, heads, headSub); got.Hash() != sealed {
		t.Errorf("head: got %v; want %v", got.Hash(), sealed)
	}
	logSub.Unsubscribe()
	otherSub.Unsubscribe()
	f.mine(signTx(t, f, 8, nil))
	f.seal()
	receive(t, heads, headSub)
	if len(logs) != 0 {
		t.Error("a log came that nobody asked for")
	}
}

func dialSocket(t *testing.T, s *testServer, header http.Header) *websocket.Conn {
	t.Helper()
	conn, resp, err := websocket.DefaultDialer.Dial("ws://"+s.addr, header)
	if err != nil {
		t.Fatalf("%v (%v)", err, resp)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func exchangeText(t *testing.T, conn *websocket.Conn, message string) string {
	t.Helper()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		t.Fatal(err)
	}
	return readText(t, conn)
}

func readText(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, answer, err := conn.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func TestSocketRequests(t *testing.T) {
	f := newFakeBackend()
	s := startServer(t, f, Config{Origins: []string{"https://wallet.example"}})
	conn := dialSocket(t, s, http.Header{"Origin": {"https://wallet.example"}})
	for message, want := range map[string]string{
		`{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}`:   `{"jsonrpc":"2.0","id":1,"result":"0x539"}`,
		`[{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}]`: `[{"jsonrpc":"2.0","id":1,"result":"0x539"}]`,
		`garbage`: `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":[]}`:                        `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"expected subscription name as first argument"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["x"]}`:                     `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no \"x\" subscription in eth namespace"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["logs",{"topics":[1]}]}`:   `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid argument 1: invalid topic(s)"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"eth_unsubscribe","params":["0x1"]}`:                 `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"subscription not found"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"input":"0x01"}]}`:             `{"jsonrpc":"2.0","id":1,"result":"0x01"}`,
		`{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads","and","more"]}`: `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"too many arguments, want at most 1"}}`,
	} {
		if got := exchangeText(t, conn, message); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", message, got, want)
		}
	}
	if _, resp, err := websocket.DefaultDialer.Dial("ws://"+s.addr, http.Header{"Origin": {"https://evil.example"}}); err == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a foreign origin: got %v, %v", resp, err)
	}
}

// A request that waits must not hold up the ones behind it.
func TestSocketRequestsOvertake(t *testing.T) {
	f := newFakeBackend()
	s := startServer(t, f, Config{})
	conn := dialSocket(t, s, nil)
	tx := signTx(t, f, 7, nil)
	slow := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransactionSync","params":["%s",20000]}`, rawHex(t, tx))
	if err := conn.WriteMessage(websocket.TextMessage, []byte(slow)); err != nil {
		t.Fatal(err)
	}
	if got := exchangeText(t, conn, `{"jsonrpc":"2.0","id":2,"method":"eth_chainId"}`); !strings.Contains(got, `"id":2`) {
		t.Errorf("got %s", got)
	}
	eventually(t, "the transaction is in the pool", func() bool {
		tx, _ := f.PendingTransaction(t.Context(), tx.Hash())
		return tx != nil
	})
	f.mine(tx)
	if got := readText(t, conn); !strings.Contains(got, `"id":1,"result"`) {
		t.Errorf("got %s", got)
	}
}

func TestSocketLimits(t *testing.T) {
	f := newFakeBackend()
	s := startServer(t, f, Config{MaxSockets: 1, MaxBodyBytes: 1 << 16})
	conn := dialSocket(t, s, nil)
	var last string
	for range maxSocketSubs + 1 {
		last = exchangeText(t, conn, `{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}`)
	}
	if !strings.Contains(last, `"code":-32005`) {
		t.Errorf("one subscription too many: got %s", last)
	}
	if _, resp, err := websocket.DefaultDialer.Dial("ws://"+s.addr, nil); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one socket too many: got %v, %v", resp, err)
	}
	conn.WriteMessage(websocket.TextMessage, []byte(strings.Repeat(" ", 1<<16+1)))
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("a message too large: got %v", err)
	}
	eventually(t, "the socket is gone", func() bool { return !s.socketsFull() })
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if len(s.hub.mu.sockets) != 0 || len(s.hub.mu.kinds[subHeads]) != 0 {
		t.Error("subscriptions outlive their socket")
	}
}

// A client that subscribes and does not read is cut off, and costs no memory
// beyond its queue, which it gives back.
func TestSlowSocketIsCutOff(t *testing.T) {
	f := newFakeBackend()
	s := startServer(t, f, Config{SocketQueueBytes: 1 << 16})
	conn := dialSocket(t, s, nil)
	if got := exchangeText(t, conn, `{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["logs",{}]}`); !strings.Contains(got, "result") {
		t.Fatal(got)
	}
	big := make([]byte, 1<<13) // several fit into the queue
	eventually(t, "the socket is cut off", func() bool {
		f.mine(signTx(t, f, 7, big))
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		for k := range s.hub.mu.sockets {
			if k.mu.Lock(); k.mu.closed {
				k.mu.Unlock()
				return true
			}
			k.mu.Unlock()
		}
		return len(s.hub.mu.sockets) == 0
	})
	s.check("eth_chainId", "[]", alive)
	conn.Close()
	eventually(t, "the queue is given back", func() bool { return !s.anySocket() && s.queues.taken.Load() == 0 })
}

func (t *testServer) anySocket() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.mu.sockets) > 0
}

func TestLostEventsEndSubscriptions(t *testing.T) {
	f := newFakeBackend()
	s := startServer(t, f, Config{})
	conn := dialSocket(t, s, nil)
	exchangeText(t, conn, `{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}`)
	f.dropSubscribers()
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
		t.Errorf("got %v; want to be told", err)
	}
	// The server itself goes on.
	conn = dialSocket(t, s, nil)
	exchangeText(t, conn, `{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}`)
	f.mine()
	f.seal()
	var note struct {
		Method string
		Params struct{ Result struct{ Number string } }
	}
	if err := json.Unmarshal([]byte(readText(t, conn)), &note); err != nil || note.Method != "eth_subscription" || note.Params.Result.Number != "0x1" {
		t.Errorf("got %+v, %v", note, err)
	}
}

func TestShutdownClosesSockets(t *testing.T) {
	s := startServer(t, newFakeBackend(), Config{})
	conn := dialSocket(t, s, nil)
	exchangeText(t, conn, `{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}`)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("got %v; want to be told", err)
	}
}
