package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// run runs a command with the node flags and the given arguments.
func run(t *testing.T, action func(*cli.Context) error, args ...string) error {
	t.Helper()
	app := &cli.App{
		Name: "test", Writer: io.Discard, ErrWriter: io.Discard, ExitErrHandler: func(*cli.Context, error) {},
		Commands: []*cli.Command{{
			Name: "run", Flags: append(NodeFlags(Ports{HTTP: 1, WS: 2, Metrics: 3}), DataDir("d")),
			Before: LoadConfig, Action: action,
		}},
	}
	return app.RunContext(context.Background(), append([]string{"test", "run"}, args...))
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestWhereValuesComeFrom(t *testing.T) {
	config := writeFile(t, `
		datadir = "from file"
		metrics = true
		[http]
		addr = "from file"
		port = 11
		api = ["eth", "net"]
		[ws]
		port = 12
	`)
	t.Setenv("REDLINE_HTTP_ADDR", "from environment")
	err := run(t, func(c *cli.Context) error {
		for name, want := range map[string]string{
			HTTPPortFlag: "10", HTTPAddrFlag: "from environment", HTTPAPIFlag: "eth,net", WSPortFlag: "12",
			MetricsFlag: "true", DataDirFlag: "from file", MetricsPortFlag: "3",
		} {
			if got := c.Value(name); strings.TrimSpace(toString(got)) != want {
				t.Errorf("--%s: got %v; want %s", name, got, want)
			}
		}
		return nil
	}, "--config", config, "--http.port", "10")
	if err != nil {
		t.Fatal(err)
	}
}

func toString(v any) string {
	b, _ := json.Marshal(v)
	return strings.Trim(string(b), `"`)
}

func TestConfigErrors(t *testing.T) {
	check := func(text, want string) {
		t.Helper()
		err := run(t, func(*cli.Context) error { return nil }, "--config", writeFile(t, text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v; want %q", text, err, want)
		}
	}
	check("[http]\nprot = 1", "no flag --http.prot; known are config, cpus, datadir,")
	check("[http]\nport = 'many'", "http.port")
	check("a = ", "line 1, column")
	check("datadir = 2020-01-01", "datadir: got a toml.LocalDate")
	if err := run(t, func(*cli.Context) error { return nil }, "--config", "missing.toml"); err == nil {
		t.Error("a missing file is no error")
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte("[http]\nport = 8545\napi = ['eth', 1]\n"))
	f.Add([]byte("a.b.c = true"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = parseConfig(data) })
}

func TestLogFormats(t *testing.T) {
	check := func(format string, terminal bool, want string) {
		t.Helper()
		var out bytes.Buffer
		handler, err := logHandler(&out, terminal, format, slog.LevelInfo)
		if err != nil {
			t.Fatal(err)
		}
		log := slog.New(handler)
		log.Debug("not this")
		log.Info("hello", "n", 1)
		if got := out.String(); !strings.Contains(got, want) || strings.Contains(got, "not this") {
			t.Errorf("%s: got %q; want %q in it", format, got, want)
		}
	}
	check("", false, "level=INFO msg=hello n=1")
	check("logfmt", true, "level=INFO msg=hello n=1")
	check("json", true, `"level":"INFO","msg":"hello","n":1}`)
	check("terminal", false, "INF hello n=1")
	check("", true, "hello")
	if _, err := logHandler(io.Discard, false, "xml", 0); err == nil {
		t.Error("xml is accepted")
	}
}

func TestDataDirLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	unlock, err := LockDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockDataDir(dir); err == nil || !strings.Contains(err.Error(), "is using it") {
		t.Errorf("a second lock: got %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = LockDataDir(dir)
	if err != nil {
		t.Fatalf("after unlock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	err = run(t, func(c *cli.Context) error {
		_, err := ListenRPC(c)
		return err
	}, "--http.port", "0", "--ws.port", port)
	if err == nil || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), "--ws.port") {
		t.Errorf("got %v; want to be told to choose another --ws.port", err)
	}
}

func TestListeners(t *testing.T) {
	check := func(separate bool, args ...string) {
		t.Helper()
		err := run(t, func(c *cli.Context) error {
			l, err := ListenRPC(c)
			if err != nil {
				return err
			}
			defer l.HTTP.Close()
			if (l.WS != nil) != separate {
				t.Errorf("%v: a port for WebSocket: %v", args, l.WS != nil)
			}
			if l.WS != nil {
				defer l.WS.Close()
			}
			if !strings.HasPrefix(l.HTTPURL(), "http://127.0.0.1:") || !strings.HasPrefix(l.WSURL(), "ws://127.0.0.1:") {
				t.Errorf("%v: %s, %s", args, l.HTTPURL(), l.WSURL())
			}
			return nil
		}, args...)
		if err != nil {
			t.Error(err)
		}
	}
	check(true, "--http.port=0", "--ws.port=0")
	check(false, "--http.port=0", "--ws.port=-1")
	check(false, "--http.port=0") // whether or not the usual port for WebSocket is free
	check(true, "--http.port=0", "--ws.port=0", "--http.addr=0.0.0.0")
}

func TestMetrics(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer serveMetrics(listener)()
	for _, path := range metricsPaths {
		resp, err := http.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !bytes.Contains(body, []byte("process_resident_memory_bytes")) {
			t.Errorf("%s: got %q, %v", path, body, err)
		}
	}
}

func TestClosersRunBackward(t *testing.T) {
	var order []int
	var closers Closers
	for i := range 3 {
		closers.Add(func() error { order = append(order, i); return errors.New("logged") })
	}
	closers.Close()
	closers.Close()
	if len(order) != 3 || order[0] != 2 || order[2] != 0 {
		t.Errorf("got %v; want [2 1 0]", order)
	}
}
