package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/valyala/fasthttp"

	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/netio/rpc"
)

// ForwarderConfig is what a Forwarder needs.
type ForwarderConfig struct {
	URL    string // of the sequencer's JSON-RPC
	Ledger *ledger.Ledger
	// Pending, if not nil, is told of transactions that the sequencer took.
	Pending func([]*types.Transaction)
}

// Forwarder is the Submitter of a full node: it sends transactions to the
// sequencer, and remembers those that the sequencer took until they are
// executed.
type Forwarder struct {
	cfg    ForwarderConfig
	client *fasthttp.Client
	table  *forwardTable
}

const (
	forwardTimeout  = 10 * time.Second // unless the caller has less
	forwardConnsMax = 256              // to the sequencer
	forwardReplyMax = 64 << 10         // bytes
)

var (
	forwardedTxs  = metrics.NewCounter("redline_forwarded_txs_total")
	forwardErrors = metrics.NewCounter("redline_forward_errors_total")
)

// NewForwarder returns a forwarder that watches the ledger for what becomes of
// its transactions.
func NewForwarder(cfg ForwarderConfig) *Forwarder {
	f := &Forwarder{
		cfg: cfg,
		client: &fasthttp.Client{
			NoDefaultUserAgentHeader: true,
			MaxConnsPerHost:          forwardConnsMax,
			MaxResponseBodySize:      forwardReplyMax,
			ReadTimeout:              forwardTimeout,
			WriteTimeout:             forwardTimeout,
		},
		table: newForwardTable(types.LatestSigner(cfg.Ledger.Config()), cfg.Ledger.State()),
	}
	cfg.Ledger.Observe(func(e ledger.Event) {
		if e.MiniBlock != nil {
			f.table.remove(e.MiniBlock.Txs)
		}
	})
	return f
}

// Submit sends the transaction to the sequencer and waits for its answer. What
// the sequencer answers is what the caller gets: code, text and data.
func (f *Forwarder) Submit(ctx context.Context, tx *types.Transaction, raw []byte) error {
	err := f.send(ctx, raw)
	if err != nil && err.Error() != rpc.ErrAlreadyKnown.Error() {
		forwardErrors.Inc()
		return err
	}
	forwardedTxs.Inc()
	if f.table.add(tx, time.Now()) && f.cfg.Pending != nil {
		f.cfg.Pending([]*types.Transaction{tx})
	}
	return err
}

// send makes the call. Its error is an *rpc.Error when it is the sequencer's.
func (f *Forwarder) send(ctx context.Context, raw []byte) error {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(f.cfg.URL)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.SetContentType("application/json")
	req.SetBodyString(`{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["` + hexutil.Encode(raw) + `"]}`)

	deadline := time.Now().Add(forwardTimeout)
	if sooner, ok := ctx.Deadline(); ok && sooner.Before(deadline) {
		deadline = sooner
	}
	if err := f.client.DoDeadline(req, resp, deadline); err != nil {
		return fmt.Errorf("cannot forward the transaction to the sequencer: %w", explainClient(err))
	}
	return parseReply(resp.StatusCode(), resp.Body())
}

var (
	errClosed = errors.New("it closed the connection without an answer, as when it restarts; send the transaction again")
	errSilent = errors.New("no answer in time; send the transaction again")
)

// explainClient says for the sender of a transaction what the HTTP client says
// for the author of a server. To send a transaction twice does no harm.
func explainClient(err error) error {
	switch {
	case errors.Is(err, fasthttp.ErrConnectionClosed), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errClosed
	case errors.Is(err, fasthttp.ErrTimeout), errors.Is(err, fasthttp.ErrDialTimeout):
		return errSilent
	}
	return err
}

var errBadReply = errors.New("cannot forward the transaction: the sequencer's answer is not JSON-RPC")

// parseReply returns the error of a JSON-RPC reply, nil if it has a result.
func parseReply(status int, body []byte) error {
	var reply struct {
		Result *common.Hash
		Error  *struct {
			Code    int
			Message string
			Data    json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return fmt.Errorf("%w: got HTTP status %d: %w", errBadReply, status, err)
	}
	switch {
	case reply.Error != nil:
		return &rpc.Error{Code: reply.Error.Code, Message: reply.Error.Message, Data: dataText(reply.Error.Data)}
	case reply.Result == nil:
		return fmt.Errorf("%w: got HTTP status %d and neither result nor error", errBadReply, status)
	}
	return nil
}

// dataText is the text of a JSON string; of other values, their JSON.
func dataText(data json.RawMessage) (text string) {
	if len(data) == 0 || json.Unmarshal(data, &text) == nil {
		return text
	}
	return string(data)
}

// PendingTransaction returns a transaction that the sequencer took and that was
// not executed yet, or nil.
func (f *Forwarder) PendingTransaction(hash common.Hash) *types.Transaction {
	return f.table.get(hash, time.Now())
}

// PendingNonce returns the nonce after those of the account's transactions that
// went through this node and wait without a gap.
func (f *Forwarder) PendingNonce(addr common.Address) (nonce uint64, ok bool) {
	return f.table.pendingNonce(addr)
}

// PoolStatus counts the transactions that went through this node and wait.
func (f *Forwarder) PoolStatus() rpc.PoolStatus { return f.table.status() }
