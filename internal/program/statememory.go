package program

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/tuning"
)

// Values of --memory.numa.
const (
	numaDefault    = "default"
	numaInterleave = "interleave"
	numaLocal      = "local"
)

// StateMemory is how the flags want the state's memory to be taken, and how much
// of it is to be ready at the start. Processors that are set apart count as those
// that the program runs on. What the system refuses is a warning in the log.
func StateMemory(c *cli.Context, apart tuning.IDSet) (policy *tuning.MemoryPolicy, prefaultBytes uint64, err error) {
	m, err := tuning.ReadMachine(tuning.OpenSystem("/"), "")
	if err != nil {
		slog.Debug("memory is not placed", "err", err)
		m = &tuning.Machine{}
	}
	policy = &tuning.MemoryPolicy{
		Lock:    c.Bool(LockFlag),
		Refused: func(err error) { slog.Warn("the state's memory is not as the flags want it", "err", err) },
	}
	if policy.Nodes, err = stateNodes(c, m, apart); err != nil {
		return nil, 0, err
	}
	const gib = 1 << 30
	prefault, usable := c.Uint64(PrefaultFlag), m.UsableMemoryBytes()
	if usable > 0 && prefault > usable/gib {
		return nil, 0, fmt.Errorf("cannot use --%s %d: the process may have %d GiB of memory", PrefaultFlag, prefault, usable/gib)
	}
	return policy, prefault * gib, nil
}

// stateNodes are the memory nodes of the flag; none where there is no choice.
func stateNodes(c *cli.Context, m *tuning.Machine, apart tuning.IDSet) (tuning.IDSet, error) {
	numa := c.String(NUMAFlag)
	if numa != numaDefault && numa != numaInterleave && numa != numaLocal {
		return nil, fmt.Errorf("cannot use --%s %s: want %s, %s or %s", NUMAFlag, numa, numaDefault, numaInterleave, numaLocal)
	}
	if numa == numaDefault || len(m.Nodes) < 2 {
		return nil, nil
	}
	cpus := m.UsableCPUs()
	if list := c.String(CPUsFlag); list != "" {
		var err error
		if cpus, err = tuning.ParseIDSet(list); err != nil {
			return nil, fmt.Errorf("cannot use --%s: %w", CPUsFlag, err)
		}
	}
	cpus = tuning.NewIDSet(slices.Concat(cpus, apart)...)
	var nodes tuning.IDSet
	for _, node := range m.Nodes {
		near := len(node.CPUs.Intersect(cpus)) > 0
		if node.MemoryBytes > 0 && (near || numa == numaInterleave) {
			nodes = append(nodes, node.ID)
		}
	}
	return nodes, nil
}
