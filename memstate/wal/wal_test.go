package wal

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redline-evm/redline/internal/vfs"
)

const testDir = "node/wal"

// testOptions make a log of small segments.
func testOptions(f vfs.FS) Options {
	return Options{FS: f, Dir: testDir, Identity: Hash{7}, SegmentBytes: 8 * vfs.BlockSize, RetryWait: time.Millisecond}
}

func mustOpen(t *testing.T, opts Options) *Log {
	t.Helper()
	l, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// payload is what record seq holds in these tests: of any size, some larger
// than a segment, and different from log to log.
func payload(seed, seq uint64) []byte {
	random := rand.New(rand.NewPCG(seed, seq))
	size := random.IntN(3 * vfs.BlockSize)
	switch random.IntN(20) {
	case 0:
		size = 0
	case 1:
		size = 10 * vfs.BlockSize
	}
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

func appendRecords(t *testing.T, l *Log, seed uint64, count int) {
	t.Helper()
	for range count {
		if _, err := l.Append(payload(seed, l.Next())); err != nil {
			t.Fatal(err)
		}
	}
}

// checkRecords reads all records with reads of some size and compares them.
func checkRecords(t *testing.T, l *Log, seed uint64, sizeMax int) {
	t.Helper()
	for seq, next := l.First(), l.Next(); seq < next; {
		records, err := l.Read(seq, sizeMax)
		if err != nil || len(records) == 0 {
			t.Fatalf("record %d: got %d records, %v", seq, len(records), err)
		}
		for _, got := range records {
			if !bytes.Equal(got, payload(seed, seq)) {
				t.Fatalf("record %d: got %d bytes; want others", seq, len(got))
			}
			seq++
		}
	}
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

func waitDurable(t *testing.T, l *Log) {
	t.Helper()
	waitFor(t, "all is durable", func() bool { return l.Durable() == l.Next() })
}

func TestReopened(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "wal")
	systems := map[string]vfs.FS{"memory": vfs.NewMemory(), "disk": vfs.OS}
	for name, f := range systems {
		for _, buffered := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/buffered=%t", name, buffered), func(t *testing.T) {
				opts := testOptions(f)
				opts.Dir, opts.Buffered, opts.First = fmt.Sprintf("%s-%t", dir, buffered), buffered, 100
				for count := uint64(100); count < 200; count += 20 {
					l := mustOpen(t, opts)
					if l.First() != 100 || l.Next() != count || l.Durable() != count {
						t.Fatalf("got records %d to %d, durable %d; want 100 to %d", l.First(), l.Next(), l.Durable(), count)
					}
					checkRecords(t, l, 1, int(count)*100)
					appendRecords(t, l, 1, 20)
					checkRecords(t, l, 1, 1) // some of them are queued still
					if err := l.Close(); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

func TestMode(t *testing.T) {
	opts := testOptions(noDirect{vfs.NewMemory()})
	var log bytes.Buffer
	opts.Log = slog.New(slog.NewTextHandler(&log, nil))
	l := mustOpen(t, opts)
	appendRecords(t, l, 1, 10)
	waitDurable(t, l)
	if l.Mode() != "buffered" || !strings.Contains(log.String(), "no direct writes") || l.Err() != nil {
		t.Errorf("got mode %s, %v, log %s", l.Mode(), l.Err(), &log)
	}
	if l := mustOpen(t, testOptions(vfs.NewMemory())); l.Mode() != "direct" {
		t.Errorf("got mode %s", l.Mode())
	}
}

// noDirect is a file system without direct writes.
type noDirect struct{ vfs.FS }

func (f noDirect) Open(name string, mode vfs.Mode) (vfs.File, error) {
	if mode == vfs.Direct {
		return nil, vfs.ErrNoDirect
	}
	return f.FS.Open(name, mode)
}

// TestDurableIsTold counts what the callback says, in order and without gaps.
func TestDurableIsTold(t *testing.T) {
	opts, told := testOptions(vfs.NewMemory()), []uint64{0}
	opts.Durable = func(next uint64) {
		if last := told[len(told)-1]; next <= last || next > last+queueDepthDefault {
			t.Errorf("told of %d after %d", next, last)
		}
		told = append(told, next)
	}
	l := mustOpen(t, opts)
	appendRecords(t, l, 1, 100)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if last := told[len(told)-1]; last != 100 {
		t.Errorf("told of %d at last; want 100", last)
	}
	if _, err := l.Append(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: got %v; want %v", err, ErrClosed)
	}
}

func TestOtherLogIsRefused(t *testing.T) {
	opts := testOptions(vfs.NewMemory())
	l := mustOpen(t, opts)
	appendRecords(t, l, 1, 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	opts.Identity = Hash{8}
	if _, err := Open(opts); !errors.Is(err, ErrOther) {
		t.Errorf("got %v; want %v", err, ErrOther)
	}
}

func TestPrune(t *testing.T) {
	opts := testOptions(vfs.NewMemory())
	l := mustOpen(t, opts)
	appendRecords(t, l, 1, 200)
	waitDurable(t, l)
	for before := uint64(0); before < 400; before += 13 {
		sizeBytes := l.SizeBytes(0, 1000)
		if err := l.Prune(before); err != nil {
			t.Fatal(err)
		}
		first := l.First()
		if first > before || first == 0 && before > 50 {
			t.Errorf("pruned below %d: the first is %d", before, first)
		}
		if got := l.SizeBytes(0, 1000); got > sizeBytes {
			t.Errorf("pruned below %d: %d bytes are left of %d", before, got, sizeBytes)
		}
		if _, err := l.Read(first-1, 1); first > 0 && !errors.Is(err, ErrPruned) {
			t.Errorf("record %d: got %v; want %v", first-1, err, ErrPruned)
		}
		checkRecords(t, l, 1, 1<<20)
	}
	first := l.First()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, opts)
	if l.First() != first || l.Next() != 200 {
		t.Errorf("reopened: got records %d to %d; want %d to 200", l.First(), l.Next(), first)
	}
	checkRecords(t, l, 1, 1<<20)
}

// TestCrashAtEverySync lets the power fail whenever something is about to become
// durable, in many ways each time. What the log called durable is there, what is
// there is what was appended, and the log goes on.
func TestCrashAtEverySync(t *testing.T) {
	for _, buffered := range []bool{false, true} {
		memory := vfs.NewMemory()
		opts := testOptions(memory)
		opts.Buffered = buffered
		l := mustOpen(t, opts)
		var mu sync.Mutex // two goroutines sync
		random := rand.New(rand.NewPCG(3, 3))
		points, torn := 0, 0
		memory.OnSync(func() {
			mu.Lock()
			defer mu.Unlock()
			points++
			for range 4 {
				clone, want := memory.CrashClone(random), opts
				least := l.Durable()
				want.FS = clone
				var log bytes.Buffer
				want.Log = slog.New(slog.NewTextHandler(&log, nil))
				checkRecovered(t, want, least, l.Next())
				if log.Len() > 0 {
					torn++
				}
			}
		})
		appendRecords(t, l, 1, 50)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if points < 50 || torn < points/10 {
			t.Errorf("got %d moments and %d torn tails", points, torn)
		}
	}
}

// checkRecovered opens a log after a crash, which must hold least to most
// records, appends other records, and opens it once more.
func checkRecovered(t *testing.T, opts Options, least, most uint64) {
	t.Helper()
	l, err := Open(opts)
	if err != nil {
		t.Errorf("after a crash with %d durable records: %v", least, err)
		return
	}
	next := l.Next()
	if next < least || next > most {
		t.Errorf("after a crash: got %d records; want %d to %d", next, least, most)
	}
	checkRecords(t, l, 1, 1<<20)
	for range 3 {
		if _, err := l.Append(payload(2, l.Next())); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(opts); err != nil {
		t.Errorf("after a crash and three records: %v", err)
		return
	}
	defer l.Close()
	if l.Next() != next+3 {
		t.Errorf("after a crash and three records: got %d records; want %d", l.Next(), next+3)
	}
	records, err := l.Read(next, 1)
	if err != nil || !bytes.Equal(records[0], payload(2, next)) {
		t.Errorf("record %d, appended after a crash: got another, %v", next, err)
	}
}

// TestCrashWhileRecovering lets the power fail while a torn tail is erased.
func TestCrashWhileRecovering(t *testing.T) {
	memory := vfs.NewMemory()
	l := mustOpen(t, testOptions(memory))
	var clones []*vfs.Memory
	random := rand.New(rand.NewPCG(4, 4))
	var mu sync.Mutex
	memory.OnSync(func() {
		mu.Lock()
		defer mu.Unlock()
		clones = append(clones, memory.CrashClone(random))
	})
	appendRecords(t, l, 1, 40)
	waitDurable(t, l)
	mu.Lock()
	defer mu.Unlock()
	for _, clone := range clones {
		opts := testOptions(clone)
		clone.OnSync(func() {
			again := opts
			again.FS = clone.CrashClone(random)
			checkRecovered(t, again, 0, l.Next())
		})
		recovered, err := Open(opts)
		clone.OnSync(nil)
		if err != nil {
			t.Fatal(err)
		}
		recovered.Close()
	}
}

// damageable returns a log of count records on a file system that nobody uses.
func damageable(t *testing.T, count int) (*vfs.Memory, *Log) {
	t.Helper()
	memory := vfs.NewMemory()
	l := mustOpen(t, testOptions(memory))
	for range count { // one by one, so that each is a group
		appendRecords(t, l, 1, 1)
		waitDurable(t, l)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return memory, l
}

// TestDamageIsNamed flips a bit in each block of the log.
func TestDamageIsNamed(t *testing.T) {
	memory, l := damageable(t, 30)
	newest := len(l.mu.segments) - 1
	for i, s := range l.mu.segments {
		for at := int64(5); at < s.end(); at += vfs.BlockSize {
			seq, offset := placeOf(s, at)
			if zeroAt(t, memory, s.path, at) {
				continue // behind a record
			}
			clone := memory.Clone()
			flip(t, clone, s.path, at)
			opts := testOptions(clone)
			got, err := Open(opts)
			switch {
			case err == nil && i == newest && seq == l.Next()-1: // looks as if it was being written
				if got.Next() != seq {
					t.Errorf("%s byte %d: got %d records; want %d", s.path, at, got.Next(), seq)
				}
			case err == nil && i < newest: // in a payload: shows when it is read
				_, err = got.Read(seq, 1)
				fallthrough
			default:
				var corrupt *CorruptError
				if !errors.As(err, &corrupt) || !errors.Is(err, ErrCorrupt) {
					t.Errorf("%s byte %d, record %d: got %v", s.path, at, seq, err)
				} else if corrupt.Path != s.path || corrupt.Offset != offset || corrupt.Seq != seq {
					t.Errorf("%s byte %d: got %v; want byte %d, record %d", s.path, at, err, offset, seq)
				}
			}
			if got != nil {
				got.Close()
			}
		}
	}
}

// placeOf is the record at a place of a segment, and where it begins.
func placeOf(s *segment, at int64) (seq uint64, offset int64) {
	if at < vfs.BlockSize {
		return s.first, 0
	}
	i := uint64(0)
	for s.begin(i+1) <= at {
		i++
	}
	return s.first + i, s.begin(i)
}

func zeroAt(t *testing.T, f vfs.FS, path string, at int64) bool {
	t.Helper()
	data, err := vfs.ReadFile(f, path)
	if err != nil {
		t.Fatal(err)
	}
	return data[at] == 0 && isZero(data[at:min(at+64, int64(len(data)))])
}

func flip(t *testing.T, f vfs.FS, path string, at int64) {
	t.Helper()
	file, err := f.Open(path, vfs.Write)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	if _, err := file.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := file.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func TestMissingSegmentIsNamed(t *testing.T) {
	memory, l := damageable(t, 60)
	for i, s := range l.mu.segments[1 : len(l.mu.segments)-1] {
		clone := memory.Clone()
		if err := clone.Remove(s.path); err != nil {
			t.Fatal(err)
		}
		var corrupt *CorruptError
		if _, err := Open(testOptions(clone)); !errors.As(err, &corrupt) || corrupt.Path != s.path {
			t.Errorf("segment %d of %d missing: got %v", i+1, len(l.mu.segments), err)
		}
	}
}

// TestForgedHeads puts blocks that look like later records of the log into a
// payload, which is then torn.
func TestForgedHeads(t *testing.T) {
	memory := vfs.NewMemory()
	opts := testOptions(memory)
	opts.SegmentBytes = 1 << 20
	l := mustOpen(t, opts)
	forged := make([]byte, vfs.BlockSize-recordHeadSize)
	for i := range uint64(8) {
		head := recordHead{seq: 5 + i, group: 5 + i}
		forged = append(head.append(forged), make([]byte, vfs.BlockSize-recordHeadSize)...)
	}
	if _, err := l.Append(forged); err != nil {
		t.Fatal(err)
	}
	waitDurable(t, l)
	clone := memory.Clone()
	flip(t, clone, l.segmentPath(1), vfs.BlockSize)
	opts.FS = clone
	if l := mustOpen(t, opts); l.Next() != 0 {
		t.Errorf("got %d records; want none", l.Next())
	}
}

// TestEveryOperationFailsOnce appends while the n-th operation fails, for every
// n, in several ways. Nothing is lost and the log goes on by itself.
func TestEveryOperationFailsOnce(t *testing.T) {
	faults := map[string]vfs.Fault{
		"full":  {Err: syscall.ENOSPC},
		"error": {Err: syscall.EIO},
		"short": {Err: syscall.ENOSPC, Written: vfs.BlockSize},
	}
	for name, fault := range faults {
		for _, buffered := range []bool{false, true} {
			for nth := int64(1); ; nth++ {
				memory := vfs.NewMemory()
				faulty := vfs.NewFaulty(memory)
				opts := testOptions(faulty)
				opts.Buffered = buffered
				l := mustOpen(t, opts)
				var operations atomic.Int64
				faulty.SetRule(func(op vfs.Operation) vfs.Fault {
					if op.Kind == vfs.OpRead {
						return vfs.Fault{}
					}
					if operations.Add(1) == nth {
						return fault
					}
					return vfs.Fault{}
				})
				appendRecords(t, l, 1, 25)
				waitDurable(t, l)
				if l.Err() != nil {
					t.Errorf("%s at %d: still %v", name, nth, l.Err())
				}
				if err := l.Close(); err != nil {
					t.Errorf("%s at %d: %v", name, nth, err)
				}
				faulty.SetRule(nil)
				checkRecovered(t, testOptions(memory.CrashClone(nil)), 25, 25)
				if operations.Load() < nth {
					break
				}
			}
		}
	}
}

// TestFullDisk fills the disk: the log says so, holds what it has taken, and
// goes on when there is space. A restart without space keeps what was durable.
func TestFullDisk(t *testing.T) {
	memory := vfs.NewMemory()
	faulty := vfs.NewFaulty(memory)
	opts := testOptions(faulty)
	var log bytes.Buffer
	opts.Log = slog.New(slog.NewTextHandler(&log, nil))
	l := mustOpen(t, opts)
	appendRecords(t, l, 1, 5)
	waitDurable(t, l)
	full := func(op vfs.Operation) vfs.Fault {
		if op.Kind == vfs.OpCreate || op.Kind == vfs.OpWrite && strings.HasSuffix(op.Name, vfs.TemporarySuffix) {
			return vfs.Fault{Err: syscall.ENOSPC}
		}
		return vfs.Fault{}
	}
	faulty.SetRule(full)
	appended := make(chan struct{})
	go func() {
		defer close(appended)
		appendRecords(t, l, 1, 100)
	}()
	waitFor(t, "the log stalls", func() bool { return errors.Is(l.Err(), syscall.ENOSPC) })
	durable := l.Durable()
	waitFor(t, "the queue is full", func() bool { return l.Next() == durable+queueDepthDefault })
	checkRecovered(t, testOptions(memory.CrashClone(nil)), durable, durable)
	checkRecords(t, l, 1, 1) // what is queued can be read
	faulty.SetRule(nil)
	<-appended
	waitDurable(t, l)
	if l.Err() != nil {
		t.Errorf("there is space: got %v", l.Err())
	}
	checkRecovered(t, testOptions(memory.CrashClone(nil)), 105, 105)

	faulty.SetRule(func(vfs.Operation) vfs.Fault { return vfs.Fault{Err: syscall.EIO} })
	appendRecords(t, l, 1, 2)
	if err := l.Close(); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "records from 105 on") {
		t.Errorf("closed with a broken disk: got %v", err)
	}
	for _, want := range []string{"cannot grow", "cannot be written", "written again"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, &log)
		}
	}
}

// TestReadersWhileAppending reads everything while it is written.
func TestReadersWhileAppending(t *testing.T) {
	l := mustOpen(t, testOptions(vfs.NewMemory()))
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for i := range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					checkRecords(t, l, 1, 10_000*i)
				}
			}
		})
	}
	appendRecords(t, l, 1, 300)
	close(stop)
	readers.Wait()
}

// FuzzOpen opens segments that hold anything after a good header.
func FuzzOpen(f *testing.F) {
	memory := vfs.NewMemory()
	l, err := Open(testOptions(memory))
	if err != nil {
		f.Fatal(err)
	}
	if _, err := l.Append([]byte("one")); err != nil {
		f.Fatal(err)
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	path := l.segmentPath(1)
	whole, err := vfs.ReadFile(memory, path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole[vfs.BlockSize : vfs.BlockSize+200])
	f.Add(whole[:200])
	f.Fuzz(func(t *testing.T, data []byte) {
		clone := memory.Clone()
		file, err := clone.Open(path, vfs.Write)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt(data, vfs.BlockSize); err != nil {
			t.Fatal(err)
		}
		l, err := Open(testOptions(clone))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		defer l.Close()
		for seq := range l.Next() {
			if _, err := l.Read(seq, 1); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestSmallSegmentsWhenNearlyFull takes what space there is.
func TestSmallSegmentsWhenNearlyFull(t *testing.T) {
	faulty := vfs.NewFaulty(vfs.NewMemory())
	faulty.SetRule(func(op vfs.Operation) vfs.Fault {
		if op.Kind == vfs.OpWrite && op.Offset+int64(op.Size) > firstSizeBytes {
			return vfs.Fault{Err: syscall.ENOSPC}
		}
		return vfs.Fault{}
	})
	opts := testOptions(faulty)
	opts.SegmentBytes = 0
	l := mustOpen(t, opts)
	for range 6 {
		if _, err := l.Append(make([]byte, firstSizeBytes/2)); err != nil {
			t.Fatal(err)
		}
	}
	waitDurable(t, l)
}
