package node

import (
	"log/slog"

	"github.com/VictoriaMetrics/metrics"

	"github.com/redline-evm/redline/jit"
)

// EngineConfig says how a node runs code.
type EngineConfig struct {
	Native   string // when to compile, as the flag has it: off, on or eager
	Check    bool   // compare every run of native code with tier 0
	CheckDir string // where differences are saved
}

// NewEngine returns the engine of a node. Where there can be no native code, it
// says so once and interprets.
func NewEngine(cfg EngineConfig) (*jit.Engine, error) {
	setting, err := jit.ParseNative(cfg.Native)
	if err != nil {
		return nil, err
	}
	jitConfig := jit.Config{Native: setting}
	if cfg.Check {
		jitConfig.Check = func(m *jit.Mismatch) { reportMismatch(cfg.CheckDir, m) }
	}
	engine := jit.New(jitConfig)
	if err := engine.NativeError(); err != nil {
		slog.Info("no native code; all code is interpreted", "err", err)
	}
	for name, value := range nativeMetrics {
		metrics.GetOrCreateGauge(name, func() float64 {
			stats := engine.NativeStats()
			return float64(value(&stats))
		})
	}
	return engine, nil
}

// nativeMetrics are what a node tells about its native code.
var nativeMetrics = map[string]func(*jit.NativeStats) uint64{
	"redline_jit_compiled_codes_total": func(s *jit.NativeStats) uint64 { return s.Compiled },
	"redline_jit_rejected_codes_total": func(s *jit.NativeStats) uint64 { return s.Rejected },
	"redline_jit_failed_codes_total":   func(s *jit.NativeStats) uint64 { return s.Failed },
	"redline_jit_dropped_codes_total":  func(s *jit.NativeStats) uint64 { return s.Dropped },
	"redline_jit_native_bytes_total":   func(s *jit.NativeStats) uint64 { return s.Bytes },

	"redline_jit_checked_messages_total": func(s *jit.NativeStats) uint64 { return s.Checked },
	"redline_jit_mismatches_total":       func(s *jit.NativeStats) uint64 { return s.Mismatches },
}
