package chain_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/internal/chain"
)

var genesisBlock = common.Hash{0x9e}

func parseGenesis(t *testing.T, data string) *chain.Genesis {
	t.Helper()
	g, err := chain.ParseGenesis([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestIdentityGolden pins the identity: a change of it cuts every chain off
// from its followers.
func TestIdentityGolden(t *testing.T) {
	check := func(g *chain.Genesis, want string) {
		t.Helper()
		if got := g.Identity(genesisBlock); got != common.HexToHash(want) {
			t.Errorf("got %s; want %s", got, want)
		}
	}
	check(chain.DevGenesis(common.Address{7}), "0xebad85dfc2ee3658fb11379bc3657cf5c44423acf736704c6c4e87f5d2e9f2d4")
	check(parseGenesis(t, genesisFile("", "")), "0x8764bccf6318f09dd8f27a46be1e12478f586522a07db6498401aebdf7ec5e56")
}

// TestIdentityCommits changes all that a follower must trust, one by one.
func TestIdentityCommits(t *testing.T) {
	base := func() *chain.Genesis {
		return parseGenesis(t, genesisFile(`,"pragueTime":5,"osakaTime":9,"redline":{"sequencer":"0x`+strings.Repeat("9a", 20)+`","miniBlockMs":10}`, ""))
	}
	seen := map[common.Hash]string{base().Identity(genesisBlock): "base", base().Identity(common.Hash{1}): "genesis block"}
	if len(seen) != 2 {
		t.Error("the identity does not commit to the genesis block")
	}
	for name, change := range map[string]func(*chain.Genesis){
		"sequencer":         func(g *chain.Genesis) { g.Sequencer[0]++ },
		"chain id":          func(g *chain.Genesis) { g.Config.ChainID = big.NewInt(8) },
		"mini-block time":   func(g *chain.Genesis) { g.MiniBlockMs++ },
		"code size limit":   func(g *chain.Genesis) { g.CodeSizeLimit = 65536 },
		"gas limit of a tx": func(g *chain.Genesis) { g.TxGasLimit = 65536 },
		"fork later":        func(g *chain.Genesis) { *g.Config.OsakaTime++ },
		"fork never":        func(g *chain.Genesis) { g.Config.OsakaTime = nil },
		"fork more":         func(g *chain.Genesis) { g.Config.BPO1Time = new(uint64(9)) },
		"deposit contract":  func(g *chain.Genesis) { g.Config.DepositContractAddress[0]++ },
		"blob target":       func(g *chain.Genesis) { g.Config.BlobScheduleConfig.Prague.Target++ },
		"blob max":          func(g *chain.Genesis) { g.Config.BlobScheduleConfig.Prague.Max++ },
		"blob fraction":     func(g *chain.Genesis) { g.Config.BlobScheduleConfig.Prague.UpdateFraction++ },
		"blobs of a fork":   func(g *chain.Genesis) { g.Config.BlobScheduleConfig.BPO1 = new(params.BlobConfig) },
		"blobs of its next": func(g *chain.Genesis) { g.Config.BlobScheduleConfig.BPO2 = new(params.BlobConfig) },
	} {
		g := base()
		change(g)
		id := g.Identity(genesisBlock)
		if other, ok := seen[id]; ok {
			t.Errorf("%s: has the identity of %s", name, other)
		}
		seen[id] = name
	}
}

func TestIdentitySurvivesTheFile(t *testing.T) {
	for _, g := range []*chain.Genesis{chain.DevGenesis(common.Address{1}), parseGenesis(t, genesisFile(`,"ethash":{}`, ""))} {
		if got, want := parseGenesis(t, string(marshal(t, g))).Identity(genesisBlock), g.Identity(genesisBlock); got != want {
			t.Errorf("got %s; want %s", got, want)
		}
	}
}

func TestSystemContracts(t *testing.T) {
	g := parseGenesis(t, genesisFile(`,"pragueTime":5`, ""))
	err := g.CheckSystemContracts()
	if err == nil {
		t.Fatal("a genesis without system contracts passes")
	}
	for _, want := range []common.Address{params.WithdrawalQueueAddress, params.ConsolidationQueueAddress} {
		if !strings.Contains(err.Error(), want.Hex()) {
			t.Errorf("got %v; want %s in it", err, want)
		}
	}
	funded := g.Alloc[params.WithdrawalQueueAddress]
	funded.Balance = big.NewInt(5)
	g.Alloc[params.WithdrawalQueueAddress] = funded
	if added := g.AddSystemContracts(); len(added) != 4 {
		t.Errorf("added %v; want four contracts", added)
	}
	if err := g.CheckSystemContracts(); err != nil {
		t.Error(err)
	}
	if got := g.Alloc[params.WithdrawalQueueAddress].Balance; got.Int64() != 5 {
		t.Errorf("got balance %s; want 5", got)
	}
	if added := g.AddSystemContracts(); len(added) != 0 {
		t.Errorf("added %v to a genesis that has all", added)
	}

	cancun := parseGenesis(t, genesisFile("", ""))
	if err := cancun.CheckSystemContracts(); err != nil {
		t.Error(err)
	}
	if added := cancun.AddSystemContracts(); len(added) != 1 || added[0] != params.BeaconRootsAddress {
		t.Errorf("added %v; want that of EIP-4788", added)
	}
}
