package ledger

import (
	"fmt"
	"time"
)

// prefault makes memory ready for state to come.
func (l *Ledger) prefault(opts Options) error {
	if opts.PrefaultBytes == 0 {
		return nil
	}
	start := time.Now()
	spoken := start
	if err := l.state.Prefault(opts.PrefaultBytes, func(done, total uint64) {
		if time.Since(spoken) > progressEvery {
			spoken = time.Now()
			opts.Log.Info("making memory ready for the state", "percent", 100*done/total)
		}
	}); err != nil {
		return fmt.Errorf("cannot make %d bytes of memory ready: %w", opts.PrefaultBytes, err)
	}
	opts.Log.Info("memory is ready for the state to grow", "mb", opts.PrefaultBytes>>20, "elapsed", time.Since(start).Round(time.Millisecond))
	return nil
}
