package rpc

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// testServer is a server that listens on a real socket.
type testServer struct {
	*Server
	tb   testing.TB
	addr string
}

func startServer(tb testing.TB, backend Backend, cfg Config) *testServer {
	tb.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := New(cfg, backend)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	tb.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			tb.Error(err)
		}
		if err := <-served; err != nil {
			tb.Error(err)
		}
	})
	return &testServer{Server: s, tb: tb, addr: ln.Addr().String()}
}

// post sends a body and returns the status and the body of the answer.
func (t *testServer) post(body string) (int, string) {
	t.tb.Helper()
	resp, err := http.Post("http://"+t.addr, "application/json", strings.NewReader(body))
	if err != nil {
		t.tb.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.tb.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// ask calls a method with parameters in JSON and returns the result or error.
func (t *testServer) ask(method, params string) string {
	t.tb.Helper()
	_, answer := t.post(`{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":` + params + `}`)
	rest, ok := strings.CutPrefix(answer, `{"jsonrpc":"2.0","id":1,`)
	if !ok {
		t.tb.Fatalf("%s: got %s", method, answer)
	}
	return strings.TrimSuffix(rest, "}")
}

// check asks and compares.
func (t *testServer) check(method, params, want string) {
	t.tb.Helper()
	if got := t.ask(method, params); got != want {
		t.tb.Errorf("%s%s:\ngot  %s\nwant %s", method, params, got, want)
	}
}

func (t *testServer) dial(scheme string) *gethrpc.Client {
	t.tb.Helper()
	client, err := gethrpc.DialContext(t.tb.Context(), scheme+"://"+t.addr)
	if err != nil {
		t.tb.Fatal(err)
	}
	t.tb.Cleanup(client.Close)
	return client
}

func (t *testServer) ethClient(scheme string) *ethclient.Client {
	return ethclient.NewClient(t.dial(scheme))
}

func rawHex(tb testing.TB, tx *types.Transaction) string {
	tb.Helper()
	raw, err := tx.MarshalBinary()
	if err != nil {
		tb.Fatal(err)
	}
	return hexutil.Encode(raw)
}

func eventually(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if cond() {
			return
		}
	}
	tb.Fatalf("never: %s", what)
}
