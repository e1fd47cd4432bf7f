package replica

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"errors"
	"math/big"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/netio/stream"
	"github.com/redline-evm/redline/netio/wire"
	"github.com/redline-evm/redline/sequencer/producer"
)

var (
	sequencerKey, _       = crypto.ToECDSA(common.LeftPadBytes([]byte{0xff}, 32))
	strangerKey, _        = crypto.ToECDSA(common.LeftPadBytes([]byte{0xfe}, 32))
	testGenesis           = chain.DevGenesis(crypto.PubkeyToAddress(sequencerKey.PublicKey))
	testEngine            = jit.New(jit.Config{})
	_               Chain = (*ledger.Appender)(nil)
)

// source is a sequencer without sockets, on a clock of its own.
type source struct {
	t        *testing.T
	ledger   *ledger.Ledger
	pool     *producer.Pool
	producer *producer.Producer
	now      time.Time
	nonces   [4]uint64
	counter  common.Address
}

func openLedger(t *testing.T, dir string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(ledger.Options{Dir: dir, Genesis: testGenesis, Durability: ledger.Async})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeLedger(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func newSource(t *testing.T) *source {
	s := &source{t: t, ledger: openLedger(t, t.TempDir()), now: time.Unix(1_800_000_000, 0)}
	t.Cleanup(func() { closeLedger(t, s.ledger) })
	accounts := func() producer.Accounts { return s.ledger.State().Latest() }
	header := chain.NextHeader(testGenesis.Config, s.ledger.Sealed(), uint64(s.now.Unix()))
	s.pool = producer.NewPool(producer.PoolConfig{Chain: testGenesis.Config, Limits: testGenesis.Limits}, accounts, header)
	var err error
	s.producer, err = producer.New(producer.Config{
		Genesis: testGenesis, Key: sequencerKey, Interval: 10 * time.Millisecond,
		Engine: testEngine, Pool: s.pool, Chain: s.ledger.Appender(),
	}, producer.Head{Parent: s.ledger.Sealed()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run lets time pass.
func (s *source) run(d time.Duration) {
	s.t.Helper()
	for end := s.now.Add(d); ; {
		out, err := s.producer.Step(s.now)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(out.Dropped) > 0 {
			s.t.Fatalf("dropped %v", out.Dropped)
		}
		if out.Record != (wire.Record{}) {
			if err := s.ledger.Appender().Append(out.Record); err != nil {
				s.t.Fatal(err)
			}
		}
		if out.Wake.After(end) {
			s.now = end
			return
		}
		if out.Wake.After(s.now) {
			s.now = out.Wake
		}
	}
}

// send puts a transaction of a dev account into the pool.
func (s *source) send(from int, to *common.Address, value int64, data []byte) {
	s.t.Helper()
	tx := types.MustSignNewTx(chain.DevAccounts[from].PrivateKey(), types.LatestSigner(testGenesis.Config), &types.DynamicFeeTx{
		ChainID: testGenesis.Config.ChainID, Nonce: s.nonces[from], To: to, Value: big.NewInt(value), Data: data,
		Gas: 300_000, GasFeeCap: big.NewInt(100 * params.GWei), GasTipCap: big.NewInt(params.GWei),
	})
	s.nonces[from]++
	if err := s.pool.Add(tx); err != nil {
		s.t.Fatal(err)
	}
}

// counterCode adds one to slot 0, logs the new value, and reverts when the call
// data is not empty.
// PUSH0 SLOAD PUSH1 1 ADD DUP1 PUSH0 SSTORE PUSH0 MSTORE PUSH1 32 PUSH0 LOG0 CALLDATASIZE PUSH1 20 JUMPI STOP JUMPDEST PUSH0 PUSH0 REVERT
var counterCode = common.FromHex("5f54600101805f555f5260205fa036601357005b5f5ffd")

// live lets the chain live for some EVM blocks: transfers, a contract's
// creation, its calls and reverts, and a withdrawal request (EIP-7002), which
// makes an EVM block's end change the state.
func (s *source) live(blocks int) {
	s.t.Helper()
	for range blocks {
		if s.counter == (common.Address{}) {
			s.counter = crypto.CreateAddress(chain.DevAccounts[0].Address, s.nonces[0])
			init := append(common.FromHex("601780600a5f395ff300"), counterCode...) // returns what follows it
			s.send(0, nil, 0, init)
		}
		for i := range 4 {
			s.send(i, &common.Address{7, byte(i)}, int64(i), nil)
			s.run(20 * time.Millisecond)
			s.send(i, &s.counter, 0, nil)
			s.send(i, &s.counter, 0, []byte("revert"))
		}
		s.send(1, &params.WithdrawalQueueAddress, 1, append(make([]byte, 48), 0, 0, 0, 0, 0, 0, 0, 1))
		s.run(time.Second)
	}
	s.run(100 * time.Millisecond)
}

func (s *source) records() [][]byte {
	s.t.Helper()
	records, err := s.ledger.ReadRecords(0, 1<<30)
	if err != nil {
		s.t.Fatal(err)
	}
	return records
}

// modes are the ways to follow, by whether they execute.
var modes = map[string]*jit.Engine{"diff": nil, "replay": testEngine}

func newReplica(t *testing.T, l *ledger.Ledger, engine *jit.Engine) *Replica {
	t.Helper()
	r, err := New(Config{Genesis: testGenesis, Chain: l.Appender(), Engine: engine})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// checkSame checks that two nodes have the same chain and the same state.
func checkSame(t *testing.T, got, want *ledger.Ledger) {
	t.Helper()
	if g, w := got.Appender(), want.Appender(); g.Expect() != w.Expect() || g.NextSeq() != w.NextSeq() || g.StateRoot() != w.StateRoot() {
		t.Fatalf("got record %d, state %s; want record %d, state %s", g.NextSeq(), g.StateRoot(), w.NextSeq(), w.StateRoot())
	}
	for number := range want.HeadNumber() + 1 {
		g, err1 := got.Block(number)
		w, err2 := want.Block(number)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for i := range w.Receipts {
			gotReceipt, err1 := g.Receipts[i].MarshalJSON()
			wantReceipt, err2 := w.Receipts[i].MarshalJSON()
			if !bytes.Equal(gotReceipt, wantReceipt) || err1 != nil || err2 != nil {
				t.Fatalf("EVM block %d: got receipt %s; want %s", number, gotReceipt, wantReceipt)
			}
		}
		if g.Hash != w.Hash || len(g.Receipts) != len(w.Receipts) {
			t.Fatalf("EVM block %d: got %s; want %s", number, g.Hash, w.Hash)
		}
	}
}

func TestFollow(t *testing.T) {
	s := newSource(t)
	s.live(3)
	records := s.records()
	checkRich(t, records)
	for name, engine := range modes {
		t.Run(name, func(t *testing.T) {
			l := openLedger(t, t.TempDir())
			defer closeLedger(t, l)
			executed, accepted := executedTxs.Get(), acceptedTxs.Get()
			r := newReplica(t, l, engine)
			for first := 0; first < len(records); first += 5 { // each batch overlaps the one before
				if err := r.Accept(uint64(max(0, first-2)), records[max(0, first-2):min(first+5, len(records))]); err != nil {
					t.Fatal(err)
				}
			}
			checkSame(t, l, s.ledger)
			accepted = acceptedTxs.Get() - accepted
			want := uint64(0)
			if engine != nil {
				want = accepted
			}
			if got := executedTxs.Get() - executed; got != want || accepted == 0 {
				t.Errorf("executed %d of %d transactions; want %d", got, accepted, want)
			}
		})
	}
}

// checkRich checks that the records hold all kinds of things.
func checkRich(t *testing.T, records [][]byte) {
	t.Helper()
	var seals, creations, failures, logs, ends int
	for _, encoded := range records {
		rec := parse(t, encoded)
		if rec.Seal != nil {
			seals++
			continue
		}
		m := rec.MiniBlock
		if m.Header.Index > 0 && len(m.Txs) == 0 {
			ends++
		}
		for i, receipt := range m.Receipts {
			logs += len(receipt.Logs)
			if m.Txs[i].To() == nil {
				creations++
			}
			if receipt.Status == 0 {
				failures++
			}
		}
	}
	if seals == 0 || creations == 0 || failures == 0 || logs == 0 || ends == 0 {
		t.Fatalf("the chain is too poor to prove anything: %d seals, %d creations, %d failures, %d logs, %d block ends", seals, creations, failures, logs, ends)
	}
}

func parse(t *testing.T, encoded []byte) wire.Record {
	t.Helper()
	rec, err := wire.ParseRecord(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// TestResume stops a node after every few records, as kill -9 would, and starts
// it again.
func TestResume(t *testing.T) {
	s := newSource(t)
	s.live(2)
	records := s.records()
	for name, engine := range modes {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for done := 0; done < len(records); {
				l := openLedger(t, dir)
				r := newReplica(t, l, engine)
				next := min(done+3, len(records))
				if err := r.Accept(l.NextSeq(), records[done:next]); err != nil {
					t.Fatal(err)
				}
				done = next
				if done == len(records) {
					checkSame(t, l, s.ledger)
				}
				closeLedger(t, l)
			}
		})
	}
}

// A tampering changes a record that was good. It is signed again, unless it
// says otherwise, so that only the change itself can be found out.
type tampering struct {
	name   string
	mini   func(m *chain.MiniBlock) // one with transactions
	seal   func(s *chain.Seal)
	key    *ecdsa.PrivateKey // nil: the sequencer's
	keep   bool              // the old signature
	want   error
	replay bool // only execution finds it
}

// rehash makes the header agree with the body.
func rehash(m *chain.MiniBlock) {
	m.Header.DiffHash = m.Diff.Hash()
}

// negate makes the other signature of the same signer for the same hash.
func negate(s *chain.Signature) {
	value := new(big.Int).SetBytes(s[32:64])
	value.Sub(crypto.S256().Params().N, value).FillBytes(s[32:64])
	s[64] ^= 1
}

var tamperings = []tampering{
	{name: "signature of a stranger", mini: func(*chain.MiniBlock) {}, key: strangerKey, want: ErrSignature},
	{name: "old signature", mini: func(m *chain.MiniBlock) { m.Header.TimestampUs++ }, keep: true, want: ErrSignature},
	{name: "garbage signature", mini: func(m *chain.MiniBlock) { m.Header.Signature = chain.Signature{64: 9} }, keep: true, want: ErrSignature},
	{name: "signature's twin", mini: func(m *chain.MiniBlock) { negate(&m.Header.Signature) }, keep: true, want: ErrSignature},
	{name: "number", mini: func(m *chain.MiniBlock) { m.Header.Number++ }, want: ErrLink},
	{name: "parent", mini: func(m *chain.MiniBlock) { m.Header.ParentHash[0]++ }, want: ErrLink},
	{name: "EVM block", mini: func(m *chain.MiniBlock) { m.Header.BlockNumber++ }, want: ErrLink},
	{name: "block timestamp", mini: func(m *chain.MiniBlock) { m.Header.BlockTimestamp++ }, want: ErrLink},
	{name: "index", mini: func(m *chain.MiniBlock) { m.Header.Index++ }, want: ErrLink},
	{name: "first transaction", mini: func(m *chain.MiniBlock) { m.Header.FirstTxIndex++ }, want: ErrLink},
	{name: "first log", mini: func(m *chain.MiniBlock) { m.Header.FirstLogIndex++ }, want: ErrLink},
	{name: "gas used", mini: func(m *chain.MiniBlock) { m.Header.GasUsed++ }, want: ErrGas},
	{name: "gas above the limit", mini: func(m *chain.MiniBlock) {
		m.Receipts[0].GasUsed += testGenesis.GasLimit
		m.Header.GasUsed += testGenesis.GasLimit
	}, want: ErrGas},
	{name: "balance", mini: func(m *chain.MiniBlock) {
		m.Diff.Accounts[0].Account.Balance.AddUint64(&m.Diff.Accounts[0].Account.Balance, 1)
	}, want: ErrDiffHash},
	{name: "account left out", mini: func(m *chain.MiniBlock) { m.Diff.Accounts = m.Diff.Accounts[1:] }, want: ErrDiffHash},
	{name: "impossible diff", mini: func(m *chain.MiniBlock) {
		m.Diff.Codes = append(m.Diff.Codes, chain.Code{Hash: common.Hash{0xff, 0xff}, Bytes: []byte{1}})
		rehash(m)
	}, want: ErrDiff},
	{name: "transaction left out", mini: func(m *chain.MiniBlock) {
		last := len(m.Txs) - 1
		m.Header.GasUsed -= m.Receipts[last].GasUsed
		m.Txs, m.Receipts = m.Txs[:last], m.Receipts[:last]
	}, want: ErrTxRoot},
	{name: "status", mini: func(m *chain.MiniBlock) { m.Receipts[0].Status ^= 1 }, want: ErrReceiptRoot},
	{name: "log", mini: func(m *chain.MiniBlock) {
		m.Receipts[0].Logs = append(m.Receipts[0].Logs, &types.Log{})
	}, want: ErrReceiptRoot},
	{name: "balance that was signed", mini: func(m *chain.MiniBlock) {
		balance := &m.Diff.Accounts[0].Account.Balance
		balance.Add(balance, uint256.NewInt(1))
		rehash(m)
	}, want: ErrExecution, replay: true},
	{name: "receipt that was signed", mini: func(m *chain.MiniBlock) {
		m.Receipts[0].Status ^= 1
		_, m.Header.ReceiptRoot = chain.ListRoots(m.Txs, m.Receipts)
	}, want: ErrExecution, replay: true},

	{name: "seal of a stranger", seal: func(*chain.Seal) {}, key: strangerKey, want: ErrSignature},
	{name: "old signature of a seal", seal: func(s *chain.Seal) { s.Header.GasUsed++ }, keep: true, want: ErrSignature},
	{name: "number of a seal", seal: func(s *chain.Seal) { s.Header.Number.Add(s.Header.Number, common.Big1) }, want: ErrLink},
	{name: "parent of a seal", seal: func(s *chain.Seal) { s.Header.ParentHash[0]++ }, want: ErrLink},
	{name: "state root", seal: func(s *chain.Seal) { s.Header.Root[0]++ }, want: ErrStateRoot},
	{name: "gas of a header", seal: func(s *chain.Seal) { s.Header.GasUsed++ }, want: ErrHeader},
	{name: "bloom of a header", seal: func(s *chain.Seal) { s.Header.Bloom[0]++ }, want: ErrHeader},
	{name: "base fee", seal: func(s *chain.Seal) { s.Header.BaseFee.Add(s.Header.BaseFee, common.Big1) }, want: ErrHeader},
	{name: "extra data", seal: func(s *chain.Seal) { s.Header.Extra[15]++ }, want: ErrHeader},
	{name: "roots of a header", seal: func(s *chain.Seal) { s.Header.TxHash, s.Header.ReceiptHash = s.Header.ReceiptHash, s.Header.TxHash }, want: ErrHeader},
	{name: "no requests hash", seal: func(s *chain.Seal) { s.Header.RequestsHash = nil }, want: ErrHeader},
	{name: "other requests", seal: func(s *chain.Seal) { s.Header.RequestsHash = &common.Hash{1} }, want: ErrExecution, replay: true},
}

// apply returns the tampered encoding; ok is false when the record is not one
// for this tampering.
func (x *tampering) apply(t *testing.T, encoded []byte) (tampered []byte, ok bool) {
	t.Helper()
	rec := parse(t, encoded)
	key := sequencerKey
	if x.key != nil {
		key = x.key
	}
	var sign func(*ecdsa.PrivateKey) error
	switch {
	case x.mini != nil && rec.MiniBlock != nil && len(rec.MiniBlock.Txs) > 1:
		// The parser does not derive what the receipt root needs.
		m := rec.MiniBlock
		chain.DeriveReceipts(&m.Header, m.Txs, m.Receipts, &types.Header{BaseFee: new(big.Int)})
		x.mini(m)
		sign = m.Header.Sign
	case x.seal != nil && rec.Seal != nil && rec.Seal.Header.GasUsed > 0:
		x.seal(rec.Seal)
		sign = rec.Seal.Sign
	default:
		return nil, false
	}
	if !x.keep {
		if err := sign(key); err != nil {
			t.Fatal(err)
		}
	}
	return wire.AppendRecord(nil, rec), true
}

func TestTamperedRecordsAreRefused(t *testing.T) {
	s := newSource(t)
	s.live(1)
	records := s.records()
	for _, x := range tamperings {
		t.Run(strings.ReplaceAll(x.name, " ", "_"), func(t *testing.T) {
			at, tampered := 0, []byte(nil)
			for ok := false; !ok; at++ {
				tampered, ok = x.apply(t, records[at])
			}
			at--
			for name, engine := range modes {
				if x.replay && engine == nil {
					continue
				}
				l := openLedger(t, t.TempDir())
				r := newReplica(t, l, engine)
				if err := r.Accept(0, records[:at]); err != nil {
					t.Fatal(err)
				}
				err := r.Accept(uint64(at), [][]byte{tampered})
				var refusal *Error
				if !errors.Is(err, x.want) || !errors.As(err, &refusal) {
					t.Fatalf("%s: got %v; want %v", name, err, x.want)
				}
				if refusal.Seq != uint64(at) || l.NextSeq() != uint64(at) {
					t.Errorf("%s: refused record %d, next is %d; want %d", name, refusal.Seq, l.NextSeq(), at)
				}
				closeLedger(t, l)
			}
		})
	}
}

// TestWrongStateIsFound lets a balance pass that the sequencer signed, as diff
// mode does, and expects the end of the EVM block to find it out.
func TestWrongStateIsFound(t *testing.T) {
	s := newSource(t)
	s.live(1)
	records := s.records()
	seal := 0
	for parse(t, records[seal]).Seal == nil {
		seal++
	}
	l := openLedger(t, t.TempDir())
	defer closeLedger(t, l)
	r := newReplica(t, l, nil)
	if err := r.Accept(0, records[:seal-1]); err != nil {
		t.Fatal(err)
	}
	m := parse(t, records[seal-1]).MiniBlock
	m.Diff.Accounts[0].Account.Nonce++
	rehash(m)
	if err := m.Header.Sign(sequencerKey); err != nil {
		t.Fatal(err)
	}
	tampered := wire.AppendRecord(nil, wire.Record{MiniBlock: m})
	if err := r.Accept(uint64(seal-1), [][]byte{tampered, records[seal]}); !errors.Is(err, ErrStateRoot) {
		t.Fatalf("got %v; want %v", err, ErrStateRoot)
	}
}

func TestGapAndGarbage(t *testing.T) {
	s := newSource(t)
	s.live(1)
	records := s.records()
	l := openLedger(t, t.TempDir())
	defer closeLedger(t, l)
	r := newReplica(t, l, nil)
	if err := r.Accept(1, records[1:3]); !errors.Is(err, ErrGap) {
		t.Errorf("gap: got %v; want %v", err, ErrGap)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		garbage := bytes.Clone(records[0])
		for range 1 + random.IntN(3) {
			garbage[random.IntN(len(garbage))] ^= 1 << random.IntN(8)
		}
		if err := r.Accept(0, [][]byte{garbage}); err == nil || l.NextSeq() != 0 {
			t.Fatalf("record %x was accepted", garbage)
		}
	}
	if err := r.Accept(0, [][]byte{nil}); !errors.Is(err, ErrMalformed) {
		t.Errorf("empty record: got %v; want %v", err, ErrMalformed)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for err, want := range advice {
		e := &Error{Seq: 7, Record: "mini-block 5", Err: err, Detail: "got 1; want 2"}
		for _, part := range []string{"record 7", "mini-block 5", err.Error(), "got 1; want 2", want} {
			if !strings.Contains(e.Error(), part) {
				t.Errorf("%q lacks %q", e, part)
			}
		}
	}
}

// TestFollowOverHTTP follows a living chain over a socket. The link is cut
// again and again, the server goes away and comes back, and so does the node.
func TestFollowOverHTTP(t *testing.T) {
	s := newSource(t)
	server := serve(t, s.ledger, "127.0.0.1:0")
	addr := server.addr
	dir := t.TempDir()

	s.live(1)
	following := follow(t, dir, addr)
	following.waitFor(s.ledger.NextSeq())
	for range 3 {
		server.cut()
		s.live(1)
		server.publisher.Notify()
		following.waitFor(s.ledger.NextSeq())
	}
	server.stop()
	s.live(1)
	server = serve(t, s.ledger, addr)
	following.waitFor(s.ledger.NextSeq())
	following.stop() // the node's process dies
	s.live(1)
	following = follow(t, dir, addr)
	following.waitFor(s.ledger.NextSeq())
	following.stop()
	server.stop()

	l := openLedger(t, dir)
	defer closeLedger(t, l)
	checkSame(t, l, s.ledger)
}

// server publishes a ledger at a socket whose connections can be cut.
type server struct {
	t         *testing.T
	addr      string
	publisher *stream.Publisher
	served    chan error

	mu    sync.Mutex
	conns []net.Conn
}

func serve(t *testing.T, l *ledger.Ledger, addr string) *server {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, addr: listener.Addr().String(), served: make(chan error, 1)}
	s.publisher = stream.NewPublisher(stream.PublisherConfig{Source: l, Chain: l.Identity().Hex()})
	go func() { s.served <- s.publisher.Serve(&recordingListener{listener, s}) }()
	return s
}

func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		conn.Close()
	}
	s.conns = nil
}

func (s *server) stop() {
	s.t.Helper()
	if err := errors.Join(s.publisher.Close(), <-s.served); err != nil {
		s.t.Fatal(err)
	}
}

type recordingListener struct {
	net.Listener
	server *server
}

func (l *recordingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.server.mu.Lock()
		l.server.conns = append(l.server.conns, conn)
		l.server.mu.Unlock()
	}
	return conn, err
}

// following is a full node that follows.
type following struct {
	t      *testing.T
	ledger *ledger.Ledger
	cancel context.CancelFunc
	done   chan error
	grown  chan uint64
}

func follow(t *testing.T, dir, addr string) *following {
	t.Helper()
	l := openLedger(t, dir)
	r := newReplica(t, l, nil)
	ctx, cancel := context.WithCancel(t.Context())
	f := &following{t: t, ledger: l, cancel: cancel, done: make(chan error, 1), grown: make(chan uint64, 1<<16)}
	client := stream.NewClient(stream.ClientConfig{
		URL: "http://" + addr, Chain: l.Identity().Hex(), Next: l.NextSeq(),
		Deliver: func(first uint64, records [][]byte) error {
			err := r.Accept(first, records)
			f.grown <- l.NextSeq()
			return err
		},
	})
	go func() { f.done <- client.Run(ctx) }()
	return f
}

func (f *following) waitFor(seq uint64) {
	f.t.Helper()
	for f.ledger.NextSeq() < seq {
		select {
		case <-f.grown:
		case err := <-f.done:
			f.t.Fatal(err)
		case <-time.After(time.Minute):
			f.t.Fatalf("got to record %d in a minute; want %d", f.ledger.NextSeq(), seq)
		}
	}
}

func (f *following) stop() {
	f.t.Helper()
	f.cancel()
	if err := <-f.done; !errors.Is(err, context.Canceled) {
		f.t.Fatal(err)
	}
	closeLedger(f.t, f.ledger)
}

// tearLog erases the block that was written last.
func tearLog(t *testing.T, path string) {
	t.Helper()
	segment, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end := len(bytes.TrimRight(segment, "\x00"))
	clear(segment[end-end%vfs.BlockSize:])
	if err := os.WriteFile(path, segment, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestKilledWhileWriting tears a follower's log inside a record, as a crash
// might, and lets it catch up.
func TestKilledWhileWriting(t *testing.T) {
	s := newSource(t)
	s.live(2)
	records := s.records()
	dir := t.TempDir()
	l := openLedger(t, dir)
	if err := newReplica(t, l, nil).Accept(0, records[:len(records)/2]); err != nil {
		t.Fatal(err)
	}
	closeLedger(t, l)
	tearLog(t, filepath.Join(dir, "ledger", "wal", "00000001.wal"))
	l = openLedger(t, dir)
	defer closeLedger(t, l)
	if got, want := l.NextSeq(), uint64(len(records)/2-1); got != want {
		t.Fatalf("got %d records after the crash; want %d", got, want)
	}
	if err := newReplica(t, l, nil).Accept(l.NextSeq(), records[l.NextSeq():]); err != nil {
		t.Fatal(err)
	}
	checkSame(t, l, s.ledger)
}
