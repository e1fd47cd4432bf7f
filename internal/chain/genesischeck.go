package chain

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
)

// Bounds of what a genesis may ask for.
const (
	miniBlockMsMax   = 1_000
	codeSizeLimitMax = 512 << 10
	blobGasMax       = 1 << 32

	// blobFeeExponentMax bounds blob gas over update fraction. The blob fee is
	// the exponential of it and must stay computable.
	blobFeeExponentMax = 1_000
)

// Check reports why Redline cannot run a chain with this genesis, and names the
// field.
func (g *Genesis) Check() error {
	if err := g.checkForks(); err != nil {
		return err
	}
	for _, bound := range []struct {
		name          string
		got, min, max uint64
		zeroIsDefault bool
	}{
		{"gasLimit", g.GasLimit, params.MinGasLimit, params.MaxGasLimit, true},
		{"gasUsed", g.GasUsed, 0, params.MaxGasLimit, false},
		{"excessBlobGas", g.ExcessBlobGas, 0, blobGasMax, false},
		{"blobGasUsed", g.BlobGasUsed, 0, blobGasMax, false},
		{"config.redline.miniBlockMs", g.MiniBlockMs, 1, miniBlockMsMax, true},
		{"config.redline.codeSizeLimit", g.CodeSizeLimit, params.MaxCodeSize, codeSizeLimitMax, true},
		{"config.redline.txGasLimit", g.TxGasLimit, params.TxGas, params.MaxGasLimit, true},
	} {
		if bound.zeroIsDefault && bound.got == 0 {
			continue
		}
		if bound.got < bound.min || bound.got > bound.max {
			return fmt.Errorf("%s: got %d; want %d to %d", bound.name, bound.got, bound.min, bound.max)
		}
	}
	if err := g.checkBlobSchedule(); err != nil {
		return err
	}
	if g.Difficulty == nil || g.Difficulty.Sign() < 0 {
		return fmt.Errorf("difficulty: got %s; want zero or more", g.Difficulty)
	}
	if g.BaseFee != nil && g.BaseFee.Sign() < 0 {
		return fmt.Errorf("baseFeePerGas: got %s; want zero or more", g.BaseFee)
	}
	for addr, account := range g.Alloc {
		if err := checkAlloc(account); err != nil {
			return fmt.Errorf("alloc.%s: %w", addr, err)
		}
	}
	return nil
}

func (g *Genesis) checkForks() error {
	c := g.Config
	if c == nil {
		return fmt.Errorf("config: is missing")
	}
	if c.ChainID == nil || c.ChainID.Sign() <= 0 || !c.ChainID.IsUint64() {
		return fmt.Errorf("config.chainId: got %v; want 1 to 2^64-1", c.ChainID)
	}
	if err := c.CheckConfigForkOrder(); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	if !c.IsCancun(new(big.Int), g.Timestamp) {
		return fmt.Errorf("config.cancunTime: Cancun must be active from the genesis on; " +
			"set all forks up to London to block 0 and shanghaiTime and cancunTime to 0")
	}
	for _, fork := range []struct {
		name string
		time *uint64
	}{
		{"amsterdamTime", c.AmsterdamTime},
		{"bogotaTime", c.BogotaTime},
		{"ubtTime", c.UBTTime},
	} {
		if fork.time != nil {
			return fmt.Errorf("config.%s: is set; Osaka is the newest fork that Redline runs", fork.name)
		}
	}
	if c.EnableUBTAtGenesis {
		return fmt.Errorf("config.enableUBTAtGenesis: Redline has no unified binary tree")
	}
	return nil
}

func (g *Genesis) checkBlobSchedule() error {
	s := g.Config.BlobScheduleConfig
	for _, fork := range []struct {
		name   string
		config *params.BlobConfig
	}{
		{"cancun", s.Cancun}, {"prague", s.Prague},
		{"bpo1", s.BPO1}, {"bpo2", s.BPO2}, {"bpo3", s.BPO3}, {"bpo4", s.BPO4}, {"bpo5", s.BPO5},
	} {
		c := fork.config
		if c == nil {
			continue
		}
		if c.Max < 1 || c.Target > c.Max {
			return fmt.Errorf("config.blobSchedule.%s: got target %d, max %d; want max of at least 1 and no target above it",
				fork.name, c.Target, c.Max)
		}
		if gas := g.ExcessBlobGas + g.BlobGasUsed; gas/c.UpdateFraction > blobFeeExponentMax {
			return fmt.Errorf("excessBlobGas: got %d with blobGasUsed; want at most %d times the update fraction %d of %s",
				gas, blobFeeExponentMax, c.UpdateFraction, fork.name)
		}
	}
	return nil
}

// checkAlloc refuses an account that the state cannot hold. One with storage
// but neither code nor nonce cannot arise on a chain; EIP-7610 forbids to
// create a contract there, and without such accounts no one has to look.
func checkAlloc(account types.Account) error {
	if b := account.Balance; b != nil && (b.Sign() < 0 || b.BitLen() > 256) {
		return fmt.Errorf("balance: got %s; want 0 to 2^256-1", b)
	}
	if account.Nonce > 0 || len(account.Code) > 0 {
		return nil
	}
	for key, value := range account.Storage {
		if value != (common.Hash{}) {
			return fmt.Errorf("storage: slot %s of an account with neither code nor nonce; give it one (EIP-7610)", key)
		}
	}
	return nil
}
