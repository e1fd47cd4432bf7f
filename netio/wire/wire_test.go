package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func sampleDiff() *chain.StateDiff {
	code := []byte{0x60, 0x01, 0x60, 0x02, 0x01}
	hash := crypto.Keccak256Hash(code)
	plain := chain.NewAccount()
	plain.Nonce = 300
	plain.Balance.SetUint64(1_000_000_000_000)
	contract := chain.NewAccount()
	contract.Nonce, contract.CodeHash = 1, hash
	return &chain.StateDiff{
		Accounts: []chain.AccountDiff{
			{Address: common.Address{1}, Account: plain},
			{Address: common.Address{2}, Account: contract, Slots: []chain.SlotDiff{
				{Key: common.Hash{}, Value: *uint256.NewInt(0)},
				{Key: common.Hash{31: 7}, Value: *new(uint256.Int).SetAllOne()},
				{Key: common.Hash{0: 0xff}, Value: *uint256.NewInt(256)},
			}},
			{Address: common.Address{3}, Deleted: true},
			{Address: common.Address{4}, Account: chain.NewAccount()},
		},
		Codes: []chain.Code{{Hash: hash, Bytes: code}},
	}
}

// sampleTxs has a signed transaction of each type.
func sampleTxs() []*types.Transaction {
	to, chainID, key := common.Address{5}, uint256.NewInt(chain.DevChainID), chain.DevAccounts[0].PrivateKey()
	signer := types.LatestSignerForChainID(chainID.ToBig())
	var txs []*types.Transaction
	for _, data := range []types.TxData{
		&types.LegacyTx{Nonce: 0, GasPrice: big.NewInt(7), Gas: 21000, To: &to, Value: big.NewInt(1)},
		&types.AccessListTx{ChainID: chainID.ToBig(), Nonce: 1, GasPrice: big.NewInt(2), AccessList: types.AccessList{{Address: to, StorageKeys: []common.Hash{{1}}}}},
		&types.DynamicFeeTx{ChainID: chainID.ToBig(), Nonce: 2, GasTipCap: big.NewInt(3), GasFeeCap: big.NewInt(5), Data: []byte{1, 2}},
		&types.BlobTx{ChainID: chainID, Nonce: 3, BlobFeeCap: uint256.NewInt(1), BlobHashes: []common.Hash{{1}}},
		&types.SetCodeTx{ChainID: chainID, Nonce: 4, To: to, AuthList: []types.SetCodeAuthorization{{ChainID: *chainID, Address: to, Nonce: 9}}},
	} {
		txs = append(txs, types.MustSignNewTx(key, signer, data))
	}
	return txs
}

// sampleReceipts go with sampleTxs in a mini-block after 100,000 gas. They have
// the fields that a parser sets.
func sampleReceipts() []*types.Receipt {
	logs := []*types.Log{
		{Address: common.Address{6}, Topics: []common.Hash{}, Data: []byte{}},
		{Address: common.Address{7}, Topics: []common.Hash{{1}, {2}, {3}, {4}}, Data: []byte("data")},
	}
	var receipts []*types.Receipt
	gas := uint64(100_000)
	for i, tx := range sampleTxs() {
		r := &types.Receipt{Type: tx.Type(), Status: uint64(i % 2), GasUsed: 21000 + uint64(i), Logs: []*types.Log{}}
		if i == 1 {
			r.Logs = logs
		}
		gas += r.GasUsed
		r.CumulativeGasUsed = gas
		receipts = append(receipts, r)
	}
	return receipts
}

func sampleMiniBlock() *chain.MiniBlock {
	m := &chain.MiniBlock{
		Header: chain.MiniBlockHeader{
			Number: 1234, ParentHash: common.Hash{1}, BlockNumber: 12, BlockTimestamp: 1_700_000_000,
			Index: 3, TimestampUs: 1_700_000_000_030_000, FirstTxIndex: 4, FirstLogIndex: 5,
			CumulativeGas: 100_000, GasUsed: 105_010,
			TxRoot: common.Hash{2}, ReceiptRoot: common.Hash{3},
		},
		Txs:      sampleTxs(),
		Receipts: sampleReceipts(),
		Diff:     sampleDiff(),
	}
	m.Header.DiffHash = m.Diff.Hash()
	if err := m.Header.Sign(chain.DevAccounts[0].PrivateKey()); err != nil {
		panic(err)
	}
	return m
}

func emptyMiniBlock() *chain.MiniBlock {
	return &chain.MiniBlock{Txs: []*types.Transaction{}, Receipts: []*types.Receipt{}, Diff: &chain.StateDiff{}}
}

func sampleSeal() *chain.Seal {
	g := chain.DevGenesis(common.Address{9})
	open := chain.NextHeader(g.Config, g.Header(common.Hash{1}), 5)
	s := &chain.Seal{Header: chain.CloseHeader(open, &chain.BlockBody{
		StateRoot:    common.Hash{2},
		RequestsHash: new(types.EmptyRequestsHash),
		FirstMini:    10,
		LastMini:     19,
	})}
	if err := s.Sign(chain.DevAccounts[0].PrivateKey()); err != nil {
		panic(err)
	}
	return s
}

// format is one of the byte formats, as functions of any value.
type format struct {
	name   string
	append func(value any) []byte
	parse  func(src []byte) (any, error)
	sample any
}

var formats = []format{
	{
		name:   "state-diff",
		append: func(v any) []byte { return AppendStateDiff(nil, v.(*chain.StateDiff)) },
		parse:  func(src []byte) (any, error) { return ParseStateDiff(src) },
		sample: sampleDiff(),
	}, {
		name:   "mini-block",
		append: func(v any) []byte { return AppendMiniBlock(nil, v.(*chain.MiniBlock)) },
		parse:  func(src []byte) (any, error) { return ParseMiniBlock(src) },
		sample: sampleMiniBlock(),
	}, {
		name:   "mini-block-empty",
		append: func(v any) []byte { return AppendMiniBlock(nil, v.(*chain.MiniBlock)) },
		parse:  func(src []byte) (any, error) { return ParseMiniBlock(src) },
		sample: emptyMiniBlock(),
	}, {
		name:   "seal",
		append: func(v any) []byte { return AppendSeal(nil, v.(*chain.Seal)) },
		parse:  func(src []byte) (any, error) { return ParseSeal(src) },
		sample: sampleSeal(),
	}, {
		name:   "record-mini-block",
		append: func(v any) []byte { return AppendRecord(nil, v.(Record)) },
		parse:  func(src []byte) (any, error) { return ParseRecord(src) },
		sample: Record{MiniBlock: sampleMiniBlock()},
	}, {
		name:   "record-seal",
		append: func(v any) []byte { return AppendRecord(nil, v.(Record)) },
		parse:  func(src []byte) (any, error) { return ParseRecord(src) },
		sample: Record{Seal: sampleSeal()},
	},
}

func TestRoundTrip(t *testing.T) {
	for _, f := range formats {
		encoded := f.append(f.sample)
		got, err := f.parse(encoded)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		if again := f.append(got); !bytes.Equal(again, encoded) {
			t.Errorf("%s: got %x; want %x", f.name, again, encoded)
		}
	}
}

// TestParsedValues compares what bytes cannot show: every field that a parser
// sets. Transactions hold the time when they were made, so their hashes count.
func TestParsedValues(t *testing.T) {
	want := sampleMiniBlock()
	got, err := ParseMiniBlock(AppendMiniBlock(nil, want))
	if err != nil {
		t.Fatal(err)
	}
	if got.Header != want.Header {
		t.Errorf("got header %+v; want %+v", got.Header, want.Header)
	}
	if !reflect.DeepEqual(got.Receipts, want.Receipts) {
		t.Errorf("got receipts %+v; want %+v", got.Receipts, want.Receipts)
	}
	if !reflect.DeepEqual(got.Diff, want.Diff) {
		t.Errorf("got diff %+v; want %+v", got.Diff, want.Diff)
	}
	for i := range want.Txs {
		if got.Txs[i].Hash() != want.Txs[i].Hash() {
			t.Errorf("transaction %d: got %s; want %s", i, got.Txs[i].Hash(), want.Txs[i].Hash())
		}
	}
	if err := got.Diff.Check(); err != nil {
		t.Error(err)
	}
	if signer, err := got.Header.Signer(); err != nil || signer != chain.DevAccounts[0].Address {
		t.Errorf("got signer %s, %v; want %s", signer, err, chain.DevAccounts[0].Address)
	}
}

func TestParsedSharesNoMemory(t *testing.T) {
	for _, f := range formats {
		encoded := f.append(f.sample)
		input := bytes.Clone(encoded)
		got, err := f.parse(input)
		if err != nil {
			t.Fatal(err)
		}
		clear(input)
		if again := f.append(got); !bytes.Equal(again, encoded) {
			t.Errorf("%s: the value changes with its input", f.name)
		}
	}
}

// TestGolden compares with files of hex, 32 bytes a line. A difference is a
// change of format: nodes of two versions could not talk to each other.
func TestGolden(t *testing.T) {
	for _, f := range formats {
		path := filepath.Join("testdata", f.name+".hex")
		got := hexLines(f.append(f.sample))
		if *rewrite {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs (-rewrite writes it anew): got\n%s", path, got)
		}
	}
}

func hexLines(b []byte) string {
	var lines strings.Builder
	for len(b) > 0 {
		n := min(32, len(b))
		lines.WriteString(hex.EncodeToString(b[:n]) + "\n")
		b = b[n:]
	}
	return lines.String()
}

func TestTruncatedAtEveryByte(t *testing.T) {
	for _, f := range formats {
		encoded := f.append(f.sample)
		for size := range encoded {
			_, err := f.parse(encoded[:size])
			if !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%s: %d of %d bytes: got %v; want ErrTruncated or ErrCorrupt", f.name, size, len(encoded), err)
			}
		}
		if _, err := f.parse(append(encoded, 0)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: a byte left over: got %v; want ErrCorrupt", f.name, err)
		}
	}
}

// TestRecordDetectsEveryFlip relies on the checksum.
func TestRecordDetectsEveryFlip(t *testing.T) {
	encoded := AppendRecord(nil, Record{MiniBlock: sampleMiniBlock()})
	for i := range encoded {
		encoded[i] ^= 0x10
		if _, err := ParseRecord(encoded); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: got %v; want ErrCorrupt", i, err)
		}
		encoded[i] ^= 0x10
	}
}

func TestRecordHoldsExactlyOne(t *testing.T) {
	for _, r := range []Record{{}, {MiniBlock: emptyMiniBlock(), Seal: sampleSeal()}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v: want a panic", r)
				}
			}()
			AppendRecord(nil, r)
		}()
	}
}

func TestRefusals(t *testing.T) {
	addr := strings.Repeat("01", 20)
	hash := strings.Repeat("02", 32)
	check := func(parse func([]byte) error, input, want string) {
		t.Helper()
		src, err := hex.DecodeString(strings.ReplaceAll(input, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if err := parse(src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v; want an error with %q", input, err, want)
		}
	}
	diff := func(src []byte) error { _, err := ParseStateDiff(src); return err }
	check(diff, "", "truncated at byte 0 of 0: in a number")
	check(diff, "8000 00", "number with needless bytes")
	check(diff, "ffffffffffffffffff7f 00", "number above 64 bits")
	check(diff, "ffffffff0f 00", "got 4294967295 items; want at most 0")
	check(diff, "01"+addr+"04", "account flags 0x4")
	check(diff, "01"+addr+"03", "account flags 0x3")
	check(diff, "02"+addr+"01"+addr+"01 00", "account 0x0101010101010101010101010101010101010101 after")
	check(diff, "01"+addr+"00 00 21", "word of 33 bytes")
	check(diff, "01"+addr+"00 00 0100 00 00", "word with needless bytes")
	check(diff, "01"+addr+"02 00 00"+strings.Repeat("00", 32)+"00 00", "code hash 0x00")
	check(diff, "01"+addr+"02 00 00"+hex.EncodeToString(types.EmptyCodeHash[:])+"00 00", "code hash 0xc5d2")
	check(diff, "01"+addr+"00 00 00 02 0000 0000 00", "slot 0x0000000000000000000000000000000000000000000000000000000000000000 after")
	check(diff, "00 01"+hash+"00 00", "is empty")
	check(diff, "00 02"+hash+"0101"+hash+"0101", "code 0x0202")
	check(diff, "00 00 00", "1 bytes left over")

	receipts := func(src []byte) error { _, err := ParseReceipts(src, 1); return err }
	check(receipts, "02 00 00", "receipt status 2")
	check(receipts, "01 00", "got room for 0 receipts; want 1")
	check(receipts, "01 00 02"+addr+"05 00", "items")
	check(receipts, "01 00 01"+addr+"05 00", "log with 5 topics")
	check(receipts, "01 00 01"+addr+"04 00", "got 1 bytes; want 32")

	record := func(src []byte) error { _, err := ParseRecord(src); return err }
	check(record, "01 00", "got 2 bytes; want at least 5")
	check(record, "01 00000000", "checksum")
	check(record, "03 b6ad8c60", "checksum")
}

func TestMiniBlockRefusals(t *testing.T) {
	check := func(want string, change func(m *chain.MiniBlock)) {
		t.Helper()
		m := sampleMiniBlock()
		change(m)
		_, err := ParseMiniBlock(AppendMiniBlock(nil, m))
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want ErrCorrupt with %q", err, want)
		}
	}
	check("gas of receipt 1", func(m *chain.MiniBlock) { m.Receipts[1].GasUsed = 1<<64 - 1 })
	check("gas of receipt 0", func(m *chain.MiniBlock) { m.Header.CumulativeGas = 1<<64 - 1 })
	check("receipt status 9", func(m *chain.MiniBlock) { m.Receipts[0].Status = 9 })
}

// TestBlobsDoNotTravel checks both directions.
func TestBlobsDoNotTravel(t *testing.T) {
	tx := sampleTxs()[3]
	sidecar := &types.BlobTxSidecar{}
	m := emptyMiniBlock()
	m.Txs, m.Receipts = []*types.Transaction{tx.WithBlobTxSidecar(sidecar)}, []*types.Receipt{{}}
	got, err := ParseMiniBlock(AppendMiniBlock(nil, m))
	if err != nil || got.Txs[0].BlobTxSidecar() != nil || got.Txs[0].Hash() != tx.Hash() {
		t.Fatalf("got %v; want the transaction without its blobs", err)
	}

	withBlobs, err := m.Txs[0].MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse("transaction", appendSized(nil, withBlobs), (*reader).tx); !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v; want ErrCorrupt", err)
	}
}
