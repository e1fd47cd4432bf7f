package evmbench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/jit"
)

// TestRunCode runs code without, with and against a state.
func TestRunCode(t *testing.T) {
	adder := common.FromHex("0x5f356020350160005260206000f3") // returns the sum of two words
	input := append(common.LeftPadBytes([]byte{2}, 32), common.LeftPadBytes([]byte{3}, 32)...)
	to := common.HexToAddress("0xadd")
	for name, opts := range map[string]RunOptions{
		"code":     {Code: adder, Input: input},
		"state":    {Alloc: types.GenesisAlloc{to: {Code: adder}}, To: to, Input: input},
		"geth":     {Code: adder, Input: input, Engine: "geth", Fork: jit.Osaka},
		"measured": {Code: adder, Input: input, Runs: 3},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := RunCode(opts)
			if err != nil {
				t.Fatal(err)
			}
			if report.Status != "success" || report.GasUsed != 29 || len(report.Output) != 32 || report.Output[31] != 5 {
				t.Errorf("got %+v; want success, 29 gas, output 5", report)
			}
			if report.Runs != opts.Runs || (report.MedianNs > 0) != (opts.Runs > 0) {
				t.Errorf("got %d runs of %d ns; want %d", report.Runs, report.MedianNs, opts.Runs)
			}
		})
	}
}

func TestRunCodeFailures(t *testing.T) {
	report, err := RunCode(RunOptions{Code: []byte{0xfe}, Gas: 100})
	if err != nil || report.Status != "failed" || report.Reason != "invalid opcode" || report.GasUsed != 100 {
		t.Errorf("got %+v, %v; want a failure by an invalid opcode that takes all gas", report, err)
	}
	if !strings.Contains(report.String(), "failed (invalid opcode)") {
		t.Errorf("got %q; want the reason in it", report)
	}
	if _, err := RunCode(RunOptions{Engine: "other"}); err == nil || !strings.Contains(err.Error(), "interp") {
		t.Errorf("got %v; want an error that names the engines", err)
	}
	if _, err := RunCode(RunOptions{Runs: -1}); err == nil {
		t.Error("got no error for -1 runs")
	}
}

const sampleState = `acct be7c43a580000000000000000000000000000001
code 600160005500
bal 05
nonce 2
stor 0000000000000000000000000000000000000000000000000000000000000001 02
from 00000000000000000000000000000000000000f0
to be7c43a580000000000000000000000000000001
gas 100000
value 01
data -
`

// writeCase writes a case folder and returns it.
func writeCase(t *testing.T, gas string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "sample")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"state.txt": strings.Replace(sampleState, "value 01\n", "", 1), "gas.txt": gas, "expected.hex": "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRunCase(t *testing.T) {
	report, err := RunCase(writeCase(t, "status 0\ngas_used 22106\nrefund 0\n"), RunOptions{})
	if err != nil || report.Case != "sample" || report.GasUsed != 22106 {
		t.Errorf("got %+v, %v; want success with 22106 gas", report, err)
	}
	_, err = RunCase(writeCase(t, "status 0\ngas_used 22107\nrefund 0\n"), RunOptions{})
	if err == nil || !strings.Contains(err.Error(), "22107") {
		t.Errorf("got %v; want an error that says what was wanted", err)
	}
}

func TestParseState(t *testing.T) {
	c, err := ParseState([]byte(sampleState))
	if err != nil {
		t.Fatal(err)
	}
	account := c.Alloc[c.Message.To]
	if len(account.Code) != 6 || account.Balance.Int64() != 5 || account.Nonce != 2 || len(account.Storage) != 1 {
		t.Errorf("got account %+v", account)
	}
	if c.Message.Gas != 0x100000 || c.Message.Value.Uint64() != 1 || c.Message.Caller != common.HexToAddress("0xf0") {
		t.Errorf("got message %+v", c.Message)
	}
	for _, bad := range []string{"acct 01", "code 00", "gas", "gas x", "what 1", "acct " + strings.Repeat("0", 40) + "\nstor 1"} {
		if _, err := ParseState([]byte(bad)); err == nil {
			t.Errorf("got no error for %q", bad)
		}
	}
}

func TestReadBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "code.hex")
	if err := os.WriteFile(path, []byte("0x6001\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{"0x6001": "`\x01", "0x": "", path: "`\x01"} {
		if got, err := ReadBytes(arg); err != nil || string(got) != want {
			t.Errorf("%s: got %x, %v; want %x", arg, got, err, want)
		}
	}
	for _, arg := range []string{"0x6", "no such file", "0xzz"} {
		if _, err := ReadBytes(arg); err == nil {
			t.Errorf("got no error for %q", arg)
		}
	}
}

func TestParseAlloc(t *testing.T) {
	const account = `{"0x0000000000000000000000000000000000000add":{"balance":"0x1","code":"0x00"}}`
	for _, data := range []string{account, `{"config":{},"alloc":` + account + `}`} {
		alloc, err := ParseAlloc([]byte(data))
		if err != nil || len(alloc) != 1 || alloc[common.HexToAddress("0xadd")].Balance.Int64() != 1 {
			t.Errorf("got %v, %v; want one account", alloc, err)
		}
	}
	if _, err := ParseAlloc([]byte("[]")); err == nil {
		t.Error("got no error for a list")
	}
}

func FuzzParseState(f *testing.F) {
	f.Add([]byte(sampleState))
	f.Add([]byte("acct -\n"))
	f.Add([]byte("stor 1 2\nacct"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseState(data); err == nil && c == nil {
			t.Error("got neither a case nor an error")
		}
	})
}

func FuzzParseAlloc(f *testing.F) {
	f.Add([]byte(`{"alloc":{}}`))
	f.Add([]byte(`{"0x0000000000000000000000000000000000000add":{"balance":"0x1"}}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = ParseAlloc(data)
	})
}
