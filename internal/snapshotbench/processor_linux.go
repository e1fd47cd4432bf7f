package snapshotbench

import (
	"time"

	"golang.org/x/sys/unix"
)

// processorTime is the processor time that the process has used.
func processorTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic("BUG: the system has no clock of the process: " + err.Error())
	}
	return time.Duration(t.Nano())
}
