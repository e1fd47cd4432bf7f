package tuning

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// CPU is a processor as the scheduler sees it: one hardware thread.
type CPU struct {
	ID       int   `json:"id"`
	Core     int   `json:"core"` // number within its package
	Package  int   `json:"package"`
	Node     int   `json:"node"`
	Siblings IDSet `json:"siblings"` // the threads of its core, itself included
}

// Cache is a cache of a processor or one that several share.
type Cache struct {
	Level     int    `json:"level"`
	Type      string `json:"type"` // Data, Instruction or Unified
	SizeBytes uint64 `json:"sizeBytes"`
	CPUs      IDSet  `json:"cpus"`
}

// Node is a part of the memory with the processors near to it.
type Node struct {
	ID          int             `json:"id"`
	CPUs        IDSet           `json:"cpus"` // none for memory without processors
	MemoryBytes uint64          `json:"memoryBytes"`
	FreeBytes   uint64          `json:"freeBytes"`
	Distances   []int           `json:"distances"` // to each node, 10 to itself
	HugePages   []HugePagesPool `json:"hugePages"`
}

// HugePagesPool is what a node has set apart in explicit huge pages of one size.
type HugePagesPool struct {
	PageBytes uint64 `json:"pageBytes"`
	Total     uint64 `json:"total"` // pages
	Free      uint64 `json:"free"`  // pages
}

// Topology is the machine's processors, caches and memory nodes, each in order
// of numbers.
type Topology struct {
	CPUs     []CPU   `json:"cpus"`
	Caches   []Cache `json:"caches"`
	Nodes    []Node  `json:"nodes"`
	Isolated IDSet   `json:"isolated"` // processors that the scheduler leaves alone (isolcpus)
	TickFree IDSet   `json:"tickFree"` // processors without timer interrupts while busy (nohz_full)
}

const (
	cpuDir       = "sys/devices/system/cpu"
	nodeDir      = "sys/devices/system/node"
	hugePagesDir = "sys/kernel/mm/hugepages"
)

func readTopology(f *files) Topology {
	t := Topology{
		Nodes:    readNodes(f),
		Isolated: f.set(cpuDir + "/isolated"),
		TickFree: readTickFree(f),
	}
	online := f.set(cpuDir + "/online")
	for _, dir := range f.list(cpuDir, "cpu") {
		id := numberOf(dir, "cpu")
		if !online.Contains(id) {
			continue
		}
		t.CPUs = append(t.CPUs, CPU{
			ID:       id,
			Core:     f.id(dir + "/topology/core_id"),
			Package:  f.id(dir + "/topology/physical_package_id"),
			Node:     nodeOf(t.Nodes, id),
			Siblings: siblings(f, dir, id),
		})
		t.addCaches(f, dir)
	}
	slices.SortStableFunc(t.Caches, func(a, b Cache) int { return a.Level - b.Level })
	return t
}

// readTickFree reads nohz_full, which says "(null)" on some kernels without it.
func readTickFree(f *files) IDSet {
	if f.text(cpuDir+"/nohz_full") == "(null)" {
		return nil
	}
	return f.set(cpuDir + "/nohz_full")
}

func nodeOf(nodes []Node, cpu int) int {
	for _, node := range nodes {
		if node.CPUs.Contains(cpu) {
			return node.ID
		}
	}
	return 0
}

// siblings are the hardware threads of the core; the older name of the file is
// thread_siblings_list.
func siblings(f *files, dir string, id int) IDSet {
	for _, name := range []string{"core_cpus_list", "thread_siblings_list"} {
		if set := f.set(dir + "/topology/" + name); len(set) > 0 {
			return set
		}
	}
	return IDSet{id}
}

// addCaches adds the caches of a processor that no other has brought yet.
func (t *Topology) addCaches(f *files, dir string) {
	for _, index := range f.list(dir+"/cache", "index") {
		c := Cache{
			Level:     f.id(index + "/level"),
			Type:      f.text(index + "/type"),
			SizeBytes: cacheBytes(f.text(index + "/size")),
			CPUs:      f.set(index + "/shared_cpu_list"),
		}
		known := slices.ContainsFunc(t.Caches, func(o Cache) bool {
			return o.Level == c.Level && o.Type == c.Type && slices.Equal(o.CPUs, c.CPUs)
		})
		if c.Level > 0 && !known {
			t.Caches = append(t.Caches, c)
		}
	}
}

// cacheBytes reads a size such as "48K" or "2M".
func cacheBytes(text string) uint64 {
	shift := 0
	switch {
	case strings.HasSuffix(text, "K"):
		shift = 10
	case strings.HasSuffix(text, "M"):
		shift = 20
	}
	n, err := strconv.ParseUint(strings.TrimRight(text, "KM"), 10, 40)
	if err != nil {
		return 0
	}
	return n << shift
}

// readNodes reads the memory nodes. A kernel that knows no nodes has one.
func readNodes(f *files) []Node {
	var nodes []Node
	for _, dir := range f.list(nodeDir, "node") {
		id := numberOf(dir, "node")
		prefix := "Node " + strconv.Itoa(id) + " "
		memory := f.text(dir + "/meminfo")
		node := Node{
			ID:          id,
			CPUs:        f.set(dir + "/cpulist"),
			MemoryBytes: kibibytes(field(memory, prefix+"MemTotal")),
			FreeBytes:   kibibytes(field(memory, prefix+"MemFree")),
			HugePages:   readHugePages(f, dir+"/hugepages"),
		}
		for text := range strings.FieldsSeq(f.text(dir + "/distance")) {
			distance, _ := strconv.Atoi(text)
			node.Distances = append(node.Distances, distance)
		}
		nodes = append(nodes, node)
	}
	if nodes != nil {
		return nodes
	}
	memory := f.text("proc/meminfo")
	return []Node{{
		CPUs:        f.set(cpuDir + "/online"),
		MemoryBytes: kibibytes(field(memory, "MemTotal")),
		FreeBytes:   kibibytes(field(memory, "MemFree")),
		Distances:   []int{10},
		HugePages:   readHugePages(f, hugePagesDir),
	}}
}

func readHugePages(f *files, dir string) []HugePagesPool {
	var pools []HugePagesPool
	for _, name := range f.names(dir) {
		size := strings.TrimSuffix(strings.TrimPrefix(name, "hugepages-"), "kB")
		kib, err := strconv.ParseUint(size, 10, 40)
		if err != nil {
			continue
		}
		total, _ := f.number(path.Join(dir, name, "nr_hugepages"))
		free, _ := f.number(path.Join(dir, name, "free_hugepages"))
		pools = append(pools, HugePagesPool{PageBytes: kib << 10, Total: total, Free: free})
	}
	slices.SortFunc(pools, func(a, b HugePagesPool) int {
		return int(a.PageBytes>>10) - int(b.PageBytes>>10)
	})
	return pools
}

// Cores is how many cores the processors of the set belong to.
func (t *Topology) Cores(cpus IDSet) int {
	cores := make(map[[2]int]bool)
	for _, cpu := range t.CPUs {
		if cpus.Contains(cpu.ID) {
			cores[[2]int{cpu.Package, cpu.Siblings[0]}] = true
		}
	}
	return len(cores)
}

// Packages is how many packages (sockets) there are.
func (t *Topology) Packages() int {
	packages := make(map[int]bool)
	for _, cpu := range t.CPUs {
		packages[cpu.Package] = true
	}
	return len(packages)
}

// Online are all processors.
func (t *Topology) Online() IDSet {
	online := make(IDSet, len(t.CPUs))
	for i, cpu := range t.CPUs {
		online[i] = cpu.ID
	}
	return online
}
