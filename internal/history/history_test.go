package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/netio/wire"
)

const testDir = "history"

// maker makes a chain of EVM blocks.
type maker struct {
	random *rand.Rand
	number uint64 // of the newest EVM block
	mini   uint64 // of the newest mini-block
	nonce  uint64
}

func newMaker() *maker { return &maker{random: rand.New(rand.NewPCG(1, 2))} }

// made is an EVM block with what must be found of it.
type made struct {
	number  uint64
	records [][]byte
	minis   []*chain.MiniBlock
	hash    common.Hash
}

// next makes an EVM block of so many mini-blocks with so many transactions each.
func (k *maker) next(minis, txs int) *made {
	k.number++
	b := &made{number: k.number}
	for i := range minis {
		k.mini++
		m := &chain.MiniBlock{Diff: &chain.StateDiff{}}
		m.Header = chain.MiniBlockHeader{Number: k.mini, BlockNumber: k.number, Index: uint64(i), TxRoot: k.hash()}
		for range txs {
			m.Txs = append(m.Txs, k.tx())
			m.Receipts = append(m.Receipts, k.receipt())
		}
		b.minis = append(b.minis, m)
		b.records = append(b.records, wire.AppendRecord(nil, wire.Record{MiniBlock: m}))
	}
	header := &types.Header{Number: new(big.Int).SetUint64(k.number), Difficulty: new(big.Int), Root: k.hash()}
	b.hash = header.Hash()
	b.records = append(b.records, wire.AppendRecord(nil, wire.Record{Seal: &chain.Seal{Header: header}}))
	return b
}

func (k *maker) hash() (h common.Hash) {
	for i := range h {
		h[i] = byte(k.random.Uint32())
	}
	return h
}

func (k *maker) tx() *types.Transaction {
	k.nonce++
	return types.NewTx(&types.DynamicFeeTx{
		ChainID: common.Big1, Nonce: k.nonce, GasTipCap: new(big.Int), GasFeeCap: new(big.Int), Gas: 21000,
		To: &common.Address{}, Value: new(big.Int), V: new(big.Int), R: common.Big1, S: common.Big1,
	})
}

func (k *maker) receipt() *types.Receipt {
	r := &types.Receipt{GasUsed: 21000, Status: 1}
	for range k.random.IntN(3) {
		hash := k.hash()
		r.Logs = append(r.Logs, &types.Log{Address: common.BytesToAddress(hash[:20]), Topics: []common.Hash{k.hash(), k.hash()}, Data: hash[:5]})
	}
	return r
}

// testOptions make small segments and runs.
func testOptions(fs vfs.FS) Options {
	return Options{FS: fs, Dir: testDir, Chain: common.Hash{9}, SegmentBytes: 12_000, RunHashes: 40}
}

func open(t *testing.T, opts Options) *Store {
	t.Helper()
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fill appends EVM blocks of many shapes.
func fill(t *testing.T, s *Store, k *maker, count int) (blocks []*made) {
	t.Helper()
	for range count {
		b := k.next(1+k.random.IntN(5), k.random.IntN(8))
		if err := s.Append(b.records); err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// check reads all of blocks in every way.
func check(t *testing.T, s *Store, blocks []*made) {
	t.Helper()
	if first, next := s.Range(); first != blocks[0].number || next != blocks[len(blocks)-1].number+1 {
		t.Fatalf("got EVM blocks %d to %d; want %d to %d", first, next-1, blocks[0].number, blocks[len(blocks)-1].number)
	}
	for _, b := range blocks {
		checkBlock(t, s, b)
	}
}

func checkBlock(t *testing.T, s *Store, b *made) {
	t.Helper()
	must := func(what string, ok bool, err error) {
		t.Helper()
		if err != nil || !ok {
			t.Fatalf("EVM block %d: %s: got something else, %v", b.number, what, err)
		}
	}
	last := len(b.records) - 1
	records, err := s.Records(b.number)
	must("records", equal(records, b.records), err)
	seal, err := s.Seal(b.number)
	must("seal", bytes.Equal(seal, b.records[last]), err)
	number, ok, err := s.Block(b.hash)
	must("hash", ok && number == b.number, err)
	seq := firstSeq(b.number, b.minis[0].Header.Number)
	for i := range b.records {
		records, err := s.ReadFrom(seq+uint64(i), 1<<30)
		must("records from the middle on", equal(records, b.records[i:]), err)
	}
	records, err = s.ReadFrom(seq, len(b.records[0]))
	must("one record", equal(records, b.records[:1]), err)
	filter, ok, err := s.Logs(b.number)
	must("log filter", ok, err)
	for i, m := range b.minis {
		record, err := s.MiniBlock(m.Header.Number)
		must("mini-block", bytes.Equal(record, b.records[i]), err)
		number, ok, err := s.Block(m.Header.Hash())
		must("hash of mini-block", ok && number == b.number, err)
		for j, tx := range m.Txs {
			got, at, err := s.Transaction(tx.Hash())
			must("transaction", got != nil && got.Header.Number == m.Header.Number && at == j, err)
			for _, log := range m.Receipts[j].Logs {
				must("log", filter.Address(log.Address) && filter.Topic(0, log.Topics[0]) && filter.Topic(1, log.Topics[1]), nil)
			}
		}
	}
}

func equal(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

func checkNothing(t *testing.T, s *Store, k *maker, number, mini, seq uint64) {
	t.Helper()
	records, err1 := s.Records(number)
	seal, err2 := s.Seal(number)
	record, err3 := s.MiniBlock(mini)
	from, err4 := s.ReadFrom(seq, 1000)
	_, logs, err5 := s.Logs(number)
	m, _, err6 := s.Transaction(k.hash())
	_, found, err7 := s.Block(k.hash())
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil || records != nil || seal != nil || record != nil || from != nil || logs || m != nil || found {
		t.Errorf("got something of EVM block %d, mini-block %d, record %d, %v; want nothing", number, mini, seq, err)
	}
}

func TestHistory(t *testing.T) {
	memory, k := vfs.NewMemory(), newMaker()
	s := open(t, testOptions(memory))
	checkNothing(t, s, k, 1, 1, 0)
	blocks := fill(t, s, k, 150)
	check(t, s, blocks)
	if len(s.segments) < 10 || len(s.hashes.runs) < 2 || len(s.hashes.runs) > 2*mergeWidth {
		t.Errorf("got %d segments and %d runs; want many, and some that were merged", len(s.segments), len(s.hashes.runs))
	}
	checkNothing(t, s, k, k.number+1, k.mini+1, k.number+k.mini)
	checkNothing(t, s, k, 0, 0, 1<<40)

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, testOptions(memory))
	check(t, s, blocks)
	blocks = append(blocks, fill(t, s, k, 40)...)
	check(t, s, blocks)
}

// TestBeginsAnywhere begins in the middle of a chain, as after a snapshot.
func TestBeginsAnywhere(t *testing.T) {
	k := newMaker()
	k.number, k.mini = 5000, 70000
	memory := vfs.NewMemory()
	s := open(t, testOptions(memory))
	blocks := fill(t, s, k, 30)
	check(t, s, blocks)
	checkNothing(t, s, k, 5000, 70000, 74999)
	s = open(t, testOptions(memory))
	check(t, s, blocks)
}

// TestLargeBlock has mini-blocks in many parts.
func TestLargeBlock(t *testing.T) {
	k := newMaker()
	s := open(t, testOptions(vfs.NewMemory()))
	b := k.next(30, 300)
	if err := s.Append(b.records); err != nil {
		t.Fatal(err)
	}
	if err := s.readBlock(b.number, func(_ io.ReaderAt, _ int64, f *front) error {
		if len(f.parts) < 5 {
			t.Errorf("got %d parts; want many", len(f.parts))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.minis = slices.Delete(b.minis, 1, len(b.minis)-1) // to read them all takes long
	for _, m := range b.minis {
		m.Txs = m.Txs[290:]
	}
	records, err := s.Records(b.number)
	if err != nil || !equal(records, b.records) {
		t.Errorf("got %d records, %v; want %d", len(records), err, len(b.records))
	}
	for _, m := range b.minis {
		for i, tx := range m.Txs {
			if got, at, err := s.Transaction(tx.Hash()); err != nil || got.Header.Number != m.Header.Number || at != 290+i {
				t.Fatalf("got %v, %d, %v; want transaction %d of mini-block %d", got, at, err, 290+i, m.Header.Number)
			}
		}
	}
}

func TestAppendChecks(t *testing.T) {
	k := newMaker()
	s := open(t, testOptions(vfs.NewMemory()))
	b1, b2, b3 := k.next(2, 1), k.next(2, 1), k.next(2, 1)
	checkRefused := func(records [][]byte, want string) {
		t.Helper()
		if err := s.Append(records); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %q", err, want)
		}
	}
	if err := s.Append(b1.records); err != nil {
		t.Fatal(err)
	}
	checkRefused(b1.records, "want EVM block 2")
	checkRefused(b3.records, "want EVM block 2")
	checkRefused(b2.records[:2], "not a seal")
	checkRefused(b2.records[1:], "not mini-block 0")
	checkRefused([][]byte{b2.records[0], b3.records[1], b2.records[2]}, "not mini-block 1")
	checkRefused(b2.records[2:], "got 1 records")
	checkRefused([][]byte{{1}, {2}}, "cannot parse")
	check(t, s, []*made{b1})
}

func TestPrune(t *testing.T) {
	memory, k := vfs.NewMemory(), newMaker()
	s := open(t, testOptions(memory))
	blocks := fill(t, s, k, 150)
	if err := s.Prune(75); err != nil {
		t.Fatal(err)
	}
	first, _ := s.Range()
	if first < 50 || first > 75 {
		t.Fatalf("got blocks from %d on; want from about 75", first)
	}
	old := blocks[:first-1]
	blocks = blocks[first-1:]
	for range 2 {
		check(t, s, blocks)
		for _, b := range old {
			if number, ok, err := s.Block(b.hash); ok || err != nil {
				t.Fatalf("EVM block %d: got %d, %v; want nothing", b.number, number, err)
			}
			if m, _, err := s.Transaction(firstTx(b)); m != nil || err != nil {
				t.Fatalf("EVM block %d: got mini-block %v, %v; want nothing", b.number, m, err)
			}
		}
		s = open(t, testOptions(memory))
	}
	if err := s.Prune(1 << 40); err != nil {
		t.Fatal(err)
	}
	names, err := memory.List(testDir)
	if err != nil || len(names) > 4 {
		t.Errorf("got %v, %v; want the open segment and a run or two", names, err)
	}
}

func firstTx(b *made) common.Hash {
	for _, m := range b.minis {
		if len(m.Txs) > 0 {
			return m.Txs[0].Hash()
		}
	}
	return common.Hash{}
}

// TestSamePrefix looks up hashes whose first 8 bytes are equal.
func TestSamePrefix(t *testing.T) {
	var h hashes
	memory := vfs.NewMemory()
	s := &Store{opts: testOptions(memory)}
	if err := h.open(memory, testDir, 1000, 0, 0); err != nil {
		t.Fatal(err)
	}
	s.hashes = h
	twin := common.Hash{1, 2, 3, 4, 5, 6, 7, 8}
	for round := range uint64(3) {
		for i := range uint64(2000) {
			s.hashes.put(common.Hash{0: byte(i), 1: byte(i >> 8), 20: 1}, pack(i, round))
			if i%3 == 0 {
				s.hashes.put(twin, pack(i, round))
			}
		}
		s.hashes.next++
		if err := s.flushHashes(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.hashes.find(twin)
	if err != nil || len(got) != 3*667 || got[0] != (place{1998, 2}) || got[len(got)-1] != (place{0, 0}) {
		t.Errorf("got %d places, %v; want %d, the newest first", len(got), err, 3*667)
	}
}

// TestUnevenHashes looks up prefixes that are not spread evenly.
func TestUnevenHashes(t *testing.T) {
	memory := vfs.NewMemory()
	var all []hashEntry
	for i := range uint64(5_000) {
		all = append(all, hashEntry{i * i, i})
	}
	all = append(all, hashEntry{1 << 63, 1}, hashEntry{^uint64(0), 2})
	r := newRun(memory, testDir, 1, 2)
	if err := r.write(func(yield func(hashEntry) bool) error {
		for _, e := range all {
			yield(e)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if got, err := r.find(e.prefix); err != nil || len(got) != 1 || got[0] != e.place {
			t.Fatalf("prefix %d: got %v, %v; want %d", e.prefix, got, err, e.place)
		}
		if got, err := r.find(e.prefix + 3); err != nil || len(got) != 0 && !isSquare(e.prefix+3) {
			t.Fatalf("prefix %d: got %v, %v; want nothing", e.prefix+3, got, err)
		}
	}
}

func isSquare(x uint64) bool {
	root := new(big.Int).Sqrt(new(big.Int).SetUint64(x)).Uint64()
	return root*root == x
}

func TestLogFilterDenies(t *testing.T) {
	k := newMaker()
	b, err := parseBlock(k.next(20, 50).records)
	if err != nil {
		t.Fatal(err)
	}
	filter, wrong := newLogFilter(b), 0
	const tries = 20_000
	for range tries {
		hash := k.hash()
		if filter.Topic(0, hash) || filter.Address(common.BytesToAddress(hash[:])) {
			wrong++
		}
	}
	if wrong > tries/50 {
		t.Errorf("got %d of %d that are not there; want few", wrong, tries)
	}
	if (LogFilter{}).Topic(0, common.Hash{}) {
		t.Error("an empty filter has nothing")
	}
}

// TestFlippedBit damages every file at many places: reading must say so, or give
// what was written.
func TestFlippedBit(t *testing.T) {
	memory, k := vfs.NewMemory(), newMaker()
	s := open(t, testOptions(memory))
	blocks := fill(t, s, k, 40)
	names, err := memory.List(testDir)
	if err != nil {
		t.Fatal(err)
	}
	reported := 0
	for _, name := range names {
		path := filepath.Join(testDir, name)
		data, err := vfs.ReadFile(memory, path)
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			bit := k.random.IntN(8 * len(data))
			clone := memory.Clone()
			flipped := bytes.Clone(data)
			flipped[bit/8] ^= 1 << (bit % 8)
			if err := vfs.WriteFile(clone, path, flipped); err != nil {
				t.Fatal(err)
			}
			if isReported(t, clone, blocks, fmt.Sprintf("%s, bit %d", name, bit)) {
				reported++
			}
		}
	}
	if reported < 100 {
		t.Errorf("got %d reports; want many", reported)
	}
}

// isReported reads everything and reports whether damage was found. What is read
// without an error must be true.
func isReported(t *testing.T, fs vfs.FS, blocks []*made, where string) bool {
	t.Helper()
	s, err := Open(testOptions(fs))
	if err != nil {
		if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%s: got %v; want ErrCorrupt", where, err)
		}
		return true
	}
	defer s.Close()
	_, next := s.Range()
	for _, b := range blocks {
		if b.number >= next { // the last block was cut off
			return true
		}
		records, err := s.Records(b.number)
		if err == nil && !equal(records, b.records) {
			t.Fatalf("%s: EVM block %d is not what was written", where, b.number)
		}
		_, found, err2 := s.Block(b.hash)
		if err2 == nil && !found {
			t.Fatalf("%s: EVM block %d is not found", where, b.number)
		}
		if _, _, err3 := s.Logs(b.number); errors.Join(err, err2, err3) != nil {
			if !errors.Is(errors.Join(err, err2, err3), ErrCorrupt) {
				t.Fatalf("%s: got %v; want ErrCorrupt", where, err)
			}
			return true
		}
	}
	return false
}

// TestCrash cuts the power whenever something is about to become durable. All
// blocks that were appended must be there, and the next can be appended.
func TestCrash(t *testing.T) {
	memory, k := vfs.NewMemory(), newMaker()
	s := open(t, testOptions(memory))
	random := rand.New(rand.NewPCG(3, 4))
	var blocks []*made
	var coming *made
	pruned, cuts := uint64(1), 0
	memory.OnSync(func() {
		for range 2 {
			cuts++
			checkCrashed(t, memory.CrashClone(random), blocks, coming, pruned)
		}
	})
	for i := range 25 {
		coming = k.next(1+k.random.IntN(3), k.random.IntN(12))
		if err := s.Append(coming.records); err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, coming)
		if i%10 == 9 {
			pruned = coming.number - 5
			if err := s.Prune(pruned); err != nil {
				t.Fatal(err)
			}
		}
	}
	if cuts < 100 {
		t.Errorf("got %d cuts; want many", cuts)
	}
}

func checkCrashed(t *testing.T, fs vfs.FS, blocks []*made, coming *made, pruned uint64) {
	t.Helper()
	s := open(t, testOptions(fs))
	defer s.Close()
	first, next := s.Range()
	for _, b := range blocks {
		if b.number >= max(first, pruned) {
			checkBlock(t, s, b)
		}
	}
	switch {
	case next == coming.number+1:
		checkBlock(t, s, coming)
	case len(blocks) == 0 || next == coming.number:
		if err := s.Append(coming.records); err != nil {
			t.Fatal(err)
		}
		checkBlock(t, s, coming)
	default:
		t.Fatalf("got EVM blocks before %d; want those before %d", next, coming.number)
	}
}

// TestCutAnywhere ends the newest segment at every byte of its last frame.
func TestCutAnywhere(t *testing.T) {
	memory, k := vfs.NewMemory(), newMaker()
	s := open(t, testOptions(memory))
	blocks := fill(t, s, k, 3)
	tail := s.segments[0]
	start, end := int64(tail.entries[2].offset), tail.size
	for size := start; size < end; size++ {
		clone := memory.Clone()
		file, err := clone.Open(tail.path+segmentSuffix, vfs.Write)
		if err == nil {
			err = file.Truncate(size)
		}
		if err != nil {
			t.Fatal(err)
		}
		s := open(t, testOptions(clone))
		check(t, s, blocks[:2])
		if err := s.Append(blocks[2].records); err != nil {
			t.Fatal(err)
		}
		check(t, s, blocks)
	}
}

// TestErrors makes each operation fail in turn. Appending goes on when the disk is
// well again.
func TestErrors(t *testing.T) {
	errDisk := errors.New("no space left")
	for at := 0; ; at++ {
		faulty := vfs.NewFaulty(vfs.NewMemory())
		s, k := open(t, testOptions(faulty)), newMaker()
		count := 0
		faulty.SetRule(func(op vfs.Operation) vfs.Fault {
			if op.Kind == vfs.OpRead || op.Kind == vfs.OpOpen {
				return vfs.Fault{}
			}
			if count++; count-1 == at {
				return vfs.Fault{Err: errDisk, Written: op.Size / 2}
			}
			return vfs.Fault{}
		})
		var blocks []*made
		for range 5 {
			b := k.next(2, 22)
			if err := s.Append(b.records); err != nil && !errors.Is(err, errDisk) {
				t.Fatal(err)
			}
			if _, next := s.Range(); next <= b.number {
				if err := s.Append(b.records); err != nil {
					t.Fatalf("operation %d: EVM block %d: %v", at, b.number, err)
				}
			}
			blocks = append(blocks, b)
		}
		faulty.SetRule(nil)
		check(t, s, blocks)
		check(t, open(t, testOptions(faulty)), blocks)
		if count <= at {
			return
		}
	}
}

func TestOtherChain(t *testing.T) {
	memory, k := vfs.NewMemory(), newMaker()
	fill(t, open(t, testOptions(memory)), k, 3)
	opts := testOptions(memory)
	opts.Chain = common.Hash{8}
	if _, err := Open(opts); !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v; want an error", err)
	}
}

// TestReadersMeanwhile reads while blocks are appended, merged and pruned.
func TestReadersMeanwhile(t *testing.T) {
	s, k := open(t, testOptions(vfs.NewMemory())), newMaker()
	blocks := fill(t, s, k, 50)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 400 {
			checkBlock(t, s, blocks[i%len(blocks)])
		}
	}()
	more := newMaker()
	more.number, more.mini, more.nonce = k.number, k.mini, k.nonce
	fill(t, s, more, 100)
	if err := s.Prune(1); err != nil {
		t.Fatal(err)
	}
	<-done
}

func FuzzReadFront(f *testing.F) {
	b, err := parseBlock(newMaker().next(2, 3).records)
	if err != nil {
		f.Fatal(err)
	}
	frame, err := appendFrame(nil, b)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame)
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		front, err := readFront(r, 0)
		if err != nil {
			return
		}
		for i, p := range front.parts {
			if int(p.size) <= len(data) {
				_, _ = front.readPart(r, 0, i)
			}
		}
	})
}
