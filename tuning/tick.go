package tuning

import (
	"fmt"
	"strings"
	"time"
)

// TickKind is a way to wait.
type TickKind string

const (
	// TickAuto is the first of TickKinds that the system has.
	TickAuto TickKind = "auto"
	// TickTimerFD waits for a timer of the kernel through Go's poller, and spins
	// at the end.
	TickTimerFD TickKind = "timerfd"
	// TickThread waits for a timer of the kernel in a thread of its own, and spins
	// at the end. It needs a processor that is always free.
	TickThread TickKind = "thread"
	// TickRuntime waits for a timer of Go, which may be a millisecond late.
	TickRuntime TickKind = "runtime"
)

// TickKinds are all kinds, the one that is usually the most exact first.
var TickKinds = []TickKind{TickTimerFD, TickThread, TickRuntime}

// TickSpin is how long a Tick spins at most, at the end of a wait: what the
// kernel usually needs to wake a thread.
const TickSpin = 100 * time.Microsecond

// Tick waits for moments. It belongs to one goroutine.
type Tick struct {
	alarm alarm
	spin  time.Duration
}

// alarm rings once, some time after it was set. A ring of an earlier setting may
// still come.
type alarm interface {
	set(after time.Duration)
	rings() <-chan struct{}
	close() error
}

// NewTick returns a Tick that spins for at most the given time.
func NewTick(kind TickKind, spin time.Duration) (*Tick, error) {
	switch kind {
	case TickAuto:
		tick, err := NewTick(TickTimerFD, spin)
		if err != nil {
			tick, err = NewTick(TickRuntime, spin)
		}
		return tick, err
	case TickRuntime:
		return &Tick{alarm: newRuntimeAlarm()}, nil
	case TickTimerFD, TickThread:
	default:
		return nil, fmt.Errorf("cannot wait by %q: want one of %s, %s", kind, TickAuto, joinKinds(TickKinds))
	}
	a, err := newKernelAlarm(kind == TickThread)
	if err != nil {
		return nil, fmt.Errorf("cannot wait by %s: %w", kind, err)
	}
	return &Tick{alarm: a, spin: spin}, nil
}

func joinKinds(kinds []TickKind) string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = string(kind)
	}
	return strings.Join(names, ", ")
}

// Close ends the Tick; nobody may wait then.
func (t *Tick) Close() error { return t.alarm.close() }

// Wait returns at the moment until, or before when ready delivers or done is
// closed.
func (t *Tick) Wait(done, ready <-chan struct{}, until time.Time) {
	for {
		left := time.Until(until)
		if left <= t.spin {
			spin(ready, until)
			return
		}
		t.alarm.set(left - t.spin)
		select {
		case <-done:
			return
		case <-ready:
			return
		case <-t.alarm.rings():
		}
	}
}

func spin(ready <-chan struct{}, until time.Time) {
	for time.Until(until) > 0 {
		select {
		case <-ready:
			return
		default:
		}
	}
}

// runtimeAlarm is a timer of Go.
type runtimeAlarm struct {
	timer *time.Timer
	ring  chan struct{}
}

func newRuntimeAlarm() *runtimeAlarm {
	a := &runtimeAlarm{ring: make(chan struct{}, 1)}
	a.timer = time.AfterFunc(time.Hour, func() { ring(a.ring) })
	a.timer.Stop()
	return a
}

func (a *runtimeAlarm) set(after time.Duration) { a.timer.Reset(after) }
func (a *runtimeAlarm) rings() <-chan struct{}  { return a.ring }
func (a *runtimeAlarm) close() error {
	a.timer.Stop()
	return nil
}

// ring leaves one ring to be heard.
func ring(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Lateness waits count times for moments that are an interval apart, and returns
// by how much each was missed, in order.
func Lateness(t *Tick, interval time.Duration, count int) []time.Duration {
	late := make([]time.Duration, count)
	next := time.Now()
	for i := range late {
		next = next.Add(interval)
		t.Wait(nil, nil, next)
		late[i] = time.Since(next)
		if late[i] > interval { // a moment that is over cannot be waited for
			next = time.Now()
		}
	}
	return late
}
