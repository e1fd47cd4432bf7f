package main

import (
	"fmt"
	"log/slog"
	"text/template"

	"github.com/ethereum/go-ethereum/common"
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/program"
)

const addContractsFlag = "add-system-contracts"

var initCommand = &cli.Command{
	Name:  "init",
	Usage: "begin a chain: make its data folder and the sequencer's key",
	Description: `Takes go-ethereum's genesis JSON as it is. An optional section config.redline says
what is Redline's own: {"sequencer": "0x…", "miniBlockMs": 10, "codeSizeLimit": 24576, "txGasLimit": …}.
Without a sequencer there, the chain is that of the key in the data folder, which is made if need be.
Tips go to the genesis's coinbase for ever, so set it to an address of yours.

Prints the chain's identity, a hash that commits to the genesis, the sequencer and the rules: who gives it
to a full node by --chain can take the genesis from anybody. The complete genesis is kept in the data
folder, at the path that is printed.

Examples:
   sequencer init --genesis genesis.json
   sequencer init --genesis genesis.json --add-system-contracts
   sequencer init --genesis genesis.json --datadir /srv/redline --sequencer.key /etc/redline/key`,
	Flags: append(program.LogFlags(),
		program.DataDir(program.DefaultDataDir("sequencer")),
		program.Genesis("genesis JSON `FILE`; required"),
		program.Bool(program.CategoryChain, addContractsFlag, "add the system contracts (EIP-4788, 2935, 7002, 7251) that the genesis lacks"),
		keyFileFlag(),
		program.JSON("print the report as JSON"),
	),
	Before: program.Before,
	Action: runInit,
}

// initReport is what init made.
type initReport struct {
	DataDir     string           `json:"datadir"`
	Chain       common.Hash      `json:"chain"` // identity
	ChainID     uint64           `json:"chainId"`
	Genesis     common.Hash      `json:"genesis"` // block
	GenesisFile string           `json:"genesisFile"`
	Sequencer   common.Address   `json:"sequencer"`
	Coinbase    common.Address   `json:"coinbase"`
	Key         string           `json:"key"`   // file
	Added       []common.Address `json:"added"` // system contracts
}

func runInit(c *cli.Context) error {
	path := c.String(program.GenesisFlag)
	if path == "" {
		return fmt.Errorf("cannot begin a chain: name its genesis by --%s FILE; see sequencer init --help", program.GenesisFlag)
	}
	genesis, err := readGenesis(path)
	if err != nil {
		return err
	}
	added := []common.Address{}
	if c.Bool(addContractsFlag) {
		added = append(added, genesis.AddSystemContracts()...)
	}
	if err := checkContracts(path, genesis); err != nil {
		return err
	}
	report, err := beginChain(c, genesis)
	if err != nil {
		return err
	}
	report.Added = added
	if c.Bool(program.JSONFlag) {
		return program.PrintJSON(c.App.Writer, report)
	}
	return initText.Execute(c.App.Writer, report)
}

// beginChain makes the data folder of the genesis's chain.
func beginChain(c *cli.Context, genesis *chain.Genesis) (*initReport, error) {
	dir := c.String(program.DataDirFlag)
	unlock, err := program.LockDataDir(dir)
	if err != nil {
		return nil, err
	}
	var closers program.Closers
	defer closers.Close()
	closers.Add(unlock)
	settled, err := chainOf(c, dir, genesis)
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(ledger.Options{Dir: dir, Genesis: settled.genesis, Log: slog.Default()})
	if err != nil {
		return nil, explain(err, dir)
	}
	closers.Add(l.Close)
	return &initReport{
		DataDir: dir, Chain: l.Identity(), ChainID: l.Config().ChainID.Uint64(),
		Genesis: l.GenesisHash(), GenesisFile: ledger.GenesisFile(dir),
		Sequencer: l.Genesis().Sequencer, Coinbase: l.Genesis().Coinbase, Key: settled.key.path,
	}, nil
}

var initText = template.Must(template.New("init").Funcs(template.FuncMap{
	"zero": func(a common.Address) bool { return a == common.Address{} },
}).Parse(`chain          {{.Chain}}
chain id       {{.ChainID}}
genesis block  {{.Genesis}}
genesis file   {{.GenesisFile}}
sequencer      {{.Sequencer}}
key            {{.Key}}
tips go to     {{if zero .Coinbase}}nobody: the genesis has no coinbase, and tips are lost at address zero for ever{{else}}{{.Coinbase}}{{end}}
{{range .Added}}added          system contract {{.}}
{{end}}
Start it:
   sequencer run --datadir {{.DataDir}}

Follow it, from any machine:
   fullnode run --sequencer URL --chain {{.Chain}}
`))
