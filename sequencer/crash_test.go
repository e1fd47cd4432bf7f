package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"errors"
	"flag"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/redline-evm/redline/fullnode/replica"
	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/netio/stream"
)

var kills = flag.Int("kills", 60, "how often TestKilled kills the sequencer")

// victim is a sequencer that is killed and started again, on the same port.
type victim struct {
	t      *testing.T
	home   string
	port   int
	cmd    *exec.Cmd
	client *rpc.Client
}

func newVictim(t *testing.T) *victim {
	v := &victim{t: t, home: filepath.Join(t.TempDir(), "home"), port: freePort(t)}
	out, err := exec.Command(filepath.Join(programs, "sequencer"), "init", "--datadir", v.home,
		"--genesis", writeGenesis(t, chain.DevGenesis(common.Address{}))).CombinedOutput()
	if err != nil {
		t.Fatalf("init: %v, %s", err, out)
	}
	if v.client, err = rpc.Dial(v.url()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.client.Close)
	return v
}

func (v *victim) url() string { return "http://127.0.0.1:" + strconv.Itoa(v.port) }

// freePort is a port that nothing takes while the sequencer is dead: it is below
// those that the system hands out.
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 10_000 + (os.Getpid()+int(portsTaken.Add(1)))%20_000
		if listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

var portsTaken atomic.Int64

func (v *victim) start() {
	v.t.Helper()
	v.cmd = exec.Command(filepath.Join(programs, "sequencer"), "run", "--datadir", v.home, "--json",
		"--http.port", strconv.Itoa(v.port), "--ws.port", "-1", "--miniblock.interval", "1ms", "--snapshot.every", "1")
	var stderr strings.Builder
	v.cmd.Stderr = &stderr
	stdout, err := v.cmd.StdoutPipe()
	if err != nil {
		v.t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { _ = v.cmd.Process.Kill() })
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		_ = v.cmd.Wait()
		v.t.Fatalf("the sequencer does not start: %v\n%s", err, &stderr)
	}
}

func (v *victim) kill() {
	_ = v.cmd.Process.Kill()
	_ = v.cmd.Wait() // says that it was killed
}

// load sends transactions of an account, each when the one before is
// acknowledged by its receipt, until the sequencer dies. It returns those that
// were acknowledged.
func (v *victim) load(ctx context.Context, key *ecdsa.PrivateKey, from common.Address) (acknowledged []common.Hash) {
	var nonce hexutil.Uint64
	if err := v.client.CallContext(ctx, &nonce, "eth_getTransactionCount", from, "pending"); err != nil {
		return nil
	}
	for ; ; nonce++ {
		tx := signed(v.t, key, uint64(nonce), &common.Address{9}, nil)
		raw, err := tx.MarshalBinary()
		if err != nil {
			v.t.Error(err)
			return acknowledged
		}
		var receipt *types.Receipt
		if err := v.client.CallContext(ctx, &receipt, "eth_sendRawTransactionSync", hexutil.Bytes(raw)); err != nil {
			return acknowledged
		}
		acknowledged = append(acknowledged, tx.Hash())
	}
}

// loadAndKill kills the sequencer while all accounts send.
func (v *victim) loadAndKill(after time.Duration) (acknowledged []common.Hash) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var senders sync.WaitGroup
	var mu sync.Mutex
	for i := range chain.DevAccounts {
		senders.Go(func() {
			hashes := v.load(ctx, chain.DevAccounts[i].PrivateKey(), chain.DevAccounts[i].Address)
			mu.Lock()
			defer mu.Unlock()
			acknowledged = append(acknowledged, hashes...)
		})
	}
	time.Sleep(after)
	v.kill()
	cancel()
	senders.Wait()
	return acknowledged
}

// checkKept asks for the receipts of transactions.
func (v *victim) checkKept(hashes []common.Hash) {
	v.t.Helper()
	const batch = 500
	for len(hashes) > 0 {
		part := hashes[:min(batch, len(hashes))]
		hashes = hashes[len(part):]
		receipts := make([]*types.Receipt, len(part))
		calls := make([]rpc.BatchElem, len(part))
		for i, hash := range part {
			calls[i] = rpc.BatchElem{Method: "eth_getTransactionReceipt", Args: []any{hash}, Result: &receipts[i]}
		}
		if err := v.client.BatchCall(calls); err != nil {
			v.t.Fatal(err)
		}
		for i := range part {
			if calls[i].Error != nil || receipts[i] == nil {
				v.t.Fatalf("transaction %s was acknowledged and is lost (%v)", part[i], calls[i].Error)
			}
		}
	}
}

// witness follows a sequencer over all its deaths, in this process: it executes
// every transaction again and compares, and ends if the sequencer ever has
// another record than the one that it published before.
type witness struct {
	t      *testing.T
	ledger *ledger.Ledger
	cancel context.CancelFunc
	ended  chan error
}

func newWitness(t *testing.T, url string) *witness {
	t.Helper()
	genesis, err := stream.FetchGenesis(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := chain.ParseGenesis(genesis)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ledger.Options{Dir: "witness", FS: vfs.NewMemory(), Genesis: parsed, Durability: ledger.Async})
	if err != nil {
		t.Fatal(err)
	}
	follower, err := replica.New(replica.Config{Genesis: parsed, Chain: l.Appender(), Engine: jit.New(jit.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	client := stream.NewClient(stream.ClientConfig{URL: url, Chain: l.Identity().Hex(), Own: l.Appender().Record, Deliver: follower.Accept})
	ctx, cancel := context.WithCancel(context.Background())
	w := &witness{t: t, ledger: l, cancel: cancel, ended: make(chan error, 1)}
	go func() { w.ended <- client.Run(ctx) }()
	t.Cleanup(func() { l.Close() })
	return w
}

// check waits until the witness has as many EVM blocks as the sequencer, and
// compares the newest.
func (w *witness) check(client *rpc.Client) {
	w.t.Helper()
	var head struct {
		Number hexutil.Uint64 `json:"number"`
		Hash   common.Hash    `json:"hash"`
		Root   common.Hash    `json:"stateRoot"`
	}
	if err := client.Call(&head, "eth_getBlockByNumber", "finalized", false); err != nil {
		w.t.Fatal(err)
	}
	until(w.t, "the witness to have all EVM blocks", func() bool {
		select {
		case err := <-w.ended:
			w.t.Fatalf("the witness ended: %v", err)
		default:
		}
		return w.ledger.BlockHash(uint64(head.Number)) != common.Hash{}
	})
	if got := w.ledger.BlockHash(uint64(head.Number)); got != head.Hash {
		w.t.Errorf("EVM block %d: the witness has %s, the sequencer %s", head.Number, got, head.Hash)
	}
	w.cancel()
	if err := <-w.ended; !errors.Is(err, context.Canceled) {
		w.t.Errorf("the witness ended: %v", err)
	}
}

// TestFullNodeKilled kills a full node, which shows records before they are on the
// disk, while the chain goes on. What it lost the stream brings back.
func TestFullNodeKilled(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	v.start()
	ctx, cancel := context.WithCancel(context.Background())
	var senders sync.WaitGroup
	for i := range chain.DevAccounts {
		senders.Go(func() { v.load(ctx, chain.DevAccounts[i].PrivateKey(), chain.DevAccounts[i].Address) })
	}
	home, random := filepath.Join(t.TempDir(), "home"), rand.New(rand.NewPCG(8, 8))
	for range 10 {
		follower, _ := startNode(t, "fullnode", "run", "--datadir", home, "--sequencer", v.url())
		time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
		_ = follower.Process.Kill()
		_ = follower.Wait()
	}
	cancel()
	senders.Wait()
	_, url := startNode(t, "fullnode", "run", "--datadir", home, "--sequencer", v.url(), "--mode", "replay")
	client, err := rpc.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, account := range chain.DevAccounts {
		var want, got hexutil.Uint64
		if err := v.client.Call(&want, "eth_getTransactionCount", account.Address, "latest"); err != nil {
			t.Fatal(err)
		}
		until(t, "the full node to have all transactions", func() bool {
			err := client.Call(&got, "eth_getTransactionCount", account.Address, "latest")
			return err == nil && got == want
		})
	}
	v.kill()
}

// TestKilled kills a sequencer under load again and again. After each start every
// acknowledged transaction is there; a full node that follows all the time sees
// one chain without gaps, and comes to the same state by executing it.
func TestKilled(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	v.start()
	w := newWitness(t, v.url())
	random := rand.New(rand.NewPCG(7, 7))
	var all []common.Hash
	for range *kills {
		newest := v.loadAndKill(time.Duration(10+random.IntN(60)) * time.Millisecond)
		v.start()
		v.checkKept(newest)
		all = append(all, newest...)
	}
	v.checkKept(all)
	w.check(v.client)
	v.kill()
	if len(all) < *kills {
		t.Errorf("%d transactions were acknowledged: too few to show anything", len(all))
	}
	t.Logf("%d transactions acknowledged over %d kills, %d records", len(all), *kills, w.ledger.NextSeq())
}
