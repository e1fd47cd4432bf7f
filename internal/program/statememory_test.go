package program

import (
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/tuning"
)

func TestStateMemory(t *testing.T) {
	check := func(lock bool, prefaultBytes uint64, want string, args ...string) {
		t.Helper()
		if err := run(t, func(c *cli.Context) error {
			policy, bytes, err := StateMemory(c, nil)
			switch {
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("%v: got %v; want %q", args, err, want)
			case want == "" && (err != nil || policy.Lock != lock || bytes != prefaultBytes):
				t.Errorf("%v: got %+v, %d, %v; want lock %v, %d", args, policy, bytes, err, lock, prefaultBytes)
			}
			return nil
		}, args...); err != nil {
			t.Error(err)
		}
	}
	check(false, 0, "")
	check(true, 1<<30, "", "--memory.lock", "--memory.prefault", "1", "--memory.numa", "interleave")
	check(false, 0, "want default, interleave or local", "--memory.numa", "some")
	check(false, 0, "the process may have", "--memory.prefault", "1000000000")
}

func TestStateNodes(t *testing.T) {
	var m tuning.Machine
	for id := range 3 { // of two processors each, and one without
		m.Nodes = append(m.Nodes, tuning.Node{ID: id, CPUs: tuning.IDSet{2 * id, 2*id + 1}, MemoryBytes: 1 << 30})
	}
	m.Nodes = append(m.Nodes, tuning.Node{ID: 3, MemoryBytes: 1 << 30})
	m.AllowedCPUs = tuning.IDSet{0, 1, 2, 3}
	check := func(want string, apart tuning.IDSet, args ...string) {
		t.Helper()
		if err := run(t, func(c *cli.Context) error {
			nodes, err := stateNodes(c, &m, apart)
			if err != nil || nodes.String() != want {
				t.Errorf("%v: got %v, %v; want %s", args, nodes, err, want)
			}
			return nil
		}, args...); err != nil {
			t.Error(err)
		}
	}
	check("", nil)
	check("0-3", nil, "--memory.numa", "interleave")
	check("0-1", nil, "--memory.numa", "local")
	check("1", nil, "--memory.numa", "local", "--cpus", "2")
	check("1-2", tuning.IDSet{5}, "--memory.numa", "local", "--cpus", "2")
	m.Nodes = m.Nodes[:1]
	check("", nil, "--memory.numa", "interleave")
}
