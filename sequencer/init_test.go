package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/internal/chain"
)

// TestInit begins chains from genesis files of other clients.
func TestInit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	genesis := chain.DevGenesis(common.Address{})
	delete(genesis.Alloc, params.WithdrawalQueueAddress)
	delete(genesis.Alloc, params.ConsolidationQueueAddress)
	path := writeGenesis(t, genesis)
	run := func(args ...string) (string, error) {
		out, err := exec.Command(filepath.Join(programs, "sequencer"), append([]string{"init"}, args...)...).CombinedOutput()
		return string(out), err
	}
	home := filepath.Join(dir, "home")
	out, err := run("--genesis", path, "--datadir", home)
	for _, want := range []string{params.WithdrawalQueueAddress.Hex(), params.ConsolidationQueueAddress.Hex(), "--add-system-contracts"} {
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("without system contracts: got %v, %s; want %s", err, out, want)
		}
	}
	if _, err := os.Stat(home); !os.IsNotExist(err) {
		t.Errorf("a refused genesis leaves a folder behind: %v", err)
	}
	out, err = run("--genesis", path, "--datadir", home, "--add-system-contracts")
	if err != nil {
		t.Fatalf("got %v, %s", err, out)
	}
	for _, want := range []string{
		"system contract " + params.WithdrawalQueueAddress.Hex(), "tips go to     nobody",
		filepath.Join(home, "ledger", "genesis.json"), "--chain 0x",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("got %s; want %q in it", out, want)
		}
	}
	if out, err := run("--datadir", home); err == nil || strings.Count(out, "\n") != 1 || !strings.Contains(out, "--genesis FILE") {
		t.Errorf("without a genesis: got %v, %s", err, out)
	}
	named := filepath.Join(dir, "named")
	if out, err := run("--genesis", writeGenesis(t, chain.DevGenesis(common.Address{5})), "--datadir", named); err == nil || !strings.Contains(out, "no key at") {
		t.Errorf("the genesis names a sequencer whose key is not there: got %v, %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(named, keyFileName)); !os.IsNotExist(err) {
		t.Errorf("a key is made that the genesis does not name: %v", err)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"sequencer", "version"}, {"sequencer", "--version"}, {"fullnode", "version"}, {"fullnode", "--version"}} {
		out, err := exec.Command(filepath.Join(programs, args[0]), args[1]).CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "Redline/"+args[0]+"/") {
			t.Errorf("%v: got %q, %v", args, out, err)
		}
	}
}
