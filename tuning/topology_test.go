package tuning

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

func TestIDSet(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "0": "0", "0-3": "0-3", "3,1,2": "1-3", "0-1,8-9,11": "0-1,8-9,11", " 4-5 , 4\n": "4-5", "0,2": "0,2",
	} {
		set, err := ParseIDSet(text)
		if err != nil || set.String() != want {
			t.Errorf("%q: got %q, %v; want %q", text, set, err, want)
		}
	}
	for _, text := range []string{"x", "3-1", "1-", "-1", "0-99999999", "1,,2", "0x1"} {
		if set, err := ParseIDSet(text); err == nil {
			t.Errorf("%q: got %v; want an error", text, set)
		}
	}
	a, b := NewIDSet(5, 1, 2, 2), NewIDSet(2, 3)
	if got := a.Minus(b).String() + " " + a.Intersect(b).String(); got != "1,5 2" {
		t.Errorf("got %s", got)
	}
}

func FuzzParseIDSet(f *testing.F) {
	f.Add("0-3,8")
	f.Fuzz(func(t *testing.T, text string) {
		set, err := ParseIDSet(text)
		if err != nil {
			return
		}
		again, err := ParseIDSet(set.String())
		if err != nil || !reflect.DeepEqual(set, again) {
			t.Errorf("%q: got %v, then %v, %v", text, set, again, err)
		}
	})
}

func TestTopology(t *testing.T) {
	for name, want := range map[string]struct {
		cpus, cores, packages, nodes, caches int
		siblings                             string // of processor 0
		lastNode                             string // its processors
		lastCache                            string // its processors
		nodeGiB                              uint64 // of each node
	}{
		"laptop":  {16, 8, 1, 1, 17, "0-1", "0-15", "0-15", 16},
		"server":  {128, 64, 2, 2, 130, "0,64", "32-63,96-127", "32-63,96-127", 512},
		"large":   {128, 128, 2, 8, 258, "0", "112-127", "64-127", 512},
		"arm64":   {4, 4, 1, 1, 9, "0", "0-3", "0-3", 8},
		"minimal": {1, 1, 1, 1, 3, "0", "0", "0", 1},
	} {
		m := read(t, build(t, name, nil))
		got := []any{len(m.CPUs), m.Cores(m.Online()), m.Packages(), len(m.Nodes), len(m.Caches)}
		if !reflect.DeepEqual(got, []any{want.cpus, want.cores, want.packages, want.nodes, want.caches}) {
			t.Errorf("%s: got %v; want %+v", name, got, want)
			continue
		}
		last := m.Nodes[len(m.Nodes)-1]
		if s := m.CPUs[0].Siblings.String(); s != want.siblings || last.CPUs.String() != want.lastNode || last.MemoryBytes != want.nodeGiB<<30 {
			t.Errorf("%s: got siblings %s, node %+v; want %+v", name, s, last, want)
		}
		if c := m.Caches[len(m.Caches)-1]; c.Level != 3 || c.SizeBytes != 32<<20 || c.CPUs.String() != want.lastCache {
			t.Errorf("%s: got cache %+v; want %+v", name, c, want)
		}
		if cpu := m.CPUs[len(m.CPUs)-1]; cpu.Node != last.ID || cpu.Package != want.packages-1 {
			t.Errorf("%s: got %+v; want node %d, package %d", name, cpu, last.ID, want.packages-1)
		}
		if len(last.Distances) != want.nodes || last.Distances[last.ID] != 10 {
			t.Errorf("%s: got distances %v", name, last.Distances)
		}
	}
}

func TestOfflineProcessorsAreLeftOut(t *testing.T) {
	m := read(t, build(t, "laptop", map[string]string{cpuDir + "/online": "0-3,6"}))
	if m.Online().String() != "0-3,6" {
		t.Errorf("got %v", m.Online())
	}
}

func TestLimits(t *testing.T) {
	nested := map[string]string{
		"proc/self/cgroup":                                "0::/a/b",
		"sys/fs/cgroup/a/memory.max":                      "2147483648",
		"sys/fs/cgroup/a/cpu.max":                         "max 100000",
		"sys/fs/cgroup/a/b/memory.max":                    "max",
		"sys/fs/cgroup/a/b/memory.high":                   "3221225472",
		"sys/fs/cgroup/a/b/cpu.max":                       "50000 100000",
		"sys/fs/cgroup/a/b/memory.swap.max":               "max",
		"sys/fs/cgroup/system.slice/x.service/cpu.max":    "300000 100000",
		"sys/fs/cgroup/system.slice/x.service/memory.max": "1073741824",
	}
	for name, c := range map[string]struct {
		files     map[string]string
		cgroup    string
		version   int
		cpus      float64
		cpuset    string
		memory    uint64
		container string
		quotaFile string
	}{
		"none":       {nil, "", 2, 0, "", 0, "", ""},
		"docker":     {dockerFiles, "", 2, 2.5, "4-6", 4 << 30, "docker", "sys/fs/cgroup/cpu.max"},
		"old docker": {oldDockerFiles, "", 1, 2.5, "4-6", 4 << 30, "docker", "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us"},
		"nested":     {nested, "", 2, 0.5, "", 2 << 30, "", "sys/fs/cgroup/a/b/cpu.max"},
		"named":      {nested, "/sys/fs/cgroup/system.slice/x.service", 2, 3, "", 1 << 30, "", "sys/fs/cgroup/system.slice/x.service/cpu.max"},
		"no cgroups": {map[string]string{"proc/self/mountinfo": "", "proc/self/cgroup": ""}, "", 0, 0, "", 0, "", ""},
		"escaping":   {map[string]string{"proc/self/cgroup": "0::/../.."}, "", 2, 0, "", 0, "", ""},
		"nspawn":     {map[string]string{"run/systemd/container": "systemd-nspawn"}, "", 2, 0, "", 0, "systemd-nspawn", ""},
		"kubernetes": {map[string]string{"proc/self/cgroup": "0::/kubepods/burstable/pod1/x"}, "", 2, 0, "", 0, "kubepods", ""},
		"old, no limits": {map[string]string{
			"proc/self/cgroup":                           "9:memory:/\n8:cpu:/",
			"proc/self/mountinfo":                        "40 31 0:30 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n41 31 0:31 / /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":         "-1",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us":        "100000",
		}, "", 1, 0, "", 0, "", ""},
	} {
		m, err := ReadMachine(build(t, "server", c.files), c.cgroup)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.files.problems) > 0 {
			t.Errorf("%s: problems: %v", name, m.files.problems)
		}
		l := m.Limits
		if l.Version != c.version || l.CPUs != c.cpus || l.CPUSet.String() != c.cpuset || l.MemoryBytes != c.memory || m.Container != c.container || l.quotaFile != c.quotaFile {
			t.Errorf("%s: got %+v in %q; want %+v", name, l, m.Container, c)
		}
	}
}

func TestUsable(t *testing.T) {
	m := read(t, build(t, "server", dockerFiles))
	if m.UsableMemoryBytes() != 4<<30 || m.UsableCPUs().String() != "4-6" {
		t.Errorf("got %d, %v", m.UsableMemoryBytes(), m.UsableCPUs())
	}
	if m := read(t, build(t, "server", nil)); m.UsableMemoryBytes() != 1<<40 || len(m.UsableCPUs()) != 128 {
		t.Errorf("got %d, %v", m.UsableMemoryBytes(), m.UsableCPUs())
	}
}

func TestNoLinuxMachine(t *testing.T) {
	if _, err := ReadMachine(fstest.MapFS{}, ""); err == nil {
		t.Error("got no error")
	}
}

func TestThisMachine(t *testing.T) {
	m, err := ReadMachine(OpenSystem("/"), "")
	if err != nil {
		t.Log(err) // not Linux
		return
	}
	if len(m.CPUs) == 0 || len(m.Nodes) == 0 || m.UsableMemoryBytes() == 0 || len(m.UsableCPUs()) == 0 {
		t.Errorf("got %+v", m)
	}
	t.Log(m)
	for _, file := range []string{"proc/sys/kernel/threads-max", "proc/self/limits"} { // the kernel cuts these when read in pieces
		want, err := os.ReadFile("/" + file)
		if err != nil {
			continue
		}
		if got, err := readText(OpenSystem("/"), file); err != nil || got != strings.TrimSpace(string(want)) {
			t.Errorf("%s: got %q, %v; want %q", file, got, err, want)
		}
	}
}
