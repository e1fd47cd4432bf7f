package evmbench

import (
	"time"

	"golang.org/x/sys/unix"
)

// ProcessorTime is the processor time that the running thread has used. The
// goroutine must be locked to it.
func ProcessorTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic("BUG: the system has no clock of a thread: " + err.Error())
	}
	return time.Duration(t.Nano())
}
