package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"
)

// memorySource keeps records in memory, those before gone are lost.
type memorySource struct {
	mu struct {
		sync.Mutex
		records [][]byte
		gone    uint64
		reads   int
	}
}

func (s *memorySource) NextSeq() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.mu.records))
}

func (s *memorySource) ReadRecords(from uint64, maxBytes int) (out [][]byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if from < s.mu.gone {
		return nil, fmt.Errorf("cannot read record %d: %w", from, ErrGone)
	}
	s.mu.reads++
	for _, record := range s.mu.records[from:] {
		if maxBytes -= len(record); maxBytes < 0 && len(out) > 0 {
			break
		}
		out = append(out, record)
	}
	return out, nil
}

func (s *memorySource) append(records ...[]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.records = append(s.mu.records, records...)
}

// server is a publisher on a socket whose connections can be cut.
type server struct {
	*Publisher
	source *memorySource
	url    string

	mu    sync.Mutex
	conns []net.Conn
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{source: new(memorySource)}
	s.Publisher = NewPublisher(PublisherConfig{Source: s.source, Chain: "0xaa", Genesis: []byte(`{"config":{}}`), ClientsMax: 8})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + listener.Addr().String()
	served := make(chan error)
	go func() { served <- s.Serve(&recordingListener{Listener: listener, server: s}) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), <-served); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *server) publish(records ...[]byte) {
	s.source.append(records...)
	s.Notify()
}

// cut ends every connection there has been.
func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		conn.Close()
	}
	s.conns = nil
}

type recordingListener struct {
	net.Listener
	server *server
}

func (l *recordingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.server.mu.Lock()
		l.server.conns = append(l.server.conns, conn)
		l.server.mu.Unlock()
	}
	return conn, err
}

// follow runs a client until it has at least want records or fails. It tells got
// how many it has after each delivery.
func follow(t *testing.T, cfg ClientConfig, want int, got func(total int)) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var received [][]byte
	cfg.Deliver = func(first uint64, records [][]byte) error {
		if first != cfg.Next+uint64(len(received)) {
			return fmt.Errorf("got record %d; want %d", first, len(received))
		}
		received = append(received, records...)
		if got != nil {
			got(len(received))
		}
		if len(received) >= want {
			cancel()
		}
		return nil
	}
	err := NewClient(cfg).Run(ctx)
	if !errors.Is(err, context.Canceled) {
		return err
	}
	if !reflect.DeepEqual(received, records(int(cfg.Next), len(received))) {
		return fmt.Errorf("got %d records that differ from the server's", len(received))
	}
	return nil
}

func TestClientCatchesUpAndFollows(t *testing.T) {
	s := newServer(t)
	leaks := goleak.IgnoreCurrent()
	s.publish(records(0, 100)...)
	next := 100
	err := follow(t, ClientConfig{URL: s.url, Chain: "0xaa", Next: 20}, 1000, func(int) {
		if next < 1020 { // each delivery brings forth more
			s.publish(records(next, 23)...)
			next += 23
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	goleak.VerifyNone(t, leaks,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).workerFunc"))
}

func TestClientSurvivesLinkLoss(t *testing.T) {
	s := newServer(t)
	next, cuts := 0, 0
	more := func(int) {
		s.publish(records(next, 10)...)
		if next += 10; next%50 == 0 {
			s.cut()
			cuts++
		}
	}
	more(0)
	if err := follow(t, ClientConfig{URL: s.url, Chain: "0xaa"}, 300, more); err != nil {
		t.Fatal(err)
	}
	if cuts == 0 {
		t.Fatal("the link was never cut")
	}
}

func TestClientWaitsForServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	client := NewClient(ClientConfig{URL: url, Deliver: func(uint64, [][]byte) error { return nil }})
	done := make(chan error)
	go func() { done <- client.Run(ctx) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want %v", err, context.Canceled)
	}
}

func TestClientFailsForGood(t *testing.T) {
	s := newServer(t)
	s.publish(records(0, 10)...)
	s.source.mu.gone = 5
	if err := follow(t, ClientConfig{URL: s.url, Chain: "0xaa"}, 10, nil); !errors.Is(err, ErrGone) {
		t.Errorf("got %v; want %v", err, ErrGone)
	}
	if err := follow(t, ClientConfig{URL: s.url, Chain: "0xbb", Next: 5}, 10, nil); !errors.Is(err, ErrOtherChain) {
		t.Errorf("got %v; want %v", err, ErrOtherChain)
	}
	if err := follow(t, ClientConfig{URL: s.url, Next: 5}, 5, nil); err != nil {
		t.Error(err)
	}
}

// TestClientFindsOutLostRecords has a server that lost records which the client
// has, and made others.
func TestClientFindsOutLostRecords(t *testing.T) {
	s := newServer(t)
	s.publish(records(0, 10)...)
	s.publish([]byte("another"))
	own := func(seq uint64) ([]byte, error) { return records(int(seq), 1)[0], nil }
	for next, want := range map[uint64]error{10: nil, 11: ErrDiverged, 100: ErrDiverged} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		client := NewClient(ClientConfig{URL: s.url, Chain: "0xaa", Next: next, Own: own, Deliver: func(uint64, [][]byte) error {
			cancel()
			return nil
		}})
		if err := client.Run(ctx); !errors.Is(err, want) && (want != nil || !errors.Is(err, context.Canceled)) {
			t.Errorf("a client with %d records: got %v; want %v", next, err, want)
		}
		cancel()
	}
}

func TestClientStopsWhenDeliverFails(t *testing.T) {
	s := newServer(t)
	s.publish(records(0, 10)...)
	broken := errors.New("cannot apply")
	client := NewClient(ClientConfig{URL: s.url, Deliver: func(uint64, [][]byte) error { return broken }})
	if err := client.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("got %v; want %v", err, broken)
	}
}

func TestClientsShareFrames(t *testing.T) {
	s := newServer(t)
	s.publish(records(0, 50)...)
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			if err := follow(t, ClientConfig{URL: s.url}, 50, nil); err != nil {
				t.Error(err)
			}
		})
	}
	clients.Wait()
	if s.source.mu.reads != 1 {
		t.Errorf("got %d reads of the source for 8 clients; want 1", s.source.mu.reads)
	}
}

func TestFrameCacheIsBounded(t *testing.T) {
	source := new(memorySource)
	source.append(records(0, 200)...)
	cache := newFrameCache(source)
	for i := range uint64(200) {
		frame, err := cache.frame(i)
		if err != nil || frame.next != 200 {
			t.Fatalf("got next %d, %v; want 200", frame.next, err)
		}
	}
	if got := len(cache.mu.entries); got != frameCacheLenMax {
		t.Errorf("got %d entries; want %d", got, frameCacheLenMax)
	}
}

func TestPublisherAnswersRequests(t *testing.T) {
	s := newServer(t)
	s.publish(records(0, 3)...)
	for query, want := range map[string]int{
		"":                  400,
		"?from=x":           400,
		"?from=-1":          400,
		"?from=1x":          400,
		"?from=4":           416,
		"?from=0&chain=0xb": 409,
	} {
		status, _, err := fasthttp.Get(nil, s.url+PathStream+query)
		if err != nil || status != want {
			t.Errorf("%q: got %d, %v; want %d", query, status, err, want)
		}
	}
	got, err := FetchGenesis(t.Context(), s.url)
	if err != nil || string(got) != `{"config":{}}` {
		t.Errorf("genesis: got %q, %v", got, err)
	}
	if _, err := FetchGenesis(t.Context(), s.url+"/elsewhere"); err == nil {
		t.Error("genesis of another path: got no error")
	}
}

func TestPublisherBoundsClients(t *testing.T) {
	s := newServer(t)
	for range 8 {
		resp, err := get(t.Context(), s.url+PathStream+"?from=0")
		if err != nil || resp.status != 200 {
			t.Fatalf("got %v, %v; want a stream", resp, err)
		}
		defer resp.close()
	}
	resp, err := get(t.Context(), s.url+PathStream+"?from=0")
	if err != nil || resp.status != 503 {
		t.Fatalf("got %v, %v; want status 503", resp, err)
	}
	resp.close()
}

func TestPublisherSendsHeartbeats(t *testing.T) {
	s := newServer(t)
	s.publish(records(0, 2)...)
	resp, err := get(t.Context(), s.url+PathStream+"?from=2")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.close()
	frame, err := readFrame(resp.body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseFrame(frame); err != nil || !reflect.DeepEqual(got, Batch{First: 2, ServerNext: 2}) {
		t.Errorf("got %v, %v; want a heartbeat", got, err)
	}
}

// TestPublisherClosesWithoutReaders has a client that reads one frame and no more.
func TestPublisherClosesWithoutReaders(t *testing.T) {
	s := newServer(t)
	incompressible := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(incompressible)
	for range 64 {
		s.publish(incompressible)
	}
	resp, err := get(t.Context(), s.url+PathStream+"?from=0")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.close()
	if _, err := readFrame(resp.body); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
