package stream

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

const statusOK = fasthttp.StatusOK

// rangePrefix begins the Content-Range of a server that has not got so far; the
// sequence number of its next record follows.
const rangePrefix = "records */"

// response is an HTTP response whose body is read as it comes.
type response struct {
	status int
	next   uint64 // the server's next sequence number, if it has not got so far
	body   io.Reader
	conn   net.Conn
	stop   func() bool // ends the tie between context and connection
}

// get asks for url and returns when the response header is there. The response
// ends with ctx. It owns its connection, so that ending it ends every read.
func get(ctx context.Context, url string) (*response, error) {
	req := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(req)
	req.SetRequestURI(url)
	req.Header.SetConnectionClose()

	conn, err := dialURI(ctx, req.URI())
	if err != nil {
		return nil, err
	}
	r := &response{conn: conn}
	r.stop = context.AfterFunc(ctx, func() { conn.Close() })
	if err := r.exchange(req); err != nil {
		r.close()
		return nil, fmt.Errorf("cannot get %s: %w", url, err)
	}
	return r, nil
}

func dialURI(ctx context.Context, uri *fasthttp.URI) (net.Conn, error) {
	dialer := net.Dialer{Timeout: connectTimeout}
	host, scheme := string(uri.Host()), string(uri.Scheme())
	switch scheme {
	case "http":
		return dialer.DialContext(ctx, "tcp", withPort(host, "80"))
	case "https":
		secure := tls.Dialer{NetDialer: &dialer}
		return secure.DialContext(ctx, "tcp", withPort(host, "443"))
	}
	return nil, fmt.Errorf("cannot dial %q: got scheme %q; want http or https", host, scheme)
}

func withPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

func (r *response) exchange(req *fasthttp.Request) error {
	w := bufio.NewWriter(r.conn)
	if err := errors.Join(req.Write(w), w.Flush()); err != nil {
		return err
	}
	resp := &fasthttp.Response{StreamBody: true}
	if err := resp.Read(bufio.NewReaderSize(r.conn, 64<<10)); err != nil {
		return err
	}
	r.status, r.body = resp.StatusCode(), resp.BodyStream()
	if digits, ok := strings.CutPrefix(string(resp.Header.Peek(fasthttp.HeaderContentRange)), rangePrefix); ok {
		next, err := strconv.ParseUint(digits, 10, 64)
		if err != nil {
			return fmt.Errorf("cannot parse the header %s: %w", fasthttp.HeaderContentRange, err)
		}
		r.next = next
	}
	if r.body == nil {
		r.body = strings.NewReader("")
	}
	return nil
}

// text is the beginning of a body that explains a status.
func (r *response) text() string {
	_ = r.conn.SetReadDeadline(time.Now().Add(connectTimeout))
	body, _ := io.ReadAll(io.LimitReader(r.body, refusalSizeMax))
	return strings.TrimSpace(string(body))
}

func (r *response) close() {
	r.stop()
	r.conn.Close()
}

// FetchGenesis asks the node at url, given without path, for its genesis.
func FetchGenesis(ctx context.Context, url string) ([]byte, error) {
	resp, err := get(ctx, url+PathGenesis)
	if err != nil {
		return nil, err
	}
	defer resp.close()
	if resp.status != statusOK {
		return nil, fmt.Errorf("cannot get the genesis of %s: got status %d: %s", url, resp.status, resp.text())
	}
	data, err := io.ReadAll(io.LimitReader(resp.body, genesisSizeMax+1))
	if err != nil {
		return nil, fmt.Errorf("cannot get the genesis of %s: %w", url, err)
	}
	if len(data) > genesisSizeMax {
		return nil, fmt.Errorf("cannot get the genesis of %s: got more than %d bytes", url, genesisSizeMax)
	}
	return data, nil
}
