package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
)

// drainTimeout is how long an orderly end waits for requests that run. Those
// that take longer, or that were never sent whole, are cut off.
const drainTimeout = 500 * time.Millisecond

// Server is what Serve runs: JSON-RPC over any number of listeners.
type Server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// Listeners are the sockets of a node's JSON-RPC.
type Listeners struct {
	HTTP net.Listener // serves WebSocket as well
	WS   net.Listener // nil if WebSocket has no port of its own
}

// ListenRPC opens the sockets that the flags name.
func ListenRPC(c *cli.Context) (l Listeners, err error) {
	if l.HTTP, err = Listen(c, HTTPAddrFlag, HTTPPortFlag); err != nil {
		return l, err
	}
	if !separateWS(c) {
		return l, nil
	}
	if l.WS, err = Listen(c, WSAddrFlag, WSPortFlag); err != nil {
		return l, errors.Join(err, l.HTTP.Close())
	}
	return l, nil
}

// separateWS reports whether WebSocket has a port of its own. Who wants any port
// for HTTP cannot mean that WebSocket must have its usual one.
func separateWS(c *cli.Context) bool {
	http, ws := c.Int(HTTPPortFlag), c.Int(WSPortFlag)
	switch {
	case ws < 0, http == 0 && !c.IsSet(WSPortFlag):
		return false
	case ws == 0:
		return true
	}
	return ws != http || c.String(WSAddrFlag) != c.String(HTTPAddrFlag)
}

// Close closes the sockets; it may follow the end of their servers.
func (l Listeners) Close() error {
	var errs []error
	for _, listener := range []net.Listener{l.HTTP, l.WS} {
		if listener == nil {
			continue
		}
		if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// HTTPURL is where clients on this machine reach JSON-RPC.
func (l Listeners) HTTPURL() string { return "http://" + localAddress(l.HTTP) }

// WSURL is where clients on this machine reach JSON-RPC over WebSocket.
func (l Listeners) WSURL() string {
	if l.WS != nil {
		return "ws://" + localAddress(l.WS)
	}
	return "ws://" + localAddress(l.HTTP)
}

// localAddress is an address to connect to: one that listens on all interfaces
// is reached by the loopback.
func localAddress(listener net.Listener) string {
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok || !address.IP.IsUnspecified() {
		return listener.Addr().String()
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(address.Port))
}

// Serve serves all listeners in the background. A failure arrives at failed;
// stop ends the server after the requests that run, or soon.
func (l Listeners) Serve(server Server, failed chan<- error) (stop func() error) {
	for _, listener := range []net.Listener{l.HTTP, l.WS} {
		if listener == nil {
			continue
		}
		go func() {
			if err := server.Serve(listener); err != nil {
				failed <- err
			}
		}()
	}
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		err := server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			slog.Debug("cut off requests that did not end", "after", drainTimeout)
			return nil
		}
		return err
	}
}

// Ready is what a node says on standard output, with --json, once it is up.
type Ready struct {
	HTTP    string `json:"http"`
	WS      string `json:"ws"`
	ChainID uint64 `json:"chainId"`
	Chain   string `json:"chain"`             // its identity
	Genesis string `json:"genesis"`           // hash of the genesis block
	Metrics string `json:"metrics,omitempty"` // URL, if they are served
	PID     int    `json:"pid"`
}

// PrintJSON writes a report as one line.
func PrintJSON(w io.Writer, report any) error {
	line, err := json.Marshal(report)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", line)
	return err
}
