package chain

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/params"
)

// identityDomain keeps the identity apart from all other hashes.
const identityDomain = "redline chain 1"

// Identity is the hash that names the chain. The hash of the genesis block says
// nothing of who signs the chain, of its chain id and of its rules; this one
// commits to all that a follower must trust. It is the parent hash of the first
// mini-block, so that everything signed commits to it.
// docs/formats/genesis.md describes it.
func (g *Genesis) Identity(genesisBlock common.Hash) common.Hash {
	return hashRLP(struct {
		Domain       string
		GenesisBlock common.Hash
		ChainID      uint64
		Sequencer    common.Address
		Limits       Limits
		Rules        common.Hash
	}{identityDomain, genesisBlock, g.Config.ChainID.Uint64(), g.Sequencer, g.Limits, hashRLP(rulesOf(g.Config))})
}

// chainRules are the members of a config that decide what a block does. Forks
// up to Cancun are active from the genesis on.
type chainRules struct {
	DepositContract common.Address
	Forks           []forkTime
	BlobSchedule    []blobRule
}

type forkTime struct {
	Name string
	Time uint64
}

type blobRule struct {
	Name                        string
	Target, Max, UpdateFraction uint64
}

func rulesOf(c *params.ChainConfig) (rules chainRules) {
	rules.DepositContract = c.DepositContractAddress
	schedule := c.BlobScheduleConfig
	if schedule == nil {
		schedule = &params.BlobScheduleConfig{}
	}
	for _, fork := range []struct {
		name  string
		time  *uint64
		blobs *params.BlobConfig
	}{
		{"cancun", c.CancunTime, schedule.Cancun},
		{"prague", c.PragueTime, schedule.Prague},
		{"osaka", c.OsakaTime, nil},
		{"bpo1", c.BPO1Time, schedule.BPO1},
		{"bpo2", c.BPO2Time, schedule.BPO2},
		{"bpo3", c.BPO3Time, schedule.BPO3},
		{"bpo4", c.BPO4Time, schedule.BPO4},
		{"bpo5", c.BPO5Time, schedule.BPO5},
	} {
		if fork.time != nil {
			rules.Forks = append(rules.Forks, forkTime{fork.name, *fork.time})
		}
		if b := fork.blobs; b != nil {
			rules.BlobSchedule = append(rules.BlobSchedule,
				blobRule{fork.name, uint64(b.Target), uint64(b.Max), b.UpdateFraction})
		}
	}
	return rules
}
