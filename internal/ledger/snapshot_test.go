package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/memstate/snapshot"
	"github.com/redline-evm/redline/memstate/wal"
	"github.com/redline-evm/redline/netio/wire"
)

// openRecent opens the ledger on a file system, with the states of the newest EVM
// blocks.
func openRecent(t *testing.T, fs vfs.FS) *Ledger {
	t.Helper()
	l, err := Open(Options{Dir: testDir, FS: fs, Genesis: testGenesis, Durability: Async, StateBlocks: 256})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// reopen closes a ledger and opens it again.
func reopen(t *testing.T, fs vfs.FS, l *Ledger) *Ledger {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return openRecent(t, fs)
}

func takeSnapshot(t *testing.T, l *Ledger) *snapshot.Manifest {
	t.Helper()
	m, err := l.SnapshotAtRest(t.Context(), testKey, snapshot.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// archiveAll moves to the history what can be moved.
func archiveAll(t *testing.T, l *Ledger) (blocks int) {
	t.Helper()
	for {
		moved, err := l.Archive()
		if err != nil {
			t.Fatal(err)
		}
		if !moved {
			return blocks
		}
		blocks++
	}
}

func prune(t *testing.T, l *Ledger, snapshots int) {
	t.Helper()
	_, err := l.Snapshots().Prune(snapshots)
	if err = errors.Join(err, l.Prune(snapshots, 0)); err != nil {
		t.Fatal(err)
	}
}

// waitDurable waits until the log has written all.
func waitDurable(t *testing.T, l *Ledger) {
	t.Helper()
	for l.log.Durable() < l.NextSeq() {
		if err := pause(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRestartFromSnapshot restarts from snapshots of every kind of moment; what
// the ledger serves must not change.
func TestRestartFromSnapshot(t *testing.T) {
	fs := vfs.NewMemory()
	l := openRecent(t, fs)
	for range 4 {
		m := takeSnapshot(t, l)
		want := view(t, l)
		waitDurable(t, l)
		archiveAll(t, l)
		l = reopen(t, fs, l)
		if l.base.nextSeq != m.NextSeq || l.base.sealed.Hash() != m.Header.Hash() {
			t.Fatalf("got a base of EVM block %d; want that of the snapshot of %d", l.base.sealed.Number, m.Block())
		}
		if got := view(t, l); got != want {
			t.Fatalf("snapshot of EVM block %d: got\n%s\nwant\n%s", m.Block(), got, want)
		}
		finish(t, l)
		grow(t, l, 3)
	}
}

// finish seals the open EVM block, if there is one.
func finish(t *testing.T, l *Ledger) {
	t.Helper()
	if l.appender.Open() != nil {
		appendRecord(t, l, wire.Record{Seal: nextSeal(l)})
	}
}

// TestSnapshotWhileAppending takes snapshots while records come: each must load
// with the state root that its header says, and give what the log gives.
func TestSnapshotWhileAppending(t *testing.T) {
	fs := vfs.NewMemory()
	l := openRecent(t, fs)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				appendRecord(t, l, wire.Record{MiniBlock: nextMiniBlock(l, 2)})
				finish(t, l)
			}
		}
	}()
	var blocks []uint64
	for newest := uint64(0); len(blocks) < 3; newest = blocks[len(blocks)-1] {
		for l.Sealed().Number.Uint64() <= newest {
			if err := pause(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		m, err := l.Snapshot(t.Context(), testKey, snapshot.WriteOptions{Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, m.Block())
	}
	close(stop)
	<-done
	for _, block := range blocks {
		if _, err := loadSnapshot(newOrigin(testGenesis, nil), l.snapshots, block, Options{}.withDefaults()); err != nil {
			t.Error(err)
		}
	}
	waitDurable(t, l)
	archiveAll(t, l)
	want := view(t, l)
	if got := view(t, reopen(t, fs, l)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSnapshotIsCancelled(t *testing.T) {
	l := openRecent(t, vfs.NewMemory())
	appendRecord(t, l, wire.Record{MiniBlock: nextMiniBlock(l, 2)}) // no seal will come
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Snapshot(ctx, testKey, snapshot.WriteOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want the end of the context", err)
	}
}

// TestBadSnapshots damages the newest snapshot, then all: the next older one is
// used, and at last the genesis, as long as the log has all.
func TestBadSnapshots(t *testing.T) {
	fs := vfs.NewMemory()
	l := openRecent(t, fs)
	var manifests []*snapshot.Manifest
	for range 3 {
		grow(t, l, 1)
		finish(t, l)
		manifests = append(manifests, takeSnapshot(t, l))
	}
	waitDurable(t, l)
	archiveAll(t, l)
	want := view(t, l)
	for i := len(manifests); i >= 0; i-- {
		l = reopen(t, fs, l)
		if i > 0 && l.base.nextSeq != manifests[i-1].NextSeq || i == 0 && l.base.nextSeq != 0 {
			t.Fatalf("got a base of EVM block %d with %d good snapshots", l.base.sealed.Number, i)
		}
		if got := view(t, l); got != want {
			t.Fatalf("%d good snapshots: got\n%s\nwant\n%s", i, got, want)
		}
		if i > 0 {
			damage(t, fs, l.snapshots.Path(manifests[i-1].Block()))
		}
	}
}

func damage(t *testing.T, fs vfs.FS, path string) {
	t.Helper()
	data, err := vfs.ReadFile(fs, path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := vfs.WriteFile(fs, path, data); err != nil {
		t.Fatal(err)
	}
}

// TestAllStates keeps the log and starts from its begin, in spite of a snapshot.
func TestAllStates(t *testing.T) {
	fs := vfs.NewMemory()
	l := openIn(t, fs, Async)
	grow(t, l, 2*recentBlocks)
	takeSnapshot(t, l)
	waitDurable(t, l)
	archiveAll(t, l)
	prune(t, l, 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openIn(t, fs, Async)
	if _, err := l.StateAt(1); l.log.First() != 0 || l.base.nextSeq != 0 || err != nil {
		t.Errorf("got a log from record %d on and a base at %d, %v; want all", l.log.First(), l.base.nextSeq, err)
	}
}

// TestNoStateForTheLog removes the snapshot that the log counts on.
func TestNoStateForTheLog(t *testing.T) {
	fs := vfs.NewMemory()
	l := openRecent(t, fs)
	grow(t, l, 2*recentBlocks)
	m := takeSnapshot(t, l)
	waitDurable(t, l)
	archiveAll(t, l)
	prune(t, l, 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, fs, l.snapshots.Path(m.Block()))
	if _, err := Open(Options{Dir: testDir, FS: fs, StateBlocks: 256}); err == nil || !strings.Contains(err.Error(), "no snapshot that it continues") {
		t.Errorf("got %v; want that there is no state for the log", err)
	}
}

// TestForeignSnapshots refuses snapshots that are not of this chain.
func TestForeignSnapshots(t *testing.T) {
	fs := vfs.NewMemory()
	l := openRecent(t, fs)
	grow(t, l, 2)
	check := func(want string, change func(m *snapshot.Manifest)) {
		t.Helper()
		prune(t, l, 0)
		w, err := l.snapshots.NewWriter(t.Context(), snapshot.WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := l.fill(t.Context(), w, l.state.Latest)
		if err != nil {
			t.Fatal(err)
		}
		change(m)
		if err := w.Commit(m, testKey); err != nil {
			t.Fatal(err)
		}
		if _, err := loadSnapshot(newOrigin(testGenesis, nil), l.snapshots, m.Block(), Options{}.withDefaults()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %q", err, want)
		}
	}
	finish(t, l)
	check("another chain", func(m *snapshot.Manifest) { m.Chain[0]++ })
	check("was signed by", func(m *snapshot.Manifest) { m.SealSignature[0]++ })
	check("was signed by", func(m *snapshot.Manifest) { m.Header = types.CopyHeader(m.Header); m.Header.GasUsed++ })
	check("has root", func(m *snapshot.Manifest) {
		seal := &chain.Seal{Header: types.CopyHeader(m.Header)}
		seal.Header.Root[0]++
		if err := seal.Sign(testKey); err != nil {
			t.Fatal(err)
		}
		m.Header, m.SealSignature = seal.Header, seal.Signature
	})
}

// TestPrunedLog archives and prunes a long chain: everything is still served, the
// stream of records too, from the history; the index has forgotten the old part.
func TestPrunedLog(t *testing.T) {
	fs := vfs.NewMemory()
	l := openRecent(t, fs)
	grow(t, l, 2*recentBlocks)
	finish(t, l)
	want, records := view(t, l), allRecords(t, l)
	takeSnapshot(t, l)
	waitDurable(t, l)
	if got := archiveAll(t, l); got != 2*recentBlocks+1 {
		t.Fatalf("got %d EVM blocks archived; want %d", got, 2*recentBlocks+1)
	}
	prune(t, l, 1)
	for range 2 {
		if l.index.first < recentBlocks/2 {
			t.Errorf("the index begins with EVM block %d; want a late one", l.index.first)
		}
		l.blocks = newBlockCache(1)
		if got := view(t, l); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
		if got := allRecords(t, l); got != records {
			t.Fatal("the records have changed")
		}
		checkLookups(t, l)
		l = reopen(t, fs, l)
	}
	if l.log.First() == 0 {
		t.Error("the log was not pruned")
	}
	appendRecord(t, l, wire.Record{MiniBlock: nextMiniBlock(l, 1)})
}

// checkLookups finds every mini-block and transaction by number and hash.
func checkLookups(t *testing.T, l *Ledger) {
	t.Helper()
	for number := uint64(1); number <= l.head.Load().mini; number += 7 {
		m, err := l.MiniBlock(number)
		if err != nil || m == nil {
			t.Fatalf("mini-block %d: got %v, %v", number, m, err)
		}
		if block, ok, err := l.BlockNumber(m.Header.Hash()); block != m.Header.BlockNumber || !ok || err != nil {
			t.Fatalf("hash of mini-block %d: got %d, %t, %v", number, block, ok, err)
		}
		block, err := l.Header(m.Header.BlockNumber)
		if err != nil || block == nil || l.BlockHash(m.Header.BlockNumber) != block.Hash {
			t.Fatalf("EVM block %d: got %v, %v", m.Header.BlockNumber, block, err)
		}
		if number, ok, err := l.BlockNumber(block.Hash); number != m.Header.BlockNumber || !ok || err != nil {
			t.Fatalf("hash of EVM block %d: got %d, %t, %v", m.Header.BlockNumber, number, ok, err)
		}
		for i, tx := range m.Txs {
			found, err := l.Transaction(tx.Hash())
			if err != nil || found == nil || found.Tx.Hash() != tx.Hash() || found.Receipt.BlockHash != block.Hash ||
				found.Receipt.TransactionIndex != m.Receipts[i].TransactionIndex || found.Receipt.ContractAddress != m.Receipts[i].ContractAddress {
				t.Fatalf("transaction %d of mini-block %d: got %+v, %v", i, number, found, err)
			}
		}
	}
}

// allRecords reads the chain as a full node does that begins.
func allRecords(t *testing.T, l *Ledger) string {
	t.Helper()
	var all bytes.Buffer
	for seq := uint64(0); seq < l.NextSeq(); {
		records, err := l.ReadRecords(seq, 5000)
		if err != nil || len(records) == 0 {
			t.Fatalf("record %d: got %d, %v", seq, len(records), err)
		}
		for _, record := range records {
			fmt.Fprintf(&all, "%x\n", record)
			seq++
		}
	}
	return all.String()
}

// TestNothingBeforeTheSnapshot begins with a snapshot alone, as a restored node
// does: what came before is not there, and the chain goes on.
func TestNothingBeforeTheSnapshot(t *testing.T) {
	source := vfs.NewMemory()
	from := openRecent(t, source)
	grow(t, from, 3)
	finish(t, from)
	m := takeSnapshot(t, from)

	fs := vfs.NewMemory()
	store, err := OpenSnapshots(fs, testDir)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Import(t.Context(), from.snapshots, m, snapshot.ReadOptions{}); err != nil {
		t.Fatal(err)
	}
	l := openRecent(t, fs)
	if l.NextSeq() != from.NextSeq() || l.appender.StateRoot() != from.appender.StateRoot() {
		t.Fatalf("got record %d, root %s; want %d and %s", l.NextSeq(), l.appender.StateRoot(), from.NextSeq(), from.appender.StateRoot())
	}
	if _, err := l.ReadRecords(0, 100); !errors.Is(err, wal.ErrPruned) {
		t.Errorf("got %v; want that the record is pruned", err)
	}
	own, err := l.appender.Record(l.NextSeq() - 1)
	theirs, err2 := from.appender.Record(l.NextSeq() - 1)
	if err = errors.Join(err, err2); err != nil || !bytes.Equal(own, theirs) {
		t.Errorf("got another record before the first, %v; want the seal", err)
	}
	for number := range m.Block() + 1 {
		if got, want := l.BlockHash(number), from.BlockHash(number); got != want {
			t.Errorf("EVM block %d: got hash %s; want %s", number, got, want)
		}
	}
	grow(t, l, 3)
	waitDurable(t, l)
	archiveAll(t, l)
	takeSnapshot(t, l)
	checkFrom(t, l, m.Mini+1)
	checkFrom(t, reopen(t, fs, l), m.Mini+1)
}

// checkFrom reads the mini-blocks from one on.
func checkFrom(t *testing.T, l *Ledger, mini uint64) {
	t.Helper()
	for ; mini <= l.head.Load().mini; mini++ {
		m, err := l.MiniBlock(mini)
		if err != nil || m == nil {
			t.Fatalf("mini-block %d: got %v, %v", mini, m, err)
		}
		block, err := l.Block(m.Header.BlockNumber)
		if err != nil || block == nil {
			t.Fatalf("EVM block %d: got %v, %v", m.Header.BlockNumber, block, err)
		}
	}
}

// TestCrashesWithSnapshots cuts the power while blocks are appended, archived,
// snapshotted and pruned: the ledger opens again with all that was durable.
func TestCrashesWithSnapshots(t *testing.T) {
	fs := vfs.NewMemory()
	random := rand.New(rand.NewPCG(5, 6))
	l := openRecent(t, fs)
	for round := range 6 {
		grow(t, l, 2)
		finish(t, l)
		waitDurable(t, l)
		durable := l.NextSeq()
		want := view(t, l)
		cuts := 0
		fs.OnSync(func() {
			if cuts++; cuts%3 != 0 {
				return
			}
			clone := openRecent(t, fs.CrashClone(random))
			if clone.NextSeq() != durable {
				t.Errorf("round %d: got %d records; want %d", round, clone.NextSeq(), durable)
			}
			if got := view(t, clone); got != want {
				t.Errorf("round %d: got\n%s\nwant\n%s", round, got, want)
			}
			clone.Close()
		})
		if round%2 == 0 {
			archiveAll(t, l)
		}
		takeSnapshot(t, l)
		archiveAll(t, l)
		prune(t, l, 2)
		fs.OnSync(nil)
	}
}
