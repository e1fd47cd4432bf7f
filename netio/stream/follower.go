package stream

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"time"
)

// Follower is the client's half of the protocol as a step machine: it says when
// to dial and what to deliver, and is told what happened. It keeps the records
// in order without gap or repetition, whatever the connections do.
//
//	waiting --(retry time)--> dialing --(Opened)--> streaming
//	   ^                         |                      |
//	   +-----(Refused, Broken, timeout, bad frame)------+
//
// It asks from the newest record on that it has already, and compares: a server
// that lost records and made others is found out by its first word, not when
// it has become as long as the follower. When the server says that it has fewer
// records, the newest of those is compared.
//
// Invariant: Deliver outputs carry exactly the sequence numbers from the first
// asked on, each once.
type Follower struct {
	next       uint64 // sequence number wanted next
	at         uint64 // sequence number that the connection must bring next, at most next
	serverNext uint64 // the server's, as last heard
	serverMax  uint64 // no dial asks beyond this many records
	own        func(seq uint64) ([]byte, error)
	conn       uint64 // number of the newest connection
	state      followerState
	deadline   time.Time // end of the wait, the dial or the tolerated silence
	failures   int       // since the last record
	jitter     *rand.Rand
}

type followerState uint8

const (
	waiting followerState = iota
	dialing
	streaming
	ended
)

// Input is what happened. Connections are numbered by the Dial that began them;
// news of an older one is ignored.
type Input interface{ isInput() }

// The inputs of a Follower.
type (
	// Tick says that time has passed.
	Tick struct{}
	// Opened says that the server agreed to send.
	Opened struct{ Conn uint64 }
	// Refused says that the server answered with another HTTP status than 200.
	Refused struct {
		Conn       uint64
		Status     int
		ServerNext uint64 // of a server that has not got so far
		Text       string
	}
	// Received brings one whole frame.
	Received struct {
		Conn  uint64
		Frame []byte
	}
	// Broken says that the connection ended or could not be made.
	Broken struct {
		Conn uint64
		Err  error
	}
)

// Output is what the loop has to do.
type Output interface{ isOutput() }

// The outputs of a Follower.
type (
	// Dial asks for a connection that sends from sequence number From on.
	Dial struct{ Conn, From uint64 }
	// Hangup ends a connection.
	Hangup struct{ Conn uint64 }
	// Deliver hands over consecutive records; First is the first one's number.
	Deliver struct {
		First   uint64
		Records [][]byte
	}
	// Retry says that a connection failed and that another will be tried.
	Retry struct {
		After time.Duration
		Err   error
	}
	// Fail says that following cannot go on. It is the last output.
	Fail struct{ Err error }
)

func (Tick) isInput()     {}
func (Opened) isInput()   {}
func (Refused) isInput()  {}
func (Received) isInput() {}
func (Broken) isInput()   {}

func (Dial) isOutput()    {}
func (Hangup) isOutput()  {}
func (Deliver) isOutput() {}
func (Retry) isOutput()   {}
func (Fail) isOutput()    {}

// NewFollower returns a follower that wants the records from sequence number
// next on. The seed decides the jitter of its retries. own returns a record
// before next, or one that was delivered; nil if none is to be compared.
func NewFollower(next, seed uint64, own func(seq uint64) ([]byte, error)) *Follower {
	return &Follower{next: next, serverMax: math.MaxUint64, own: own, jitter: rand.New(rand.NewPCG(seed, next))}
}

// Next is the sequence number wanted next.
func (f *Follower) Next() uint64 { return f.next }

// ServerNext is the server's next sequence number as last heard; 0 before.
func (f *Follower) ServerNext() uint64 { return f.serverNext }

// Streaming reports whether a connection delivers.
func (f *Follower) Streaming() bool { return f.state == streaming }

// Deadline is when the follower wants a Tick at the latest.
func (f *Follower) Deadline() time.Time { return f.deadline }

// Step tells the follower what happened at time now and returns what to do, in
// order.
func (f *Follower) Step(now time.Time, in Input) []Output {
	if f.state == ended {
		return nil
	}
	switch in := in.(type) {
	case Tick:
		return f.tick(now)
	case Opened:
		if in.Conn == f.conn && f.state == dialing {
			f.listen(now)
		}
	case Refused:
		if in.Conn == f.conn && f.state == dialing {
			return f.refused(now, in)
		}
	case Received:
		if in.Conn == f.conn && f.state == streaming {
			return f.received(now, in.Frame)
		}
	case Broken:
		if in.Conn == f.conn && f.state != waiting {
			return f.retry(now, in.Err)
		}
	}
	return nil
}

func (f *Follower) tick(now time.Time) []Output {
	if now.Before(f.deadline) {
		return nil
	}
	switch f.state {
	case dialing:
		return f.hangup(now, fmt.Errorf("no answer within %s", connectTimeout))
	case streaming:
		return f.hangup(now, fmt.Errorf("no frame within %s", silenceTimeout))
	default:
		f.conn++
		f.state = dialing
		f.deadline = now.Add(connectTimeout)
		f.at = f.from()
		return []Output{Dial{Conn: f.conn, From: f.at}}
	}
}

// from is where to begin: with the newest record that both have, if there is
// one to compare.
func (f *Follower) from() uint64 {
	if f.own == nil {
		return f.next
	}
	both := min(f.next, f.serverMax)
	return both - min(both, 1)
}

func (f *Follower) listen(now time.Time) {
	f.state = streaming
	f.serverMax = math.MaxUint64
	f.deadline = now.Add(silenceTimeout)
}

// refused sorts the server's answers: some will never change.
func (f *Follower) refused(now time.Time, in Refused) []Output {
	switch in.Status {
	case http.StatusGone:
		return f.fail(fmt.Errorf("cannot follow from record %d: %w: %s", f.next, ErrGone, in.Text))
	case http.StatusConflict:
		return f.fail(fmt.Errorf("cannot follow: %w: %s", ErrOtherChain, in.Text))
	case http.StatusRequestedRangeNotSatisfiable:
		f.serverMax = in.ServerNext
		return f.hangup(now, fmt.Errorf("the server has %d records, this node has %d: it lost some, or is behind, or has another chain", in.ServerNext, f.next))
	}
	return f.hangup(now, fmt.Errorf("the server answered %d %s: %s", in.Status, http.StatusText(in.Status), in.Text))
}

func (f *Follower) received(now time.Time, frame []byte) []Output {
	batch, err := ParseFrame(frame)
	if err != nil {
		return f.hangup(now, err)
	}
	if batch.First > f.at {
		return f.hangup(now, fmt.Errorf("gap: got record %d; want %d", batch.First, f.at))
	}
	f.listen(now)
	f.serverNext = batch.ServerNext
	f.at = max(f.at, batch.First+uint64(len(batch.Records)))
	known := min(f.next-batch.First, uint64(len(batch.Records)))
	if err := f.compare(batch.First, batch.Records[:known]); err != nil {
		return f.fail(err)
	}
	records := batch.Records[known:]
	if len(records) == 0 {
		return nil
	}
	first := f.next
	f.next += uint64(len(records))
	f.failures = 0
	return []Output{Deliver{First: first, Records: records}}
}

// compare compares records with the follower's own.
func (f *Follower) compare(first uint64, records [][]byte) error {
	if f.own == nil {
		return nil
	}
	for i, record := range records {
		seq := first + uint64(i)
		own, err := f.own(seq)
		if err != nil {
			return fmt.Errorf("cannot compare record %d: %w", seq, err)
		}
		if !bytes.Equal(own, record) {
			return fmt.Errorf("cannot follow: %w: record %d differs", ErrDiverged, seq)
		}
	}
	return nil
}

func (f *Follower) hangup(now time.Time, err error) []Output {
	return append([]Output{Hangup{Conn: f.conn}}, f.retry(now, err)...)
}

// retry waits before the next connection: twice as long after each failure in
// a row, less up to a half by chance, so that many followers of one server do
// not return at the same moment.
func (f *Follower) retry(now time.Time, err error) []Output {
	after := min(backoffMin<<min(f.failures, 16), backoffMax)
	after -= time.Duration(f.jitter.Int64N(int64(after) / 2))
	f.failures++
	f.state = waiting
	f.deadline = now.Add(after)
	return []Output{Retry{After: after, Err: err}}
}

func (f *Follower) fail(err error) []Output {
	f.state = ended
	return []Output{Hangup{Conn: f.conn}, Fail{Err: err}}
}
