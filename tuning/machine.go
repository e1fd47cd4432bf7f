package tuning

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Machine is what a process can know of the machine that it runs on.
type Machine struct {
	Topology
	Limits      Limits `json:"limits"`
	Container   string `json:"container"` // its kind; "" outside of containers
	AllowedCPUs IDSet  `json:"allowedCpus"`
	MemoryBytes uint64 `json:"memoryBytes"` // of the machine
	SwapBytes   uint64 `json:"swapBytes"`   // of the machine
	BootID      string `json:"bootId"`      // another one after each start of the machine

	files *files
}

// ReadMachine reads the machine whose files begin at the root of fsys. cgroup is
// the folder of a cgroup of version 2, as an absolute path, whose limits count;
// empty is the process's own. What cannot be read is missing, and noted for
// Check; the error says that this is no Linux machine.
func ReadMachine(fsys fs.FS, cgroup string) (*Machine, error) {
	f := newFiles(fsys)
	memory := f.text("proc/meminfo")
	if memory == "" {
		return nil, fmt.Errorf("cannot read /proc/meminfo: %w", errors.ErrUnsupported)
	}
	m := &Machine{
		Topology:    readTopology(f),
		Limits:      readLimits(f, cgroup),
		Container:   container(f),
		MemoryBytes: kibibytes(field(memory, "MemTotal")),
		SwapBytes:   kibibytes(field(memory, "SwapTotal")),
		BootID:      f.text("proc/sys/kernel/random/boot_id"),
		files:       f,
	}
	allowed, err := ParseIDSet(field(f.text("proc/self/status"), "Cpus_allowed_list"))
	if err != nil {
		f.fail("proc/self/status", err)
	}
	m.AllowedCPUs = allowed
	if len(allowed) == 0 {
		m.AllowedCPUs = m.Online()
	}
	return m, nil
}

// UsableMemoryBytes is the memory that the process may have.
func (m *Machine) UsableMemoryBytes() uint64 {
	if limit := m.Limits.MemoryBytes; limit > 0 && limit < m.MemoryBytes {
		return limit
	}
	return m.MemoryBytes
}

// UsableCPUs are the processors that the process may run on.
func (m *Machine) UsableCPUs() IDSet {
	if set := m.Limits.CPUSet; len(set) > 0 {
		return m.AllowedCPUs.Intersect(set)
	}
	return m.AllowedCPUs
}

// containerMarks are files that container managers leave in their containers.
var containerMarks = []struct{ file, kind string }{
	{".dockerenv", "docker"},
	{"run/.containerenv", "podman"},
	{"var/run/secrets/kubernetes.io", "kubernetes"},
}

// container finds out in which kind of container the process runs.
func container(f *files) string {
	if kind := f.text("run/systemd/container"); kind != "" {
		return kind
	}
	for _, mark := range containerMarks {
		if f.exists(mark.file) {
			return mark.kind
		}
	}
	groups := f.text("proc/self/cgroup")
	for _, kind := range []string{"docker", "kubepods", "libpod", "lxc", "containerd"} {
		if strings.Contains(groups, "/"+kind) {
			return kind
		}
	}
	return ""
}
