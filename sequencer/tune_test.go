package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTune checks this machine with both programs, whatever it is like: the exit
// code says what the report says.
func TestTune(t *testing.T) {
	for _, name := range []string{"sequencer", "fullnode"} {
		command := exec.Command(filepath.Join(programs, name), "tune", "--json")
		out, _ := command.Output() // the exit code is looked at below
		var report struct {
			Role     string
			Findings []struct{ Level string }
		}
		if err := json.Unmarshal(out, &report); err != nil || report.Role != name {
			t.Errorf("%s: got %v in %s", name, err, out)
		}
		want := 0
		for _, f := range report.Findings {
			want = max(want, map[string]int{"better": 1, "wrong": 2, "unreadable": 2}[f.Level])
		}
		if got := command.ProcessState.ExitCode(); got != want {
			t.Errorf("%s: got exit code %d; want %d for %s", name, got, want, out)
		}
	}
}
