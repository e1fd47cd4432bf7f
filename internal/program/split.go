package program

import (
	"bytes"
	"net"
	"sync"
	"time"
)

const (
	sniffTimeout = 5 * time.Second // a client must say what it wants
	sniffsMax    = 1024            // connections that have not said so yet
)

// Split shares one port between two servers: connections whose first bytes are
// one of the prefixes go to chosen, all others to rest. Closing either listener
// closes the port for both.
func Split(listener net.Listener, prefixes ...string) (chosen, rest net.Listener) {
	s := &splitter{listener: listener, done: make(chan struct{}), slots: make(chan struct{}, sniffsMax)}
	for _, prefix := range prefixes {
		s.prefixes = append(s.prefixes, []byte(prefix))
	}
	branches := [2]*branch{}
	for i := range branches {
		branches[i] = &branch{splitter: s, conns: make(chan net.Conn)}
	}
	go s.accept(branches[0], branches[1])
	return branches[0], branches[1]
}

// splitter owns the shared port.
type splitter struct {
	listener net.Listener
	prefixes [][]byte
	slots    chan struct{}

	close sync.Once
	done  chan struct{} // closed with the port
	err   error         // why accepting ended; set before done is closed
}

func (s *splitter) accept(chosen, rest *branch) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			s.shut(err)
			return
		}
		select {
		case s.slots <- struct{}{}:
			go s.sniff(conn, chosen, rest)
		default:
			_ = conn.Close() // too many that say nothing
		}
	}
}

func (s *splitter) shut(err error) {
	s.close.Do(func() {
		s.err = err
		_ = s.listener.Close()
		close(s.done)
	})
}

// sniff reads until it is clear where the connection belongs.
func (s *splitter) sniff(conn net.Conn, chosen, rest *branch) {
	defer func() { <-s.slots }()
	target, head, err := s.choose(conn, chosen, rest)
	if err != nil {
		_ = conn.Close()
		return
	}
	select {
	case target.conns <- &sniffedConn{Conn: conn, head: head}:
	case <-s.done:
		_ = conn.Close()
	}
}

func (s *splitter) choose(conn net.Conn, chosen, rest *branch) (target *branch, head []byte, err error) {
	if err := conn.SetReadDeadline(time.Now().Add(sniffTimeout)); err != nil {
		return nil, nil, err
	}
	buffer := make([]byte, 64)
	for len(head) < cap(buffer) {
		n, err := conn.Read(buffer[len(head):cap(buffer)])
		if n == 0 && err != nil {
			return nil, nil, err
		}
		head = buffer[:len(head)+n]
		matches, open := s.match(head)
		if matches {
			return chosen, head, conn.SetReadDeadline(time.Time{})
		}
		if !open {
			break
		}
	}
	return rest, head, conn.SetReadDeadline(time.Time{})
}

// match reports whether head begins with a prefix, and else whether it still
// can.
func (s *splitter) match(head []byte) (matches, open bool) {
	for _, prefix := range s.prefixes {
		if bytes.HasPrefix(head, prefix) {
			return true, false
		}
		open = open || bytes.HasPrefix(prefix, head)
	}
	return false, open
}

// branch is the part of a shared port that one server sees.
type branch struct {
	*splitter
	conns chan net.Conn
}

func (b *branch) Accept() (net.Conn, error) {
	select {
	case conn := <-b.conns:
		return conn, nil
	case <-b.done:
		return nil, b.err
	}
}

func (b *branch) Close() error {
	b.shut(net.ErrClosed)
	return nil
}

func (b *branch) Addr() net.Addr { return b.listener.Addr() }

// sniffedConn is a connection whose first bytes were read already.
type sniffedConn struct {
	net.Conn
	head []byte
}

func (c *sniffedConn) Read(p []byte) (int, error) {
	if len(c.head) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.head)
	c.head = c.head[n:]
	return n, nil
}
