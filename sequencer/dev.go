package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/tuning"
)

const (
	fullNodeBinFlag         = "fullnode.bin"
	fullNodeHTTPPortFlag    = "fullnode.http.port"
	fullNodeMetricsPortFlag = "fullnode.metrics.port"

	categoryFullNode = "FULL NODE"

	devSequencerDir = "sequencer" // in the data folder, beside that of the full node
)

var devCommand = &cli.Command{
	Name:  "dev",
	Usage: "a chain to develop against: sequencer, full node, funded accounts",
	Description: `Starts a fresh chain in a temporary folder, with ten funded accounts, and a full node that follows it.
Prints the accounts with their keys, the URLs, and ready-made commands that send a first transaction.
With --datadir the chain is kept there, and goes on at the next start. The state of every block stays
readable, in memory; --history.state bounds it. Ctrl-C stops all.

Examples:
   sequencer dev
   sequencer dev --http.port 0 --fullnode.http.port 0     any free ports; the actual ones are printed
   sequencer dev --datadir ./devchain --miniblock.interval 1ms`,
	Flags: append(program.NodeFlags(program.Ports{HTTP: 8545, WS: 8546, Metrics: 6060}),
		append(producerFlags(),
			program.String(program.CategoryChain, program.DataDirFlag, "", "folder to keep the chain in (default: a temporary one)"),
			program.Durability(ledger.WAL.String()),
			program.History(0),
			program.Int(categoryFullNode, fullNodeHTTPPortFlag, 9545, "port for the full node's JSON-RPC; 0 picks a free one"),
			program.Int(categoryFullNode, fullNodeMetricsPortFlag, -1, "port for the full node's metrics; 0 picks a free one, -1 serves none"),
			program.String(categoryFullNode, fullNodeBinFlag, "", "the fullnode `PROGRAM` (default: beside this one, else in PATH)"),
			program.JSON("print one line of JSON once everything is ready, instead of the text"),
		)...),
	Before: program.Before,
	Action: runDev,
}

// devReport is what dev prints with --json.
type devReport struct {
	Sequencer program.Ready `json:"sequencer"`
	FullNode  program.Ready `json:"fullnode"`
	DataDir   string        `json:"datadir"`
}

func runDev(c *cli.Context) error {
	// It shares the machine with its user, like a full node at home.
	if err := program.TuneProcess(c, tuning.FullNode, producerCPUs(c)); err != nil {
		return err
	}
	bin, err := findFullNode(c.String(fullNodeBinFlag))
	if err != nil {
		return err
	}
	dir, forget, err := devDataDir(c)
	if err != nil {
		return err
	}
	defer forget()
	n, err := start(c, filepath.Join(dir, devSequencerDir), devChain)
	if err != nil {
		return err
	}
	defer n.close()
	args, err := fullNodeArgs(c, n, dir)
	if err != nil {
		return err
	}
	follower := &fullNode{bin: bin, args: args, port: c.Int(fullNodeHTTPPortFlag)}
	ready, err := follower.start(c.Context)
	if err != nil {
		return ignoreCancel(c.Context, err)
	}
	stop := follower.supervise(c.Context, n.failed)
	defer func() {
		var drained sync.WaitGroup
		drained.Go(n.drain) // beside the full node, which has the stream until it ends
		stop()
		drained.Wait()
	}()
	if err := printDev(c, n, devReport{Sequencer: n.ready(), FullNode: ready, DataDir: dir}); err != nil {
		return err
	}
	return n.wait(c.Context)
}

// ignoreCancel forgets what failed because the user stopped the program.
func ignoreCancel(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// devDataDir is the folder that the flag names, or a temporary one. forget
// removes what is temporary.
func devDataDir(c *cli.Context) (dir string, forget func(), err error) {
	if dir := c.String(program.DataDirFlag); dir != "" {
		return dir, func() {}, nil
	}
	removeAbandoned(os.TempDir(), time.Now())
	dir, err = os.MkdirTemp("", devDirPrefix)
	if err != nil {
		return "", nil, fmt.Errorf("cannot make a temporary folder; name one by --%s: %w", program.DataDirFlag, err)
	}
	return dir, func() {
		if err := os.RemoveAll(dir); err != nil {
			slog.Warn("cannot remove the temporary folder", "dir", dir, "err", err)
		}
	}, nil
}

const (
	devDirPrefix    = "redline-dev-"
	devDirSettleMax = time.Minute // from a folder's creation until it is locked
)

// removeAbandoned removes the temporary folders that were left by processes
// which had no time to do so.
func removeAbandoned(parent string, now time.Time) {
	dirs, err := filepath.Glob(filepath.Join(parent, devDirPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || now.Sub(info.ModTime()) < devDirSettleMax {
			continue
		}
		if program.Abandoned(filepath.Join(dir, devSequencerDir)) {
			if err := os.RemoveAll(dir); err != nil {
				slog.Debug("cannot remove an abandoned folder", "dir", dir, "err", err)
			}
		}
	}
}

// devChain is the development chain, signed by a key that the folder keeps.
func devChain(_ *cli.Context, dir string) (settledChain, error) {
	key, err := loadOrMakeKey(filepath.Join(dir, keyFileName), false)
	if err != nil {
		return settledChain{}, err
	}
	return settledChain{key: key, genesis: chain.DevGenesis(key.address())}, nil
}

// fullNodeArgs are the arguments of the full node but for its HTTP port. It gets
// the genesis as a file, so that it need not trust the sequencer.
func fullNodeArgs(c *cli.Context, n *sequencerNode, dir string) ([]string, error) {
	genesis, err := json.Marshal(n.ledger.Genesis())
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "genesis.json")
	if err := os.WriteFile(path, genesis, 0o644); err != nil {
		return nil, fmt.Errorf("cannot keep the genesis: %w", err)
	}
	args := []string{
		"run", "--json", "--sequencer", n.listeners.HTTPURL(), "--" + program.GenesisFlag, path,
		"--" + program.DataDirFlag, filepath.Join(dir, "fullnode"),
		"--" + program.HTTPAddrFlag, c.String(program.HTTPAddrFlag), "--" + program.WSPortFlag, "-1",
		"--" + program.HistoryFlag, strconv.FormatUint(c.Uint64(program.HistoryFlag), 10),
		"--" + program.VerbosityFlag, strconv.Itoa(c.Int(program.VerbosityFlag)),
	}
	for _, name := range []string{program.HTTPCORSFlag, program.HTTPAPIFlag, program.LogFormatFlag} {
		if value := c.String(name); value != "" {
			args = append(args, "--"+name, value)
		}
	}
	if port := c.Int(fullNodeMetricsPortFlag); port >= 0 {
		args = append(args, "--"+program.MetricsFlag, "--"+program.MetricsPortFlag, strconv.Itoa(port))
	}
	return args, nil
}

func printDev(c *cli.Context, n *sequencerNode, report devReport) error {
	if c.Bool(program.JSONFlag) {
		return program.PrintJSON(c.App.Writer, report)
	}
	raw, err := firstTransaction(n)
	if err != nil {
		return err
	}
	return devText.Execute(c.App.Writer, map[string]any{
		"Report": report, "Accounts": chain.DevAccounts, "Mnemonic": chain.DevMnemonic,
		"Temporary": c.String(program.DataDirFlag) == "", "Raw": raw,
		"From": chain.DevAccounts[0], "To": chain.DevAccounts[1].Address,
	})
}

var devText = template.Must(template.New("dev").Parse(strings.TrimPrefix(`
Redline development chain, chain id {{.Report.Sequencer.ChainID}}

  sequencer   {{.Report.Sequencer.HTTP}}   {{.Report.Sequencer.WS}}
  full node   {{.Report.FullNode.HTTP}}   {{.Report.FullNode.WS}}
{{with .Report.Sequencer.Metrics}}  metrics     {{.}}   (sequencer)
{{end}}{{with .Report.FullNode.Metrics}}  metrics     {{.}}   (full node)
{{end}}  data        {{.Report.DataDir}}{{if .Temporary}} (removed at the end; keep a chain by --datadir DIR){{end}}

Accounts with 10,000 ether each. Everybody knows these keys: never use them elsewhere.
Mnemonic: {{.Mnemonic}}

{{range .Accounts}}  {{.Address}}  {{.Key}}
{{end}}
Send a first transaction; the answer is its receipt:

  curl -s {{.Report.Sequencer.HTTP}} -H 'content-type: application/json' \
    -d '{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransactionSync","params":["{{.Raw}}"]}'

or with Foundry's cast:

  cast send --rpc-url {{.Report.Sequencer.HTTP}} --private-key {{.From.Key}} \
    --value 1ether {{.To}}

Ready. Ctrl-C stops all.
`, "\n")))

// firstTransaction is a signed transfer of one ether between the first two
// accounts, with the sender's next nonce.
func firstTransaction(n *sequencerNode) (raw string, err error) {
	config := n.ledger.Config()
	sender := chain.DevAccounts[0]
	account, _ := n.ledger.Latest().Account(sender.Address)
	to := chain.DevAccounts[1].Address
	tx, err := types.SignNewTx(sender.PrivateKey(), types.LatestSigner(config), &types.DynamicFeeTx{
		ChainID: config.ChainID, Nonce: account.Nonce, To: &to, Value: big.NewInt(params.Ether), Gas: params.TxGas,
		GasTipCap: big.NewInt(params.GWei), GasFeeCap: big.NewInt(100 * params.GWei),
	})
	if err != nil {
		return "", err
	}
	encoded, err := tx.MarshalBinary()
	return hexutil.Encode(encoded), err
}
