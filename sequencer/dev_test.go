package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/internal/chain"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// programs holds the built programs.
var programs string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "redline-programs-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		programs = dir
		build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), ".", "../fullnode")
		if out, err := build.CombinedOutput(); err != nil {
			panic(string(out))
		}
		return m.Run()
	}())
}

// devProcess is a running `sequencer dev`.
type devProcess struct {
	t      *testing.T
	cmd    *exec.Cmd
	stderr bytes.Buffer
	report devReport

	sequencer, fullNode *ethclient.Client
}

func startDev(t *testing.T, dir string) *devProcess {
	t.Helper()
	return startDevWith(t, nil, "--datadir", dir, "--ws.port", "-1")
}

func startDevWith(t *testing.T, env []string, args ...string) *devProcess {
	t.Helper()
	p := &devProcess{t: t, cmd: exec.Command(filepath.Join(programs, "sequencer"), append([]string{"dev", "--json",
		"--http.port", "0", "--fullnode.http.port", "0", "--log.format", "logfmt"}, args...)...)}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("the programs' log:\n%s", p.stderr.String())
		}
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		_ = p.cmd.Wait()
		t.Fatalf("the chain does not start: %v", err)
	}
	if err := json.Unmarshal(line, &p.report); err != nil {
		t.Fatalf("the chain says %q: %v", line, err)
	}
	p.sequencer, p.fullNode = p.dial(p.report.Sequencer.HTTP), p.dial(p.report.FullNode.HTTP)
	return p
}

func (p *devProcess) dial(url string) *ethclient.Client {
	p.t.Helper()
	client, err := ethclient.Dial(url)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(client.Close)
	return client
}

// stop interrupts the programs as Ctrl-C does, and expects an orderly end.
func (p *devProcess) stop() {
	p.t.Helper()
	p.stopBy(os.Interrupt)
}

func (p *devProcess) stopBy(signal os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			p.t.Fatalf("the chain ended with %v", err)
		}
	case <-time.After(patience):
		p.t.Fatal("the chain does not end")
	}
	for _, url := range []string{p.report.Sequencer.HTTP, p.report.FullNode.HTTP} {
		if conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); err == nil {
			conn.Close()
			p.t.Errorf("%s still listens", url)
		}
	}
}

// until waits for a condition.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// logCode emits an event whenever it is called.
// PUSH1 2a PUSH0 MSTORE PUSH1 07 PUSH1 20 PUSH0 LOG1 STOP
var logCode = common.FromHex("602a5f52600760205fa100")

// deployCode is the init code of a contract with logCode.
// PUSH1 len PUSH1 0c PUSH0 CODECOPY PUSH1 len PUSH0 RETURN
var deployCode = append(common.FromHex("600b600a5f39600b5ff3"), logCode...)

func signed(t *testing.T, key *ecdsa.PrivateKey, nonce uint64, to *common.Address, data []byte) *types.Transaction {
	t.Helper()
	return types.MustSignNewTx(key, types.LatestSignerForChainID(big.NewInt(chain.DevChainID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(chain.DevChainID), Nonce: nonce, To: to, Data: data, Gas: 200_000, Value: new(big.Int),
		GasTipCap: big.NewInt(params.GWei), GasFeeCap: big.NewInt(100 * params.GWei),
	})
}

// sendAll sends transactions through the two nodes in turn and waits until both
// have their receipts.
func (p *devProcess) sendAll(txs ...*types.Transaction) {
	p.t.Helper()
	ctx := context.Background()
	for i, tx := range txs {
		client := []*ethclient.Client{p.sequencer, p.fullNode}[i%2]
		if err := client.SendTransaction(ctx, tx); err != nil {
			p.t.Fatalf("transaction %d: %v", i, err)
		}
	}
	p.sameReceipts(txs...)
}

// sameReceipts waits until both nodes have sealed the transactions and compares
// what they say of them, to the byte.
func (p *devProcess) sameReceipts(txs ...*types.Transaction) {
	p.t.Helper()
	ctx := context.Background()
	for _, tx := range txs {
		var receipts [2]json.RawMessage
		for i, client := range []*ethclient.Client{p.sequencer, p.fullNode} {
			until(p.t, "the receipt of a sealed transaction", func() bool {
				receipt, err := client.TransactionReceipt(ctx, tx.Hash())
				if err != nil {
					return false
				}
				if receipt.Status != types.ReceiptStatusSuccessful {
					p.t.Fatalf("transaction %s failed", tx.Hash())
				}
				block, err := client.HeaderByNumber(ctx, new(big.Int).Add(receipt.BlockNumber, common.Big1))
				return err == nil && block != nil // the next EVM block is open, so this one is sealed
			})
			if err := client.Client().CallContext(ctx, &receipts[i], "eth_getTransactionReceipt", tx.Hash()); err != nil {
				p.t.Fatal(err)
			}
		}
		if !bytes.Equal(receipts[0], receipts[1]) {
			p.t.Errorf("the sequencer says %s\nthe full node says %s", receipts[0], receipts[1])
		}
	}
}

func TestDev(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, other := chain.DevAccounts[0].PrivateKey(), chain.DevAccounts[1].Address
	contract := crypto.CreateAddress(chain.DevAccounts[0].Address, 0)
	ctx := context.Background()

	p := startDev(t, dir)
	first := []*types.Transaction{signed(t, key, 0, nil, deployCode), signed(t, key, 1, &contract, nil), signed(t, key, 2, &other, nil)}
	p.sendAll(first...)
	receipt, err := p.fullNode.TransactionReceipt(ctx, first[1].Hash())
	if err != nil || len(receipt.Logs) != 1 || receipt.Logs[0].Address != contract {
		t.Fatalf("the contract's event on the full node: got %+v, %v", receipt, err)
	}
	header, err := p.fullNode.HeaderByNumber(ctx, receipt.BlockNumber)
	if err != nil || header.Hash() != receipt.BlockHash {
		t.Errorf("the header of EVM block %d: got hash %s, %v; want %s", receipt.BlockNumber, header.Hash(), err, receipt.BlockHash)
	}

	// The full node is killed while the chain goes on, and follows again.
	if err := syscall.Kill(p.report.FullNode.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	second := []*types.Transaction{signed(t, key, 3, &contract, nil), signed(t, key, 4, &contract, nil)}
	for _, tx := range second {
		if err := p.sequencer.SendTransaction(ctx, tx); err != nil {
			t.Fatal(err)
		}
	}
	p.sameReceipts(append(first, second...)...)

	// Everything goes on after a restart.
	p.stop()
	p = startDev(t, dir)
	p.sameReceipts(append(first, second...)...)
	p.sendAll(signed(t, key, 5, &contract, nil), signed(t, key, 6, &contract, nil))
	for name, client := range map[string]*ethclient.Client{"sequencer": p.sequencer, "full node": p.fullNode} {
		if nonce, err := client.NonceAt(ctx, chain.DevAccounts[0].Address, nil); err != nil || nonce != 7 {
			t.Errorf("%s: got nonce %d, %v; want 7", name, nonce, err)
		}
	}
	p.stop()
}

// TestRunAndFollow starts the programs one by one, on a genesis file.
func TestRunAndFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	genesis := writeGenesis(t, chain.DevGenesis(common.Address{}))
	home := filepath.Join(dir, "sequencer")
	check := func(want, name string, args ...string) {
		t.Helper()
		out, err := exec.Command(filepath.Join(programs, name), args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s %s: got %v, %s; want %q", name, strings.Join(args, " "), err, out, want)
		}
	}
	check("no key at", "sequencer", "run", "--datadir", home, "--http.port", "0", "--ws.port", "-1")
	check("is the sequencer running there?", "fullnode", "run", "--datadir", filepath.Join(dir, "none"), "--http.port", "0", "--ws.port", "-1", "--sequencer", "http://127.0.0.1:1")
	check("holds no chain", "sequencer", "run", "--datadir", filepath.Join(dir, "y"), "--sequencer.key", writeKey(t), "--http.port", "0", "--ws.port", "-1")
	check(`no command "rnu"`, "sequencer", "rnu")
	check(`no command "rnu"`, "sequencer", "evm", "rnu")
	check("takes flags only", "fullnode", "run", "extra")
	check("see sequencer run --help", "sequencer", "run", "--no-such-flag")
	check("known are eth, net, realtime", "sequencer", "run", "--http.api", "eth,foo", "--http.port", "0", "--ws.port", "-1")
	check("known are eth, net, realtime", "fullnode", "run", "--http.api", "foo", "--http.port", "0", "--ws.port", "-1")
	check("64 hexadecimal digits", "fullnode", "run", "--chain", "0x12")
	check("config.redline.sequencer: is missing", "fullnode", "run", "--datadir", filepath.Join(dir, "incomplete"), "--genesis", genesis, "--http.port", "0", "--ws.port", "-1")
	check("at most 1s", "sequencer", "run", "--datadir", filepath.Join(dir, "z"), "--genesis", genesis, "--miniblock.interval", "2s", "--http.port", "0", "--ws.port", "-1")
	check("want diff or replay", "fullnode", "run", "--mode", "trust")
	check("such as http://127.0.0.1:8545", "fullnode", "run", "--sequencer", "localhost")
	check("cannot read the configuration", "sequencer", "run", "--config", "missing.toml")

	out, err := exec.Command(filepath.Join(programs, "sequencer"), "init", "--json", "--datadir", home, "--genesis", genesis).Output()
	var made initReport
	if err != nil || json.Unmarshal(out, &made) != nil || made.ChainID != chain.DevChainID {
		t.Fatalf("init: got %s, %v", out, err)
	}
	if info, err := os.Stat(made.Key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: got %v, %v; want mode 0600", info, err)
	}

	sequencer, url := startNode(t, "sequencer", "run", "--datadir", home, "--miniblock.interval", "1ms")
	check("choose another folder by --datadir", "fullnode", "run", "--datadir", filepath.Join(dir, "other"), "--genesis", otherGenesis(t), "--sequencer", url, "--http.port", "0", "--ws.port", "-1")
	check("is using it", "sequencer", "run", "--datadir", home, "--http.port", "0", "--ws.port", "-1")
	check("the port is in use", "sequencer", "run", "--datadir", filepath.Join(dir, "x"), "--http.port", url[strings.LastIndex(url, ":")+1:], "--ws.port", "-1")
	replay := []string{"run", "--datadir", filepath.Join(dir, "replay"), "--mode", "replay", "--sequencer", url, "--history.state", "1", "--chain"}
	check("want chain 0x1111", "fullnode", append(replay, "0x"+strings.Repeat("11", 32), "--http.port", "0", "--ws.port", "-1")...)
	startNode(t, "fullnode", "run", "--datadir", filepath.Join(dir, "file"), "--genesis", made.GenesisFile, "--sequencer", url)
	follower, followerURL := startNode(t, "fullnode", append(replay, made.Chain.Hex())...)

	p := &devProcess{t: t}
	p.sequencer, p.fullNode = p.dial(url), p.dial(followerURL)
	key := chain.DevAccounts[0].PrivateKey()
	p.sendAll(signed(t, key, 0, nil, deployCode), signed(t, key, 1, &common.Address{1}, nil))
	p.checkHistory()
	for _, cmd := range []*exec.Cmd{follower, sequencer} {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s ended with %v", cmd.Path, err)
		}
	}
}

// checkHistory reads the genesis state: of the full node, which keeps one EVM
// block, and of the sequencer, which keeps more.
func (p *devProcess) checkHistory() {
	p.t.Helper()
	ctx := context.Background()
	until(p.t, "the third EVM block", func() bool {
		number, err := p.fullNode.BlockNumber(ctx)
		return err == nil && number > 2
	})
	if _, err := p.fullNode.NonceAt(ctx, chain.DevAccounts[0].Address, common.Big0); err == nil || err.Error() != "historical state is not available" {
		p.t.Errorf("the full node's state before its history: got %v", err)
	}
	if nonce, err := p.sequencer.NonceAt(ctx, chain.DevAccounts[0].Address, common.Big0); err != nil || nonce != 0 {
		p.t.Errorf("the sequencer's state at the genesis: got nonce %d, %v", nonce, err)
	}
}

func writeKey(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(chain.DevAccounts[0].Key), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// otherGenesis is the genesis of another chain.
func otherGenesis(t *testing.T) string {
	t.Helper()
	return writeGenesis(t, chain.DevGenesis(chain.DevAccounts[0].Address))
}

func writeGenesis(t *testing.T, genesis *chain.Genesis) string {
	t.Helper()
	data, err := json.Marshal(genesis)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "genesis.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startNode starts a program on a free port and returns where it serves.
func startNode(t *testing.T, name string, args ...string) (cmd *exec.Cmd, url string) {
	t.Helper()
	cmd = exec.Command(filepath.Join(programs, name), append(args, "--json", "--http.port", "0", "--ws.port", "-1")...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := &bytes.Buffer{}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if t.Failed() {
			t.Logf("the log of %s:\n%s", name, stderr)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("%s does not start: %v", name, err)
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	ready, err := parseReady(line)
	if err != nil {
		t.Fatal(err)
	}
	return cmd, ready.HTTP
}
