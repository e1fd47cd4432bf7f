package spectest

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/params"
)

// forks are the hard forks that cases name, in order. Each entry switches its
// fork on at a time.
var forks = []struct {
	name string
	time func(*params.ChainConfig) **uint64
	blob func(*params.BlobScheduleConfig) **params.BlobConfig // nil: that of the fork before
}{
	{"Cancun", func(c *params.ChainConfig) **uint64 { return &c.CancunTime }, func(s *params.BlobScheduleConfig) **params.BlobConfig { return &s.Cancun }},
	{"Prague", func(c *params.ChainConfig) **uint64 { return &c.PragueTime }, func(s *params.BlobScheduleConfig) **params.BlobConfig { return &s.Prague }},
	{"Osaka", func(c *params.ChainConfig) **uint64 { return &c.OsakaTime }, nil},
	{"BPO1", func(c *params.ChainConfig) **uint64 { return &c.BPO1Time }, func(s *params.BlobScheduleConfig) **params.BlobConfig { return &s.BPO1 }},
	{"BPO2", func(c *params.ChainConfig) **uint64 { return &c.BPO2Time }, func(s *params.BlobScheduleConfig) **params.BlobConfig { return &s.BPO2 }},
	{"BPO3", func(c *params.ChainConfig) **uint64 { return &c.BPO3Time }, func(s *params.BlobScheduleConfig) **params.BlobConfig { return &s.BPO3 }},
	{"BPO4", func(c *params.ChainConfig) **uint64 { return &c.BPO4Time }, func(s *params.BlobScheduleConfig) **params.BlobConfig { return &s.BPO4 }},
	{"BPO5", func(c *params.ChainConfig) **uint64 { return &c.BPO5Time }, func(s *params.BlobScheduleConfig) **params.BlobConfig { return &s.BPO5 }},
}

// testConfig is the chain configuration that a test brings along.
type testConfig struct {
	ChainID      *math.HexOrDecimal256 `json:"chainid"`
	BlobSchedule map[string]struct {
		Target         math.HexOrDecimal64 `json:"target"`
		Max            math.HexOrDecimal64 `json:"max"`
		UpdateFraction math.HexOrDecimal64 `json:"baseFeeUpdateFraction"`
	} `json:"blobSchedule"`
}

// chain returns the configuration of a network: a fork, or a transition such as
// "CancunToPragueAtTime15k". A network that Redline does not run is a skip.
func (t *testConfig) chain(network string) (*params.ChainConfig, error) {
	before, after, afterTime, err := parseNetwork(network)
	if err != nil {
		return nil, err
	}
	config := *params.MergedTestChainConfig
	config.ChainID = big.NewInt(1)
	if t.ChainID != nil {
		config.ChainID = (*big.Int)(t.ChainID)
	}
	config.DepositContractAddress = params.MainnetChainConfig.DepositContractAddress
	config.BlobScheduleConfig = t.blobSchedule()
	for i, fork := range forks {
		at := fork.time(&config)
		switch {
		case i <= before:
			*at = new(uint64)
		case i <= after:
			*at = &afterTime
		default:
			*at = nil
		}
	}
	return &config, nil
}

func (t *testConfig) blobSchedule() *params.BlobScheduleConfig {
	schedule := *params.DefaultBlobSchedule
	for _, fork := range forks {
		if own, ok := t.BlobSchedule[fork.name]; ok && fork.blob != nil {
			*fork.blob(&schedule) = &params.BlobConfig{
				Target:         int(own.Target),
				Max:            int(own.Max),
				UpdateFraction: uint64(own.UpdateFraction),
			}
		}
	}
	return &schedule
}

// parseNetwork returns the last fork active from the start, and for a
// transition the last one from afterTime on.
func parseNetwork(network string) (before, after int, afterTime uint64, err error) {
	first, rest, isTransition := strings.Cut(network, "To")
	if before, err = forkIndex(first); err != nil || !isTransition {
		return before, before, 0, err
	}
	second, at, ok := strings.Cut(rest, "AtTime")
	if !ok {
		return 0, 0, 0, skip(fmt.Sprintf("network %s is not known", network))
	}
	thousands, err := strconv.ParseUint(strings.TrimSuffix(at, "k"), 10, 32)
	if err != nil {
		return 0, 0, 0, skip(fmt.Sprintf("network %s is not known", network))
	}
	after, err = forkIndex(second)
	return before, after, thousands * 1000, err
}

func forkIndex(name string) (int, error) {
	for i, fork := range forks {
		if strings.EqualFold(fork.name, name) {
			return i, nil
		}
	}
	return 0, skip(fmt.Sprintf("fork %s is not one that Redline runs", name))
}

func isFork(name string) bool {
	_, err := forkIndex(name)
	return err == nil
}

func forkNames() string {
	var names []string
	for _, fork := range forks {
		names = append(names, fork.name)
	}
	return strings.Join(names, ", ")
}

// usesFork reports whether the network has the fork at its start or end.
func usesFork(network, fork string) bool {
	before, after, _, err := parseNetwork(network)
	if err != nil {
		return false
	}
	return slices.ContainsFunc([]int{before, after}, func(i int) bool { return strings.EqualFold(forks[i].name, fork) })
}
