package tuning

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// PinThread makes the calling thread run on the processors only. The caller
// must have locked its goroutine to the thread.
func PinThread(cpus IDSet) error {
	return pin(0, cpus)
}

// PinProcess makes all threads of the process, and those that they start, run
// on the processors only.
func PinProcess(cpus IDSet) error {
	pinned := make(map[int]bool)
	for {
		threads, err := threadIDs()
		if err != nil {
			return err
		}
		before := len(pinned)
		for _, thread := range threads {
			if pinned[thread] {
				continue
			}
			if err := pin(thread, cpus); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
			pinned[thread] = true
		}
		if len(pinned) == before { // no thread was started meanwhile
			return nil
		}
	}
}

func threadIDs() ([]int, error) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, fmt.Errorf("cannot list the threads: %w", err)
	}
	var ids []int
	for _, entry := range entries {
		if id, err := strconv.Atoi(entry.Name()); err == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// pin sets the processors of a thread; 0 is the calling one.
func pin(thread int, cpus IDSet) error {
	if len(cpus) == 0 {
		return errors.New("cannot run on no processor")
	}
	if err := unix.SchedSetaffinityDynamic(thread, mask(cpus)); err != nil {
		return fmt.Errorf("cannot run on processors %v: %w", cpus, err)
	}
	return nil
}

// mask is the set as the kernel takes it.
func mask(ids IDSet) unix.CPUSetDynamic {
	set := unix.NewCPUSet(idMax)
	for _, id := range ids {
		set.Set(id)
	}
	return set
}

// SetTimerSlack says how late the calling thread may wake from sleep, so that
// the kernel can wake several at once: 50 µs by default, at least 1 ns.
func SetTimerSlack(slack time.Duration) error {
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(max(slack, 1)), 0, 0, 0); err != nil {
		return fmt.Errorf("cannot set the timer slack: %w", err)
	}
	return nil
}
