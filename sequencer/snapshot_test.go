package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
)

// snapshotList is what the snapshot commands print with --json.
type snapshotList struct {
	Snapshots []struct {
		Block     uint64      `json:"block"`
		Path      string      `json:"path"`
		StateRoot common.Hash `json:"stateRoot"`
		Error     string      `json:"error"`
	} `json:"snapshots"`
}

// snapshots runs a snapshot command.
func snapshots(t *testing.T, name string, args ...string) (list snapshotList, failed string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(programs, name), append([]string{"snapshot"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		return list, stderr.String()
	}
	if jsonErr := json.Unmarshal(out, &list); jsonErr != nil {
		t.Fatalf("%v: got %s, %v", args, out, jsonErr)
	}
	if err != nil {
		failed = err.Error()
	}
	return list, failed
}

// TestSnapshots takes snapshots while the chain runs, restarts from one, makes one
// of a node that does not run, finds a flipped bit, and lets a full node begin
// with a restored one.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	home := filepath.Join(dir, "sequencer")
	if out, err := exec.Command(filepath.Join(programs, "sequencer"), "init", "--datadir", home, "--genesis", writeGenesis(t, chain.DevGenesis(common.Address{}))).CombinedOutput(); err != nil {
		t.Fatalf("init: %v: %s", err, out)
	}
	run := []string{"run", "--datadir", home, "--snapshot.every", "2", "--snapshot.keep", "3", "--snapshot.rate", "0"}
	key := chain.DevAccounts[0].PrivateKey()

	sequencer, url := startNode(t, "sequencer", run...)
	p := &devProcess{t: t}
	p.sequencer = p.dial(url)
	p.fullNode = p.sequencer
	txs := []*types.Transaction{signed(t, key, 0, nil, deployCode), signed(t, key, 1, &common.Address{1}, nil)}
	p.sendAll(txs...)
	until(t, "two snapshots", func() bool {
		list, _ := snapshots(t, "sequencer", "list", "--json", "--datadir", home)
		return len(list.Snapshots) >= 2
	})
	stopNode(t, sequencer)

	if segments, err := filepath.Glob(filepath.Join(home, "history", "*.segment")); err != nil || len(segments) == 0 {
		t.Errorf("got no history: %v", err)
	}

	list, failed := snapshots(t, "sequencer", "create", "--json", "--datadir", home)
	if strings.Contains(failed, "already") { // the sequencer took one just before it ended
		list, failed = snapshots(t, "sequencer", "list", "--json", "--datadir", home)
		list.Snapshots = list.Snapshots[:1] // the newest
	}
	if failed != "" || len(list.Snapshots) != 1 {
		t.Fatalf("create: got %v, %s", list, failed)
	}
	made := list.Snapshots[0]
	if _, failed := snapshots(t, "sequencer", "verify", "--json", "--datadir", home); failed != "" {
		t.Errorf("verify: got %s; want whole snapshots", failed)
	}

	follower := filepath.Join(dir, "fullnode")
	restore := []string{"restore", "--json", "--datadir", follower, "--from", filepath.Join(home, "snapshots"), "--genesis", filepath.Join(home, "ledger", "genesis.json")}
	if list, failed := snapshots(t, "fullnode", restore...); failed != "" || list.Snapshots[0].StateRoot != made.StateRoot {
		t.Fatalf("restore: got %v, %s; want %s", list, failed, made.StateRoot)
	}
	sequencer, url = startNode(t, "sequencer", run...)
	node, nodeURL := startNode(t, "fullnode", "run", "--datadir", follower, "--sequencer", url)
	p.sequencer, p.fullNode = p.dial(url), p.dial(nodeURL)
	p.sendAll(signed(t, key, 2, &common.Address{2}, nil))
	p.fullNode = p.sequencer
	p.sameReceipts(txs...)
	stopNode(t, node)
	stopNode(t, sequencer)
	if _, failed := snapshots(t, "fullnode", restore...); !strings.Contains(failed, "holds a chain") {
		t.Errorf("restore over a chain: got %q; want that it is refused", failed)
	}

	chunks, err := filepath.Glob(filepath.Join(home, "snapshots", "chunks", "*"))
	if err != nil || len(chunks) == 0 {
		t.Fatalf("got chunks %v, %v", chunks, err)
	}
	for _, path := range []string{chunks[0], made.Path} {
		flipBit(t, path)
		list, failed := snapshots(t, "sequencer", "verify", "--json", "--datadir", home)
		named := false
		for _, s := range list.Snapshots {
			named = named || strings.Contains(s.Error, path)
		}
		if failed == "" || !named {
			t.Errorf("verify with a flipped bit in %s: got %+v, %q; want that it is named", path, list, failed)
		}
		flipBit(t, path)
	}
	if _, failed := snapshots(t, "sequencer", "verify", "--json", "--datadir", home, strconv.FormatUint(made.Block+1000, 10)); failed == "" {
		t.Error("verify of a snapshot that is not there: got no failure")
	}
}

func stopNode(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s ended with %v", cmd.Path, err)
	}
}

func flipBit(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		data[len(data)/2] ^= 4
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
