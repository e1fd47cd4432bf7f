package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/tuning"
)

func TestTickRows(t *testing.T) {
	late := make([]time.Duration, 1000)
	for i := range late {
		late[len(late)-1-i] = time.Duration(i) * time.Microsecond
	}
	rows := tickRows(tuning.TickRuntime, late)
	want := map[string]float64{"late_us_p50/tick/runtime": 500, "late_us_p90/tick/runtime": 900, "late_us_p99/tick/runtime": 990, "late_us_max/tick/runtime": 999}
	for _, row := range rows {
		if row.Value != want[row.Name] || row.Min != 0 || row.Max != 999 || row.N != 1000 {
			t.Errorf("got %+v; want %v", row, want[row.Name])
		}
	}
	if len(rows) != len(want) || tickRows(tuning.TickThread, nil) != nil {
		t.Errorf("got %v", rows)
	}
}

func TestBenchTick(t *testing.T) {
	out, err := exec.Command(filepath.Join(programs, "sequencer"), "bench", "tick", "--interval", "100us", "--rounds", "2", "--count", "3", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var report evmbench.Report
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if report.Bench != "tick" || len(report.Results) < len(tickQuantiles) || report.Results[0].N != 6 {
		t.Errorf("got %+v", report)
	}
}
