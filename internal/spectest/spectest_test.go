package spectest

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/klauspost/compress/zstd"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/mpt"
	"github.com/redline-evm/redline/jit"
)

// transferTest is a state test of one transfer of 5 wei. change may spoil it.
func transferTest(t testing.TB, change func(test map[string]any, post map[string]any)) []byte {
	t.Helper()
	key, err := crypto.ToECDSA(common.LeftPadBytes([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	sender, to, coinbase := crypto.PubkeyToAddress(key.PublicKey), common.Address{1}, common.Address{2}
	tx := types.MustSignNewTx(key, types.LatestSignerForChainID(common.Big1), &types.LegacyTx{
		Gas: 21000, GasPrice: big.NewInt(10), To: &to, Value: big.NewInt(5),
	})
	raw, err := tx.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	after := types.GenesisAlloc{
		sender:   {Balance: big.NewInt(1_000_000 - 210_000 - 5), Nonce: 1},
		to:       {Balance: big.NewInt(5)},
		coinbase: {Balance: big.NewInt(21000 * 3)},
	}
	tr := mpt.New()
	tr.Update((&chain.Genesis{Alloc: after}).Diff())
	post := map[string]any{
		"hash": tr.Root(), "logs": logsHash(nil), "txbytes": hexutil.Bytes(raw), "state": after,
	}
	test := map[string]any{
		"env": map[string]any{
			"currentCoinbase": coinbase, "currentGasLimit": "0x1000000", "currentNumber": "0x01", "currentTimestamp": "0x03e8",
			"currentRandom": "0x00", "currentBaseFee": "0x07", "currentExcessBlobGas": "0x00",
		},
		"pre":         types.GenesisAlloc{sender: {Balance: big.NewInt(1_000_000)}},
		"transaction": map[string]any{"sender": sender},
		"post":        map[string]any{"Cancun": []any{post}, "Osaka": []any{post}},
	}
	if change != nil {
		change(test, post)
	}
	encoded, err := json.Marshal(map[string]any{"transfer": test, "_info": "text"})
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func writeFile(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// runOne runs one file of state tests.
func runOne(t *testing.T, data []byte, opts Options) Summary {
	t.Helper()
	opts.Paths = []string{writeFile(t, filepath.Join(t.TempDir(), "test.json"), data)}
	summary, err := RunState(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

func TestStateTestsSucceedAndFail(t *testing.T) {
	check := func(wantPassed int, wantReason string, change func(test, post map[string]any)) {
		t.Helper()
		s := runOne(t, transferTest(t, change), Options{})
		if s.Passed != wantPassed || len(s.Failures) != 2-wantPassed {
			t.Errorf("summary is %+v; want %d passed of 2", s, wantPassed)
		}
		for _, f := range s.Failures {
			if !strings.Contains(f.Reason, wantReason) {
				t.Errorf("reason is %q; want %q", f.Reason, wantReason)
			}
		}
	}
	check(2, "", nil)
	check(0, "logs hash", func(_, post map[string]any) { post["logs"] = common.Hash{1} })
	check(0, "was accepted; want TransactionException.NONCE_IS_MAX", func(_, post map[string]any) {
		post["expectException"] = "TransactionException.NONCE_IS_MAX"
	})
	check(0, "was refused: nonce too low", func(test, _ map[string]any) { setNonce(test, 3) })
	check(0, `nonce too low: address 0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf, tx: 0 state: 3"; want TransactionException.NONCE_IS_MAX`, func(test, post map[string]any) {
		setNonce(test, 3)
		post["expectException"] = "TransactionException.NONCE_IS_MAX"
	})
	check(0, "state root is", func(test, post map[string]any) { // refused as wanted, but the state is another
		setNonce(test, 3)
		post["expectException"] = "TransactionException.NONCE_MISMATCH_TOO_LOW"
	})
	check(0, "balance of 0x0100000000000000000000000000000000000000 is 5; want 6", func(_, post map[string]any) {
		post["hash"] = common.Hash{1}
		post["state"].(types.GenesisAlloc)[common.Address{1}] = types.Account{Balance: big.NewInt(6)}
	})
	check(0, "the signer is", func(test, _ map[string]any) { test["transaction"] = map[string]any{"sender": common.Address{9}} })
	check(0, "was refused: ", func(_, post map[string]any) { post["txbytes"] = "0x01" })
}

func setNonce(test map[string]any, nonce uint64) {
	pre := test["pre"].(types.GenesisAlloc)
	for addr, account := range pre {
		account.Nonce = nonce
		pre[addr] = account
	}
}

func TestForkFilterAndSkips(t *testing.T) {
	if s := runOne(t, transferTest(t, nil), Options{Fork: "osaka"}); s.Passed != 1 {
		t.Errorf("summary is %+v; want 1 passed", s)
	}
	old := transferTest(t, func(test, post map[string]any) { test["post"] = map[string]any{"Berlin": []any{post}} })
	s := runOne(t, old, Options{})
	if s.Skipped() != 1 || s.Skips["fork Berlin is not one that Redline runs"] != 1 {
		t.Errorf("summary is %+v; want one skip", s)
	}
	var text bytes.Buffer
	if _, err := s.WriteTo(&text); err != nil || !strings.HasSuffix(text.String(), "\n0 passed, 0 failed, 1 skipped\n") {
		t.Errorf("summary prints %q, %v", &text, err)
	}
}

// A run that ran nothing, for a typing error say, must not look like success.
func TestNothingRunIsAnError(t *testing.T) {
	dir := t.TempDir()
	tests := writeFile(t, filepath.Join(dir, "tests.json"), transferTest(t, nil))
	empty := writeFile(t, filepath.Join(dir, "empty.json"), []byte("{}"))
	check := func(want string, opts Options) {
		t.Helper()
		for _, run := range []func(context.Context, Options) (Summary, error){RunState, RunBlocks} {
			if _, err := run(t.Context(), opts); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: got error %v; want %q", opts, err, want)
			}
		}
	}
	check(`fork "Foo": want one of Cancun, Prague, Osaka, BPO1`, Options{Paths: []string{tests}, Fork: "Foo"})
	check("no test matched", Options{Paths: []string{tests}, Match: "nothing"})
	check("no test matched", Options{Paths: []string{empty}})
	check("no test matched", Options{Paths: []string{t.TempDir()}})
	if _, err := RunState(t.Context(), Options{Paths: []string{tests}, Fork: "BPO1"}); !errors.Is(err, ErrNoMatch) {
		t.Errorf("no test of the fork: got %v", err)
	}
}

func TestUnreadableTestsFail(t *testing.T) {
	for _, data := range []string{"", "{", "[]", `{"a": 1}`, `{"a": {}}`, `{"a": {"post": 7}}`} {
		if s := runOne(t, []byte(data), Options{}); len(s.Failures) != 1 {
			t.Errorf("%q: summary is %+v; want one failure", data, s)
		}
	}
	if _, err := RunState(context.Background(), Options{}); err == nil {
		t.Error("no paths: want an error")
	}
	if _, err := RunBlocks(context.Background(), Options{Paths: []string{"does not exist"}}); err == nil {
		t.Error("a path that does not exist: want an error")
	}
}

func TestPanicIsAFailure(t *testing.T) {
	w := &worker{opts: &Options{}, tally: &tally{summary: Summary{Skips: map[string]int{}}}}
	w.runCase("file", &testCase{name: "case", run: func(*worker) error { panic("boom") }})
	if f := w.tally.summary.Failures; len(f) != 1 || !strings.Contains(f[0].Reason, "panic: boom") {
		t.Errorf("failures are %+v; want the panic", f)
	}
}

// TestSources packs the same tests as folder and archives.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	data := transferTest(t, nil)
	files := []struct {
		name string
		data []byte
	}{{"a/one.json", data}, {"two.json", data}, {".meta/index.json", []byte("[]")}, {"note.txt", []byte("text")}}
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed)
	for _, file := range files {
		writeFile(t, filepath.Join(dir, "folder", file.name), file.data)
		if err := archive.WriteHeader(&tar.Header{Name: "./" + file.name, Size: int64(len(file.data)), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(file.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{
		filepath.Join(dir, "folder"),
		writeFile(t, filepath.Join(dir, "plain.tar"), packed.Bytes()),
		writeFile(t, filepath.Join(dir, "packed.tar.zst"), encoder.EncodeAll(packed.Bytes(), nil)),
	}
	for _, path := range paths {
		s, err := RunState(context.Background(), Options{Paths: []string{path}, Workers: 2})
		if err != nil || s.Passed != 4 || len(s.Failures) != 0 {
			t.Errorf("%s: %+v, %v; want 4 passed", path, s, err)
		}
	}
	truncated := writeFile(t, filepath.Join(dir, "truncated.tar"), packed.Bytes()[:1000])
	if _, err := RunState(context.Background(), Options{Paths: []string{truncated}}); err == nil {
		t.Error("a truncated archive: want an error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := RunState(ctx, Options{Paths: paths, Workers: 1}); err == nil {
		t.Error("a cancelled run: want an error")
	}
}

func TestNetworks(t *testing.T) {
	check := func(network string, wantPrague, wantOsaka, wantBPO1 *uint64) {
		t.Helper()
		config, err := new(testConfig).chain(network)
		if err != nil {
			t.Errorf("%s: %v", network, err)
			return
		}
		got := fmt.Sprint(show(config.PragueTime), show(config.OsakaTime), show(config.BPO1Time), show(config.AmsterdamTime))
		if want := fmt.Sprint(show(wantPrague), show(wantOsaka), show(wantBPO1), show(nil)); got != want {
			t.Errorf("%s: forks at %s; want %s", network, got, want)
		}
	}
	zero, later := uint64(0), uint64(15000)
	check("Cancun", nil, nil, nil)
	check("Prague", &zero, nil, nil)
	check("CancunToPragueAtTime15k", &later, nil, nil)
	check("PragueToOsakaAtTime15k", &zero, &later, nil)
	check("OsakaToBPO1AtTime15k", &zero, &zero, &later)
	for _, network := range []string{"", "Berlin", "CancunToAmsterdamAtTime15k", "CancunToPrague", "CancunToPragueAtTimex"} {
		if _, err := new(testConfig).chain(network); err == nil {
			t.Errorf("%q: want a skip", network)
		}
	}
}

func show(time *uint64) string {
	if time == nil {
		return " never"
	}
	return fmt.Sprint(" ", *time)
}

// FuzzDecode feeds the decoders of both kinds of tests.
func FuzzDecode(f *testing.F) {
	f.Add(transferTest(f, nil))
	f.Add([]byte(`{"a": {"network": "OsakaToBPO1AtTime15k", "genesisRLP": "0xc0", "blocks": [{"rlp": "0x", "expectException": "x"}], "config": {"chainid": "0x1", "blobSchedule": {"Cancun": {"max": "0x6"}}}}}`))
	f.Add([]byte(`{"a": {"post": {"Cancun": [{}]}, "pre": {"0x": {}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, decode := range []decoder{stateCases, blockCases} {
			var tests map[string]json.RawMessage
			if json.Unmarshal(data, &tests) != nil {
				return
			}
			for name, test := range tests {
				cases, err := decode(name, test)
				if (err == nil) != (len(cases) > 0) {
					t.Errorf("%d cases and error %v", len(cases), err)
				}
				for _, c := range cases {
					_, _ = new(testConfig).chain(c.fork)
				}
			}
		}
	})
}

// TestCheck wants a difference between native code and the interpreter to be a
// failure.
func TestCheck(t *testing.T) {
	total := tally{summary: Summary{Skips: map[string]int{}}}
	if cfg := total.engineConfig(&Options{}); cfg.Check != nil {
		t.Error("got a comparison that nobody asked for")
	}
	total.engineConfig(&Options{Check: true}).Check(&jit.Mismatch{Native: jit.CheckedRun{GasLeft: 5}})
	if f := total.summary.Failures; len(f) != 1 || !strings.Contains(f[0].Reason, "GasLeft:5") {
		t.Errorf("got %v; want one failure that tells the gas", f)
	}
}
