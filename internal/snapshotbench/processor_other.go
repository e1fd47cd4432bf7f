//go:build !linux

package snapshotbench

import "time"

// processorTime would be the processor time that the process has used.
func processorTime() time.Duration { return 0 }
