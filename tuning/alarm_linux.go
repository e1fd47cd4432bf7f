package tuning

import (
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// kernelAlarm is a timer of the kernel that is read like a file. It rings when
// its time is over, not up to a millisecond later like Go's poller, which rounds
// the time until the next timer up.
type kernelAlarm struct {
	fd     int
	file   *os.File // the same, for the poller; nil for a thread of its own
	ring   chan struct{}
	closed atomic.Bool
}

func newKernelAlarm(thread bool) (*kernelAlarm, error) {
	flags := unix.TFD_CLOEXEC
	if !thread {
		flags |= unix.TFD_NONBLOCK // what the poller wants
	}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, flags)
	if err != nil {
		return nil, err
	}
	a := &kernelAlarm{fd: fd, ring: make(chan struct{}, 1)}
	if thread {
		go a.listenOnThread()
	} else {
		a.file = os.NewFile(uintptr(fd), "timerfd")
		go a.listen()
	}
	return a, nil
}

// expirationsBytes is what the kernel tells of a timer: how often it ran off.
const expirationsBytes = 8

// listen rings until the file is closed.
func (a *kernelAlarm) listen() {
	var expirations [expirationsBytes]byte
	for {
		if _, err := a.file.Read(expirations[:]); err != nil {
			if !errors.Is(err, os.ErrClosed) {
				panic("BUG: cannot read a timer: " + err.Error())
			}
			return
		}
		ring(a.ring)
	}
}

// listenOnThread rings until close.
func (a *kernelAlarm) listenOnThread() {
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	var expirations [expirationsBytes]byte
	for {
		_, err := unix.Read(a.fd, expirations[:])
		if err != nil && !errors.Is(err, unix.EINTR) {
			panic("BUG: cannot read a timer: " + err.Error())
		}
		if a.closed.Load() {
			unix.Close(a.fd)
			return
		}
		ring(a.ring)
	}
}

func (a *kernelAlarm) rings() <-chan struct{} { return a.ring }

func (a *kernelAlarm) set(after time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(after, 1)))} // 0 would disarm it
	if err := unix.TimerfdSettime(a.fd, 0, &spec, nil); err != nil {
		panic("BUG: cannot set a timer: " + err.Error())
	}
}

func (a *kernelAlarm) close() error {
	if a.file != nil {
		return a.file.Close()
	}
	a.closed.Store(true)
	a.set(1) // wakes the thread
	return nil
}
