package main

import (
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redline-evm/redline/internal/program"
)

// TestDevStops ends a chain in a temporary folder as the end of its terminal
// does, while clients are in the midst of requests. That is nobody's fault.
func TestDevStops(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	p := startDevWith(t, []string{"TMPDIR=" + temporary}, "--metrics", "--metrics.port", "0", "--fullnode.metrics.port", "0")
	if filepath.Dir(p.report.DataDir) != temporary {
		t.Fatalf("got data folder %s; want it in %s", p.report.DataDir, temporary)
	}
	for _, node := range []program.Ready{p.report.Sequencer, p.report.FullNode} {
		if node.Chain != p.report.Sequencer.Chain || len(node.Chain) != 66 {
			t.Errorf("got chain %q; want the same identity on both nodes", node.Chain)
		}
		if resp, err := http.Get(node.Metrics); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("metrics at %q: got %v", node.Metrics, err)
		} else {
			resp.Body.Close()
		}
		conn, err := net.Dial("tcp", strings.TrimPrefix(node.HTTP, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"js")); err != nil {
			t.Fatal(err)
		}
	}
	end := syscall.SIGHUP
	if signal.Ignored(end) { // who runs the tests wants them to outlive a terminal
		end = syscall.SIGTERM
	}
	p.stopBy(end)
	if log := p.stderr.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("a client that sends half a request is told as a fault:\n%s", log)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAbandonedFoldersAreRemoved(t *testing.T) {
	parent := t.TempDir()
	lock := func(name string) (unlock func() error) {
		t.Helper()
		unlock, err := program.LockDataDir(filepath.Join(parent, name, devSequencerDir))
		if err != nil {
			t.Fatal(err)
		}
		return unlock
	}
	for _, name := range []string{devDirPrefix + "dead", "other"} {
		if err := lock(name)(); err != nil {
			t.Fatal(err)
		}
	}
	defer lock(devDirPrefix + "alive")()
	if err := os.Mkdir(filepath.Join(parent, devDirPrefix+"beginning"), 0o700); err != nil {
		t.Fatal(err)
	}
	check := func(now time.Time, want string) {
		t.Helper()
		removeAbandoned(parent, now)
		entries, err := os.ReadDir(parent)
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, entry := range entries {
			left = append(left, strings.TrimPrefix(entry.Name(), devDirPrefix))
		}
		if got := strings.Join(left, " "); got != want {
			t.Errorf("got %s; want %s", got, want)
		}
	}
	now := time.Now()
	check(now, "other alive beginning dead")
	check(now.Add(2*devDirSettleMax), "other alive beginning")
}
