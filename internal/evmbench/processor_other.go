//go:build !linux

package evmbench

import "time"

var processStart = time.Now()

// ProcessorTime is time since the start of the process, where the system has no
// clock for the processor time of a thread.
func ProcessorTime() time.Duration { return time.Since(processStart) }
