package rpc

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// checkRaw sends bytes and wants an HTTP status, after all bytes were sent.
func checkRaw(t *testing.T, s *testServer, name, request string, want int) {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Errorf("%s: cannot send: %v", name, err)
		return
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Errorf("%s: got %v; want status %d", name, err, want)
		return
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want || !resp.Close {
		t.Errorf("%s: got status %d, %q, close %t, %v; want status %d and a close", name, resp.StatusCode, text, resp.Close, err, want)
	}
}

// A refusal must reach a client that sends its whole body before it reads, and
// must not wait for a body that is not wanted.
func TestRefusalsArrive(t *testing.T) {
	s := startServer(t, newFakeBackend(), Config{RequestTimeout: time.Hour})
	const size = 8 << 20
	body := strings.Repeat(" ", size)
	head := func(method, kind, length string) string {
		return method + " / HTTP/1.1\r\nHost: x\r\nContent-Type: " + kind + "\r\n" + length + "\r\n\r\n"
	}
	const kind = "application/json"
	checkRaw(t, s, "all of the body", head("POST", kind, "Content-Length: 8388608")+body, http.StatusRequestEntityTooLarge)
	checkRaw(t, s, "chunks", head("POST", kind, "Transfer-Encoding: chunked")+"800000\r\n"+body+"\r\n0\r\n\r\n", http.StatusRequestEntityTooLarge)
	checkRaw(t, s, "another type", head("POST", "text/plain", "Content-Length: 4194304")+body[:4<<20], http.StatusUnsupportedMediaType)
	checkRaw(t, s, "nothing of the body", head("POST", kind, "Content-Length: 1000000000"), http.StatusRequestEntityTooLarge)
	checkRaw(t, s, "some of the body", head("POST", kind, "Content-Length: 1000000000")+"abcd", http.StatusRequestEntityTooLarge)
	checkRaw(t, s, "permission asked", head("POST", kind, "Expect: 100-continue\r\nContent-Length: 1000000000"), http.StatusRequestEntityTooLarge)
	checkRaw(t, s, "another verb", head("GET", kind, "Content-Length: 8388608")+body, http.StatusRequestEntityTooLarge)
	s.check("eth_chainId", "[]", alive)
	eventually(t, "no connection lingers", func() bool { return len(s.lingering) == 0 })
}

// A server that stops does not wait for clients that it has refused.
func TestShutdownEndsLingering(t *testing.T) {
	s := startServer(t, newFakeBackend(), Config{LingerTime: time.Hour})
	conn := dialSocket(t, s, nil)
	conn.NetConn().Write([]byte("\x82\xff\x00\x00\x00\x00\x7f\xff\xff\xff\x00\x00\x00\x00")) // the head of a message of 2 GiB
	for range 6 << 20 >> 12 {
		if _, err := conn.NetConn().Write(make([]byte, 1<<12)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the connection lingers", func() bool { return len(s.lingering) > 0 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// slowConn takes its time to set a deadline.
type slowConn struct {
	net.Conn
	entered, release chan struct{}
	used             *atomic.Bool
}

func (c slowConn) SetReadDeadline(time.Time) error {
	close(c.entered)
	<-c.release
	c.used.Store(true)
	return nil
}

// A connection must not be used any more once its owner has it back.
func TestInterruptEndsBeforeConnectionIsGivenBack(t *testing.T) {
	conn := slowConn{entered: make(chan struct{}), release: make(chan struct{}), used: new(atomic.Bool)}
	ctx, cancel := context.WithCancel(t.Context())
	done := interruptRead(ctx, conn)
	cancel()
	<-conn.entered
	go func() {
		time.Sleep(10 * time.Millisecond)
		close(conn.release)
	}()
	if done(); !conn.used.Load() {
		t.Error("the connection is given back while its deadline is being set")
	}
}

func TestSocketRefusalArrives(t *testing.T) {
	s := startServer(t, newFakeBackend(), Config{})
	conn := dialSocket(t, s, nil)
	if err := conn.WriteMessage(websocket.TextMessage, make([]byte, 16<<20)); err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("got %v; want to be told", err)
	}
}
