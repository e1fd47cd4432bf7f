package node

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/valyala/fasthttp"

	"github.com/redline-evm/redline/netio/rpc"
)

func ethAddress(key *ecdsa.PrivateKey) common.Address { return crypto.PubkeyToAddress(key.PublicKey) }

// fakeSequencer answers every request with the same reply.
type fakeSequencer struct {
	url   string
	reply string
	raw   hexutil.Bytes // as received last
}

func newFakeSequencer(t *testing.T) *fakeSequencer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fakeSequencer{url: "http://" + listener.Addr().String()}
	server := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		var req struct {
			Method string
			Params []hexutil.Bytes
		}
		if err := json.Unmarshal(ctx.PostBody(), &req); err != nil || req.Method != "eth_sendRawTransaction" || len(req.Params) != 1 {
			ctx.Error("bad request", fasthttp.StatusBadRequest)
			return
		}
		s.raw = req.Params[0]
		ctx.SetBodyString(s.reply)
	}}
	go server.Serve(listener)
	t.Cleanup(func() {
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	return s
}

const accepted = `{"jsonrpc":"2.0","id":1,"result":"0x1111111111111111111111111111111111111111111111111111111111111111"}`

func submit(t *testing.T, f *Forwarder, tx *types.Transaction) error {
	t.Helper()
	raw, err := tx.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return f.Submit(t.Context(), tx, raw)
}

func TestForward(t *testing.T) {
	c := newTestChain(t)
	s := newFakeSequencer(t)
	s.reply = accepted
	var pending []common.Hash
	f := NewForwarder(ForwarderConfig{URL: s.url, Ledger: c.ledger, Pending: func(txs []*types.Transaction) {
		pending = append(pending, txs[0].Hash())
	}})
	sender := ethAddress(devKey(0))
	first, second, gapped := transfer(0, 0), transfer(0, 1), transfer(0, 3)
	for _, tx := range []*types.Transaction{second, first, gapped, first} {
		if err := submit(t, f, tx); err != nil {
			t.Fatal(err)
		}
	}
	if raw, _ := first.MarshalBinary(); string(s.raw) != string(raw) {
		t.Errorf("sequencer got %x; want %x", s.raw, raw)
	}
	if len(pending) != 3 {
		t.Errorf("announced %d transactions; want 3", len(pending))
	}
	check := func(nonce uint64, status rpc.PoolStatus) {
		t.Helper()
		if got, ok := f.PendingNonce(sender); got != nonce || ok != (status.Pending > 0) {
			t.Errorf("pending nonce: got %d, %t; want %d", got, ok, nonce)
		}
		if got := f.PoolStatus(); got != status {
			t.Errorf("pool: got %+v; want %+v", got, status)
		}
	}
	check(2, rpc.PoolStatus{Pending: 2, Queued: 1})
	if got := f.PendingTransaction(second.Hash()); got != second {
		t.Errorf("got %v; want the second transaction", got)
	}
	c.mini(first)
	check(2, rpc.PoolStatus{Pending: 1, Queued: 1})
	if got := f.PendingTransaction(first.Hash()); got != nil {
		t.Error("an executed transaction is still pending")
	}
	replaced := transferWithTip(0, 1, 2)
	c.mini(replaced) // sent elsewhere, with the nonce of the second
	check(2, rpc.PoolStatus{Queued: 1})
	if got := f.PendingTransaction(second.Hash()); got != nil {
		t.Error("a transaction whose nonce is used is still pending")
	}
	if got, ok := f.PendingNonce(ethAddress(devKey(5))); ok {
		t.Errorf("unknown account: got %d", got)
	}
	if err := submit(t, f, replaced); err != nil || f.PendingTransaction(replaced.Hash()) != nil {
		t.Errorf("executed before the answer came: got %v, pending", err)
	}
	if len(pending) != 4 || pending[3] != replaced.Hash() {
		t.Errorf("executed before the answer came: announced %d transactions; want it as the 4th", len(pending))
	}
}

func TestForwardReplacesByNonce(t *testing.T) {
	c := newTestChain(t)
	s := newFakeSequencer(t)
	s.reply = accepted
	f := NewForwarder(ForwarderConfig{URL: s.url, Ledger: c.ledger})
	old, better := transferWithTip(0, 0, 1), transferWithTip(0, 0, 2)
	for _, tx := range []*types.Transaction{old, better} {
		if err := submit(t, f, tx); err != nil {
			t.Fatal(err)
		}
	}
	if f.PendingTransaction(old.Hash()) != nil || f.PendingTransaction(better.Hash()) != better {
		t.Error("want the better transaction alone")
	}
	if got := f.PoolStatus(); got != (rpc.PoolStatus{Pending: 1}) {
		t.Errorf("pool: got %+v; want one", got)
	}
}

func TestForwardPassesErrorsThrough(t *testing.T) {
	c := newTestChain(t)
	s := newFakeSequencer(t)
	f := NewForwarder(ForwarderConfig{URL: s.url, Ledger: c.ledger})
	for reply, want := range map[string]rpc.Error{
		`{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"nonce too low: next nonce 5, tx nonce 4"}}`: {Code: -32000, Message: "nonce too low: next nonce 5, tx nonce 4"},
		`{"error":{"code":3,"message":"execution reverted","data":"0x08c379a0"}}`:                              {Code: 3, Message: "execution reverted", Data: "0x08c379a0"},
		`{"error":{"code":7,"message":"odd","data":{"a":1}}}`:                                                  {Code: 7, Message: "odd", Data: `{"a":1}`},
	} {
		s.reply = reply
		err := submit(t, f, transfer(0, 0))
		var got *rpc.Error
		if !errors.As(err, &got) || *got != want {
			t.Errorf("%s: got %v; want %+v", reply, err, want)
		}
	}
	if got := f.PoolStatus(); got != (rpc.PoolStatus{}) {
		t.Errorf("pool: got %+v; want nothing that was refused", got)
	}

	s.reply = `{"error":{"code":-32000,"message":"already known"}}`
	tx := transfer(0, 0)
	if err := submit(t, f, tx); err == nil || err.Error() != rpc.ErrAlreadyKnown.Error() {
		t.Errorf("got %v; want %v", err, rpc.ErrAlreadyKnown)
	}
	if f.PendingTransaction(tx.Hash()) != tx {
		t.Error("the sequencer knows the transaction; so must the forwarder")
	}
}

func TestForwardWithoutSequencer(t *testing.T) {
	c := newTestChain(t)
	s := newFakeSequencer(t)
	f := NewForwarder(ForwarderConfig{URL: s.url, Ledger: c.ledger})
	for _, reply := range []string{"", "<html>", `{}`, `{"result":1}`, `[]`, strings.Repeat(" ", forwardReplyMax+1)} {
		s.reply = reply
		if err := submit(t, f, transfer(0, 0)); err == nil || !strings.Contains(err.Error(), "cannot forward") {
			t.Errorf("%.20q: got %v", reply, err)
		}
	}
	f.cfg.URL = "http://127.0.0.1:1"
	if err := submit(t, f, transfer(0, 0)); err == nil || !strings.Contains(err.Error(), "cannot forward the transaction to the sequencer") {
		t.Errorf("nobody listens: got %v", err)
	}
	f.cfg.URL = hangUp(t)
	if err := submit(t, f, transfer(0, 0)); !errors.Is(err, errClosed) {
		t.Errorf("closed without an answer: got %v; want %v", err, errClosed)
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if err := f.Submit(ctx, transfer(0, 0), nil); err == nil {
		t.Error("got no error after the deadline")
	}
}

// hangUp is the URL of a server that closes each connection once it has read
// from it.
func hangUp(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 64<<10))
			conn.Close()
		}
	}()
	return "http://" + listener.Addr().String()
}

func TestForwardTableIsBounded(t *testing.T) {
	c := newTestChain(t)
	table := newForwardTable(types.LatestSigner(c.ledger.Config()), c.ledger.State())
	unsigned := types.NewTx(&types.LegacyTx{Gas: 21_000})
	if table.add(unsigned, time.Now()) {
		t.Error("a transaction without a sender was added")
	}
	start := time.Unix(1000, 0)
	for nonce := range uint64(50) {
		if !table.add(transfer(0, nonce), start.Add(time.Duration(nonce)*time.Second)) {
			t.Fatalf("nonce %d was not added", nonce)
		}
	}
	table.mu.Lock()
	table.mu.bytes += forwardBytesMax - 10*transfer(0, 0).Size() // as if others had filled it
	table.trimLocked(start)
	if got := len(table.mu.byHash); got > 10 {
		t.Errorf("got %d transactions; want at most 10", got)
	}
	table.mu.bytes -= forwardBytesMax - 10*transfer(0, 0).Size()
	table.mu.Unlock()
	if got := table.get(transfer(0, 49).Hash(), start); got == nil {
		t.Error("the newest transaction was forgotten")
	}
	if got := table.get(transfer(0, 49).Hash(), start.Add(50*time.Second+forwardTTL)); got != nil {
		t.Error("an old transaction is remembered")
	}
	if len(table.mu.byHash) != 0 || len(table.mu.byNonce) != 0 || len(table.mu.arrivals) != 0 {
		t.Errorf("left behind: %d, %d, %d", len(table.mu.byHash), len(table.mu.byNonce), len(table.mu.arrivals))
	}
}

func FuzzParseReply(f *testing.F) {
	f.Add([]byte(accepted))
	f.Add([]byte(`{"error":{"code":3,"message":"execution reverted","data":"0x08"}}`))
	f.Add([]byte(`{"error":{"data":[]}}`))
	f.Add([]byte(`{"error":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		err := parseReply(200, body)
		var reply struct{ Result *common.Hash }
		if err == nil && (json.Unmarshal(body, &reply) != nil || reply.Result == nil) {
			t.Fatalf("%q passes as a result", body)
		}
	})
}
