package tuning

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A check looks at more than values of files.
type check struct {
	name string
	why  string
	see  func(m *Machine, opts Options, found *Finding) (applies bool)
}

func (c *check) look(m *Machine, opts Options) (Finding, bool) {
	found := Finding{Name: c.name, Why: c.why}
	applies := c.see(m, opts, &found)
	return found, applies
}

var checks = []check{
	{"cpu.count", "execution, signatures, the network and the garbage collector want processors of their own", seeCPUCount},
	{"cpu.quota", "when the quota is used up all threads stop, for up to a tenth of a second", seeQuota},
	{"cpu.isolated", "only on a processor that nobody else uses is a mini-block never late", seeIsolated},
	{"cpu.interrupts", "interrupts of devices stop the thread that makes mini-blocks", seeInterrupts},
	{"cpu.clock", "a clock that is read by a system call or from a device costs a microsecond each time", seeClock},
	{"memory.size", "the state is kept in memory", seeMemory},
	{"memory.hugepages", "reserved huge pages make reads of the state faster, and never run out", seeHugePages},
	{"memory.swap", "a page of the state that was swapped out stops execution for milliseconds", seeSwapLimit},
	{"limit.memlock", "memory that is locked can never be swapped out", seeMemlock},
	{"limit.nofile", "each client is an open file", seeNoFile},
}

// roleWant is the size of machine that a role wants.
var roleWant = map[Role]struct {
	cpus        int
	memoryBytes uint64
	openFiles   uint64
}{
	Sequencer: {cpus: 8, memoryBytes: 32 << 30, openFiles: 65536},
	FullNode:  {cpus: 2, memoryBytes: 4 << 30, openFiles: 4096},
}

func seeCPUCount(m *Machine, opts Options, found *Finding) bool {
	cpus, want := m.UsableCPUs(), roleWant[opts.Role].cpus
	found.Value = fmt.Sprintf("%d (%s)", len(cpus), plural(m.Cores(cpus), "core"))
	found.Want = fmt.Sprintf("at least %d", want)
	if len(cpus) < want {
		found.Level, found.Fix = Better, "use a larger machine, or give the container or service more processors (cpuset)"
	}
	return true
}

func seeQuota(m *Machine, _ Options, found *Finding) bool {
	found.Value, found.Want = "none", "none"
	if m.Limits.CPUs == 0 {
		return m.Limits.Version > 0
	}
	found.Value = fmt.Sprintf("%.4g processors", m.Limits.CPUs)
	found.Level = Better
	found.Settings = []Setting{{File: m.Limits.quotaFile, Value: m.Limits.noQuota}}
	found.Fix = "use a cpuset instead of a quota (docker --cpuset-cpus, systemd AllowedCPUs): " + fix(found.Settings)
	return true
}

const isolateCPUsMin = 8 // with fewer, a processor set apart costs more than it gives

func seeIsolated(m *Machine, opts Options, found *Finding) bool {
	if opts.Role != Sequencer || len(m.CPUs) < isolateCPUsMin {
		return false
	}
	found.Value, found.Want = listOrNone(m.Isolated), "one core, without timer interrupts"
	if len(m.Isolated) > 0 && len(m.Isolated.Minus(m.TickFree)) == 0 {
		return true
	}
	core := m.Isolated
	if len(core) == 0 {
		core = m.quietCore()
	}
	found.Level = Better
	found.Fix = fmt.Sprintf("boot with isolcpus=managed_irq,domain,%[1]v nohz_full=%[1]v rcu_nocbs=%[1]v, and run the sequencer with --cpu.producer %[2]d", core, core[0])
	return true
}

// quietCore is the core to set apart: the last of the first node. The first one
// gets the kernel's own work.
func (m *Machine) quietCore() IDSet {
	core := m.CPUs[len(m.CPUs)-1].Siblings
	for _, cpu := range m.CPUs {
		if cpu.Node == m.CPUs[0].Node {
			core = cpu.Siblings
		}
	}
	return core
}

func listOrNone(set IDSet) string {
	if len(set) == 0 {
		return "none"
	}
	return set.String()
}

// seeInterrupts wants devices' interrupts away from the isolated processors.
// Some interrupts belong to a processor; the kernel refuses to move those.
func seeInterrupts(m *Machine, opts Options, found *Finding) bool {
	if opts.Role != Sequencer || len(m.Isolated) == 0 {
		return false
	}
	for _, dir := range m.files.list("proc/irq", "") {
		file := dir + "/smp_affinity_list"
		allowed := m.files.set(file)
		rest := allowed.Minus(m.Isolated)
		if len(rest) > 0 && len(rest) < len(allowed) {
			found.Settings = append(found.Settings, Setting{File: file, Value: rest.String(), Hint: true})
		}
	}
	found.Value = fmt.Sprintf("%d may interrupt the isolated processors", len(found.Settings))
	found.Want = "none"
	if len(found.Settings) > 0 {
		found.Level, found.Fix = Better, fix(found.Settings)+"; and tell irqbalance (IRQBALANCE_BANNED_CPULIST)"
	}
	return true
}

const clockDir = "sys/devices/system/clocksource/clocksource0"

// fastClocks are read without a system call, the best first.
var fastClocks = []string{"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"}

func seeClock(m *Machine, _ Options, found *Finding) bool {
	found.Value = m.files.text(clockDir + "/current_clocksource")
	found.Want = strings.Join(fastClocks, " or ")
	if found.Value == "" {
		return false
	}
	if slices.Contains(fastClocks, found.Value) {
		return true
	}
	found.Level, found.Fix = Wrong, "find out in the kernel's log why no fast clock is trusted"
	available := strings.Fields(m.files.text(clockDir + "/available_clocksource"))
	for _, clock := range fastClocks {
		if slices.Contains(available, clock) {
			found.Settings = []Setting{{File: clockDir + "/current_clocksource", Value: clock}}
			found.Fix = fix(found.Settings)
			break
		}
	}
	return true
}

func seeMemory(m *Machine, opts Options, found *Finding) bool {
	usable, want := m.UsableMemoryBytes(), roleWant[opts.Role].memoryBytes
	found.Value, found.Want = gib(usable), "at least "+gib(want)
	if usable < m.MemoryBytes {
		found.Value += fmt.Sprintf(" of the machine's %s, by a cgroup", gib(m.MemoryBytes))
	}
	if usable < want-want/8 { // firmware and the kernel keep a part
		found.Level, found.Fix = Better, "use a larger machine, or raise the memory limit of the container or service"
	}
	return true
}

const (
	hugeMemoryMin  = 128 << 30 // from here on the machine is for the state, half of it in huge pages
	hugePartMax    = 0.9       // of the memory; the rest of the system lives in what is left
	hugeRoundBytes = 1 << 30
)

func seeHugePages(m *Machine, opts Options, found *Finding) bool {
	pageBytes := kibibytes(field(m.files.text("proc/meminfo"), "Hugepagesize"))
	if opts.Role != Sequencer && opts.HugeBytes == 0 || pageBytes == 0 {
		return false
	}
	want := opts.HugeBytes
	if want == 0 && m.MemoryBytes >= hugeMemoryMin {
		want = m.MemoryBytes / 2 / hugeRoundBytes * hugeRoundBytes
	}
	have := m.reservedBytes(pageBytes)
	found.Value, found.Want = gib(have), "at least "+gib(want)
	switch {
	case have >= want:
	case float64(want) > hugePartMax*float64(m.MemoryBytes):
		found.Level, found.Fix = Wrong, fmt.Sprintf("ask for at most %.0f %% of the memory, %s", hugePartMax*100, gib(m.MemoryBytes))
	default:
		found.Level = Better
		found.Settings = m.reserve(pageBytes, want)
		found.Fix = fix(found.Settings) + "; soon after boot, while memory is not fragmented, or by hugepages= on the kernel's command line"
	}
	return true
}

func (m *Machine) reservedBytes(pageBytes uint64) uint64 {
	var sum uint64
	for _, node := range m.Nodes {
		for _, pool := range node.HugePages {
			if pool.PageBytes == pageBytes {
				sum += pool.Total * pageBytes
			}
		}
	}
	return sum
}

// reserve spreads huge pages over the nodes that have memory.
func (m *Machine) reserve(pageBytes, want uint64) []Setting {
	pool := fmt.Sprintf("hugepages-%dkB/nr_hugepages", pageBytes>>10)
	var dirs []string
	for _, node := range m.Nodes {
		dir := path.Join(nodeDir, "node"+strconv.Itoa(node.ID), "hugepages")
		if node.MemoryBytes > 0 && m.files.exists(path.Join(dir, pool)) {
			dirs = append(dirs, dir)
		}
	}
	if len(dirs) == 0 {
		dirs = []string{hugePagesDir}
	}
	share := uint64(len(dirs)) * pageBytes
	pages := strconv.FormatUint((want+share-1)/share, 10)
	settings := make([]Setting, len(dirs))
	for i, dir := range dirs {
		settings[i] = Setting{File: path.Join(dir, pool), Value: pages}
	}
	return settings
}

// seeSwapLimit wants no swap for the cgroup, where one can say so.
func seeSwapLimit(m *Machine, opts Options, found *Finding) bool {
	if opts.Role != Sequencer || m.SwapBytes == 0 || m.Limits.swapFile == "" {
		return false
	}
	found.Value, found.Want = m.files.text(m.Limits.swapFile), "0"
	if found.Value != found.Want {
		found.Level = Better
		found.Settings = []Setting{{File: m.Limits.swapFile, Value: found.Want}}
		found.Fix = "MemorySwapMax=0 in the service, or " + fix(found.Settings)
	}
	return true
}

const unlimited = "unlimited"

func seeMemlock(m *Machine, opts Options, found *Finding) bool {
	if opts.Role != Sequencer {
		return false
	}
	found.Want = unlimited
	return m.seeLimit("Max locked memory", found, "LimitMEMLOCK=infinity", func(string) bool { return false })
}

func seeNoFile(m *Machine, opts Options, found *Finding) bool {
	want := roleWant[opts.Role].openFiles
	found.Want = fmt.Sprintf("at least %d", want)
	return m.seeLimit("Max open files", found, fmt.Sprintf("LimitNOFILE=%d", want), func(value string) bool {
		n, err := strconv.ParseUint(value, 10, 64)
		return err == nil && n >= want
	})
}

// seeLimit looks at a hard limit of the process: up to there it may raise its
// own.
func (m *Machine) seeLimit(name string, found *Finding, option string, enough func(string) bool) bool {
	values := strings.Fields(field(m.files.text("proc/self/limits"), name))
	if len(values) < 2 {
		return false
	}
	found.Value = values[1]
	if found.Value != unlimited && !enough(found.Value) {
		found.Level, found.Fix = Better, option+" in the service, or raise it in /etc/security/limits.conf"
	}
	return true
}

// unreadable makes findings of what could not be read.
func (m *Machine) unreadable() []Finding {
	var list []Finding
	for _, file := range slices.Sorted(maps.Keys(m.files.problems)) {
		list = append(list, Finding{
			Name: "file", Level: Unreadable, Value: m.files.problems[file].Error(), Want: "/" + file,
			Why: "what cannot be read cannot be judged",
			Fix: "run as root, or on the machine itself if this is a container",
		})
	}
	return list
}
