package tuning

import (
	"os"
	"runtime/debug"
)

// GC is how the garbage collector is to run in steady state. A cycle stops all
// threads twice and takes processor time, so the fewer the better; what they
// are paid with is memory.
type GC struct {
	Percent    int    // growth of the heap until the next cycle (GOGC)
	LimitBytes uint64 // beyond it cycles come as often as they must (GOMEMLIMIT)
}

// gcSteps are the growth in percent by memory that the process may have. At
// 1600 a cycle comes a sixteenth as often as by default.
var gcSteps = []struct {
	memoryBytes uint64
	percent     map[Role]int
}{
	{32 << 30, map[Role]int{Sequencer: 1600, FullNode: 400}},
	{16 << 30, map[Role]int{Sequencer: 800, FullNode: 200}},
	{8 << 30, map[Role]int{Sequencer: 400, FullNode: 200}},
	{4 << 30, map[Role]int{Sequencer: 200, FullNode: 100}},
	{0, map[Role]int{Sequencer: 100, FullNode: 100}},
}

// PolicyGC is the policy for a role and the memory that the process may have.
// Half of that is for the Go heap at most: the limit must be far from what the
// heap needs, and the state and the page cache live outside of the heap.
func PolicyGC(role Role, usableBytes uint64) GC {
	for _, step := range gcSteps {
		if usableBytes >= step.memoryBytes {
			return GC{Percent: step.percent[role], LimitBytes: usableBytes / 2}
		}
	}
	panic("BUG: the steps have no last one")
}

// Apply sets the policy, but for what the environment sets (GOGC, GOMEMLIMIT).
// It returns what holds now.
func (gc GC) Apply() GC {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gc.Percent)
	} else {
		gc.Percent = debug.SetGCPercent(-1)
		debug.SetGCPercent(gc.Percent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(gc.LimitBytes))
	}
	gc.LimitBytes = uint64(debug.SetMemoryLimit(-1))
	return gc
}
