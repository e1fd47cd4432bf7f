package tuning

import (
	"runtime/debug"
	"testing"
)

func TestPolicyGC(t *testing.T) {
	for _, c := range []struct {
		role    Role
		bytes   uint64
		percent int
	}{
		{Sequencer, 0, 100}, {Sequencer, 4<<30 - 1, 100}, {Sequencer, 4 << 30, 200}, {Sequencer, 24 << 30, 800}, {Sequencer, 4 << 40, 1600},
		{FullNode, 4 << 30, 100}, {FullNode, 16 << 30, 200}, {FullNode, 64 << 30, 400},
	} {
		if got := PolicyGC(c.role, c.bytes); got != (GC{Percent: c.percent, LimitBytes: c.bytes / 2}) {
			t.Errorf("%s with %d bytes: got %+v; want %d %%", c.role, c.bytes, got, c.percent)
		}
	}
}

func TestApplyGC(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	defer func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}()
	want := GC{Percent: 300, LimitBytes: 1 << 40}
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	if got := want.Apply(); got != want {
		t.Errorf("got %+v; want %+v", got, want)
	}
	t.Setenv("GOGC", "100")
	t.Setenv("GOMEMLIMIT", "1TiB")
	if got := (GC{Percent: 50, LimitBytes: 1}).Apply(); got != want {
		t.Errorf("got %+v; want what the environment set: %+v", got, want)
	}
}
