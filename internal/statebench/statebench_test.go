package statebench

import (
	"slices"
	"testing"
	"time"

	"github.com/redline-evm/redline/internal/evmbench"
)

// TestBench measures a small state. What is read is compared by the benchmark
// itself.
func TestBench(t *testing.T) {
	report, err := Bench(t.Context(), Options{Keys: 120_000, Rounds: 2, Dir: t.TempDir(), Progress: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"bytes_per_slot/120k/redline", "read_ns/random/redline", "read_ns/random/pebble_cold", "read_ns/random/pebble_warm",
		"read_ns/batched/redline", "read_ns/batched/dram", "growth_us_p9999/120k/redline", "gc_cpu_ms/120k/redline",
	} {
		if !slices.ContainsFunc(report.Results, func(row evmbench.Row) bool { return row.Name == want && row.Value > 0 }) {
			t.Errorf("got no row %q", want)
		}
	}
}

func TestKeysAscend(t *testing.T) {
	s := newKeySpace(3 * slotsPerAccount)
	for i := range s.count - 1 {
		key, next := s.key(i), s.key(i+1)
		if string(pebbleKey(&key)) >= string(pebbleKey(&next)) {
			t.Fatalf("slots %d and %d: keys do not ascend", i, i+1)
		}
	}
}

func TestDurations(t *testing.T) {
	var d durations
	for i := range 1000 {
		d.add(time.Duration(i + 1))
	}
	for part, want := range map[float64]time.Duration{0.5: 500, 0.9: 900, 1: 1000} {
		if got := d.quantile(part); got < want || got > want*11/10 {
			t.Errorf("quantile %v: got %d; want %d to a tenth", part, got, want)
		}
	}
}
