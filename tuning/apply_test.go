package tuning

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const boot = "boot-1"

// all are the settings that a sequencer wants of the machine.
func all(t *testing.T, root *tree) []Setting {
	t.Helper()
	return Check(read(t, root), Options{Role: Sequencer}).Settings()
}

func newState(t *testing.T) StateFile {
	return StateFile(filepath.Join(t.TempDir(), "folder", "tuning.json"))
}

func statusCounts(outcomes []Outcome) map[Status]int {
	counts := make(map[Status]int)
	for _, o := range outcomes {
		counts[o.Status]++
	}
	return counts
}

func TestApplyAndRevert(t *testing.T) {
	for name := range machines {
		root, state := build(t, name, nil), newState(t)
		before := root.values()
		settings := all(t, root)
		plan, err := Plan(root, settings)
		if err != nil || len(plan) != len(settings) || root.writes > 0 {
			t.Fatalf("%s: got %d changes, %v, %d writes; want %d changes", name, len(plan), err, root.writes, len(settings))
		}
		outcomes, err := Apply(root, state, boot, settings)
		if err != nil || statusCounts(outcomes)[Done] != len(settings) {
			t.Fatalf("%s: got %v, %v", name, statusCounts(outcomes), err)
		}
		if left := Check(read(t, root), Options{Role: Sequencer}).Settings(); len(left) > 0 {
			t.Errorf("%s: still to be set: %v", name, left)
		}
		if again, err := Apply(root, state, boot, settings); again != nil || err != nil {
			t.Errorf("%s: applied twice: %v, %v", name, again, err)
		}
		planned, err := PlanRevert(root, state, boot)
		if err != nil || statusCounts(planned)[Planned] != len(settings) {
			t.Errorf("%s: got %v, %v", name, planned, err)
		}
		if outcomes, err = Revert(root, state, boot, false); err != nil || statusCounts(outcomes)[Done] != len(settings) {
			t.Errorf("%s: got %v, %v", name, outcomes, err)
		}
		checkReverted(t, root, before)
		if _, err := os.Stat(string(state)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the state file is left: %v", name, err)
		}
		if _, err := Revert(root, state, boot, false); !errors.Is(err, ErrNothingApplied) {
			t.Errorf("%s: got %v; want %v", name, err, ErrNothingApplied)
		}
	}
}

// checkReverted compares values: of files with choices, those that are chosen.
func checkReverted(t *testing.T, root *tree, before map[string]string) {
	t.Helper()
	old := &tree{MapFS: maps.Clone(root.MapFS)}
	for name, text := range before {
		old.set(name, text)
	}
	for name := range before {
		want, _ := readSetting(old, name)
		if got, _ := readSetting(root, name); got != want {
			t.Errorf("%s: got %q; want %q", name, got, want)
		}
	}
}

func TestFailuresInTheMiddle(t *testing.T) {
	root, state := build(t, "server", nil), newState(t)
	before := root.values()
	settings := all(t, root)
	pages := nodeDir + "/node1/hugepages/hugepages-2048kB/nr_hugepages"
	root.refuse = map[string]error{"proc/sys/vm/stat_interval": syscall.EROFS}
	root.make = map[string]string{pages: "1000"} // memory is fragmented
	outcomes, err := Apply(root, state, boot, settings)
	if counts := statusCounts(outcomes); !errors.Is(err, ErrIncomplete) || counts[Failed] != 2 || counts[Done] != len(settings)-2 {
		t.Fatalf("got %v, %v; want all but two done", counts, err)
	}
	text := OutcomesText(outcomes, false)
	for _, want := range []string{"read-only file system", `got "1000"; want "131072"`, "done     /proc/sys/vm/swappiness: 60 -> 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("got %s; want %s", text, want)
		}
	}
	root.refuse = map[string]error{"proc/sys/vm/swappiness": syscall.EBUSY}
	root.make = nil
	if _, err := Revert(root, state, boot, false); !errors.Is(err, ErrIncomplete) {
		t.Errorf("got %v; want %v", err, ErrIncomplete)
	}
	root.refuse = nil
	outcomes, err = Revert(root, state, boot, false)
	if err != nil || len(outcomes) != 1 || outcomes[0].File != "proc/sys/vm/swappiness" {
		t.Errorf("got %v, %v; want what was left", outcomes, err)
	}
	checkReverted(t, root, before)
}

func TestKernelRefusesHints(t *testing.T) {
	root := build(t, "laptop", map[string]string{cpuDir + "/isolated": "15", cpuDir + "/nohz_full": "15", "proc/irq/3/smp_affinity_list": "0-15"})
	root.refuse = map[string]error{"proc/irq/3/smp_affinity_list": syscall.EIO}
	outcomes, err := Apply(root, newState(t), boot, all(t, root))
	if err != nil || statusCounts(outcomes)[Refused] != 1 {
		t.Errorf("got %v, %v; want one refused", outcomes, err)
	}
}

func TestRevertRefusesForeignChanges(t *testing.T) {
	root, state := build(t, "laptop", nil), newState(t)
	before := root.values()
	if _, err := Apply(root, state, boot, all(t, root)); err != nil {
		t.Fatal(err)
	}
	root.set("proc/sys/vm/swappiness", "33")
	applied := root.values()
	outcomes, err := Revert(root, state, boot, false)
	if !errors.Is(err, ErrChanged) || len(outcomes) != 1 || outcomes[0].Status != Foreign || outcomes[0].From != "33" {
		t.Errorf("got %v, %v", outcomes, err)
	}
	if _, err := PlanRevert(root, state, boot); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v; want %v", err, ErrChanged)
	}
	if !maps.Equal(root.values(), applied) {
		t.Error("a refused revert changed something")
	}
	if _, err := Revert(root, state, boot, true); err != nil {
		t.Error(err)
	}
	checkReverted(t, root, before)
}

// TestFirstValueIsKept applies twice, the second time something else.
func TestFirstValueIsKept(t *testing.T) {
	root, state := build(t, "laptop", nil), newState(t)
	for _, value := range []string{"10", "5"} {
		if _, err := Apply(root, state, boot, []Setting{{File: "proc/sys/vm/swappiness", Value: value}}); err != nil {
			t.Fatal(err)
		}
	}
	outcomes, err := Revert(root, state, boot, false)
	if err != nil || len(outcomes) != 1 || outcomes[0].From != "5" || outcomes[0].To != "60" {
		t.Errorf("got %v, %v; want 5 back to 60", outcomes, err)
	}
}

// TestCrash ends the process after the state file was written and before all
// was set.
func TestCrash(t *testing.T) {
	root, state := build(t, "laptop", nil), newState(t)
	before := root.values()
	settings := all(t, root)
	plan, err := Plan(root, settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := state.save(&record{BootID: boot, Changes: plan}); err != nil {
		t.Fatal(err)
	}
	for _, c := range plan[:len(plan)/2] {
		if err := root.WriteFile(c.File, c.Value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Revert(root, state, boot, false); err != nil {
		t.Error(err)
	}
	checkReverted(t, root, before)
}

func TestRestart(t *testing.T) {
	root, state := build(t, "laptop", nil), newState(t)
	settings := []Setting{{File: "proc/sys/vm/swappiness", Value: "1"}}
	if _, err := Apply(root, state, boot, settings); err != nil {
		t.Fatal(err)
	}
	root.set("proc/sys/vm/swappiness", "40") // what the new start set
	if _, err := Apply(root, state, "boot-2", settings); err != nil {
		t.Fatal(err)
	}
	if outcomes, err := Revert(root, state, "boot-2", false); err != nil || outcomes[0].To != "40" {
		t.Errorf("got %v, %v; want 40", outcomes, err)
	}
	if _, err := Apply(root, state, boot, settings); err != nil {
		t.Fatal(err)
	}
	if outcomes, err := Revert(root, state, "boot-3", false); !errors.Is(err, ErrRestarted) || outcomes != nil {
		t.Errorf("got %v, %v; want %v", outcomes, err, ErrRestarted)
	}
	if _, err := Revert(root, state, "boot-3", false); !errors.Is(err, ErrNothingApplied) {
		t.Errorf("got %v; want %v", err, ErrNothingApplied)
	}
}

func TestDamagedStateFile(t *testing.T) {
	root, state := build(t, "laptop", nil), newState(t)
	if err := state.save(&record{Changes: []Change{{}}}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(string(state), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Apply(root, state, boot, all(t, root)); err == nil || root.writes > 0 {
		t.Errorf("got %v, %d writes; want an error and none", err, root.writes)
	}
	if _, err := Revert(root, state, boot, true); err == nil {
		t.Error("got no error")
	}
}

// TestStateFileOfAnAttacker names files that are no settings.
func TestStateFileOfAnAttacker(t *testing.T) {
	root, state := build(t, "laptop", nil), newState(t)
	for _, file := range []string{"etc/shadow", "/proc/sys/vm/swappiness", "sys/../etc/shadow", "proc/self/mem", ""} {
		if err := state.save(&record{BootID: boot, Changes: []Change{{Setting: Setting{File: file}, Before: "x"}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := Revert(root, state, boot, true); err == nil || root.writes > 0 {
			t.Errorf("%q: got %v, %d writes; want an error and none", file, err, root.writes)
		}
	}
}

func TestSystemWritesOnlyToFilesThatAreThere(t *testing.T) {
	dir := t.TempDir()
	sys := OpenSystem(dir)
	if err := sys.WriteFile("value", "1"); err == nil {
		t.Error("made a file")
	}
	if err := os.WriteFile(filepath.Join(dir, "value"), []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sys.WriteFile("value", "1"); err != nil {
		t.Error(err)
	}
	if got, err := readSetting(sys, "value"); got != "1" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if entries, _ := os.ReadDir(dir); !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "value" }) || len(entries) != 1 {
		t.Errorf("got %v", entries)
	}
}
