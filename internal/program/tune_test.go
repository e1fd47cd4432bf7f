package program

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/tuning"
)

// newTuner returns a command run on a machine that has one setting to be made.
func newTuner(t *testing.T) (tuner *tuner, out *bytes.Buffer, setting string) {
	t.Helper()
	root := t.TempDir()
	setting = filepath.Join(root, "proc/sys/net/core/somaxconn")
	for file, text := range map[string]string{
		"proc/meminfo":                        "MemTotal: 16777216 kB\n",
		"proc/sys/net/core/somaxconn":         "128\n",
		"sys/devices/system/cpu/online":       "0-1\n",
		"sys/devices/system/cpu/cpu0/package": "",
		"sys/devices/system/cpu/cpu1/package": "",
	} {
		name := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return newTunerOf(t, root), &bytes.Buffer{}, setting
}

func newTunerOf(t *testing.T, root string) *tuner {
	t.Helper()
	sys := tuning.OpenSystem(root)
	m, err := tuning.ReadMachine(sys, "")
	if err != nil {
		t.Fatal(err)
	}
	return &tuner{
		sys: sys, machine: m, opts: tuning.Options{Role: tuning.FullNode},
		state: tuning.StateFile(filepath.Join(t.TempDir(), "state.json")), root: true,
	}
}

func codeOf(err error) int {
	if err == nil {
		return 0
	}
	return exitCode(err)
}

func TestTune(t *testing.T) {
	tuner, out, setting := newTuner(t)
	tuner.out = out
	steps := []struct {
		name   string
		do     func() error
		yes    bool
		root   bool
		code   int
		output string // part of it
		value  string // of the setting, after it
	}{
		{"check", tuner.check, false, false, 1, "net.backlog", "128"},
		{"dry run", tuner.apply, false, false, 0, "128 -> 4096\nNothing was changed", "128"},
		{"not root", tuner.apply, true, false, 2, "", "128"},
		{"nothing to revert", tuner.revert, true, true, 0, "nothing was applied", "128"},
		{"apply", tuner.apply, true, true, 0, "done", "4096"},
		{"dry revert", tuner.revert, false, false, 0, "4096 -> 128\nNothing was changed", "4096"},
		{"revert, not root", tuner.revert, true, false, 2, "", "4096"},
		{"revert", tuner.revert, true, true, 0, "done", "128"},
	}
	for _, step := range steps {
		out.Reset()
		tuner.yes, tuner.root = step.yes, step.root
		if code := codeOf(step.do()); code != step.code || !strings.Contains(out.String(), step.output) {
			t.Errorf("%s: got code %d and %s; want %d and %q", step.name, code, out, step.code, step.output)
		}
		value, err := os.ReadFile(setting)
		if got := string(value); err != nil || !strings.HasPrefix(got, step.value) {
			t.Errorf("%s: got value %q, %v; want %s", step.name, got, err, step.value)
		}
	}
}

func TestTuneJSON(t *testing.T) {
	tuner, out, setting := newTuner(t)
	tuner.out, tuner.json, tuner.yes = out, true, true
	var report struct {
		DryRun   bool
		Outcomes []tuning.Outcome
		Error    string
		Findings []struct{ Name, Level string }
	}
	parse := func(err error, code int) {
		t.Helper()
		if codeOf(err) != code {
			t.Errorf("got %v; want exit code %d", err, code)
		}
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			t.Errorf("%v in %s", err, out)
		}
		out.Reset()
	}
	parse(tuner.check(), 1)
	if len(report.Findings) < 3 {
		t.Errorf("got %+v", report)
	}
	parse(tuner.apply(), 0)
	if len(report.Outcomes) != 1 || report.DryRun || report.Error != "" {
		t.Errorf("got %+v", report)
	}
	if err := os.WriteFile(setting, []byte("77"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := tuner.revert()
	if !errors.Is(err, ErrReported) {
		t.Errorf("got %v; the report has said it", err)
	}
	parse(err, 2)
	if report.Error == "" {
		t.Errorf("got %+v; want an error", report)
	}
}

func TestTuneFlags(t *testing.T) {
	for args, want := range map[string]string{
		"--check --apply":           "more than one",
		"--apply --revert":          "more than one",
		"--yes":                     "without --apply",
		"--force --apply":           "without --revert",
		"--cgroup /nowhere --check": "",
		"surprise":                  "takes flags only",
	} {
		app := &cli.App{
			Name: "test", Writer: &bytes.Buffer{}, ErrWriter: &bytes.Buffer{}, ExitErrHandler: func(*cli.Context, error) {},
			Commands: []*cli.Command{TuneCommand(tuning.FullNode, "usage", "description")},
		}
		err := app.Run(append([]string{"test", "tune"}, strings.Fields(args)...))
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v; want %q", args, err, want)
		}
	}
}

func TestTuneProcessRefusesFlags(t *testing.T) {
	for args, want := range map[string]string{
		"--gc=never":          "want auto or go",
		"--gc=go --cpus=x":    "cannot read the list",
		"--gc=go --cpus=8191": "this machine has",
	} {
		err := run(t, func(c *cli.Context) error {
			if _, err := tuning.ReadMachine(tuning.OpenSystem("/"), ""); err != nil && !strings.Contains(args, "never") {
				return errors.New(want) // not Linux
			}
			return TuneProcess(c, tuning.FullNode, nil)
		}, strings.Fields(args)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v; want %q", args, err, want)
		}
	}
}

func TestExitCode(t *testing.T) {
	if got := exitCode(errors.New("x")); got != 1 {
		t.Errorf("got %d; want 1", got)
	}
	if got := exitCode(cli.Exit(ErrReported, 2)); got != 2 {
		t.Errorf("got %d; want 2", got)
	}
}
