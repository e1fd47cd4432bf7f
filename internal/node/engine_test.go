package node

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/redline-evm/redline/jit"
)

func TestNewEngine(t *testing.T) {
	for _, native := range []string{"off", "on", "eager"} {
		for _, check := range []bool{false, true} {
			if engine, err := NewEngine(EngineConfig{Native: native, Check: check}); err != nil || engine == nil {
				t.Errorf("%s: got %v, %v; want an engine", native, engine, err)
			}
		}
	}
	if _, err := NewEngine(EngineConfig{Native: "fast"}); err == nil {
		t.Error("got no error for a setting that is none")
	}
}

// TestReportMismatch wants everything in one file for each report, and no more
// than a line where there can be no file.
func TestReportMismatch(t *testing.T) {
	dir := t.TempDir()
	want := jit.Mismatch{To: common.Address{19: 7}, Gas: 5, Codes: []jit.CheckedCode{{Hash: common.Hash{1}, Bytecode: []byte{2}}}}
	reportMismatch(dir, &want)
	reportMismatch(dir, &want)
	reportMismatch(filepath.Join(dir, "missing"), &want)
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 2 {
		t.Fatalf("got %v, %v; want two files", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var got jit.Mismatch
	if err := json.Unmarshal(text, &got); err != nil || got.To != want.To || got.Gas != want.Gas || got.Codes[0].Hash != want.Codes[0].Hash {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}
