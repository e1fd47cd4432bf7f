package tuning

import (
	"testing"
	"time"
)

// TestTick checks that a wait never ends early unless asked to, whatever rang
// before.
func TestTick(t *testing.T) {
	for _, kind := range TickKinds {
		tick, err := NewTick(kind, TickSpin)
		if err != nil {
			t.Log(err) // not on this system
			continue
		}
		ready := make(chan struct{}, 1)
		for i := range 20 {
			until := time.Now().Add(time.Duration(i) * 200 * time.Microsecond)
			tick.Wait(nil, ready, until)
			if left := time.Until(until); left > 0 {
				t.Errorf("%s: a wait ended %v too early", kind, left)
			}
		}
		ready <- struct{}{}
		tick.Wait(nil, ready, time.Now().Add(time.Hour))
		done := make(chan struct{})
		close(done)
		tick.Wait(done, ready, time.Now().Add(time.Hour))
		until := time.Now().Add(time.Millisecond)
		tick.Wait(nil, ready, until) // the alarm stands at an hour
		if time.Until(until) > 0 {
			t.Errorf("%s: a wait that ended early spoilt the next", kind)
		}
		tick.Wait(nil, ready, time.Now().Add(-time.Second))
		if late := Lateness(tick, time.Millisecond, 5); len(late) != 5 || late[0] < 0 {
			t.Errorf("%s: got %v", kind, late)
		}
		if err := tick.Close(); err != nil {
			t.Error(err)
		}
	}
	tick, err := NewTick(TickAuto, TickSpin)
	if err != nil {
		t.Fatal(err)
	}
	if err := tick.Close(); err != nil {
		t.Error(err)
	}
	if _, err := NewTick("sundial", TickSpin); err == nil {
		t.Error("got no error for a kind that is none")
	}
}

// TestReadyEndsTheSpin gives the signal while the wait spins.
func TestReadyEndsTheSpin(t *testing.T) {
	tick, err := NewTick(TickKinds[0], time.Hour)
	if err != nil {
		t.Skip(err)
	}
	defer tick.Close()
	ready := make(chan struct{}, 1)
	time.AfterFunc(time.Millisecond, func() { ready <- struct{}{} })
	tick.Wait(nil, ready, time.Now().Add(time.Minute))
}
