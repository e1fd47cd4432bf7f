package rpc

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"

	"github.com/ethereum/go-ethereum/consensus/misc/eip1559"
	"github.com/ethereum/go-ethereum/consensus/misc/eip4844"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/internal/chain"
)

var (
	errBeyondHead        = errors.New("request beyond head block")
	errInvalidPercentile = errors.New("invalid reward percentile")
)

// maxPriorityFee answers with the tip that recent transactions suggest.
func (s *Server) maxPriorityFee(c *call, dst []byte) ([]byte, error) {
	if err := c.args.end(); err != nil {
		return dst, err
	}
	tip, err := s.tips.suggest()
	return appendBigQuantity(dst, tip), err
}

// gasPrice answers with a price that is enough in the open block and, as far
// as it is known now, in the next one.
func (s *Server) gasPrice(c *call, dst []byte) ([]byte, error) {
	if err := c.args.end(); err != nil {
		return dst, err
	}
	tip, err := s.tips.suggest()
	if err != nil {
		return dst, err
	}
	block, err := s.knownBlock(Latest())
	if err != nil {
		return dst, err
	}
	header := clientHeader(block)
	base := header.BaseFee
	if next := eip1559.CalcBaseFee(s.config, header); next.Cmp(base) > 0 {
		base = next
	}
	return appendBigQuantity(dst, new(big.Int).Add(base, tip)), nil
}

// knownBlock returns a block that must be there.
func (s *Server) knownBlock(ref BlockRef) (*chain.EVMBlock, error) {
	block, err := s.backend.Block(ref)
	if block == nil && err == nil {
		err = blockError(ref, ErrUnknownBlock)
	}
	return block, err
}

func (s *Server) blobBaseFee(c *call, dst []byte) ([]byte, error) {
	if err := c.args.end(); err != nil {
		return dst, err
	}
	block, err := s.backend.Header(Latest())
	if err != nil {
		return dst, err
	}
	if block == nil || block.Header.ExcessBlobGas == nil {
		return appendNull(dst), nil
	}
	return appendBigQuantity(dst, eip4844.CalcBlobFee(s.config, block.Header)), nil
}

func (s *Server) feeHistory(c *call, dst []byte) ([]byte, error) {
	count, last := c.args.count(), c.args.blockNumber()
	var percentiles []float64
	c.args.decodeAny(c.args.optional(), &percentiles)
	if err := c.args.end(); err != nil {
		return dst, err
	}
	if err := checkPercentiles(percentiles); err != nil {
		return dst, err
	}
	h := feeHistory{config: s.config, percentiles: percentiles}
	if count > 0 {
		if err := s.collectFees(c.ctx, &h, count, last); err != nil {
			return dst, err
		}
	}
	return h.append(dst), nil
}

func checkPercentiles(percentiles []float64) error {
	if len(percentiles) > maxRewardPercentiles {
		return fmt.Errorf("%w: over the query limit %d", errInvalidPercentile, maxRewardPercentiles)
	}
	for i, p := range percentiles {
		if !(p >= 0 && p <= 100) {
			return fmt.Errorf("%w: %f", errInvalidPercentile, p)
		}
		if i > 0 && p <= percentiles[i-1] {
			return fmt.Errorf("%w: #%d:%f >= #%d:%f", errInvalidPercentile, i-1, percentiles[i-1], i, p)
		}
	}
	return nil
}

// collectFees adds count blocks up to last, fewer if the chain or a limit has
// fewer.
func (s *Server) collectFees(ctx context.Context, h *feeHistory, count uint64, last BlockRef) error {
	head := s.backend.HeadNumber()
	if last.Tag == TagNumber && last.Number > head {
		return fmt.Errorf("%w: requested %d, head %d", errBeyondHead, last.Number, head)
	}
	end, err := s.backend.Header(last)
	if end == nil || err != nil {
		return err
	}
	limit := uint64(maxFeeHistoryBlocks)
	if len(h.percentiles) > 0 {
		limit = maxFeeRewardBlocks
	}
	newest := end.Header.Number.Uint64()
	count = min(count, limit, newest+1)
	h.oldest = newest + 1 - count
	for number := h.oldest; number <= newest; number++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		block, err := s.knownBlock(ByNumber(number))
		if err != nil {
			return err
		}
		h.add(block)
	}
	return nil
}

// feeHistory collects what eth_feeHistory says about a range of blocks. The
// two lists of base fees have one item more than blocks: that of the block
// after, which follows from the newest one.
type feeHistory struct {
	config      *params.ChainConfig
	percentiles []float64

	oldest        uint64
	rewards       [][]*big.Int
	baseFees      []*big.Int
	blobFees      []*big.Int
	gasRatios     []float64
	blobGasRatios []float64
}

func (h *feeHistory) add(block *chain.EVMBlock) {
	header := clientHeader(block)
	blobFee, nextBlobFee, blobRatio := h.blobFee(header)
	h.baseFees = append(h.baseFees[:len(h.gasRatios)], header.BaseFee, eip1559.CalcBaseFee(h.config, header))
	h.blobFees = append(h.blobFees[:len(h.gasRatios)], blobFee, nextBlobFee)
	h.gasRatios = append(h.gasRatios, ratio(header.GasUsed, header.GasLimit))
	h.blobGasRatios = append(h.blobGasRatios, blobRatio)
	if len(h.percentiles) > 0 {
		h.rewards = append(h.rewards, blockRewards(block, header, h.percentiles))
	}
}

// blobFee returns the blob base fee of the block and of the next one, and how
// full the block is of blobs; zeros if it cannot hold any.
func (h *feeHistory) blobFee(header *types.Header) (fee, next *big.Int, used float64) {
	limit := eip4844.MaxBlobGasPerBlock(h.config, header.Time)
	if limit == 0 || header.ExcessBlobGas == nil || header.BlobGasUsed == nil {
		return new(big.Int), new(big.Int), 0
	}
	excess := eip4844.CalcExcessBlobGas(h.config, header, header.Time)
	after := &types.Header{Number: header.Number, Time: header.Time, ExcessBlobGas: &excess}
	fee, next = eip4844.CalcBlobFee(h.config, header), eip4844.CalcBlobFee(h.config, after)
	return fee, next, ratio(*header.BlobGasUsed, limit)
}

// ratio is never a NaN, which JSON does not know.
func ratio(used, limit uint64) float64 {
	if limit == 0 {
		return 0
	}
	return float64(used) / float64(limit)
}

// blockRewards returns, for each percentile of the block's gas, the tip of the
// transaction there, with the transactions in the order of their tips.
func blockRewards(block *chain.EVMBlock, header *types.Header, percentiles []float64) []*big.Int {
	rewards := make([]*big.Int, len(percentiles))
	if len(block.Receipts) == 0 {
		for i := range rewards {
			rewards[i] = new(big.Int)
		}
		return rewards
	}
	txs := make([]txTip, len(block.Receipts))
	for i, receipt := range block.Receipts {
		txs[i] = txTip{gas: receipt.GasUsed, tip: effectiveTip(block.Txs[i], header.BaseFee)}
	}
	slices.SortStableFunc(txs, func(a, b txTip) int { return a.tip.Cmp(b.tip) })
	at, gas := 0, txs[0].gas
	for i, p := range percentiles {
		threshold := uint64(float64(header.GasUsed) * p / 100)
		for gas < threshold && at < len(txs)-1 {
			at++
			gas += txs[at].gas
		}
		rewards[i] = txs[at].tip
	}
	return rewards
}

type txTip struct {
	gas uint64
	tip *big.Int
}

// effectiveTip is what a unit of gas pays above the base fee.
func effectiveTip(tx *types.Transaction, baseFee *big.Int) *big.Int {
	tip := new(big.Int).Sub(tx.GasFeeCap(), baseFee)
	if limit := tx.GasTipCap(); limit.Cmp(tip) < 0 {
		return limit
	}
	return tip
}

func (h *feeHistory) append(dst []byte) []byte {
	o := beginObject(dst)
	o.quantity("oldestBlock", h.oldest)
	if len(h.rewards) > 0 {
		o.key("reward")
		o.dst = appendList(o.dst, h.rewards, func(dst []byte, _ int, rewards []*big.Int) []byte {
			return appendFees(dst, rewards)
		})
	}
	o.key("baseFeePerGas")
	o.dst = appendFees(o.dst, h.baseFees)
	o.key("gasUsedRatio")
	o.dst = appendRatios(o.dst, h.gasRatios)
	o.key("baseFeePerBlobGas")
	o.dst = appendFees(o.dst, h.blobFees)
	o.key("blobGasUsedRatio")
	o.dst = appendRatios(o.dst, h.blobGasRatios)
	return o.end()
}

func appendFees(dst []byte, fees []*big.Int) []byte {
	return appendList(dst, fees, func(dst []byte, _ int, fee *big.Int) []byte {
		return appendBigQuantity(dst, fee)
	})
}

func appendRatios(dst []byte, ratios []float64) []byte {
	return appendList(dst, ratios, func(dst []byte, _ int, ratio float64) []byte {
		return strconv.AppendFloat(dst, ratio, 'f', -1, 64)
	})
}
