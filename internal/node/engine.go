package node

import (
	"log/slog"

	"github.com/VictoriaMetrics/metrics"

	"github.com/redline-evm/redline/jit"
)

// NewEngine returns the engine of a node whose native code is set as a flag has
// it: off, on or eager. Where there can be none, it says so once and interprets.
func NewEngine(native string) (*jit.Engine, error) {
	setting, err := jit.ParseNative(native)
	if err != nil {
		return nil, err
	}
	engine := jit.New(jit.Config{Native: setting})
	if err := engine.NativeError(); err != nil {
		slog.Warn("no native code; all code is interpreted", "err", err)
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
}
