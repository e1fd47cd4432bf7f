package stream

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// script plays inputs to a follower and compares its outputs as text.
type script struct {
	t   *testing.T
	f   *Follower
	now time.Time
}

func newScript(t *testing.T, next uint64) *script {
	return &script{t: t, f: NewFollower(next, 1, nil), now: time.Unix(1_000_000, 0)}
}

func (s *script) step(in Input, want string) {
	s.t.Helper()
	if got := describe(s.f.Step(s.now, in)); got != want {
		s.t.Fatalf("%T%+v: got %q; want %q", in, in, got, want)
	}
}

// wait lets the follower's deadline pass.
func (s *script) wait(want string) {
	s.t.Helper()
	s.step(Tick{}, "")
	s.now = s.f.Deadline()
	s.step(Tick{}, want)
}

func describe(outs []Output) (text string) {
	for _, out := range outs {
		switch out := out.(type) {
		case Dial:
			text += fmt.Sprintf("dial %d from %d;", out.Conn, out.From)
		case Hangup:
			text += fmt.Sprintf("hang up %d;", out.Conn)
		case Deliver:
			text += fmt.Sprintf("deliver %d+%d;", out.First, len(out.Records))
		case Retry:
			text += "retry;"
		case Fail:
			text += "fail;"
		}
	}
	return text
}

func frame(first, n, serverNext int) []byte {
	return AppendFrame(nil, Batch{First: uint64(first), ServerNext: uint64(serverNext), Records: records(first, n)})
}

func TestFollowerFollows(t *testing.T) {
	s := newScript(t, 10)
	s.step(Tick{}, "dial 1 from 10;")
	s.step(Opened{1}, "")
	s.step(Received{1, frame(10, 3, 20)}, "deliver 10+3;")
	if got := s.f.ServerNext(); got != 20 {
		t.Errorf("server's next: got %d; want 20", got)
	}
	s.step(Received{1, frame(13, 0, 13)}, "")              // heartbeat
	s.step(Received{1, frame(10, 3, 20)}, "")              // all known
	s.step(Received{1, frame(11, 4, 20)}, "deliver 13+2;") // half known
	s.step(Broken{1, io.ErrUnexpectedEOF}, "retry;")
	s.step(Broken{1, io.ErrUnexpectedEOF}, "") // the same news again
	s.wait("dial 2 from 15;")
	s.step(Received{1, frame(15, 1, 20)}, "") // from the old connection
	s.step(Opened{2}, "")
	s.step(Received{2, frame(15, 1, 20)}, "deliver 15+1;")
}

func TestFollowerDropsBadConnections(t *testing.T) {
	corrupt := frame(0, 2, 2)
	corrupt[len(corrupt)-1] ^= 1
	for name, bad := range map[string]Input{
		"gap":                  Received{1, frame(1, 1, 2)},
		"gap before heartbeat": Received{1, frame(5, 0, 5)},
		"garbage":              Received{1, []byte("garbage")},
		"corrupt":              Received{1, corrupt},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, 0)
			s.step(Tick{}, "dial 1 from 0;")
			s.step(Opened{1}, "")
			s.step(bad, "hang up 1;retry;")
			s.wait("dial 2 from 0;")
		})
	}
}

// newComparing is a follower that has the records before next.
func newComparing(t *testing.T, next uint64) *script {
	own := func(seq uint64) ([]byte, error) { return records(int(seq), 1)[0], nil }
	return &script{t: t, f: NewFollower(next, 1, own), now: time.Unix(1_000_000, 0)}
}

func (s *script) diverges(in Input) {
	s.t.Helper()
	outs := s.f.Step(s.now, in)
	if describe(outs) != "hang up 1;fail;" && describe(outs) != "hang up 2;fail;" || !errors.Is(outs[1].(Fail).Err, ErrDiverged) {
		s.t.Errorf("got %v; want a failure with %v", outs, ErrDiverged)
	}
}

func TestFollowerCompares(t *testing.T) {
	s := newComparing(t, 0)
	s.step(Tick{}, "dial 1 from 0;") // there is nothing to compare
	s.step(Opened{1}, "")
	s.step(Received{1, frame(0, 3, 3)}, "deliver 0+3;")
	s.step(Broken{1, io.EOF}, "retry;")
	s.wait("dial 2 from 2;")
	s.step(Opened{2}, "")
	s.step(Received{2, frame(2, 4, 6)}, "deliver 3+3;")

	s = newComparing(t, 5)
	s.step(Tick{}, "dial 1 from 4;")
	s.step(Opened{1}, "")
	s.diverges(Received{1, AppendFrame(nil, Batch{First: 4, ServerNext: 5, Records: [][]byte{[]byte("another")}})})

	s = newComparing(t, 5)
	s.step(Tick{}, "dial 1 from 4;")
	s.step(Opened{1}, "")
	s.step(Received{1, frame(5, 1, 6)}, "hang up 1;retry;") // what was to be compared is left out
}

// TestFollowerComparesWithShorterServer has servers with fewer records than the
// follower: one that is behind, one that made another record since it lost some.
func TestFollowerComparesWithShorterServer(t *testing.T) {
	behind := newComparing(t, 200)
	behind.step(Tick{}, "dial 1 from 199;")
	behind.step(Refused{1, 416, 10, "because"}, "hang up 1;retry;")
	behind.wait("dial 2 from 9;")
	behind.step(Opened{2}, "")
	behind.step(Received{2, frame(9, 1, 10)}, "")
	behind.step(Received{2, frame(10, 150, 160)}, "")
	behind.step(Received{2, frame(160, 50, 210)}, "deliver 200+10;")
	behind.step(Broken{2, io.EOF}, "retry;")
	behind.wait("dial 3 from 209;")

	other := newComparing(t, 200)
	other.step(Tick{}, "dial 1 from 199;")
	other.step(Refused{1, 416, 10, "because"}, "hang up 1;retry;")
	other.wait("dial 2 from 9;")
	other.step(Opened{2}, "")
	other.step(Received{2, frame(9, 1, 10)}, "")
	other.diverges(Received{2, AppendFrame(nil, Batch{First: 10, ServerNext: 11, Records: [][]byte{[]byte("another")}})})

	empty := newComparing(t, 200)
	empty.step(Tick{}, "dial 1 from 199;")
	empty.step(Refused{1, 416, 0, "because"}, "hang up 1;retry;")
	empty.wait("dial 2 from 0;")
}

func TestFollowerTimesOut(t *testing.T) {
	s := newScript(t, 0)
	s.step(Tick{}, "dial 1 from 0;")
	s.wait("hang up 1;retry;") // no answer
	s.wait("dial 2 from 0;")
	s.step(Opened{2}, "")
	s.now = s.now.Add(silenceTimeout - 1)
	s.step(Tick{}, "")
	s.step(Received{2, frame(0, 0, 0)}, "") // a heartbeat keeps it alive
	s.wait("hang up 2;retry;")              // silence
}

func TestFollowerSortsRefusals(t *testing.T) {
	for status, want := range map[int]error{410: ErrGone, 409: ErrOtherChain} {
		s := newScript(t, 3)
		s.step(Tick{}, "dial 1 from 3;")
		outs := s.f.Step(s.now, Refused{1, status, 0, "because"})
		if got := describe(outs); got != "hang up 1;fail;" || !errors.Is(outs[1].(Fail).Err, want) {
			t.Errorf("%d: got %v; want a failure with %v", status, outs, want)
		}
		s.step(Tick{}, "")
	}
	for _, status := range []int{404, 416, 500, 503} {
		s := newScript(t, 3)
		s.step(Tick{}, "dial 1 from 3;")
		s.step(Refused{1, status, 0, "because"}, "hang up 1;retry;")
		s.wait("dial 2 from 3;")
	}
}

func TestFollowerBacksOff(t *testing.T) {
	s := newScript(t, 0)
	s.step(Tick{}, "dial 1 from 0;")
	want := backoffMin
	for conn := uint64(1); conn < 30; conn++ {
		outs := s.f.Step(s.now, Broken{conn, io.EOF})
		if got := outs[0].(Retry).After; got > want || got < want/2 {
			t.Fatalf("retry %d after %s; want %s to %s", conn, got, want/2, want)
		}
		want = min(2*want, backoffMax)
		s.wait(fmt.Sprintf("dial %d from 0;", conn+1))
	}
	s.step(Opened{30}, "")
	s.step(Received{30, frame(0, 1, 1)}, "deliver 0+1;")
	if got := s.f.Step(s.now, Broken{30, io.EOF})[0].(Retry).After; got > backoffMin {
		t.Errorf("after progress: got a retry after %s; want at most %s", got, backoffMin)
	}
}

// TestFollowerOnFaultyNetwork lets a seed decide what a server, its links and
// the clock do, and checks that every record is delivered once and in order.
func TestFollowerOnFaultyNetwork(t *testing.T) {
	const total = 300
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 0))
		s := newScript(t, 0)
		var got [][]byte
		var conn uint64
		open, position := false, 0 // the server's side of the connection
		for steps := 0; len(got) < total; steps++ {
			if steps > 100_000 {
				t.Fatalf("seed %d: no progress at record %d", seed, len(got))
			}
			var in Input = Tick{}
			switch dice := rng.IntN(20); {
			case !open:
				s.now = s.now.Add(time.Duration(rng.IntN(int(time.Second))))
			case dice == 0:
				in, open = Broken{conn, io.EOF}, false
			case dice == 1:
				in, open = Refused{conn, 503, 0, ""}, false
			case dice == 2:
				in = Opened{conn}
			case dice == 3:
				in = Received{conn - 1, frame(len(got), 1, total)}
			case dice == 4:
				in = Received{conn, []byte("noise")}
			case dice == 5: // lost bytes
				position = min(position+1, total-1)
			case dice == 6: // repeated bytes
				position = max(position-2, 0)
			case dice == 7:
				s.now = s.now.Add(time.Duration(rng.IntN(int(2 * silenceTimeout))))
			default:
				n := min(rng.IntN(20), total-position)
				in = Received{conn, frame(position, n, total)}
				position += n
			}
			for _, out := range s.f.Step(s.now, in) {
				switch out := out.(type) {
				case Dial:
					if out.From != uint64(len(got)) {
						t.Fatalf("seed %d: dial from %d; want %d", seed, out.From, len(got))
					}
					conn, open, position = out.Conn, true, int(out.From)
					s.f.Step(s.now, Opened{conn})
				case Hangup:
					open = false
				case Deliver:
					if out.First != uint64(len(got)) {
						t.Fatalf("seed %d: delivered %d; want %d", seed, out.First, len(got))
					}
					got = append(got, out.Records...)
				}
			}
		}
		if !reflect.DeepEqual(got, records(0, total)) {
			t.Fatalf("seed %d: delivered other records than the server's", seed)
		}
	}
}
