package node

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/redline-evm/redline/jit"
)

// reportMismatch says loudly that native code went wrong. The node goes on: what
// tier 0 did counts, and the code does not run natively again.
func reportMismatch(dir string, m *jit.Mismatch) {
	args := []any{"codes", m.Hashes(), "caller", m.Caller, "to", m.To, "gas", m.Gas, "block", m.BlockNumber}
	path, err := SaveMismatch(dir, m)
	if err != nil {
		args = append(args, "err", err)
	}
	slog.Error("native code differs from the interpreter, which counts; please report this file", append(args, "file", path)...)
}

// SaveMismatch writes m to a new file in dir.
func SaveMismatch(dir string, m *jit.Mismatch) (path string, err error) {
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return "", fmt.Errorf("cannot encode what differs: %w", err)
	}
	file, err := os.CreateTemp(dir, "jit-mismatch-*.json")
	if err != nil {
		return "", err
	}
	defer file.Close()
	_, err = file.Write(text)
	return file.Name(), err
}
