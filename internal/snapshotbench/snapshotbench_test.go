package snapshotbench

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redline-evm/redline/internal/evmbench"
)

// TestBench measures a small state: what is restored is compared by the benchmark
// itself.
func TestBench(t *testing.T) {
	report, err := Bench(t.Context(), Options{
		Dir: t.TempDir(), Accounts: 20_000, Rounds: 2, Idle: 10 * time.Millisecond, RatesMB: []uint64{0, 1000}, Workers: 2,
		Progress: func(string) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"restore_s/20k/redline", "restore_mb_per_s/20k/redline", "verify_mb_per_s/20k/redline",
		"throughput_loss_percent/20k/unlimited", "commit_us_p999/20k/idle", "commit_us_p999/20k/1000MBs", "create_mb_per_s/20k/unlimited",
	} {
		if !slices.ContainsFunc(report.Results, func(row evmbench.Row) bool { return row.Name == want && row.N > 0 }) {
			t.Errorf("got no row %q", want)
		}
	}
	if text := report.String(); !strings.Contains(text, "restore_s") {
		t.Errorf("got %q; want a table", text)
	}
}
