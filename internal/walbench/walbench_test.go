package walbench

import (
	"strings"
	"testing"
	"time"

	"github.com/redline-evm/redline/netio/wire"
)

func TestBench(t *testing.T) {
	report, err := Bench(t.Context(), Options{Dir: t.TempDir(), Rounds: 1, Count: 2, Interval: time.Millisecond, Bytes: 1 << 20, Progress: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, row := range report.Results {
		if row.Value <= 0 || row.Min > row.Value || row.Value > row.Max || rows[row.Name] {
			t.Errorf("got %+v", row)
		}
		rows[row.Name] = true
	}
	for _, want := range []string{
		"record_bytes/erc20-10k/redline", "commit_ms_p50/erc20-10k/buffered_wal", "commit_ms_p99/empty/buffered_async",
		"commit_ms_p99/erc20-1k/grow_fdatasync", "mb_per_s/erc20-100/buffered",
	} {
		if !rows[want] {
			t.Errorf("no row %s among %d", want, len(rows))
		}
	}
	if text := report.String(); !strings.Contains(text, "erc20-10k") {
		t.Errorf("got %s", text)
	}
}

func TestMiniBlocksAreWhole(t *testing.T) {
	for _, transfers := range transferCounts {
		rec, err := wire.ParseRecord(miniBlock(transfers))
		if err != nil || len(rec.MiniBlock.Txs) != transfers || rec.MiniBlock.Diff.Check() != nil {
			t.Errorf("%d transfers: got %v", transfers, err)
		}
	}
}
