package callbench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/node"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/netio/rpc"
)

// testNode serves JSON-RPC on a chain of one block.
type testNode struct {
	dir    string
	ledger *ledger.Ledger
	server *rpc.Server
	served chan error
	url    string
}

func startNode(native jit.Native) (n *testNode, err error) {
	n = &testNode{served: make(chan error, 1)}
	if n.dir, err = os.MkdirTemp("", "redline-callbench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	if n.ledger, err = ledger.Open(ledger.Options{Dir: n.dir, Genesis: chain.DevGenesis(common.Address{1})}); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	backend := node.New(node.Config{Ledger: n.ledger, Engine: jit.New(jit.Config{Native: native})})
	n.server = rpc.New(rpc.Config{CallTimeout: Deadline, GasCap: callGas, Logger: slog.New(slog.DiscardHandler)}, backend)
	n.url = "http://" + listener.Addr().String()
	go func() { n.served <- n.server.Serve(listener) }()
	return n, nil
}

// close ends the node; what cannot be closed goes with the process.
func (n *testNode) close() {
	if n.server != nil {
		_ = n.server.Shutdown(context.Background())
		<-n.served
	}
	if n.ledger != nil {
		_ = n.ledger.Close()
	}
	_ = os.RemoveAll(n.dir)
}

// client makes one call again and again.
type client struct {
	http http.Client
	url  string
	body string
}

// client returns a client that calls code, which is put at an address for the
// call.
func (n *testNode) client(code string) *client {
	const format = `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"to":"%[1]s","gas":"%#[2]x"},"latest",{"%[1]s":{"code":"%[3]s"}}]}`
	return &client{url: n.url, body: fmt.Sprintf(format, common.Address{19: 0xcb}, callGas, code)}
}

// errEarly is a call that neither the deadline nor its gas ended.
var errEarly = errors.New("the call ended by itself")

// call makes the call, which must not succeed.
func (c *client) call(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(c.body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(response.Body); err != nil {
		return err
	}
	var answer struct {
		Error *struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(text.Bytes(), &answer); err != nil {
		return fmt.Errorf("cannot read the answer %q: %w", text.String(), err)
	}
	if answer.Error == nil || !strings.Contains(answer.Error.Message, "execution aborted") && !strings.Contains(answer.Error.Message, "out of gas") {
		return fmt.Errorf("%w: %s", errEarly, text.String())
	}
	return nil
}
