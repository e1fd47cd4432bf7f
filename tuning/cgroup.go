package tuning

import (
	"path"
	"strconv"
	"strings"
)

// Limits are what cgroups let the process have; zero values are no limit.
type Limits struct {
	Version     int     `json:"cgroupVersion"` // 1, 2, or 0 without cgroups
	CPUs        float64 `json:"cpus"`          // processor time per time (quota)
	CPUSet      IDSet   `json:"cpuset"`
	MemoryBytes uint64  `json:"memoryBytes"`

	quotaFile string // that sets CPUs, relative to the root
	noQuota   string // what to write to quotaFile for no limit
	swapFile  string // that says how much may be swapped out; only version 2
}

// A hierarchy is one mounted tree of cgroups and the process's place in it.
type hierarchy struct {
	mount string // where it is mounted, relative to the root
	group string // the process's cgroup, as a path below mount
}

// dirs are the process's cgroup and those above it, up to the mount: a limit
// above counts as well.
func (h hierarchy) dirs() []string {
	var dirs []string
	for group := h.group; ; group = path.Dir(group) {
		dirs = append(dirs, path.Join(h.mount, group))
		if group == "/" || group == "." {
			return dirs
		}
	}
}

// readLimits reads the limits of the process, or of the cgroup of version 2 in
// the folder dir, unless that is empty.
func readLimits(f *files, dir string) Limits {
	trees := readHierarchies(f, dir)
	var l Limits
	if tree, ok := trees["cpu"]; ok {
		l.Version = 1
		l.readQuotas1(f, tree)
	}
	if tree, ok := trees["cpuset"]; ok {
		l.Version = 1
		l.CPUSet = firstSet(f, tree, "cpuset.effective_cpus", "cpuset.cpus")
	}
	if tree, ok := trees["memory"]; ok {
		l.Version = 1
		for _, dir := range tree.dirs() {
			l.limitMemory(f, dir+"/memory.limit_in_bytes")
		}
	}
	if tree, ok := trees[unified]; ok && l.Version == 0 {
		l.Version = 2
		l.readUnified(f, tree)
	}
	return l
}

func (l *Limits) readUnified(f *files, tree hierarchy) {
	for _, dir := range tree.dirs() {
		l.limitMemory(f, dir+"/memory.max")
		l.limitMemory(f, dir+"/memory.high") // above it the process is slowed down
		quota, period, _ := strings.Cut(f.text(dir+"/cpu.max"), " ")
		l.limitCPUs(quota, period, dir+"/cpu.max", "max "+period)
		if file := dir + "/memory.swap.max"; l.swapFile == "" && f.exists(file) {
			l.swapFile = file
		}
	}
	l.CPUSet = firstSet(f, tree, "cpuset.cpus.effective")
}

func (l *Limits) readQuotas1(f *files, tree hierarchy) {
	for _, dir := range tree.dirs() {
		file := dir + "/cpu.cfs_quota_us"
		l.limitCPUs(f.text(file), f.text(dir+"/cpu.cfs_period_us"), file, "-1")
	}
}

// limitCPUs takes the limit if it is one, and less than those before.
func (l *Limits) limitCPUs(quotaUs, periodUs, file, noQuota string) {
	quota, err := strconv.ParseFloat(quotaUs, 64)
	period, errPeriod := strconv.ParseFloat(periodUs, 64)
	if err != nil || errPeriod != nil || quota <= 0 || period <= 0 {
		return // "max", and -1 in version 1, are no limit
	}
	if cpus := quota / period; l.CPUs == 0 || cpus < l.CPUs {
		l.CPUs, l.quotaFile, l.noQuota = cpus, file, noQuota
	}
}

// noMemoryLimit is where version 1 begins to mean no limit: it says the largest
// number of bytes in whole pages.
const noMemoryLimit = 1 << 62

func (l *Limits) limitMemory(f *files, file string) {
	limit, ok := f.number(file)
	if ok && limit < noMemoryLimit && (l.MemoryBytes == 0 || limit < l.MemoryBytes) {
		l.MemoryBytes = limit
	}
}

func firstSet(f *files, tree hierarchy, names ...string) IDSet {
	for _, dir := range tree.dirs() {
		for _, name := range names {
			if set := f.set(path.Join(dir, name)); len(set) > 0 {
				return set
			}
		}
	}
	return nil
}

const unified = "" // the key of the version 2 hierarchy, which has no controller's name

// readHierarchies finds the hierarchies of the process by controller. dir, if
// not empty, stands for the process's cgroup of version 2.
func readHierarchies(f *files, dir string) map[string]hierarchy {
	groups := readGroups(f.text("proc/self/cgroup"))
	trees := make(map[string]hierarchy)
	for line := range strings.Lines(f.text("proc/self/mountinfo")) {
		m, ok := parseMount(line)
		if !ok || dir != "" && m.kind != "cgroup2" {
			continue
		}
		for _, controller := range m.controllers() {
			group, ok := groups[controller]
			if ok && dir != "" {
				group, ok = below(dir, m.mount)
			}
			if ok {
				trees[controller] = m.hierarchy(f, group)
			}
		}
	}
	return trees
}

func below(dir, mount string) (group string, ok bool) {
	group, ok = strings.CutPrefix(strings.Trim(dir, "/")+"/", mount+"/")
	return "/" + strings.Trim(group, "/"), ok
}

// readGroups reads lines "number:controllers:path".
func readGroups(text string) map[string]string {
	groups := make(map[string]string)
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			groups[controller] = parts[2]
		}
	}
	return groups
}

// cgroupMount is a line of mountinfo that mounts a hierarchy.
type cgroupMount struct {
	root, mount string
	kind        string // cgroup or cgroup2
	options     string // names the controllers of version 1
}

// parseMount reads a line "36 35 98:0 /root /mount options... - kind source options",
// see proc(5).
func parseMount(line string) (m cgroupMount, ok bool) {
	before, after, ok := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !ok || len(left) < 5 || len(right) < 3 || !strings.HasPrefix(right[0], "cgroup") {
		return m, false
	}
	return cgroupMount{root: left[3], mount: strings.Trim(left[4], "/"), kind: right[0], options: right[2]}, true
}

func (m cgroupMount) controllers() []string {
	if m.kind == "cgroup2" {
		return []string{unified}
	}
	return strings.Split(m.options, ",")
}

// hierarchy places the process's cgroup below the mount. Inside a container the
// path may be the machine's, while the mount shows only the container's part.
func (m cgroupMount) hierarchy(f *files, group string) hierarchy {
	if rest, ok := strings.CutPrefix(group, m.root); ok && m.root != "/" {
		group = rest
	}
	group = path.Join("/", group) // a path may lead out of the container: /../..
	if !f.exists(path.Join(m.mount, group)) {
		group = "/"
	}
	return hierarchy{mount: m.mount, group: group}
}
