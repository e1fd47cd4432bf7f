package ledger

import (
	"bytes"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"reflect"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/netio/wire"
)

var (
	testKey     = mustKey("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291")
	testSender  = crypto.PubkeyToAddress(testKey.PublicKey)
	testGenesis = chain.DevGenesis(testSender)
)

func mustKey(hex string) *ecdsa.PrivateKey {
	key, err := crypto.HexToECDSA(hex)
	if err != nil {
		panic(err)
	}
	return key
}

// open opens the ledger in dir; what is appended is seen at once.
func open(t *testing.T, dir string) *Ledger {
	t.Helper()
	l, err := Open(Options{Dir: dir, Genesis: testGenesis, Durability: Async})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// nextMiniBlock makes a mini-block of txCount transactions that continues the
// chain. What it does is invented; the ledger does not look.
func nextMiniBlock(l *Ledger, txCount int) *chain.MiniBlock {
	m := &chain.MiniBlock{Header: l.appender.Expect(), Diff: &chain.StateDiff{}}
	h := &m.Header
	if h.BlockTimestamp == 0 {
		h.BlockTimestamp = l.appender.Sealed().Time + 1
	}
	header := l.appender.openHeader(h)
	for i := range txCount {
		inner := &types.DynamicFeeTx{ChainID: l.Config().ChainID, Nonce: h.Number*1000 + uint64(i), Gas: 50_000, GasFeeCap: big.NewInt(2e9), GasTipCap: big.NewInt(1)}
		if i%3 != 0 { // every third creates a contract
			inner.To = &common.Address{19: byte(i)}
		}
		m.Txs = append(m.Txs, types.MustSignNewTx(testKey, l.signer, inner))
		h.GasUsed += 21_000
		receipt := &types.Receipt{Status: 1, Logs: []*types.Log{}, GasUsed: 21_000, CumulativeGasUsed: h.CumulativeGas + h.GasUsed}
		for range i % 3 {
			receipt.Logs = append(receipt.Logs, &types.Log{Address: common.Address{1}, Topics: []common.Hash{{2}}, Data: []byte{3}})
		}
		m.Receipts = append(m.Receipts, receipt)
	}
	if txCount > 0 {
		m.Diff.Accounts = []chain.AccountDiff{{Address: testSender, Account: chain.Account{
			Nonce: h.Number * 1000, Balance: *uint256.NewInt(h.Number), CodeHash: types.EmptyCodeHash}}}
	}
	chain.DeriveReceipts(h, m.Txs, m.Receipts, header)
	h.TxRoot, h.ReceiptRoot = chain.ListRoots(m.Txs, m.Receipts)
	h.DiffHash = m.Diff.Hash()
	return m
}

func nextSeal(l *Ledger) *chain.Seal {
	open := l.appender.Open()
	seal := &chain.Seal{Header: chain.CloseHeader(open.Header, &chain.BlockBody{
		Txs: open.Txs, Receipts: open.Receipts, StateRoot: l.appender.StateRoot(),
		RequestsHash: &types.EmptyRequestsHash, FirstMini: open.FirstMini, LastMini: open.LastMini,
	})}
	if err := seal.Sign(testKey); err != nil {
		panic(err)
	}
	return seal
}

// grow appends blocks sealed EVM blocks and an open one, each of three
// mini-blocks.
func grow(t *testing.T, l *Ledger, blocks int) {
	t.Helper()
	for i := range blocks + 1 {
		for j := range 3 {
			appendRecord(t, l, wire.Record{MiniBlock: nextMiniBlock(l, (i+j)%5)})
		}
		if i < blocks {
			appendRecord(t, l, wire.Record{Seal: nextSeal(l)})
		}
	}
}

func appendRecord(t *testing.T, l *Ledger, rec wire.Record) {
	t.Helper()
	if err := l.appender.Append(rec); err != nil {
		t.Fatal(err)
	}
}

// view is everything that a ledger serves, with hashes in the place of pointers.
func view(t *testing.T, l *Ledger) (text string) {
	t.Helper()
	say := func(format string, args ...any) { text += fmt.Sprintf(format+"\n", args...) }
	say("next %d, expect %+v, root %s", l.NextSeq(), l.appender.Expect(), l.appender.StateRoot())
	for number := range l.HeadNumber() + 2 {
		block, err := l.Block(number)
		if err != nil {
			t.Fatal(err)
		}
		if block == nil {
			say("block %d: none", number)
			continue
		}
		say("block %d: %s %s sealed %t minis %d-%d", number, block.Hash, block.Header.Hash(), block.Sealed, block.FirstMini, block.LastMini)
		for i, tx := range block.Txs {
			receipt, err := block.Receipts[i].MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			say("tx %s: %s", tx.Hash(), receipt)
		}
	}
	latest := l.Latest()
	account, exists := latest.Account(testSender)
	say("mini %d block %d: %v %t", latest.MiniBlock(), latest.Block(), account, exists)
	return text
}

func TestReopenedLedgerServesTheSame(t *testing.T) {
	for blocks := range 4 {
		dir := t.TempDir()
		l := open(t, dir)
		grow(t, l, blocks)
		want := view(t, l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, dir)
		if got := view(t, l); got != want {
			t.Fatalf("after reopening:\n%s\nwant:\n%s", got, want)
		}
		grow(t, l, 1)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEmptyLedger(t *testing.T) {
	l := open(t, t.TempDir())
	head, err := l.Head()
	if err != nil || head.Header.Number.Sign() != 0 || !head.Sealed || head.Hash != l.GenesisHash() {
		t.Errorf("head: got %+v, %v; want the genesis block", head, err)
	}
	if l.Open() != nil || l.NextSeq() != 0 || l.HeadNumber() != 0 {
		t.Errorf("got open %v, next %d, head %d; want nothing", l.Open(), l.NextSeq(), l.HeadNumber())
	}
	if got, err := l.ReadRecords(0, 100); got != nil || err != nil {
		t.Errorf("records: got %x, %v; want none", got, err)
	}
	want := chain.MiniBlockHeader{Number: 1, ParentHash: l.Identity(), BlockNumber: 1}
	if got := l.appender.Expect(); got != want {
		t.Errorf("expect: got %+v; want %+v", got, want)
	}
}

func TestBlockHashes(t *testing.T) {
	l := open(t, t.TempDir())
	grow(t, l, 2)
	for mini := uint64(1); mini <= 9; mini++ {
		m, err := l.MiniBlock(mini)
		if err != nil {
			t.Fatal(err)
		}
		want := (mini + 2) / 3
		if got, ok, err := l.BlockNumber(m.Header.Hash()); got != want || !ok || err != nil {
			t.Errorf("alias of mini-block %d: got %d, %t, %v; want %d", mini, got, ok, err, want)
		}
		for _, receipt := range m.Receipts {
			if receipt.BlockHash != m.Header.Hash() || receipt.GasUsed != 21_000 {
				t.Errorf("mini-block %d: got receipt %+v; want block hash %s", mini, receipt, m.Header.Hash())
			}
		}
	}
	for number := range uint64(3) {
		got, found, err := l.BlockNumber(l.BlockHash(number))
		if !found || got != number || err != nil {
			t.Errorf("hash of EVM block %d: got %d, %t, %v", number, got, found, err)
		}
	}
	if got := l.BlockHash(3); got != (common.Hash{}) {
		t.Errorf("hash of the open EVM block: got %s; want none", got)
	}
	if got, ok, err := l.BlockNumber(common.Hash{1}); ok || err != nil {
		t.Errorf("unknown hash: got %d, %t, %v", got, ok, err)
	}
	if m, err := l.MiniBlock(10); m != nil || err != nil {
		t.Errorf("mini-block 10: got %v, %v; want none", m, err)
	}
}

// TestTransactions looks up every transaction while its EVM block is open,
// recently sealed, and read from the log.
func TestTransactions(t *testing.T) {
	l := open(t, t.TempDir())
	grow(t, l, 4)
	check := func(number uint64) {
		t.Helper()
		block, err := l.Block(number)
		if err != nil {
			t.Fatal(err)
		}
		l.blocks = newBlockCache(1)
		for i, tx := range block.Txs {
			got, err := l.Transaction(tx.Hash())
			if err != nil || got == nil {
				t.Fatalf("transaction %s: got %v, %v", tx.Hash(), got, err)
			}
			if got.Tx.Hash() != tx.Hash() || got.Header.Hash() != block.Header.Hash() || !reflect.DeepEqual(got.Receipt, block.Receipts[i]) {
				t.Errorf("block %d, transaction %d: got %+v; want %+v", number, i, got.Receipt, block.Receipts[i])
			}
			if block.Sealed && got.Receipt.BlockHash != block.Hash {
				t.Errorf("got block hash %s; want %s", got.Receipt.BlockHash, block.Hash)
			}
			want := common.Address{}
			if tx.To() == nil {
				want = crypto.CreateAddress(testSender, tx.Nonce())
			}
			if got.Receipt.ContractAddress != want || got.Receipt.TransactionIndex != uint(i) {
				t.Errorf("got contract %s, index %d; want %s, %d", got.Receipt.ContractAddress, got.Receipt.TransactionIndex, want, i)
			}
		}
	}
	for number := range uint64(6) {
		check(number)
		check(number)
	}
	if got, err := l.Transaction(common.Hash{1}); got != nil || err != nil {
		t.Errorf("unknown transaction: got %v, %v", got, err)
	}
}

func TestSnapshotOfOpenBlockStays(t *testing.T) {
	l := open(t, t.TempDir())
	appendRecord(t, l, wire.Record{MiniBlock: nextMiniBlock(l, 4)})
	before := l.Open()
	hashes := fmt.Sprint(before.Hash, len(before.Txs), before.Receipts[0].BlockHash)
	appendRecord(t, l, wire.Record{MiniBlock: nextMiniBlock(l, 4)})
	appendRecord(t, l, wire.Record{Seal: nextSeal(l)})
	if got := fmt.Sprint(before.Hash, len(before.Txs), before.Receipts[0].BlockHash); got != hashes {
		t.Errorf("got %s; want %s", got, hashes)
	}
}

func TestAppendRefusesWhatDoesNotFollow(t *testing.T) {
	l := open(t, t.TempDir())
	refuse := func(name string, rec wire.Record) {
		t.Helper()
		seq := l.NextSeq()
		if err := l.appender.Append(rec); !errors.Is(err, ErrOutOfSequence) || l.NextSeq() != seq {
			t.Errorf("%s: got %v; want %v", name, err, ErrOutOfSequence)
		}
	}
	miniBlock := func(change func(h *chain.MiniBlockHeader)) wire.Record {
		m := nextMiniBlock(l, 1)
		change(&m.Header)
		return wire.Record{MiniBlock: m}
	}
	appendRecord(t, l, wire.Record{MiniBlock: nextMiniBlock(l, 1)})
	seal := nextSeal(l)
	refuse("same number", miniBlock(func(h *chain.MiniBlockHeader) { h.Number-- }))
	refuse("gap", miniBlock(func(h *chain.MiniBlockHeader) { h.Number++ }))
	refuse("other parent", miniBlock(func(h *chain.MiniBlockHeader) { h.ParentHash[0]++ }))
	refuse("next block without seal", miniBlock(func(h *chain.MiniBlockHeader) { h.BlockNumber++ }))
	refuse("other index", miniBlock(func(h *chain.MiniBlockHeader) { h.Index++ }))
	other := nextSeal(l)
	other.Header.Number.Add(other.Header.Number, common.Big1)
	refuse("seal of another block", wire.Record{Seal: other})
	appendRecord(t, l, wire.Record{Seal: seal})
	refuse("seal again", wire.Record{Seal: seal})
}

func TestReadRecords(t *testing.T) {
	l := open(t, t.TempDir())
	grow(t, l, 3)
	all, err := l.ReadRecords(0, 1<<20)
	if err != nil || uint64(len(all)) != l.NextSeq() {
		t.Fatalf("got %d records, %v; want %d", len(all), err, l.NextSeq())
	}
	for from := range l.NextSeq() {
		for _, sizeMax := range []int{0, 400, 1 << 20} {
			got, err := l.ReadRecords(from, sizeMax)
			if err != nil || len(got) == 0 || !reflect.DeepEqual(got, all[from:from+uint64(len(got))]) {
				t.Fatalf("from %d at most %d bytes: got %d records, %v", from, sizeMax, len(got), err)
			}
			if size := len(bytes.Join(got, nil)); size > sizeMax && len(got) > 1 {
				t.Errorf("from %d: got %d bytes; want at most %d", from, size, sizeMax)
			}
		}
	}
	if rec, err := wire.ParseRecord(all[3]); err != nil || rec.Seal == nil {
		t.Errorf("record 3: got %+v, %v; want a seal", rec, err)
	}
}

func TestObserversSeeEveryRecord(t *testing.T) {
	l := open(t, t.TempDir())
	var minis, seals []uint64
	l.Observe(func(e Event) {
		switch {
		case e.MiniBlock != nil:
			minis = append(minis, e.MiniBlock.Header.Number)
			if head, _ := l.Head(); head.Hash != e.MiniBlock.Header.Hash() {
				t.Errorf("told of mini-block %d before it can be read", e.MiniBlock.Header.Number)
			}
		case e.Sealed != nil:
			seals = append(seals, e.Sealed.Header.Number.Uint64())
		}
	})
	grow(t, l, 2)
	if got, want := fmt.Sprint(minis, seals), "[1 2 3 4 5 6 7 8 9] [1 2]"; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
}

// TestReadersWhileAppending lets readers ask for everything while the chain
// grows, with a cache that holds next to nothing.
func TestReadersWhileAppending(t *testing.T) {
	l, err := Open(Options{Dir: t.TempDir(), Genesis: testGenesis, CacheBytes: 3000, Durability: Async})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				readSomething(t, l)
			}
		})
	}
	grow(t, l, 40)
	close(stop)
	readers.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func readSomething(t *testing.T, l *Ledger) {
	head, err := l.Head()
	if err != nil {
		t.Error(err)
		return
	}
	for i, tx := range head.Txs {
		got, err := l.Transaction(tx.Hash())
		if err != nil || got == nil || got.Receipt.TransactionIndex != uint(i) {
			t.Errorf("transaction %s: got %+v, %v", tx.Hash(), got, err)
		}
	}
	number := head.Header.Number.Uint64()
	if block, err := l.Block(number / 2); err != nil || block == nil || block.Header.Number.Uint64() != number/2 {
		t.Errorf("block %d: got %+v, %v", number/2, block, err)
	}
	if got, ok, err := l.BlockNumber(head.Hash); got != number || !ok || err != nil {
		t.Errorf("hash %s: got %d, %t, %v; want %d", head.Hash, got, ok, err, number)
	}
	if next := l.NextSeq(); next > 0 {
		if got, err := l.ReadRecords(next-1, 1<<20); err != nil || len(got) == 0 {
			t.Errorf("record %d: got %d, %v", next-1, len(got), err)
		}
	}
}

func TestGenesisIsChecked(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no genesis at all: got %v; want %v", err, fs.ErrNotExist)
	}
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	l, err := Open(Options{Dir: dir})
	if err != nil || l.Genesis().Sequencer != testSender {
		t.Fatalf("genesis of the directory: got %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*chain.Genesis){
		"sequencer": func(g *chain.Genesis) { g.Sequencer[0]++ },
		"alloc":     func(g *chain.Genesis) { g.Alloc[testSender] = types.Account{Balance: big.NewInt(1)} },
		"timestamp": func(g *chain.Genesis) { g.Timestamp++ },
		"fork":      func(g *chain.Genesis) { g.Config.OsakaTime = nil },
		"limit":     func(g *chain.Genesis) { g.TxGasLimit = 1e6 },
	} {
		other := chain.DevGenesis(testSender)
		change(other)
		if _, err := Open(Options{Dir: dir, Genesis: other}); !errors.Is(err, ErrOtherGenesis) {
			t.Errorf("other %s: got %v; want %v", name, err, ErrOtherGenesis)
		}
	}
}

// TestWantedChain opens by the identity that the user trusts. A genesis of
// another chain leaves nothing behind.
func TestWantedChain(t *testing.T) {
	dir := t.TempDir()
	genesis := chain.DevGenesis(testSender)
	if _, err := Open(Options{Dir: dir, Genesis: genesis, Chain: common.Hash{1}}); !errors.Is(err, ErrOtherChain) {
		t.Errorf("another chain: got %v; want %v", err, ErrOtherChain)
	}
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after a refusal: got %v; want %v", err, fs.ErrNotExist)
	}
	l, err := Open(Options{Dir: dir, Genesis: genesis})
	if err != nil {
		t.Fatal(err)
	}
	identity := l.Identity()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(Options{Dir: dir, Chain: identity}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir, Chain: common.Hash{1}}); !errors.Is(err, ErrOtherChain) {
		t.Errorf("another chain than that of the directory: got %v; want %v", err, ErrOtherChain)
	}
}

func TestHashIndexTellsTwinsApart(t *testing.T) {
	x := newHashIndex()
	first, twin := common.Hash{0: 1, 31: 1}, common.Hash{0: 1, 31: 2}
	x.put(first, 10, false)
	x.put(twin, 20, false)
	for hash, want := range map[common.Hash]uint64{first: 10, twin: 20} {
		if got, ok := x.get(hash); got != want || !ok {
			t.Errorf("%s: got %d, %t; want %d", hash, got, ok, want)
		}
	}
	if _, ok := x.get(common.Hash{0: 2}); ok {
		t.Error("found a hash that was never put")
	}
}
