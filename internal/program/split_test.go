package program

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"testing"
)

func TestSplit(t *testing.T) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	chosen, rest := Split(port, "GET /stream", "GET /genesis ")
	serve := func(name string, listener net.Listener) {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			fmt.Fprintf(conn, "%s: %s", name, line)
			conn.Close()
		}
	}
	go serve("chosen", chosen)
	go serve("rest", rest)
	check := func(want string, parts ...string) {
		t.Helper()
		conn, err := net.Dial("tcp", port.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for _, part := range parts {
			if _, err := conn.Write([]byte(part)); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := bufio.NewReader(conn).ReadString('\n'); got != want {
			t.Errorf("%q: got %q; want %q", parts, got, want)
		}
	}
	check("chosen: GET /stream?from=1 HTTP/1.1\n", "GET /stream?from=1 HTTP/1.1\n")
	check("chosen: GET /genesis HTTP/1.1\n", "G", "ET /gen", "esis HTTP/1.1\n")
	check("rest: GET /genesis2 HTTP/1.1\n", "GET /genesis2 HTTP/1.1\n")
	check("rest: POST / HTTP/1.1\n", "P", "OST / HTTP/1.1\n")
	check("rest: GET / HTTP/1.1\n", "GET / HTTP/1.1\n")

	if err := rest.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := chosen.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the other was closed: got %v; want %v", err, net.ErrClosed)
	}
	if chosen.Addr().String() != port.Addr().String() {
		t.Error("another address")
	}
}
