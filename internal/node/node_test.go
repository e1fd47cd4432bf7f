package node

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit/exec"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/netio/rpc"
)

func healthy() error { return nil }

// emptyPool is a pool in which nothing waits, but for the nonces that it is
// told of.
type emptyPool struct{ nonces map[common.Address]uint64 }

func (emptyPool) Add(*types.Transaction) error       { return errors.New("pool is shut") }
func (emptyPool) Get(common.Hash) *types.Transaction { return nil }
func (emptyPool) Status() (pending, queued int)      { return 3, 4 }
func (p emptyPool) PendingNonce(a common.Address) (uint64, bool) {
	nonce, ok := p.nonces[a]
	return nonce, ok
}

var testNow = time.Unix(2_000_000_000, 0)

func newTestNode(c *testChain) *Node {
	return New(Config{Ledger: c.ledger, Engine: testEngine, Submitter: Local(emptyPool{}, healthy), Now: func() time.Time { return testNow }})
}

func TestBlockReferences(t *testing.T) {
	c := newTestChain(t)
	n := newTestNode(c)
	first := c.mini(transfer(0, 0))
	second := c.mini(transfer(0, 1))
	c.seal()
	third := c.mini(transfer(0, 2))
	sealedHash := c.ledger.BlockHash(1)

	check := func(ref rpc.BlockRef, want uint64, txs int) {
		t.Helper()
		header, err1 := n.Header(ref)
		block, err2 := n.Block(ref)
		if err := errors.Join(err1, err2); err != nil || header == nil || block == nil {
			t.Fatalf("%+v: got %v, %v, %v", ref, header, block, err)
		}
		if header.Header.Number.Uint64() != want || block.Header.Number.Uint64() != want || len(block.Txs) != txs || len(block.Receipts) != txs {
			t.Errorf("%+v: got block %d with %d transactions; want %d with %d", ref, block.Header.Number, len(block.Txs), want, txs)
		}
	}
	check(rpc.Latest(), 2, 1)
	check(rpc.BlockRef{Tag: rpc.TagPending}, 2, 1)
	check(rpc.BlockRef{Tag: rpc.TagSafe}, 1, 2)
	check(rpc.BlockRef{Tag: rpc.TagFinalized}, 1, 2)
	check(rpc.BlockRef{Tag: rpc.TagEarliest}, 0, 0)
	check(rpc.ByNumber(1), 1, 2)
	check(rpc.ByNumber(2), 2, 1)
	check(rpc.ByHash(sealedHash), 1, 2)
	check(rpc.ByHash(first.Header.Hash()), 1, 2)
	check(rpc.ByHash(second.Header.Hash()), 1, 2)
	check(rpc.ByHash(third.Header.Hash()), 2, 1)
	check(rpc.ByHash(c.ledger.GenesisHash()), 0, 0)
	for _, ref := range []rpc.BlockRef{rpc.ByNumber(3), rpc.ByHash(common.Hash{1})} {
		if block, err := n.Block(ref); block != nil || err != nil {
			t.Errorf("%+v: got %v, %v; want none", ref, block, err)
		}
		if _, err := n.State(ref); !errors.Is(err, rpc.ErrUnknownBlock) {
			t.Errorf("state of %+v: got %v; want %v", ref, err, rpc.ErrUnknownBlock)
		}
		if _, err := n.Call(t.Context(), &rpc.CallRequest{Block: ref}); !errors.Is(err, rpc.ErrUnknownBlock) {
			t.Errorf("call on %+v: got %v; want %v", ref, err, rpc.ErrUnknownBlock)
		}
	}
	if got := n.HeadNumber(); got != 2 {
		t.Errorf("head: got %d; want 2", got)
	}
}

func TestLogFilter(t *testing.T) {
	c := newTestChain(t)
	n := newTestNode(c)
	c.mini(transfer(0, 0))
	c.seal()
	if filter, err := n.LogFilter(1); filter != nil || err != nil {
		t.Errorf("before the history has the block: got %v, %v; want none", filter, err)
	}
	for moved := false; !moved; time.Sleep(time.Millisecond) { // until the block is on the disk
		var err error
		if moved, err = c.ledger.Archive(); err != nil {
			t.Fatal(err)
		}
	}
	if filter, err := n.LogFilter(1); filter == nil || err != nil || filter.Address(receiver) {
		t.Errorf("got %v, %v; want a filter without logs", filter, err)
	}
}

func TestStates(t *testing.T) {
	c := newTestChain(t)
	n := newTestNode(c)
	for nonce := range uint64(3) {
		c.mini(transfer(0, nonce))
		c.seal()
	}
	c.mini(transfer(0, 3))
	check := func(ref rpc.BlockRef, want uint64) {
		t.Helper()
		state, err := n.State(ref)
		if err != nil {
			t.Fatal(err)
		}
		if account, _ := state.Account(receiver); account.Balance.Uint64() != want {
			t.Errorf("%+v: got %d wei; want %d", ref, account.Balance.Uint64(), want)
		}
	}
	check(rpc.BlockRef{Tag: rpc.TagEarliest}, 0)
	check(rpc.ByNumber(1), 1)
	check(rpc.ByHash(c.ledger.BlockHash(2)), 2)
	check(rpc.BlockRef{Tag: rpc.TagSafe}, 3)
	check(rpc.Latest(), 4)
	check(rpc.ByNumber(4), 4)
	for range memstate.Horizon {
		c.mini()
		c.seal()
	}
	if _, err := n.State(rpc.ByNumber(1)); !errors.Is(err, rpc.ErrStatePruned) {
		t.Errorf("got %v; want %v", err, rpc.ErrStatePruned)
	}
}

func TestAllStates(t *testing.T) {
	c := newTestChainKeeping(t, 0)
	n := newTestNode(c)
	for nonce := range uint64(memstate.Horizon + memstate.ViewLife) {
		c.mini(transfer(0, nonce))
		c.seal()
	}
	for block := range uint64(memstate.Horizon + memstate.ViewLife) {
		state, err := n.State(rpc.ByNumber(block))
		if err != nil {
			t.Fatal(err)
		}
		if account, _ := state.Account(receiver); account.Balance.Uint64() != block {
			t.Fatalf("EVM block %d: got %d wei; want %d", block, account.Balance.Uint64(), block)
		}
	}
}

// A call during which the state goes beyond the life of a view may have read
// values that are gone: neither its result nor its error is true.
func TestCallOutlivesItsState(t *testing.T) {
	c := newTestChain(t)
	n := newTestNode(c)
	c.mini()
	for _, torn := range []error{nil, errors.New("insufficient funds, as it seems")} {
		_, err := n.simulate(t.Context(), withCode(rpc.Latest(), "00"), func(context.Context, *exec.CallInput) (*exec.CallResult, error) {
			for range memstate.ViewLife + 1 {
				c.seal()
				c.mini()
			}
			return &exec.CallResult{}, torn
		}, func(h *types.Header) *types.Header { return h })
		if !errors.Is(err, rpc.ErrStateExpired) {
			t.Errorf("with error %v: got %v; want %v", torn, err, rpc.ErrStateExpired)
		}
	}
	state, err := n.State(rpc.Latest())
	if err != nil || state.Expired() {
		t.Errorf("a fresh state: got expired, %v", err)
	}
}

func TestTransaction(t *testing.T) {
	c := newTestChain(t)
	n := newTestNode(c)
	tx := transfer(0, 0)
	m := c.mini(tx)
	check := func(want common.Hash) {
		t.Helper()
		got, err := n.Transaction(tx.Hash())
		if err != nil || got == nil {
			t.Fatalf("got %v, %v", got, err)
		}
		if got.Receipt.BlockHash != want || got.BlockTimestamp != 1 || got.BaseFee.Sign() == 0 {
			t.Errorf("got %+v in %s; want block %s", got, got.Receipt.BlockHash, want)
		}
	}
	check(m.Header.Hash())
	c.seal()
	check(c.ledger.BlockHash(1))
	if got, err := n.Transaction(common.Hash{1}); got != nil || err != nil {
		t.Errorf("unknown: got %v, %v", got, err)
	}
}

// withCode is a request to call a contract that is not there yet.
func withCode(ref rpc.BlockRef, code string) *rpc.CallRequest {
	return &rpc.CallRequest{
		Block: ref, GasCap: 1_000_000,
		Msg:      ethereum.CallMsg{To: &receiver},
		Accounts: map[common.Address]rpc.AccountOverride{receiver: {Code: common.FromHex(code)}},
	}
}

func TestCall(t *testing.T) {
	c := newTestChain(t)
	n := newTestNode(c)
	c.mini()
	c.seal()
	c.mini()
	check := func(name string, req *rpc.CallRequest, want rpc.CallResult) {
		t.Helper()
		got, err := n.Call(t.Context(), req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got.Gas = 0
		if fmt.Sprint(*got) != fmt.Sprint(want) {
			t.Errorf("%s: got %+v; want %+v", name, *got, want)
		}
	}
	word := func(n uint64) []byte { return common.BigToHash(new(big.Int).SetUint64(n)).Bytes() }
	number, timestamp := "435f5260205ff3", "425f5260205ff3" // return NUMBER, TIMESTAMP
	check("number, latest", withCode(rpc.Latest(), number), rpc.CallResult{Output: word(2)})
	check("number of a block", withCode(rpc.ByNumber(1), number), rpc.CallResult{Output: word(1)})
	check("timestamp", withCode(rpc.Latest(), timestamp), rpc.CallResult{Output: word(2)})
	check("revert", withCode(rpc.Latest(), "60aa5f5260205ffd"), rpc.CallResult{Output: word(0xaa), Reverted: true})
	check("failure", withCode(rpc.Latest(), "5b5f56"), rpc.CallResult{Failure: "out of gas"})
	overridden := withCode(rpc.Latest(), number)
	overridden.Header.Number = uint256.NewInt(77)
	check("header override", overridden, rpc.CallResult{Output: word(77)})

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Call(ctx, withCode(rpc.Latest(), number)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want %v", err, context.Canceled)
	}
}

// TestEstimateRunsInNextBlock estimates code that reverts in another block than
// the one that comes next.
func TestEstimateRunsInNextBlock(t *testing.T) {
	c := newTestChain(t)
	n := newTestNode(c)
	c.mini()
	c.seal()
	c.mini()
	estimate := func(ref rpc.BlockRef, opcode string, want uint64) *rpc.CallResult {
		t.Helper()
		// <opcode> PUSH8 want EQ PUSH1 17 JUMPI PUSH0 PUSH0 REVERT JUMPDEST STOP
		got, err := n.EstimateGas(t.Context(), withCode(ref, fmt.Sprintf("%s67%016x146011575f5ffd5b00", opcode, want)))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	const number, timestamp = "43", "42"
	for name, got := range map[string]*rpc.CallResult{
		"number, latest":           estimate(rpc.Latest(), number, 3),
		"timestamp, latest":        estimate(rpc.Latest(), timestamp, uint64(testNow.Unix())),
		"number of a sealed block": estimate(rpc.ByNumber(1), number, 1),
		"timestamp of sealed one":  estimate(rpc.ByNumber(1), timestamp, 1),
	} {
		if got.Reverted || got.Gas < 21_000 {
			t.Errorf("%s: got %+v; want success", name, got)
		}
	}
	testNow = time.Unix(0, 0) // the clock is behind the chain
	defer func() { testNow = time.Unix(2_000_000_000, 0) }()
	if got := estimate(rpc.Latest(), timestamp, 3); got.Reverted {
		t.Error("the next block must be later than the open one")
	}
	if got := estimate(rpc.Latest(), timestamp, 2); !got.Reverted {
		t.Error("estimated in the open block")
	}
}

func TestPendingNonce(t *testing.T) {
	c := newTestChain(t)
	addr := func(i int) common.Address { return ethAddress(devKey(i)) }
	pool := emptyPool{nonces: map[common.Address]uint64{addr(0): 5, addr(1): 1}}
	n := New(Config{Ledger: c.ledger, Engine: testEngine, Submitter: Local(pool, healthy)})
	c.mini(transfer(1, 0), transfer(1, 1), transfer(2, 0))
	for i, want := range []uint64{5, 2, 1, 0} {
		if got, err := n.PendingNonce(t.Context(), addr(i)); got != want || err != nil {
			t.Errorf("account %d: got %d, %v; want %d", i, got, err, want)
		}
	}
	if got, err := n.PoolStatus(t.Context()); got != (rpc.PoolStatus{Pending: 3, Queued: 4}) || err != nil {
		t.Errorf("pool: got %+v, %v", got, err)
	}
	if err := n.Submit(t.Context(), transfer(0, 0), nil); err == nil || err.Error() != "pool is shut" {
		t.Errorf("submit: got %v", err)
	}
}

func TestSubscribersSeeEventsInOrder(t *testing.T) {
	c := newTestChain(t)
	n := newTestNode(c)
	events, cancel := n.Subscribe(10)
	tx := transfer(0, 0)
	n.AnnouncePending([]*types.Transaction{tx})
	c.mini(tx)
	c.seal()
	cancel()
	cancel()
	c.mini()
	text := ""
	for e := range events {
		switch {
		case e.Pending != nil:
			text += "pending "
		case e.MiniBlock != nil:
			text += fmt.Sprintf("mini %d ", e.MiniBlock.Header.Number)
			if got := e.MiniBlock.Receipts[0]; got.BlockHash != e.MiniBlock.Header.Hash() || got.TxHash != tx.Hash() {
				t.Errorf("got receipt %+v without its derived fields", got)
			}
		case e.Sealed != nil:
			text += fmt.Sprintf("seal %d ", e.Sealed.Header.Number)
		}
	}
	if want := "pending mini 1 seal 1 "; text != want {
		t.Errorf("got %q; want %q", text, want)
	}
}

func TestSlowSubscriberIsCutOff(t *testing.T) {
	c := newTestChain(t)
	n := newTestNode(c)
	slow, _ := n.Subscribe(2)
	fast, _ := n.Subscribe(10)
	for range 4 {
		c.mini()
	}
	got := 0
	for range slow { // ends, because the channel is closed
		got++
	}
	if got != 2 || len(fast) != 4 {
		t.Errorf("got %d and %d events; want 2 and 4", got, len(fast))
	}
}

// TestNothingIsTakenWithoutALog refuses transactions while the chain cannot go
// on.
func TestNothingIsTakenWithoutALog(t *testing.T) {
	full := errors.New("no space left on device")
	submitter := Local(emptyPool{}, func() error { return full })
	if err := submitter.Submit(t.Context(), transfer(0, 0), nil); !errors.Is(err, full) {
		t.Errorf("got %v; want %v", err, full)
	}
}
