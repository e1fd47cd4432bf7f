package rpc

import (
	"math/big"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/internal/chain"
)

const (
	tipBlocks     = 20  // sealed blocks that a suggestion looks at
	tipsPerBlock  = 3   // lowest tips taken from each
	tipSampleTxs  = 512 // transactions looked at in a block, evenly spread
	tipPercentile = 60
)

var (
	defaultTip = big.NewInt(params.GWei / 1000)
	maximumTip = big.NewInt(500 * params.GWei)
)

// tipOracle suggests a tip from what got into the last sealed blocks: the 60th
// percentile of the lowest few tips of each. It reads a block once.
type tipOracle struct {
	backend Backend

	mu struct {
		sync.Mutex
		newest  uint64 // the newest sealed block looked at
		samples [tipBlocks][]*big.Int
		tip     *big.Int
	}
}

// suggest returns a tip that the caller only reads.
func (o *tipOracle) suggest() (*big.Int, error) {
	newest, err := o.backend.Header(BlockRef{Tag: TagSafe})
	if err != nil {
		return nil, err
	}
	if newest == nil {
		return defaultTip, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	number := newest.Header.Number.Uint64()
	if o.mu.tip != nil && number <= o.mu.newest {
		return o.mu.tip, nil
	}
	from := o.mu.newest + 1
	if number >= tipBlocks {
		from = max(from, number-tipBlocks+1)
	}
	for n := from; n <= number; n++ {
		block, err := o.backend.Block(ByNumber(n))
		if err != nil {
			return nil, err
		}
		o.mu.samples[n%tipBlocks] = lowestTips(block)
	}
	o.mu.newest = number
	o.mu.tip = o.percentile()
	return o.mu.tip, nil
}

func (o *tipOracle) percentile() *big.Int {
	tips := slices.Concat(o.mu.samples[:]...)
	if len(tips) == 0 {
		return defaultTip
	}
	slices.SortFunc(tips, (*big.Int).Cmp)
	tip := tips[(len(tips)-1)*tipPercentile/100]
	if tip.Cmp(maximumTip) > 0 {
		return maximumTip
	}
	return tip
}

func lowestTips(block *chain.EVMBlock) []*big.Int {
	if block == nil {
		return nil
	}
	var tips []*big.Int
	step := max(1, len(block.Txs)/tipSampleTxs)
	for i := 0; i < len(block.Txs); i += step {
		tips = append(tips, effectiveTip(block.Txs[i], block.Header.BaseFee))
	}
	slices.SortFunc(tips, (*big.Int).Cmp)
	return slices.Clone(tips[:min(len(tips), tipsPerBlock)])
}
