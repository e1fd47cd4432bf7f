package ledger

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/memstate/wal"
	"github.com/redline-evm/redline/netio/wire"
)

const testDir = "node"

// openIn opens the ledger on a file system of the test's.
func openIn(t *testing.T, f vfs.FS, durability Durability) *Ledger {
	t.Helper()
	l, err := Open(Options{Dir: testDir, FS: f, Genesis: testGenesis, Durability: durability})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// closedWith returns the file system of a closed ledger that has grown by some
// EVM blocks, and the ledger.
func closedWith(t *testing.T, blocks int) (*vfs.Memory, *Ledger) {
	t.Helper()
	memory := vfs.NewMemory()
	l := openIn(t, memory, Async)
	grow(t, l, blocks)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return memory, l
}

// overwrite changes one byte of a file.
func overwrite(t *testing.T, f vfs.FS, path string, at int64) {
	t.Helper()
	file, err := f.Open(path, vfs.Write)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	if _, err := file.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := file.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func TestLedgerGoesOnAfterTornTail(t *testing.T) {
	memory, l := closedWith(t, 1)
	last := l.NextSeq() - 1
	path, at := l.log.Place(last)
	overwrite(t, memory, path, at+200)
	var warnings bytes.Buffer
	l, err := Open(Options{Dir: testDir, FS: memory, Durability: Async, Log: slog.New(slog.NewTextHandler(&warnings, nil))})
	if err != nil || warnings.Len() == 0 || l.NextSeq() != last {
		t.Fatalf("got %v, warning %q; want the last record cut off", err, &warnings)
	}
	grow(t, l, 0)
	want := view(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := view(t, openIn(t, memory, Async)); got != want {
		t.Errorf("after reopening:\n%s\nwant:\n%s", got, want)
	}
}

func TestDamageSaysWhatToDo(t *testing.T) {
	memory, l := closedWith(t, 1)
	path, _ := l.log.Place(0)
	overwrite(t, memory, path, 20)
	_, err := Open(Options{Dir: testDir, FS: memory})
	var corrupt *wal.CorruptError
	if !errors.As(err, &corrupt) || corrupt.Path != path || !strings.Contains(err.Error(), "restore") {
		t.Errorf("got %v; want a CorruptError that says what to do", err)
	}
}

func TestOldLedgerIsRefused(t *testing.T) {
	memory := vfs.NewMemory()
	if err := vfs.WriteFile(memory, filepath.Join(testDir, folder, oldLog), []byte("RLLEDG02")); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Options{Dir: testDir, FS: memory, Genesis: testGenesis})
	if err == nil || !strings.Contains(err.Error(), "no longer read") || !strings.Contains(err.Error(), "remove the folder") {
		t.Errorf("got %v; want what to do", err)
	}
}

// openWith opens a ledger whose log holds the payloads.
func openWith(t *testing.T, payloads ...[]byte) (*Ledger, error) {
	t.Helper()
	memory := vfs.NewMemory()
	l := openIn(t, memory, Async)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	log, err := wal.Open(wal.Options{FS: memory, Dir: filepath.Join(testDir, folder, logFolder), Identity: wal.Hash(l.Identity())})
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range payloads {
		if _, err := log.Append(payload); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return Open(Options{Dir: testDir, FS: memory})
}

// TestWholeRecordsThatAreWrong names the place of records that the log holds
// whole.
func TestWholeRecordsThatAreWrong(t *testing.T) {
	_, l := closedWith(t, 0)
	first, err := l.appender.Record(0)
	if err != nil {
		t.Fatal(err)
	}
	var corrupt *wal.CorruptError
	if _, err := openWith(t, first, first); !errors.Is(err, ErrOutOfSequence) || !errors.As(err, &corrupt) || corrupt.Seq != 1 {
		t.Errorf("repeated: got %v; want %v at record 1", err, ErrOutOfSequence)
	}
	if _, err := openWith(t, []byte("no record")); !errors.As(err, &corrupt) || corrupt.Seq != 0 {
		t.Errorf("no record: got %v; want an error at record 0", err)
	}
}

// FuzzReplay opens ledgers whose log holds anything.
func FuzzReplay(f *testing.F) {
	memory := vfs.NewMemory()
	l, err := Open(Options{Dir: testDir, FS: memory, Genesis: testGenesis})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire.AppendRecord(nil, wire.Record{MiniBlock: nextMiniBlock(l, 1)}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		l, err := openWith(t, payload)
		if err == nil {
			err = l.Close()
		}
		if err != nil && !errors.Is(err, wal.ErrCorrupt) {
			t.Fatal(err)
		}
	})
}

// gate is a disk on which writes to the log wait while it is shut.
type gate struct{ mu sync.Mutex }

func (g *gate) rule(op vfs.Operation) vfs.Fault {
	if op.Kind == vfs.OpWrite && strings.HasSuffix(op.Name, ".wal") {
		g.mu.Lock()
		defer g.mu.Unlock()
	}
	return vfs.Fault{}
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 10_000 {
		if done() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("waited in vain: %s", what)
}

// TestSeenOnceDurable appends while the disk does not write: the appender goes
// on, readers see nothing of it until it is on the disk.
func TestSeenOnceDurable(t *testing.T) {
	faulty := vfs.NewFaulty(vfs.NewMemory())
	l := openIn(t, faulty, WAL)
	appendRecord(t, l, wire.Record{MiniBlock: nextMiniBlock(l, 2)})
	waitFor(t, "the first record is seen", func() bool { return l.NextSeq() == 1 })
	before := view(t, l)
	var told []uint64
	l.Observe(func(e Event) { told = append(told, l.NextSeq()) })

	var disk gate
	faulty.SetRule(disk.rule)
	disk.mu.Lock()
	second := nextMiniBlock(l, 2)
	appendRecord(t, l, wire.Record{MiniBlock: second})
	appendRecord(t, l, wire.Record{Seal: nextSeal(l)})
	appendRecord(t, l, wire.Record{MiniBlock: nextMiniBlock(l, 1)})
	if got, want := l.appender.Expect().Number, uint64(4); got != want {
		t.Errorf("the appender expects mini-block %d; want %d", got, want)
	}
	checkUnseen(t, l, before, second.Txs[1].Hash())
	disk.mu.Unlock()

	waitFor(t, "all is seen", func() bool { return l.NextSeq() == 4 })
	if got, err := l.Transaction(second.Txs[1].Hash()); got == nil || err != nil {
		t.Errorf("transaction once it is durable: got %v, %v", got, err)
	}
	if got := l.BlockHash(1); got != l.appender.BlockHash(1) || l.HeadNumber() != 2 {
		t.Errorf("got block 1 %s, head %d", got, l.HeadNumber())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if len(told) != 3 || told[0] != 2 || told[2] != 4 {
		t.Errorf("told when there were %d records; want 2, 3, 4", told)
	}
}

// checkUnseen checks that readers see what they saw before, without the
// transaction.
func checkUnseen(t *testing.T, l *Ledger, before string, hash [32]byte) {
	t.Helper()
	seen := func(text string) string { // without the appender's line
		_, rest, _ := strings.Cut(text, "\n")
		return rest
	}
	if got := view(t, l); seen(got) != seen(before) {
		t.Errorf("seen before it is durable:\n%s\nwant:\n%s", got, before)
	}
	if got, err := l.Transaction(hash); got != nil || err != nil {
		t.Errorf("transaction: got %v, %v; want none", got, err)
	}
	if tx, err := l.Unpublished(hash); tx == nil || err != nil {
		t.Errorf("unpublished transaction: got %v, %v", tx, err)
	}
	if records, err := l.ReadRecords(0, 1<<20); len(records) != 1 || err != nil {
		t.Errorf("got %d records, %v; want 1", len(records), err)
	}
	if _, err := l.StateAt(2); err == nil {
		t.Error("the state of EVM block 2 is shown")
	}
	if m, err := l.MiniBlock(2); m != nil || err != nil {
		t.Errorf("mini-block 2: got %v, %v; want none", m, err)
	}
}

// TestFullDisk stops the chain while the disk is full, says why, and goes on.
func TestFullDisk(t *testing.T) {
	for _, durability := range []Durability{WAL, Async} {
		memory := vfs.NewMemory()
		faulty := vfs.NewFaulty(memory)
		l := openIn(t, faulty, durability)
		grow(t, l, 1)
		faulty.SetRule(func(op vfs.Operation) vfs.Fault { return vfs.Fault{Err: syscall.ENOSPC} })
		done := make(chan struct{})
		go func() {
			defer close(done)
			grow(t, l, 30)
		}()
		waitFor(t, "the ledger says so", func() bool { return errors.Is(l.Err(), syscall.ENOSPC) })
		seen := l.NextSeq()
		if durability == WAL {
			if crashed := openIn(t, memory.CrashClone(nil), WAL); crashed.NextSeq() < seen {
				t.Errorf("after a crash: got %d records; want the %d that were seen", crashed.NextSeq(), seen)
			}
		}
		faulty.SetRule(nil)
		<-done
		waitFor(t, "it goes on", func() bool { return l.Err() == nil && l.NextSeq() == l.appender.NextSeq() })
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if again := openIn(t, memory.CrashClone(nil), WAL); again.NextSeq() != l.NextSeq() {
			t.Errorf("got %d records; want %d", again.NextSeq(), l.NextSeq())
		}
	}
}

// TestStopWithFullDisk fails to append rather than wait for ever.
func TestStopWithFullDisk(t *testing.T) {
	faulty := vfs.NewFaulty(vfs.NewMemory())
	l := openIn(t, faulty, WAL)
	faulty.SetRule(func(op vfs.Operation) vfs.Fault { return vfs.Fault{Err: syscall.ENOSPC} })
	l.StopWaiting()
	var err error
	for err == nil {
		err = l.appender.Append(wire.Record{MiniBlock: nextMiniBlock(l, 1)})
	}
	if !errors.Is(err, syscall.ENOSPC) || l.NextSeq() != 0 {
		t.Errorf("got %v with %d records seen; want %v and none", err, l.NextSeq(), syscall.ENOSPC)
	}
	if err := l.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("close: got %v; want %v", err, syscall.ENOSPC)
	}
}

// TestCrashAtEverySync lets the power fail whenever something is about to become
// durable, and kills the process as often. With durability wal all that was seen
// is there afterwards; always, what is there is the beginning of the chain, and
// the chain goes on.
func TestCrashAtEverySync(t *testing.T) {
	for _, durability := range []Durability{WAL, Async} {
		memory := vfs.NewMemory()
		l := openIn(t, memory, durability)
		random := rand.New(rand.NewPCG(5, 5))
		var mu sync.Mutex // two goroutines sync
		crashes := 0
		memory.OnSync(func() {
			mu.Lock()
			defer mu.Unlock()
			seen := uint64(0)
			if durability == WAL {
				seen = l.NextSeq()
			}
			for _, left := range []*vfs.Memory{memory.CrashClone(random), memory.CrashClone(random), memory.Clone()} {
				checkCrashed(t, left, seen, l)
				crashes++
			}
		})
		grow(t, l, 8)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if crashes < 9 {
			t.Errorf("%s: got %d crashes", durability, crashes)
		}
	}
}

// checkCrashed opens what a crash left of want, in which least records were
// seen.
func checkCrashed(t *testing.T, left vfs.FS, least uint64, want *Ledger) {
	t.Helper()
	l, err := Open(Options{Dir: testDir, FS: left, Genesis: testGenesis, Durability: Async})
	if err != nil {
		t.Errorf("after a crash: %v", err)
		return
	}
	defer l.Close()
	if l.NextSeq() < least {
		t.Errorf("after a crash: got %d records; want the %d that were seen", l.NextSeq(), least)
	}
	for seq := range l.NextSeq() {
		got, err := l.appender.Record(seq)
		appended, err2 := want.log.Read(seq, 0)
		if err != nil || err2 != nil || !bytes.Equal(got, appended[0]) {
			t.Errorf("after a crash: record %d differs (%v, %v)", seq, err, err2)
		}
	}
	appendRecord(t, l, wire.Record{MiniBlock: nextMiniBlock(l, 1)})
}
