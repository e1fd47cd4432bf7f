//go:build !linux

package evmbench

import "time"

var processStart = time.Now()

// processorTime is time since the start of the process, where the system has no
// clock for the processor time of a thread.
func processorTime() time.Duration { return time.Since(processStart) }
