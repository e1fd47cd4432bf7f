package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// cases is the folder of public cases.
func cases(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CASES")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "cases")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no cases in %s; say CASES=dir", dir)
	}
	return dir
}

// sequencerCommand runs the program and returns what it prints.
func sequencerCommand(args ...string) (string, error) {
	out, err := exec.Command(filepath.Join(programs, "sequencer"), args...).CombinedOutput()
	return string(out), err
}

func TestEVMRun(t *testing.T) {
	t.Parallel()
	check := func(want string, fails bool, args ...string) {
		t.Helper()
		out, err := sequencerCommand(append([]string{"evm", "run"}, args...)...)
		if (err != nil) != fails || !strings.Contains(out, want) {
			t.Errorf("%s: got %v, %s; want %q in it", args, err, out, want)
		}
	}
	check("output    0x000000000000000000000000000000000000000000000000000000000000002a\ngas used  16\n", false, "--code", "0x602a5f5260205ff3")
	check(`"status":"success"`, false, "--code", "0x", "--json")
	check(`"runs":3`, false, "--code", "0x5f", "--json", "--bench", "3")
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		check("gas used  16\n", false, "--code", "0x602a5f5260205ff3", "--engine", "native")
		check("gas used  16\n", false, "--code", "0x602a5f5260205ff3", "--engine", "native", "--jit-check")
		check("  halt RETURN 0x0 0x20 at 0x7\nblock 0x0:\n", false, "--code", "0x602a5f5260205ff3", "--dump", "ir,asm")
	}
	check("  MSTORE 0x0 0x2a at 0x3\n  halt RETURN 0x0 0x20", false, "--code", "0x602a5f5260205ff3", "--dump", "ir")
	check("cannot print stage", true, "--code", "0x", "--dump", "tree")
	check("say what by --code", true)
	check("want an address", true, "--code", "0x", "--to", "0x1")
	check("neither a file nor bytes", true, "--code", "missing.hex")
	check("cannot run fork", true, "--code", "0x", "--fork", "london")
	check("neither it nor its subfolders", true, "--case", ".")
	check("cannot use --code with --case", true, "--case", ".", "--code", "0x")
	check("cannot use --gas 0", true, "--code", "0x", "--gas", "0")
	check("cannot dump nothing", true, "--code", "0x", "--dump", "")
	check("there is nothing to check", true, "--code", "0x", "--jit-check")
}

// TestInterruptible interrupts code that does not end by itself.
func TestInterruptible(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	never := make(chan error)
	defer close(never)
	started := make(chan struct{})
	go func() {
		<-started
		cancel()
	}()
	err := interruptible(ctx, func() error {
		close(started)
		return <-never
	})
	if !errors.Is(err, errInterrupted) {
		t.Errorf("got %v; want %v", err, errInterrupted)
	}
	if err := interruptible(t.Context(), func() error { return io.EOF }); !errors.Is(err, io.EOF) {
		t.Errorf("got %v; want what the code ended with", err)
	}
}

func TestEVMCases(t *testing.T) {
	t.Parallel()
	dir := cases(t)
	out, err := sequencerCommand("evm", "run", "--json", "--case", dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	folders, err := filepath.Glob(filepath.Join(dir, "*", "state.txt"))
	if got := strings.Count(out, "\n"); err != nil || got != len(folders) {
		t.Errorf("got %d reports; want %d (%v)", got, len(folders), err)
	}
}

func TestSpecTestCommands(t *testing.T) {
	t.Parallel()
	check := func(want string, fails bool, args ...string) {
		t.Helper()
		out, err := sequencerCommand(append([]string{"evm"}, args...)...)
		if (err != nil) != fails || !strings.HasSuffix(out, want) {
			t.Errorf("%s: got %v, %s; want %q at the end", args, err, out, want)
		}
	}
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`{"test": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	check("\n0 passed, 1 failed, 0 skipped\n", true, "statetest", bad)
	check("\n0 passed, 1 failed, 0 skipped\n", true, "blocktest", bad)
	check("see sequencer evm statetest --help\n", true, "statetest")
	check("no test matched\n", true, "statetest", "--run", "nothing", bad)
	check("want one of Cancun, Prague, Osaka, BPO1, BPO2, BPO3, BPO4, BPO5\n", true, "blocktest", "--fork", "Foo", bad)
	out, err := sequencerCommand("evm", "blocktest", "--json", bad)
	var report specReport
	if err == nil || json.Unmarshal([]byte(out), &report) != nil || report.Failed != 1 || len(report.Failures) != 1 {
		t.Errorf("as JSON: got %v, %s", err, out)
	}
}

// TestHelp checks that every command explains itself.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"", "run", "dev", "init", "evm", "evm run", "evm fuzz", "evm statetest", "evm blocktest", "bench", "bench evm", "bench calls"} {
		out, err := sequencerCommand(append(strings.Fields(command), "--help")...)
		if err != nil || !strings.Contains(out, "USAGE:") {
			t.Errorf("sequencer %s --help: got %v, %s", command, err, out)
		}
		for line := range strings.Lines(out) {
			if strings.Count(line, "(default: ") > 1 {
				t.Errorf("sequencer %s --help: two defaults: %s", command, line)
			}
		}
		if leaf := command != "" && command != "evm" && command != "bench"; leaf && !strings.Contains(out, "Example") {
			t.Errorf("sequencer %s --help has no example", command)
		}
	}
}
