package evmbench

import (
	"bufio"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Machine describes the machine of a benchmark.
type Machine struct {
	CPU         string   `json:"cpu"`
	Cores       int      `json:"cores"`
	Features    []string `json:"features"`
	MemoryBytes uint64   `json:"memory"`
}

// featuresOfInterest are the processor features that change the figures.
var featuresOfInterest = []string{"adx", "avx2", "avx512f", "avx512ifma", "bmi2", "sha_ni"}

// ThisMachine describes the machine that it runs on. What the system does not
// tell stays empty.
func ThisMachine() Machine {
	cpu := keyValues("/proc/cpuinfo")
	m := Machine{CPU: cpu["model name"], Cores: runtime.NumCPU(), Features: []string{}}
	for _, flag := range strings.Fields(cpu["flags"]) {
		if slices.Contains(featuresOfInterest, flag) {
			m.Features = append(m.Features, flag)
		}
	}
	slices.Sort(m.Features)
	if m.CPU == "" {
		m.CPU = runtime.GOARCH
	}
	kib, _, _ := strings.Cut(keyValues("/proc/meminfo")["MemTotal"], " ")
	if n, err := strconv.ParseUint(kib, 10, 64); err == nil {
		m.MemoryBytes = n << 10
	}
	return m
}

// keyValues reads the first value of each key of a file of lines "key: value".
func keyValues(path string) map[string]string {
	values := make(map[string]string)
	file, err := os.Open(path)
	if err != nil {
		return values
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		key = strings.TrimSpace(key)
		if _, ok := values[key]; !ok {
			values[key] = strings.TrimSpace(value)
		}
	}
	return values
}
