package snapshot

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/netio/wire"
)

const testDir = "snapshots"

var testKey = func() *ecdsa.PrivateKey {
	key, err := crypto.ToECDSA(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		panic(err)
	}
	return key
}()

func openStore(t *testing.T, fsys vfs.FS) *Store {
	t.Helper()
	s, err := Open(fsys, testDir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testManifest is that of an EVM block with ten mini-blocks in each.
func testManifest(block uint64) *Manifest {
	header := &types.Header{Number: new(big.Int).SetUint64(block), Difficulty: new(big.Int), BaseFee: big.NewInt(7), Root: common.Hash{5}}
	m := &Manifest{Chain: common.Hash{1}, CreatedMs: 1234, Mini: 10 * block, NextSeq: 11 * block, MiniHash: common.Hash{3}, Header: header}
	if block > 0 {
		header.Extra = chain.MiniBlockRange(10*block-9, 10*block)
	}
	for i := range min(block, AncestorsMax) {
		m.Ancestors = append(m.Ancestors, common.Hash{4, byte(i)})
	}
	return m
}

// testDiff holds accounts whose numbers begin at first.
func testDiff(first, accounts int, nonce uint64) *chain.StateDiff {
	d := &chain.StateDiff{}
	for i := range accounts {
		a := chain.AccountDiff{Account: chain.NewAccount()}
		binary.BigEndian.PutUint64(a.Address[:], uint64(first+i))
		a.Account.Nonce = nonce
		a.Slots = []chain.SlotDiff{{Key: common.Hash{31: 1}, Value: *uint256.NewInt(uint64(first + i))}}
		d.Accounts = append(d.Accounts, a)
	}
	code := []byte{0x60, byte(first)}
	d.Codes = []chain.Code{{Hash: crypto.Keccak256Hash(code), Bytes: code}}
	return d
}

// write makes the snapshot of an EVM block.
func write(t *testing.T, s *Store, block uint64, base, tail []*chain.StateDiff) *Manifest {
	t.Helper()
	m, err := tryWrite(s, block, base, tail)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func tryWrite(s *Store, block uint64, base, tail []*chain.StateDiff) (*Manifest, error) {
	w, err := s.NewWriter(context.Background(), WriteOptions{Workers: 3})
	if err != nil {
		return nil, err
	}
	for _, d := range base {
		if err := w.Base(d); err != nil {
			w.Abort()
			return nil, err
		}
	}
	for _, d := range tail {
		if err := w.Tail(d); err != nil {
			w.Abort()
			return nil, err
		}
	}
	m := testManifest(block)
	if err := w.Commit(m, testKey); err != nil {
		w.Abort()
		return nil, err
	}
	return m, nil
}

func load(t *testing.T, s *Store, block uint64) []*chain.StateDiff {
	t.Helper()
	m, err := s.Manifest(block)
	if err != nil {
		t.Fatal(err)
	}
	var got sink
	if err := s.Load(context.Background(), m, ReadOptions{Workers: 3}, &got); err != nil {
		t.Fatal(err)
	}
	return append(got.base, got.tail...)
}

// sink keeps what is loaded.
type sink struct{ base, tail []*chain.StateDiff }

func (s *sink) Base(d *chain.StateDiff) { s.base = append(s.base, d) }
func (s *sink) Tail(d *chain.StateDiff) { s.tail = append(s.tail, d) }

func checkDiffs(t *testing.T, got, want []*chain.StateDiff) {
	t.Helper()
	encode := func(diffs []*chain.StateDiff) (all []byte) {
		for _, d := range diffs {
			all = wire.AppendStateDiff(all, d)
		}
		return all
	}
	if len(got) != len(want) || !bytes.Equal(encode(got), encode(want)) {
		t.Fatalf("got %d diffs; want the %d that were written", len(got), len(want))
	}
}

func testParts(seed int) (base, tail []*chain.StateDiff) {
	for i := range 9 {
		base = append(base, testDiff(1000*i, 50, uint64(seed)))
	}
	for i := range 5 {
		tail = append(tail, testDiff(1000*i+7, 3, uint64(seed+i)))
	}
	return base, append(tail, &chain.StateDiff{Accounts: []chain.AccountDiff{{Address: common.Address{9}, Deleted: true}}})
}

func TestRoundTrip(t *testing.T) {
	s := openStore(t, vfs.NewMemory())
	for _, block := range []uint64{0, 1, 300} {
		base, tail := testParts(int(block))
		wrote := write(t, s, block, base, tail)
		checkDiffs(t, load(t, s, block), append(base, tail...))
		m, err := s.Manifest(block)
		if err != nil {
			t.Fatal(err)
		}
		if m.Header.Hash() != wrote.Header.Hash() || m.NextSeq != wrote.NextSeq || m.Mini != wrote.Mini || m.MiniHash != wrote.MiniHash ||
			m.Chain != wrote.Chain || len(m.Ancestors) != len(wrote.Ancestors) || m.Signer != crypto.PubkeyToAddress(testKey.PublicKey) {
			t.Errorf("got manifest %+v; want %+v", m, wrote)
		}
		if want := (Counts{Accounts: 450, Slots: 450, Codes: 9}); m.Counts != want {
			t.Errorf("got %+v; want %+v", m.Counts, want)
		}
		if len(m.Base) != 9 || len(m.Tail) != 1 {
			t.Errorf("got %d and %d chunks; want 9 and 1", len(m.Base), len(m.Tail))
		}
	}
	if _, err := s.Manifest(2); !errors.Is(err, ErrNone) {
		t.Errorf("got %v; want ErrNone", err)
	}
}

// TestTailChunks writes a tail of many chunks, and a diff that is larger than a
// chunk of the tail should be.
func TestTailChunks(t *testing.T) {
	s := openStore(t, vfs.NewMemory())
	code := bytes.Repeat([]byte{1}, tailRawFull+1)
	large := &chain.StateDiff{Codes: []chain.Code{{Hash: crypto.Keccak256Hash(code), Bytes: code}}}
	var tail []*chain.StateDiff
	for i := range 300 {
		tail = append(tail, testDiff(i, 1000, uint64(i)))
	}
	tail = append(tail[:200], append([]*chain.StateDiff{large}, tail[200:]...)...)
	m := write(t, s, 3, nil, tail)
	if len(m.Tail) < 4 {
		t.Errorf("got %d chunks; want some", len(m.Tail))
	}
	checkDiffs(t, load(t, s, 3), tail)
}

func TestChunkTooLarge(t *testing.T) {
	code := make([]byte, chunkRawMax)
	_, err := tryWrite(openStore(t, vfs.NewMemory()), 1, []*chain.StateDiff{{Codes: []chain.Code{{Bytes: code}}}}, nil)
	if err == nil || !strings.Contains(err.Error(), "cannot write a chunk") {
		t.Errorf("got %v; want an error", err)
	}
}

// TestSharedChunks writes what changed in one piece only: only that piece and
// the tail are new files.
func TestSharedChunks(t *testing.T) {
	memory := vfs.NewMemory()
	s := openStore(t, memory)
	base, tail := testParts(1)
	write(t, s, 1, base, tail)
	before := files(t, memory)
	base[4] = testDiff(4000, 50, 99)
	write(t, s, 2, base, nil)
	if added := files(t, memory) - before; added != 2 {
		t.Errorf("got %d more files; want a chunk and a manifest", added)
	}
	checkDiffs(t, load(t, s, 2), base)
}

func files(t *testing.T, fsys vfs.FS) (count int) {
	t.Helper()
	for _, dir := range []string{testDir, filepath.Join(testDir, chunkFolder)} {
		names, err := fsys.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if name != chunkFolder {
				count++
			}
		}
	}
	return count
}

// flip changes one bit of a file.
func flip(t *testing.T, fsys vfs.FS, name string, bit int) {
	t.Helper()
	data, err := vfs.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	data[bit/8] ^= 1 << (bit % 8)
	if err := vfs.WriteFile(fsys, name, data); err != nil {
		t.Fatal(err)
	}
}

func TestFlippedBitInManifest(t *testing.T) {
	memory := vfs.NewMemory()
	s := openStore(t, memory)
	base, tail := testParts(1)
	write(t, s, 1, base, tail)
	data, err := vfs.ReadFile(memory, s.Path(1))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(data) {
		flipped := bytes.Clone(data)
		flipped[bit/8] ^= 1 << (bit % 8)
		if _, err := parseManifest(flipped); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("bit %d: got %v; want ErrCorrupt", bit, err)
		}
	}
	flip(t, memory, s.Path(1), 4321)
	if _, err := s.Manifest(1); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), s.Path(1)) {
		t.Errorf("got %v; want ErrCorrupt with the file's name", err)
	}
}

// TestFlippedBitInChunk flips every bit of one chunk, one after the other, and
// one bit of every other.
func TestFlippedBitInChunk(t *testing.T) {
	memory := vfs.NewMemory()
	s := openStore(t, memory)
	base, tail := testParts(1)
	m := write(t, s, 1, base, tail)
	check := func(c Chunk, bit int) {
		t.Helper()
		flip(t, memory, s.chunkPath(c), bit)
		defer flip(t, memory, s.chunkPath(c), bit)
		for what, err := range map[string]error{
			"verify": s.Verify(t.Context(), m, ReadOptions{Workers: 2}),
			"load":   s.Load(t.Context(), m, ReadOptions{Workers: 2}, &sink{}),
		} {
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), s.chunkPath(c)) {
				t.Fatalf("%s: bit %d of %x: got %v; want ErrCorrupt with the file's name", what, bit, c.Hash, err)
			}
		}
	}
	for bit := range 8 * int(m.Tail[0].StoredBytes) {
		if bit%5 == 0 {
			check(m.Tail[0], bit)
		}
	}
	for _, c := range m.Base {
		check(c, int(c.StoredBytes)*4)
	}
	if err := s.Verify(t.Context(), m, ReadOptions{}); err != nil {
		t.Errorf("got %v; want a whole snapshot", err)
	}
}

// TestVerifyNamesAll makes one chunk corrupt and removes another.
func TestVerifyNamesAll(t *testing.T) {
	memory := vfs.NewMemory()
	s := openStore(t, memory)
	base, tail := testParts(1)
	m := write(t, s, 1, base, tail)
	flip(t, memory, s.chunkPath(m.Base[2]), 100)
	if err := memory.Remove(s.chunkPath(m.Base[5])); err != nil {
		t.Fatal(err)
	}
	err := s.Verify(t.Context(), m, ReadOptions{Workers: 2})
	for _, i := range []int{2, 5} {
		if want := fmt.Sprintf("chunk %d of 10", i+1); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %q in it", err, want)
		}
	}
}

// TestCorruptChunkIsReplaced writes the same chunk again over a bad one.
func TestCorruptChunkIsReplaced(t *testing.T) {
	memory := vfs.NewMemory()
	s := openStore(t, memory)
	base, _ := testParts(1)
	m := write(t, s, 1, base, nil)
	flip(t, memory, s.chunkPath(m.Base[2]), 100)
	write(t, s, 2, base, nil)
	checkDiffs(t, load(t, s, 1), base)
}

func TestPrune(t *testing.T) {
	memory := vfs.NewMemory()
	s := openStore(t, memory)
	check := func(keep int, wantRemoved, wantLeft []uint64) {
		t.Helper()
		removed, err := s.Prune(keep)
		left, listErr := s.Blocks()
		if err = errors.Join(err, listErr); err != nil || fmt.Sprint(removed) != fmt.Sprint(wantRemoved) || fmt.Sprint(left) != fmt.Sprint(wantLeft) {
			t.Errorf("got %v removed and %v left, %v; want %v and %v", removed, left, err, wantRemoved, wantLeft)
		}
	}
	base, tail := testParts(1)
	for block := range uint64(5) {
		base[block] = testDiff(int(1000*block), 50, 100)
		write(t, s, block, base, tail)
	}
	if err := vfs.WriteFile(memory, filepath.Join(testDir, "0000000000000009.manifest.tmp"), nil); err != nil {
		t.Fatal(err)
	}
	check(5, nil, []uint64{4, 3, 2, 1, 0})
	flip(t, memory, s.Path(4), 5)
	check(5, nil, []uint64{4, 3, 2, 1, 0})
	check(2, []uint64{4, 1, 0}, []uint64{3, 2})
	for _, block := range []uint64{3, 2} {
		m, err := s.Manifest(block)
		if err = errors.Join(err, s.Verify(t.Context(), m, ReadOptions{})); err != nil {
			t.Error(err)
		}
	}
	if got, want := files(t, memory), 9+1+1+2; got != want { // a changed chunk, the tail, two manifests
		t.Errorf("got %d files; want %d", got, want)
	}
}

// TestCrash cuts the power at every moment at which something becomes durable,
// while snapshots are written and pruned. Whatever has the name of a manifest
// afterwards must be a whole snapshot, and one that was there stays until a newer
// one is whole.
func TestCrash(t *testing.T) {
	memory := vfs.NewMemory()
	s := openStore(t, memory)
	random := rand.New(rand.NewPCG(1, 2))
	committed, cuts := uint64(0), 0
	memory.OnSync(func() {
		for range 3 {
			cuts++
			checkCrashed(t, memory.CrashClone(random), committed)
		}
	})
	base, tail := testParts(1)
	for block := uint64(1); block <= 6; block++ {
		base[block] = testDiff(int(1000*block), 50, 100)
		w, err := s.NewWriter(t.Context(), WriteOptions{}) // one worker: the order of syncs is fixed
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range base {
			if err := w.Base(d); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Tail(tail[0]), w.Commit(testManifest(block), testKey)); err != nil {
			t.Fatal(err)
		}
		committed = block
		if _, err := s.Prune(2); err != nil {
			t.Fatal(err)
		}
	}
	if cuts < 100 {
		t.Errorf("got %d cuts; want many", cuts)
	}
}

func checkCrashed(t *testing.T, fsys vfs.FS, committed uint64) {
	t.Helper()
	s := openStore(t, fsys)
	blocks, err := s.Blocks()
	if err != nil {
		t.Fatal(err)
	}
	if committed > 0 && (len(blocks) == 0 || blocks[0] < committed) {
		t.Fatalf("got snapshots of %v; want that of %d", blocks, committed)
	}
	for _, block := range blocks {
		m, err := s.Manifest(block)
		if err == nil {
			err = s.Verify(t.Context(), m, ReadOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestWriteErrors makes each operation of a snapshot fail in turn: it must
// report that, leave older snapshots whole, and succeed afterwards.
func TestWriteErrors(t *testing.T) {
	base, tail := testParts(1)
	errDisk := errors.New("no space left")
	for at := 0; ; at++ {
		faulty := vfs.NewFaulty(vfs.NewMemory())
		s := openStore(t, faulty)
		write(t, s, 1, base, tail)
		before := files(t, faulty)
		base2, _ := testParts(2)
		count, failed := 0, false
		faulty.SetRule(func(op vfs.Operation) vfs.Fault {
			if op.Kind == vfs.OpOpen || op.Kind == vfs.OpRead || op.Kind == vfs.OpRemove { // a chunk that cannot be compared is written anew
				return vfs.Fault{}
			}
			count++
			if count-1 == at {
				failed = true
				return vfs.Fault{Err: errDisk, Written: op.Size / 2}
			}
			return vfs.Fault{}
		})
		_, err := tryWrite(s, 2, base2, tail)
		faulty.SetRule(nil)
		if !failed {
			return
		}
		if !errors.Is(err, errDisk) {
			t.Fatalf("operation %d: got %v; want the disk's error", at, err)
		}
		if after := files(t, faulty); after != before {
			t.Errorf("operation %d: got %d files; want the %d from before", at, after, before)
		}
		checkDiffs(t, load(t, s, 1), append(base, tail...))
		write(t, s, 3, base2, tail)
		checkDiffs(t, load(t, s, 3), append(base2, tail...))
	}
}

// TestTwice refuses a second snapshot of an EVM block, and leaves the first.
func TestTwice(t *testing.T) {
	s := openStore(t, vfs.NewMemory())
	base, tail := testParts(1)
	write(t, s, 1, base, tail)
	other, _ := testParts(2)
	if _, err := tryWrite(s, 1, other, nil); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("got %v; want that there is one", err)
	}
	checkDiffs(t, load(t, s, 1), append(base, tail...))
}

func TestCancel(t *testing.T) {
	s := openStore(t, vfs.NewMemory())
	ctx, cancel := context.WithCancel(t.Context())
	w, err := s.NewWriter(ctx, WriteOptions{BytesPerSecond: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Base(testDiff(0, 10, 1)); err != nil { // uses up hours
		t.Fatal(err)
	}
	cancel()
	if err := w.Base(testDiff(1, 10, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want the end of the context", err)
	}
	w.Abort()
	if blocks, err := s.Blocks(); err != nil || len(blocks) != 0 {
		t.Errorf("got %v, %v; want no snapshot", blocks, err)
	}
}

func TestLimiter(t *testing.T) {
	start := time.Unix(100, 0)
	l := limiter{bytesPerSecond: 1000}
	check := func(after time.Duration, bytes int, want time.Duration) {
		t.Helper()
		if got := l.take(start.Add(after), bytes); got != want {
			t.Errorf("after %v: got %v; want %v", after, got, want)
		}
	}
	check(0, 500, 0)
	check(0, 500, 500*time.Millisecond)
	check(250*time.Millisecond, 1000, 750*time.Millisecond)
	check(10*time.Second, 1000, 0)
	check(10*time.Second, 1000, time.Second)
	if wait := (&limiter{}).take(start, 1<<40); wait != 0 {
		t.Errorf("got %v without a limit; want 0", wait)
	}
}

func FuzzParseManifest(f *testing.F) {
	m := testManifest(3)
	m.Base = []Chunk{{common.Hash{1}, 2, 3}}
	file, err := m.encode(testKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(data)
		if err == nil && m.check() != nil {
			t.Error("got a manifest that its own check refuses")
		}
	})
}

func FuzzParseDiffs(f *testing.F) {
	f.Add(appendDiff(appendDiff(nil, testDiff(1, 3, 4)), testDiff(7, 1, 0)))
	f.Fuzz(func(t *testing.T, data []byte) {
		diffs, err := parseDiffs(data)
		if err != nil {
			return
		}
		var again []byte
		for _, d := range diffs {
			again = appendDiff(again, d)
		}
		if len(again) > len(data) {
			t.Errorf("got %d bytes again; want at most %d", len(again), len(data))
		}
	})
}
