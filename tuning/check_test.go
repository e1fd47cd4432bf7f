package tuning

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
)

// notOK are the names and levels of findings that are not as wanted.
func notOK(r *Report) string {
	var names []string
	for _, f := range r.Findings {
		if f.Level != OK {
			names = append(names, f.Name+":"+f.Level.String())
		}
	}
	return strings.Join(names, " ")
}

func TestCheck(t *testing.T) {
	// What a distribution sets, and a sequencer wants otherwise.
	const usual = "cpu.governor:better cpu.idle:better limit.memlock:better memory.compaction:better memory.stat:better memory.swappiness:better memory.thp:better net.idle:better"
	for name, c := range map[string]struct {
		machine string
		role    Role
		huge    uint64
		files   map[string]string
		want    string
		code    int
	}{
		"laptop at home": {"laptop", FullNode, 0, nil, "", 0},
		"laptop to make": {"laptop", Sequencer, 0, nil, strings.NewReplacer("cpu.idle:better", "cpu.idle:better cpu.isolated:better", "memory.stat", "memory.size:better memory.stat").Replace(usual), 1},
		"small at home":  {"minimal", FullNode, 0, nil, "cpu.count:better memory.size:better", 1},
		"container":      {"server", FullNode, 0, dockerFiles, "cpu.quota:better", 1},
		"old container":  {"server", FullNode, 0, oldDockerFiles, "cpu.quota:better", 1},
		"strict memory":  {"laptop", FullNode, 0, map[string]string{"proc/sys/vm/overcommit_memory": "2"}, "memory.overcommit:wrong", 2},
		"slow clock":     {"laptop", FullNode, 0, map[string]string{clockDir + "/current_clocksource": "hpet"}, "cpu.clock:wrong", 2},
		"no huge pages":  {"laptop", FullNode, 0, map[string]string{"sys/kernel/mm/transparent_hugepage/enabled": "always madvise [never]"}, "memory.thp:better", 1},
		"few files":      {"laptop", FullNode, 0, map[string]string{"proc/self/limits": "Max open files 64 1024 files"}, "limit.nofile:better", 1},
		"not a number":   {"laptop", FullNode, 0, map[string]string{"sys/fs/cgroup/user.slice/memory.max": "much"}, "file:unreadable", 2},
		"server to make": {"server", Sequencer, 0, nil,
			"cpu.governor:better cpu.idle:better cpu.isolated:better limit.memlock:better memory.compaction:better memory.hugepages:better memory.numa.balancing:better memory.stat:better memory.swappiness:better memory.thp:better net.idle:better", 1},
		"too many pages": {"laptop", FullNode, 15 << 30, nil, "memory.hugepages:wrong", 2},
	} {
		m, err := ReadMachine(build(t, c.machine, c.files), "")
		if err != nil {
			t.Fatal(err)
		}
		r := Check(m, Options{Role: c.role, HugeBytes: c.huge})
		if got := notOK(r); got != c.want || r.ExitCode() != c.code {
			t.Errorf("%s: got %q, code %d; want %q, code %d", name, got, r.ExitCode(), c.want, c.code)
		}
	}
}

// TestFindingsExplain checks that each finding says all that it must, in text
// and as JSON.
func TestFindingsExplain(t *testing.T) {
	for machine := range machines {
		for _, role := range everyRole {
			r := Check(read(t, build(t, machine, map[string]string{cpuDir + "/isolated": "0", "proc/irq/7/smp_affinity_list": "0-3"})), Options{Role: role})
			text := r.Text(false)
			for _, f := range r.Findings {
				if f.Name == "" || f.Value == "" || f.Want == "" || f.Why == "" || (f.Level != OK) != (f.Fix != "") || f.Level == OK && f.Settings != nil {
					t.Errorf("%s, %s: incomplete: %+v", machine, role, f)
				}
				if !strings.Contains(text, f.Name) || !strings.Contains(text, f.Fix) {
					t.Errorf("%s: %s is not in the text", machine, f.Name)
				}
			}
			if coloured := r.Text(true); strings.Contains(text, "\x1b") || !strings.Contains(coloured, "\x1b[32mok") {
				t.Errorf("%s: got colours %t and %t", machine, strings.Contains(text, "\x1b"), strings.Contains(coloured, "\x1b"))
			}
			if data, err := json.Marshal(r); err != nil || !strings.Contains(string(data), `"level":"ok"`) {
				t.Errorf("got %s, %v", data, err)
			}
		}
	}
}

func TestTextNamesNodes(t *testing.T) {
	text := Check(read(t, build(t, "server", nil)), Options{Role: Sequencer}).Text(false)
	want := "128 processors (64 cores, 2 packages), 1024 GiB of memory on 2 nodes\n" +
		"   node 0: processors 0-31,64-95, 512 GiB\n   node 1: processors 32-63,96-127, 512 GiB\n\n"
	if !strings.HasPrefix(text, want) {
		t.Errorf("got %s; want %s", text, want)
	}
	if text := Check(read(t, build(t, "laptop", nil)), Options{Role: FullNode}).Text(false); strings.Contains(text, "node 0") {
		t.Errorf("got %s; want no list of one node", text)
	}
}

// settingsOf are the settings of the one finding of that name.
func settingsOf(r *Report, name string) map[string]string {
	settings := make(map[string]string)
	for _, f := range r.Findings {
		for _, s := range f.Settings {
			if f.Name == name {
				settings[s.File] = s.Value
			}
		}
	}
	return settings
}

func TestSettings(t *testing.T) {
	laptop := func(files map[string]string) *Report {
		return Check(read(t, build(t, "laptop", files)), Options{Role: Sequencer, HugeBytes: 1<<30 + 1})
	}
	for name, c := range map[string]struct {
		finding string
		report  *Report
		want    map[string]string
	}{
		"spread over nodes": {"memory.hugepages", Check(read(t, build(t, "server", nil)), Options{Role: Sequencer}), map[string]string{
			nodeDir + "/node0/hugepages/hugepages-2048kB/nr_hugepages": "131072",
			nodeDir + "/node1/hugepages/hugepages-2048kB/nr_hugepages": "131072",
		}},
		"rounded up": {"memory.hugepages", laptop(nil), map[string]string{nodeDir + "/node0/hugepages/hugepages-2048kB/nr_hugepages": "513"}},
		"enough":     {"memory.hugepages", laptop(map[string]string{nodeDir + "/node0/hugepages/hugepages-2048kB/nr_hugepages": "600"}), nil},
		"no nodes":   {"memory.hugepages", Check(read(t, build(t, "arm64", nil)), Options{Role: Sequencer, HugeBytes: 1 << 30}), map[string]string{"sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "512"}},
		"interrupts": {"cpu.interrupts", laptop(map[string]string{
			cpuDir + "/isolated": "14-15", "proc/irq/3/smp_affinity_list": "0-15", "proc/irq/4/smp_affinity_list": "0-1", "proc/irq/5/smp_affinity_list": "14",
		}), map[string]string{"proc/irq/3/smp_affinity_list": "0-13"}},
		"clock":     {"cpu.clock", laptop(map[string]string{clockDir + "/current_clocksource": "acpi_pm"}), map[string]string{clockDir + "/current_clocksource": "tsc"}},
		"no clock":  {"cpu.clock", laptop(map[string]string{clockDir + "/current_clocksource": "hpet", clockDir + "/available_clocksource": "hpet acpi_pm"}), nil},
		"quota":     {"cpu.quota", Check(read(t, build(t, "server", dockerFiles)), Options{Role: Sequencer}), map[string]string{"sys/fs/cgroup/cpu.max": "max 100000"}},
		"old quota": {"cpu.quota", Check(read(t, build(t, "server", oldDockerFiles)), Options{Role: Sequencer}), map[string]string{"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1"}},
		"swap":      {"memory.swap", laptop(map[string]string{"sys/fs/cgroup/user.slice/memory.swap.max": "max"}), map[string]string{"sys/fs/cgroup/user.slice/memory.swap.max": "0"}},
	} {
		if got := settingsOf(c.report, c.finding); !maps.Equal(got, c.want) {
			t.Errorf("%s: got %v; want %v", name, got, c.want)
		}
	}
	idle := settingsOf(laptop(nil), "cpu.idle")
	if len(idle) != 16 || idle[cpuDir+"/cpu3/cpuidle/state1/disable"] != "1" {
		t.Errorf("got %v; want the slow state of each processor", idle)
	}
}

func TestIsolation(t *testing.T) {
	find := func(files map[string]string) Finding {
		r := Check(read(t, build(t, "server", files)), Options{Role: Sequencer})
		i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Name == "cpu.isolated" })
		return r.Findings[i]
	}
	if f := find(nil); !strings.Contains(f.Fix, "isolcpus=managed_irq,domain,31,95 ") || !strings.Contains(f.Fix, "--cpu.producer 31") {
		t.Errorf("got fix %q; want the last core of the first node", f.Fix)
	}
	if f := find(map[string]string{cpuDir + "/isolated": "8"}); !strings.Contains(f.Fix, "nohz_full=8 ") {
		t.Errorf("got %+v; want the processor without timer interrupts", f)
	}
	if f := find(map[string]string{cpuDir + "/isolated": "8", cpuDir + "/nohz_full": "8-9"}); f.Level != OK {
		t.Errorf("got %+v", f)
	}
}

// lockedFS has files that may not be read.
type lockedFS struct {
	fs.FS
	locked string
}

func (l lockedFS) Open(name string) (fs.File, error) {
	if strings.HasPrefix(name, l.locked) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return l.FS.Open(name)
}

func TestUnreadableFilesAreFindings(t *testing.T) {
	m, err := ReadMachine(lockedFS{build(t, "laptop", nil), "proc/sys/vm/overcommit_memory"}, "")
	if err != nil {
		t.Fatal(err)
	}
	r := Check(m, Options{Role: FullNode})
	if notOK(r) != "file:unreadable" || r.ExitCode() != 2 {
		t.Errorf("got %s, code %d", notOK(r), r.ExitCode())
	}
	last := r.Findings[len(r.Findings)-1]
	if last.Want != "/proc/sys/vm/overcommit_memory" || !errors.Is(m.files.problems[last.Want[1:]], fs.ErrPermission) {
		t.Errorf("got %+v", last)
	}
}
