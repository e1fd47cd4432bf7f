package tuning

import (
	"fmt"
	"testing"
	"testing/fstest"
)

// shape describes a machine whose files are made for a test.
type shape struct {
	packages, nodes int  // nodes in all, spread evenly over the packages
	cores, threads  int  // cores in all, threads of each
	gib             int  // memory
	distantSiblings bool // threads of a core are numbered one after all cores, not side by side
	noNodes         bool // a kernel without NUMA
}

// machines are the shapes that the tests look at.
var machines = map[string]shape{
	"laptop":  {packages: 1, nodes: 1, cores: 8, threads: 2, gib: 16},
	"server":  {packages: 2, nodes: 2, cores: 64, threads: 2, gib: 1024, distantSiblings: true},
	"large":   {packages: 2, nodes: 8, cores: 128, threads: 1, gib: 4096},
	"arm64":   {packages: 1, nodes: 1, cores: 4, threads: 1, gib: 8, noNodes: true},
	"minimal": {packages: 1, nodes: 1, cores: 1, threads: 1, gib: 1, noNodes: true},
}

// tree is a fake root that can be written to.
type tree struct {
	fstest.MapFS
	refuse map[string]error  // by file: why writing fails
	make   map[string]string // by file: what becomes of what is written
	writes int
}

func (t *tree) WriteFile(name, text string) error {
	if err := t.refuse[name]; err != nil {
		return err
	}
	if _, ok := t.MapFS[name]; !ok {
		return fmt.Errorf("no file %s", name)
	}
	if made, ok := t.make[name]; ok {
		text = made
	}
	t.writes++
	t.set(name, text)
	return nil
}

func (t *tree) set(name, text string) { t.MapFS[name] = &fstest.MapFile{Data: []byte(text + "\n")} }

// values are the contents of all files.
func (t *tree) values() map[string]string {
	values := make(map[string]string)
	for name, file := range t.MapFS {
		values[name] = string(file.Data)
	}
	return values
}

func (s shape) thread(core, thread int) int {
	if s.distantSiblings {
		return thread*s.cores + core
	}
	return core*s.threads + thread
}

// build makes the files of the machine, as a usual distribution sets them.
func (s shape) build() *tree {
	t := &tree{MapFS: fstest.MapFS{}}
	for name, text := range map[string]string{
		"proc/meminfo":                                            fmt.Sprintf("MemTotal: %d kB\nMemFree: 1024 kB\nSwapTotal: 2097148 kB\nHugepagesize: 2048 kB", s.gib<<20),
		"proc/self/status":                                        fmt.Sprintf("Name:\tx\nCpus_allowed_list:\t0-%d", s.cores*s.threads-1),
		"proc/self/limits":                                        "Limit Soft Hard Units\nMax open files            1024                 524288               files\nMax locked memory         8388608              8388608              bytes",
		"proc/self/cgroup":                                        "0::/user.slice",
		"proc/self/mountinfo":                                     "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw",
		"proc/sys/kernel/random/boot_id":                          "boot-1",
		"proc/sys/vm/swappiness":                                  "60",
		"proc/sys/vm/overcommit_memory":                           "0",
		"proc/sys/vm/zone_reclaim_mode":                           "0",
		"proc/sys/vm/compaction_proactiveness":                    "20",
		"proc/sys/vm/stat_interval":                               "1",
		"proc/sys/kernel/numa_balancing":                          "1",
		"proc/sys/net/core/somaxconn":                             "4096",
		"proc/sys/net/ipv4/tcp_slow_start_after_idle":             "1",
		"sys/kernel/mm/transparent_hugepage/enabled":              "[always] madvise never",
		"sys/kernel/mm/transparent_hugepage/defrag":               "always defer defer+madvise [madvise] never",
		"sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages":   "0",
		"sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "0",
		clockDir + "/current_clocksource":                         "tsc",
		clockDir + "/available_clocksource":                       "tsc hpet acpi_pm",
		cpuDir + "/online":                                        fmt.Sprintf("0-%d", s.cores*s.threads-1),
		cpuDir + "/isolated":                                      "",
		cpuDir + "/nohz_full":                                     "(null)",
		"sys/fs/cgroup/user.slice/cpu.max":                        "max 100000",
		"sys/fs/cgroup/user.slice/memory.max":                     "max",
	} {
		t.set(name, text)
	}
	for core := range s.cores {
		s.buildCore(t, core)
	}
	if !s.noNodes {
		for node := range s.nodes {
			s.buildNode(t, node)
		}
	}
	return t
}

func (s shape) siblings(core int) IDSet {
	var ids []int
	for thread := range s.threads {
		ids = append(ids, s.thread(core, thread))
	}
	return NewIDSet(ids...)
}

// span are the threads of the cores of one of parts equal parts.
func (s shape) span(part, parts int) IDSet {
	var ids []int
	for core := part * s.cores / parts; core < (part+1)*s.cores/parts; core++ {
		ids = append(ids, s.siblings(core)...)
	}
	return NewIDSet(ids...)
}

func (s shape) buildCore(t *tree, core int) {
	pack := core * s.packages / s.cores
	for _, id := range s.siblings(core) {
		dir := fmt.Sprintf("%s/cpu%d", cpuDir, id)
		t.set(dir+"/topology/core_id", fmt.Sprint(core%(s.cores/s.packages)))
		t.set(dir+"/topology/physical_package_id", fmt.Sprint(pack))
		t.set(dir+"/topology/thread_siblings_list", s.siblings(core).String())
		for i, cache := range []struct {
			level      int
			kind, size string
			cpus       IDSet
		}{
			{1, "Data", "48K", s.siblings(core)}, {2, "Unified", "2M", s.siblings(core)}, {3, "Unified", "32768K", s.span(pack, s.packages)},
		} {
			index := fmt.Sprintf("%s/cache/index%d", dir, i)
			t.set(index+"/level", fmt.Sprint(cache.level))
			t.set(index+"/type", cache.kind)
			t.set(index+"/size", cache.size)
			t.set(index+"/shared_cpu_list", cache.cpus.String())
		}
		t.set(dir+"/cpuidle/state0/latency", "2")
		t.set(dir+"/cpuidle/state0/disable", "0")
		t.set(dir+"/cpuidle/state1/latency", "133")
		t.set(dir+"/cpuidle/state1/disable", "0")
		t.set(fmt.Sprintf("%s/cpufreq/policy%d/scaling_governor", cpuDir, id), "powersave")
	}
}

func (s shape) buildNode(t *tree, node int) {
	dir := fmt.Sprintf("%s/node%d", nodeDir, node)
	t.set(dir+"/cpulist", s.span(node, s.nodes).String())
	t.set(dir+"/meminfo", fmt.Sprintf("Node %d MemTotal:       %d kB\nNode %d MemFree:        %d kB", node, s.gib<<20/s.nodes, node, 1<<20))
	distances := ""
	for other := range s.nodes {
		distances += map[bool]string{true: "10 ", false: "21 "}[other == node]
	}
	t.set(dir+"/distance", distances)
	for _, kib := range []int{2048, 1048576} {
		pool := fmt.Sprintf("%s/hugepages/hugepages-%dkB", dir, kib)
		t.set(pool+"/nr_hugepages", "0")
		t.set(pool+"/free_hugepages", "0")
	}
}

// build makes the files of a machine, and those given on top.
func build(t *testing.T, name string, files map[string]string) *tree {
	t.Helper()
	s, ok := machines[name]
	if !ok {
		t.Fatalf("no machine %s", name)
	}
	root := s.build()
	for file, text := range files {
		root.set(file, text)
	}
	return root
}

// read reads the machine, which must have no problems.
func read(t *testing.T, root *tree) *Machine {
	t.Helper()
	m, err := ReadMachine(root, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.files.problems) > 0 {
		t.Fatalf("problems: %v", m.files.problems)
	}
	return m
}

// dockerFiles are those of a container with two processors of a server, half of
// a third one's time, and 4 GiB; its cgroup is the root of what it sees.
var dockerFiles = map[string]string{
	".dockerenv":                          "",
	"proc/self/cgroup":                    "0::/",
	"proc/self/mountinfo":                 "31 23 0:28 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw",
	"proc/self/status":                    "Cpus_allowed_list:\t4-6",
	"sys/fs/cgroup/cpu.max":               "250000 100000",
	"sys/fs/cgroup/memory.max":            "4294967296",
	"sys/fs/cgroup/cpuset.cpus.effective": "4-6",
}

// oldDockerFiles are those of such a container with cgroups of version 1, which
// sees the machine's paths.
var oldDockerFiles = map[string]string{
	"proc/self/cgroup": "9:memory:/docker/abc\n8:cpu,cpuacct:/docker/abc\n7:cpuset:/docker/abc\n1:name=systemd:/docker/abc",
	"proc/self/mountinfo": "40 31 0:30 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n" +
		"41 31 0:31 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n" +
		"42 31 0:32 /docker/abc /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset",
	"proc/self/status":                            "Cpus_allowed_list:\t4-6",
	"sys/fs/cgroup/memory/memory.limit_in_bytes":  "4294967296",
	"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us":  "250000",
	"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
	"sys/fs/cgroup/cpuset/cpuset.cpus":            "4-6",
}
