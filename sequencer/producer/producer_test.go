package producer

import (
	"context"
	"crypto/ecdsa"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/mpt"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/netio/wire"
	"github.com/redline-evm/redline/tuning"
)

var (
	testSequencer, _ = crypto.ToECDSA(common.LeftPadBytes([]byte{0xff}, 32))
	testEngine       = jit.New(jit.Config{})
	testStart        = time.Unix(1_800_000_000, 250_000_000)
)

// memChain is a chain in memory, made of encoded records.
type memChain struct {
	t       testing.TB
	genesis *chain.Genesis
	state   *memstate.State
	trie    *mpt.Trie
	hashes  map[uint64]common.Hash
	records []wire.Record

	parent    *types.Header
	openMinis []*chain.MiniBlock
	lastMini  *chain.MiniBlock
}

func newMemChain(t testing.TB, genesis *chain.Genesis) *memChain {
	c := &memChain{t: t, genesis: genesis, state: memstate.New(), trie: mpt.New(), hashes: map[uint64]common.Hash{}}
	diff := genesis.Diff()
	c.state.Commit(0, 0, diff)
	c.trie.Update(diff)
	c.parent = genesis.Header(c.trie.Root())
	c.hashes[0] = c.parent.Hash()
	return c
}

func (c *memChain) State() *memstate.State              { return c.state }
func (c *memChain) StateRoot() common.Hash              { return c.trie.Root() }
func (c *memChain) BlockHash(number uint64) common.Hash { return c.hashes[number] }

// append takes a record the way that a reader of the stream sees it.
func (c *memChain) append(sent wire.Record) error {
	rec, err := wire.ParseRecord(wire.AppendRecord(nil, sent))
	if err != nil {
		return err
	}
	c.records = append(c.records, rec)
	if m := rec.MiniBlock; m != nil {
		c.state.Commit(m.Header.Number, m.Header.BlockNumber, m.Diff)
		c.trie.Update(m.Diff)
		c.openMinis, c.lastMini = append(c.openMinis, m), m
		return nil
	}
	c.parent, c.openMinis = rec.Seal.Header, nil
	c.hashes[c.parent.Number.Uint64()] = c.parent.Hash()
	return nil
}

// rig is a producer on a chain in memory, with a clock of its own.
type rig struct {
	*memChain
	pool     *Pool
	producer *Producer
	now      time.Time
	interval time.Duration
	dropped  []Dropped
}

func newRig(t testing.TB, genesis *chain.Genesis, interval time.Duration) *rig {
	r := &rig{memChain: newMemChain(t, genesis), now: testStart, interval: interval}
	r.restart()
	return r
}

func testGenesis() *chain.Genesis {
	return chain.DevGenesis(crypto.PubkeyToAddress(testSequencer.PublicKey))
}

// head is where the chain stands.
func (r *rig) head() Head {
	head := Head{Parent: r.parent, Open: r.openMinis}
	if r.lastMini != nil {
		head.Last = LinkTo(r.lastMini)
	}
	return head
}

// restart begins a new run of the program on the chain as it is.
func (r *rig) restart() {
	r.t.Helper()
	r.pool = NewPool(PoolConfig{Chain: r.genesis.Config, Limits: r.genesis.Limits}, func() Accounts { return r.state.Latest() },
		chain.NextHeader(r.genesis.Config, r.parent, r.parent.Time+1))
	var err error
	r.producer, err = New(Config{
		Genesis: r.genesis, Key: testSequencer, Interval: r.interval, Engine: testEngine, Pool: r.pool, Chain: r.memChain,
	}, r.head())
	if err != nil {
		r.t.Fatal(err)
	}
}

// run lets time pass until end.
func (r *rig) run(end time.Time) {
	r.t.Helper()
	for {
		out, err := r.producer.Step(r.now)
		if err != nil {
			r.t.Fatal(err)
		}
		if out.Record != (wire.Record{}) {
			if err := r.append(out.Record); err != nil {
				r.t.Fatal(err)
			}
		}
		r.dropped = append(r.dropped, out.Dropped...)
		if out.Wake.After(end) {
			r.now = end
			return
		}
		if out.Wake.After(r.now) {
			r.now = out.Wake
		}
	}
}

func (r *rig) after(d time.Duration) { r.t.Helper(); r.run(r.now.Add(d)) }

func (r *rig) mustAdd(txs ...*types.Transaction) {
	r.t.Helper()
	for _, tx := range txs {
		if err := r.pool.Add(tx); err != nil {
			r.t.Fatalf("nonce %d: %v", tx.Nonce(), err)
		}
	}
}

// miniBlocks returns the mini-blocks so far that hold transactions.
func (c *memChain) miniBlocks() (busy []*chain.MiniBlock) {
	for _, rec := range c.records {
		if rec.MiniBlock != nil && len(rec.MiniBlock.Txs) > 0 {
			busy = append(busy, rec.MiniBlock)
		}
	}
	return busy
}

func (c *memChain) balance(addr common.Address) *uint256.Int {
	a, _ := c.state.Latest().Account(addr)
	return &a.Balance
}

func devKey(i int) *ecdsa.PrivateKey { return chain.DevAccounts[i].PrivateKey() }

// send is a signed call with enough gas and a fee cap of 100 gwei.
func send(key *ecdsa.PrivateKey, nonce uint64, to *common.Address, value int64, gas uint64, data []byte) *types.Transaction {
	return sign(key, &types.DynamicFeeTx{
		ChainID: testChain.ChainID, Nonce: nonce, To: to, Value: big.NewInt(value), Gas: gas, Data: data,
		GasTipCap: big.NewInt(gwei), GasFeeCap: big.NewInt(100 * gwei),
	})
}

func TestIdleChain(t *testing.T) {
	r := newRig(t, testGenesis(), 10*time.Millisecond)
	r.run(time.Unix(testStart.Unix()+4, 0).Add(-1))
	// Each second: the first mini-block of its EVM block; and the seal of the one before.
	if got, want := len(r.records), 4+3; got != want {
		t.Fatalf("got %d records in 4 s of an idle chain; want %d", got, want)
	}
	if got, want := r.parent.Number.Uint64(), uint64(3); got != want {
		t.Errorf("got EVM block %d; want %d", got, want)
	}
	if got, want := r.parent.Time, uint64(testStart.Unix()+2); got != want {
		t.Errorf("got timestamp %d; want %d", got, want)
	}
	checkStream(t, r.memChain)
}

func TestLoneTransactionIsSealedAtOnce(t *testing.T) {
	r := newRig(t, testGenesis(), 10*time.Millisecond)
	r.after(300 * time.Millisecond)
	r.mustAdd(send(devKey(0), 0, &common.Address{1}, 1, 21000, nil))
	r.after(0)
	busy := r.miniBlocks()
	if len(busy) != 1 || busy[0].Header.TimestampUs != uint64(r.now.UnixMicro()) {
		t.Fatalf("got %d mini-blocks at once; want 1", len(busy))
	}
	// The next one waits until the interval is over.
	r.mustAdd(send(devKey(0), 1, &common.Address{1}, 1, 21000, nil))
	r.after(9 * time.Millisecond)
	if got := len(r.miniBlocks()); got != 1 {
		t.Errorf("got %d mini-blocks within the interval; want 1", got)
	}
	r.after(time.Millisecond)
	if got := len(r.miniBlocks()); got != 2 {
		t.Errorf("got %d mini-blocks after the interval; want 2", got)
	}
}

func TestOneMillisecondInterval(t *testing.T) {
	r := newRig(t, testGenesis(), time.Millisecond)
	r.after(time.Second)
	before := len(r.miniBlocks())
	for nonce := range uint64(20) {
		r.mustAdd(send(devKey(0), nonce, &common.Address{1}, 1, 21000, nil))
		r.after(time.Millisecond)
	}
	if got := len(r.miniBlocks()) - before; got != 20 {
		t.Errorf("got %d mini-blocks in 20 ms; want 20", got)
	}
	checkStream(t, r.memChain)
}

func TestFullBlockLeavesTransactionsForTheNext(t *testing.T) {
	genesis := testGenesis()
	genesis.GasLimit = 100_000
	r := newRig(t, genesis, 10*time.Millisecond)
	r.after(100 * time.Millisecond)
	var txs []*types.Transaction
	for i := range 6 {
		txs = append(txs, send(devKey(i), 0, &common.Address{1}, 1, 21000, nil))
	}
	r.mustAdd(txs...)
	r.run(time.Unix(testStart.Unix()+3, 0))
	perBlock := map[uint64]int{}
	for _, m := range r.miniBlocks() {
		perBlock[m.Header.BlockNumber] += len(m.Txs)
	}
	if perBlock[1] != 4 || perBlock[2] != 2 {
		t.Errorf("got %v transactions by EVM block; want 4 in the first and 2 in the second", perBlock)
	}
	checkStream(t, r.memChain)
}

func TestInvalidAtExecutionIsDropped(t *testing.T) {
	r := newRig(t, testGenesis(), 10*time.Millisecond)
	r.after(time.Second)
	// The first transaction gives all away by a delegated call, which the pool cannot foresee.
	install := r.deploy(devKey(9), 0, sweepCode)
	auth, err := types.SignSetCode(devKey(1), types.SetCodeAuthorization{Address: install, Nonce: 0})
	if err != nil {
		t.Fatal(err)
	}
	victim := addressOf(devKey(1))
	setCode := sign(devKey(0), &types.SetCodeTx{
		ChainID: uint256.MustFromBig(testChain.ChainID), To: victim, Gas: 200_000, AuthList: []types.SetCodeAuthorization{auth},
		GasTipCap: uint256.NewInt(50 * gwei), GasFeeCap: uint256.NewInt(100 * gwei),
	})
	stale := send(devKey(1), 0, &common.Address{1}, 1, 21000, nil) // the authorization raises the nonce to 1
	broke := send(devKey(1), 1, &common.Address{1}, 1, 21000, nil) // and the call takes the balance
	r.mustAdd(setCode, stale, broke)
	r.after(100 * time.Millisecond)
	want := map[common.Hash]bool{stale.Hash(): true, broke.Hash(): true}
	for _, d := range r.dropped {
		if !want[d.Hash] || d.Err == nil {
			t.Errorf("dropped %s: %v", d.Hash, d.Err)
		}
		delete(want, d.Hash)
	}
	if len(want) > 0 {
		t.Errorf("%d transactions that cannot be executed were not dropped", len(want))
	}
	checkPool(t, r.pool)
	checkStream(t, r.memChain)
}

// sweepCode sends the whole balance of the account that runs it to address 0x5e.
// PUSH0 x4, SELFBALANCE, PUSH1 5e, GAS, CALL
var sweepCode = common.FromHex("5f5f5f5f47605e5af100")

// deploy creates a contract with the code and returns its address.
func (r *rig) deploy(key *ecdsa.PrivateKey, nonce uint64, code []byte) common.Address {
	r.t.Helper()
	// PUSH1 len, PUSH1 12, PUSH0, CODECOPY, PUSH1 len, PUSH0, RETURN, padding
	init := append([]byte{0x60, byte(len(code)), 0x60, 12, 0x5f, 0x39, 0x60, byte(len(code)), 0x5f, 0xf3, 0, 0}, code...)
	r.mustAdd(send(key, nonce, nil, 0, 1_000_000, init))
	r.after(20 * time.Millisecond)
	addr := crypto.CreateAddress(addressOf(key), nonce)
	if a, _ := r.state.Latest().Account(addr); a.CodeHash != crypto.Keccak256Hash(code) {
		r.t.Fatalf("the contract was not created")
	}
	return addr
}

func TestRestart(t *testing.T) {
	transfers := func(r *rig, from, to uint64) {
		for nonce := from; nonce < to; nonce++ {
			r.mustAdd(send(devKey(0), nonce, &common.Address{1}, 1, 21000, nil))
			r.after(15 * time.Millisecond)
		}
	}
	check := func(name string, away time.Duration, stop func(r *rig)) {
		t.Helper()
		r := newRig(t, testGenesis(), 10*time.Millisecond)
		r.after(20 * time.Millisecond)
		transfers(r, 0, 5)
		stop(r)
		r.now = r.now.Add(away)
		before := len(r.records)
		r.restart()
		r.after(20 * time.Millisecond)
		transfers(r, 5, 8)
		r.after(2 * time.Second)
		if got := r.balance(common.Address{1}).Uint64(); got != 8 {
			t.Errorf("%s: got %d transfers; want 8", name, got)
		}
		if len(r.records) <= before {
			t.Errorf("%s: the chain stands still", name)
		}
		checkStream(t, r.memChain)
	}
	inOpenBlock := func(*rig) {}
	check("within the second", 0, inOpenBlock)
	check("after a while", time.Hour, inOpenBlock)
	check("between two EVM blocks", time.Second, func(r *rig) {
		for r.openMinis != nil {
			r.step(t, time.Second)
		}
	})
	afterEnd := func(r *rig) { r.stepToEnd(t) }
	check("after the calls of the block's end", time.Second, afterEnd)
	check("after the calls of the block's end, with a slow clock", 0, afterEnd)
}

// stepToEnd makes the mini-block of the block's end, a second early.
func (r *rig) stepToEnd(t *testing.T) {
	t.Helper()
	request := append(make([]byte, 48), 0, 0, 0, 0, 0, 0, 0, 1) // EIP-7002
	r.mustAdd(send(devKey(2), 0, &params.WithdrawalQueueAddress, 1, 500_000, request))
	r.after(20 * time.Millisecond)
	r.step(t, time.Second)
	if m := r.lastMini; len(m.Txs) > 0 || m.Header.Index == 0 {
		t.Fatal("no mini-block of the block's end")
	}
}

func TestNothingIsExecutedAfterTheEnd(t *testing.T) {
	r := newRig(t, testGenesis(), 10*time.Millisecond)
	r.after(20 * time.Millisecond)
	r.stepToEnd(t) // and the clock is back in the second of the block
	r.mustAdd(send(devKey(0), 0, &common.Address{1}, 1, 21000, nil))
	r.after(2 * time.Second)
	if got := r.balance(common.Address{1}).Uint64(); got != 1 {
		t.Errorf("got %d transfers; want 1", got)
	}
	checkStream(t, r.memChain)
}

// step does one step at a time in the future.
func (r *rig) step(t *testing.T, ahead time.Duration) {
	t.Helper()
	out, err := r.producer.Step(r.now.Add(ahead))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.append(out.Record); err != nil {
		t.Fatal(err)
	}
}

func TestResumeRefusesAnotherState(t *testing.T) {
	r := newRig(t, testGenesis(), 10*time.Millisecond)
	r.mustAdd(send(devKey(0), 0, &common.Address{1}, 1, 21000, nil))
	r.after(20 * time.Millisecond)
	r.openMinis[1].Header.DiffHash[0]++
	_, err := New(Config{Genesis: r.genesis, Key: testSequencer, Engine: testEngine, Pool: r.pool, Chain: r.memChain},
		r.head())
	if err == nil {
		t.Error("resumed on a mini-block that does not follow from its transactions")
	}
}

func TestGenesisInTheFuture(t *testing.T) {
	genesis := testGenesis()
	genesis.Timestamp = uint64(testStart.Unix()) + 100
	r := newRig(t, genesis, 10*time.Millisecond)
	out, err := r.producer.Step(r.now)
	if err != nil || out.Record != (wire.Record{}) || !out.Wake.Equal(time.Unix(testStart.Unix()+101, 0)) {
		t.Errorf("got %+v, %v; want to sleep until after the genesis", out, err)
	}
}

func TestRunInRealTime(t *testing.T) {
	r := newRig(t, testGenesis(), time.Millisecond)
	r.now = time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	const count = 50
	sealed := 0
	for nonce := range uint64(count) {
		r.mustAdd(send(devKey(0), nonce, &common.Address{1}, 1, 21000, nil))
	}
	tick, err := tuning.NewTick(tuning.TickAuto, tuning.TickSpin)
	if err != nil {
		t.Fatal(err)
	}
	defer tick.Close()
	err = Run(ctx, r.producer, tick, func(rec wire.Record) error {
		if rec.MiniBlock != nil {
			sealed += len(rec.MiniBlock.Txs)
		}
		if sealed == count && rec.Seal != nil {
			cancel()
		}
		return r.append(rec)
	})
	if err != nil {
		t.Fatal(err)
	}
	checkStream(t, r.memChain)
}
