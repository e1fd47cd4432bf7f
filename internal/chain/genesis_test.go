package chain_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/klauspost/compress/zstd"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/mpt"
)

// genesisHeaderAgrees checks that the header, and so the state root, is that of
// go-ethereum for the same file.
func genesisHeaderAgrees(t *testing.T, data []byte) {
	t.Helper()
	g, err := chain.ParseGenesis(data)
	if err != nil {
		t.Fatal(err)
	}
	var want core.Genesis
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	diff := g.Diff()
	if err := diff.Check(); err != nil {
		t.Fatal(err)
	}
	state := mpt.New()
	state.Update(diff)
	got, wantHeader := g.Header(state.Root()), want.ToBlock().Header()
	if got.Hash() != wantHeader.Hash() {
		t.Errorf("got header %+v; want %+v", got, wantHeader)
	}
}

const forksToLondon = `"chainId":7,"homesteadBlock":0,"eip150Block":0,"eip155Block":0,"eip158Block":0,
	"byzantiumBlock":0,"constantinopleBlock":0,"petersburgBlock":0,"istanbulBlock":0,"berlinBlock":0,
	"londonBlock":0,"shanghaiTime":0,"cancunTime":0,"terminalTotalDifficulty":0`

const blobSchedule = `"blobSchedule":{"cancun":{"target":3,"max":6,"baseFeeUpdateFraction":3338477},
	"prague":{"target":6,"max":9,"baseFeeUpdateFraction":5007716}}`

// genesisFile is a genesis with some members of the config, and of the top
// level, added.
func genesisFile(config, top string) string {
	return `{"config":{` + forksToLondon + `,` + blobSchedule + config + `},
		"gasLimit":"0x1c9c380","difficulty":0,
		"alloc":{"0x00000000000000000000000000000000000000aa":{"balance":"0x10"}}` + top + `}`
}

func TestGenesisHeaderAgreesWithGeth(t *testing.T) {
	for name, data := range map[string]string{
		"cancun":  genesisFile("", ""),
		"prague":  genesisFile(`,"pragueTime":0`, ""),
		"osaka":   genesisFile(`,"pragueTime":0,"osakaTime":0`, ""),
		"later":   genesisFile(`,"pragueTime":100,"osakaTime":200`, `,"timestamp":"0x64"`),
		"no gas":  strings.Replace(genesisFile("", ""), `"0x1c9c380"`, `0`, 1),
		"decimal": genesisFile("", `,"nonce":"7","timestamp":12,"extraData":"0x0102","baseFeePerGas":"1000"`),
		"all": genesisFile("", `,"nonce":"0x0000000000000042","mixhash":"0x`+strings.Repeat("12", 32)+`","coinbase":"0x`+strings.Repeat("34", 20)+`",
			"number":"0x0","gasUsed":"0x5208","parentHash":"0x`+strings.Repeat("56", 32)+`","excessBlobGas":"0x20000","blobGasUsed":"0x40000"`),
		"accounts": strings.Replace(genesisFile("", ""), `{"balance":"0x10"}`, `{"balance":"0x0","nonce":"0x1"},
			"00000000000000000000000000000000000000bb":{"balance":"0"},
			"0x00000000000000000000000000000000000000cc":{"balance":"123456789012345678901234567890","code":"0x6001","storage":{"0x01":"0x02","0x03":"0x00"}},
			"0x00000000000000000000000000000000000000dd":{"balance":"1","code":"0x6001","nonce":5}`, 1),
		"dev": string(marshal(t, chain.DevGenesis(common.Address{7}))),
	} {
		t.Run(name, func(t *testing.T) { genesisHeaderAgrees(t, []byte(data)) })
	}
}

func TestFixtureGenesisAgreesWithGeth(t *testing.T) {
	for _, name := range []string{"rpc-osaka0", "rpc-prague0"} {
		t.Run(name, func(t *testing.T) {
			genesisHeaderAgrees(t, fixture(t, name+".tar.zst", name+"/genesis.json"))
		})
	}
}

// fixture reads one file of an archive of the public test fixtures.
func fixture(t *testing.T, archive, name string) []byte {
	t.Helper()
	dir := os.Getenv("FIXTURES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "fixtures")
	}
	f, err := os.Open(filepath.Join(dir, archive))
	if os.IsNotExist(err) {
		t.Skipf("no %s in %s; set FIXTURES to the folder of the public test fixtures", archive, dir)
	} else if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderMaxWindow(1<<28))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files := tar.NewReader(z)
	for {
		header, err := files.Next()
		if err != nil {
			t.Fatalf("cannot find %s in %s: %v", name, archive, err)
		}
		if header.Name == name {
			data, err := io.ReadAll(files)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
	}
}

func TestGenesisErrorsNameTheField(t *testing.T) {
	check := func(data, want string) {
		t.Helper()
		_, err := chain.ParseGenesis([]byte(data))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want an error with %q", err, want)
		}
	}
	replace := func(old, new string) string {
		data := genesisFile("", "")
		if !strings.Contains(data, old) {
			t.Fatalf("no %s in %s", old, data)
		}
		return strings.Replace(data, old, new, 1)
	}
	const account = `{"balance":"0x10"}`

	check(``, "cannot read genesis: unexpected end")
	check(`[]`, "cannot read genesis: ")
	check(`{}`, "config: is missing")
	check(`{"config":null}`, "config: is missing")
	check(replace(`"gasLimit":"0x1c9c380",`, ``), "gasLimit: is missing")
	check(replace(`"difficulty":0,`, ``), "difficulty: is missing")
	check(replace(`"alloc":`, `"alloc_":`), "alloc: is missing")
	check(replace(`"0x1c9c380"`, `"lots"`), `gasLimit: invalid hex or decimal integer "lots"`)
	check(replace(`"0x1c9c380"`, `4999`), "gasLimit: got 4999; want 5000 to 9223372036854775807")
	check(replace(`"difficulty":0`, `"difficulty":"-1"`), "difficulty: got -1; want zero or more")
	check(genesisFile("", `,"baseFeePerGas":"-1"`), "baseFeePerGas: got -1")
	check(genesisFile("", `,"extraData":"zz"`), "extraData: ")
	check(genesisFile("", `,"coinbase":"0x12"`), "coinbase: ")
	check(genesisFile("", `,"number":"0x1"`), "number: got 1; want 0")
	check(genesisFile("", `,"excessBlobGas":"0xffffffffffff"`), "excessBlobGas: got 281474976710655; want 0 to 4294967296")
	check(genesisFile("", `,"excessBlobGas":"0xfffffffe"`), "excessBlobGas: got 4294967294 with blobGasUsed; want at most 1000 times")

	check(replace(`"chainId":7`, `"chainId":"x"`), "config.chainId: ")
	check(replace(`"chainId":7,`, ``), "config.chainId: got <nil>")
	check(replace(`"chainId":7`, `"chainId":0`), "config.chainId: got 0")
	check(replace(`"chainId":7`, `"chainId":18446744073709551616`), "config.chainId: got 18446744073709551616")
	check(replace(`"cancunTime":0`, `"cancunTime":-1`), "config.cancunTime: ")
	check(replace(`"cancunTime":0,`, ``), "config.cancunTime: Cancun must be active")
	check(replace(`"cancunTime":0`, `"cancunTime":1`), "config.cancunTime: Cancun must be active")
	check(replace(`"londonBlock":0,`, ``), "config: unsupported fork ordering")
	check(replace(blobSchedule, `"a":1`), `config: invalid chain configuration: missing entry for fork "cancun" in blobSchedule`)
	check(replace(`"max":6`, `"max":0`), "config.blobSchedule.cancun: got target 3, max 0")
	check(genesisFile(`,"pragueTime":0,"osakaTime":0,"amsterdamTime":9`, ""), "config.amsterdamTime: is set")
	check(genesisFile(`,"enableUBTAtGenesis":true`, ""), "config.enableUBTAtGenesis: ")

	check(genesisFile(`,"redline":{"sequenser":"0x"}`, ""), `config.redline.sequenser: json: unknown field "sequenser"`)
	check(genesisFile(`,"redline":{"sequencer":"0x12"}`, ""), "config.redline.sequencer: ")
	check(genesisFile(`,"redline":{"miniBlockMs":1001}`, ""), "config.redline.miniBlockMs: got 1001; want 1 to 1000")
	check(genesisFile(`,"redline":{"codeSizeLimit":1}`, ""), "config.redline.codeSizeLimit: got 1; want 24576 to 524288")
	check(genesisFile(`,"redline":{"txGasLimit":20999}`, ""), "config.redline.txGasLimit: got 20999")

	check(replace(`00000000aa"`, `00aa"`), "alloc.0x00000000000000000000000000000000aa: ")
	check(replace(account, `{}`), "alloc.0x00000000000000000000000000000000000000aa: missing required field 'balance'")
	check(replace(account, `{"balance":"1","nonce":"x"}`), "00aa.nonce: ")
	check(replace(account, `{"balance":"1","storage":{"0x1":"0x2"}}`), "00aa.storage: ")
	check(replace(account, `{"balance":"-1"}`), "balance: got -1; want 0 to 2^256-1")
	check(replace(account, `{"balance":"0x1`+strings.Repeat("0", 64)+`"}`), "00aa.balance: ")
	check(replace(account, `{"balance":"1","storage":{"0x01":"0x02"}}`), "EIP-7610")
}

// TestStorageWithCodeOrNonceIsAccepted is the other side of EIP-7610.
func TestStorageWithCodeOrNonceIsAccepted(t *testing.T) {
	for _, account := range []string{
		`{"balance":"1","nonce":1,"storage":{"0x01":"0x02"}}`,
		`{"balance":"1","code":"0x00","storage":{"0x01":"0x02"}}`,
		`{"balance":"1","storage":{"0x01":"0x00"}}`,
	} {
		data := strings.Replace(genesisFile("", ""), `{"balance":"0x10"}`, account, 1)
		if _, err := chain.ParseGenesis([]byte(data)); err != nil {
			t.Errorf("%s: %v", account, err)
		}
	}
}

func TestGenesisRoundTrip(t *testing.T) {
	full := genesisFile(`,"pragueTime":5,"redline":{"sequencer":"0x`+strings.Repeat("9a", 20)+`","miniBlockMs":10,"codeSizeLimit":65536,"txGasLimit":30000000}`, `,"baseFeePerGas":"0x7"`)
	for _, data := range []string{genesisFile("", ""), full, string(marshal(t, chain.DevGenesis(common.Address{1})))} {
		first, err := chain.ParseGenesis([]byte(data))
		if err != nil {
			t.Fatal(err)
		}
		written := marshal(t, first)
		second, err := chain.ParseGenesis(written)
		if err != nil {
			t.Fatal(err)
		}
		if again := marshal(t, second); !bytes.Equal(again, written) {
			t.Errorf("got %s; want %s", again, written)
		}
		if first.Header(common.Hash{}).Hash() != second.Header(common.Hash{}).Hash() {
			t.Error("the headers differ")
		}
		if first.Sequencer != second.Sequencer || first.Limits != second.Limits {
			t.Errorf("got %v, %v; want %v, %v", second.Sequencer, second.Limits, first.Sequencer, first.Limits)
		}
	}
}

func TestDevGenesis(t *testing.T) {
	g := chain.DevGenesis(common.Address{1})
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	wantBalance, _ := new(big.Int).SetString("10000000000000000000000", 10)
	for _, a := range chain.DevAccounts {
		if got := crypto.PubkeyToAddress(a.PrivateKey().PublicKey); got != a.Address {
			t.Errorf("key of %s is that of %s", a.Address, got)
		}
		if got := g.Alloc[a.Address].Balance; got.Cmp(wantBalance) != 0 {
			t.Errorf("%s: got balance %s; want %s", a.Address, got, wantBalance)
		}
	}
}

func FuzzParseGenesis(f *testing.F) {
	for _, seed := range []string{``, `{}`, `{"alloc":{"0x":{}}}`, genesisFile("", ""), genesisFile(`,"pragueTime":0,"redline":{"miniBlockMs":1}`, `,"number":null`)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := chain.ParseGenesis(data)
		if err != nil {
			return
		}
		if err := g.Diff().Check(); err != nil {
			t.Error(err)
		}
		header := g.Header(common.Hash{})
		chain.NextHeader(g.Config, header, header.Time+1)
		if _, err := chain.ParseGenesis(marshal(t, g)); err != nil {
			t.Error(err)
		}
	})
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
