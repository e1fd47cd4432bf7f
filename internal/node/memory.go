package node

import (
	"fmt"
	"log/slog"

	"github.com/VictoriaMetrics/metrics"

	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/tuning"
)

// tellMemory says how large the state is and on what pages, once in the log and
// from then on as metrics.
func tellMemory(l *ledger.Ledger) {
	size := l.State().Size()
	attributes := []any{"accounts", size.Accounts, "slots", size.Slots, "codes", size.Codes}
	for kind, bytes := range size.Memory.Pages {
		attributes = append(attributes, tuning.PageKind(kind).String()+"_mb", bytes>>20)
	}
	attributes = append(attributes, "placed_mb", size.Memory.Placed>>20, "locked_mb", size.Memory.Locked>>20)
	slog.Info("state in memory", attributes...)
	for name, value := range stateMetrics {
		metrics.GetOrCreateGauge(name, func() float64 {
			size := l.State().Size()
			return float64(value(&size))
		})
	}
}

// stateMetrics are what a node tells about its state.
var stateMetrics = newStateMetrics()

func newStateMetrics() map[string]func(*memstate.Size) uint64 {
	all := map[string]func(*memstate.Size) uint64{
		"redline_state_accounts":     func(s *memstate.Size) uint64 { return s.Accounts },
		"redline_state_slots":        func(s *memstate.Size) uint64 { return s.Slots },
		"redline_state_codes":        func(s *memstate.Size) uint64 { return s.Codes },
		"redline_state_placed_bytes": func(s *memstate.Size) uint64 { return s.Memory.Placed },
		"redline_state_locked_bytes": func(s *memstate.Size) uint64 { return s.Memory.Locked },
	}
	for kind := range tuning.PageKinds {
		all[fmt.Sprintf("redline_state_bytes{pages=%q}", kind)] = func(s *memstate.Size) uint64 { return s.Memory.Pages[kind] }
	}
	return all
}
