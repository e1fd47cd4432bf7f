package exec

import (
	"math"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/misc/eip4844"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit"
)

// Block is one EVM block in execution: Begin, any number of transactions by
// Apply, End. State changes gather in its journal, whose Diff may be taken
// between any two transactions.
type Block struct {
	config   *params.ChainConfig
	header   *types.Header
	ctx      jit.BlockContext
	txGasCap uint64 // the chain's own; zero means that of the fork
	journal  *Journal
	evm      *jit.EVM

	gasUsed     uint64
	blobGasUsed uint64
	blobGasMax  uint64
	receipts    []*types.Receipt
	logCount    uint

	msg  message     // the running transaction
	call jit.Message // its top frame
}

// NewBlock starts the EVM block of header over journal. Of the header it reads
// what stands before execution: number, time, coinbase, gas limit, base fee,
// mix digest, excess blob gas, parent hash and beacon root. blockHash returns
// the hashes of the last 256 blocks.
func NewBlock(config *params.ChainConfig, header *types.Header, engine *jit.Engine, journal *Journal, blockHash func(uint64) common.Hash) *Block {
	return newBlock(config, chain.Limits{}, header, engine, journal, blockHash)
}

func newBlock(config *params.ChainConfig, limits chain.Limits, header *types.Header, engine *jit.Engine, journal *Journal, blockHash func(uint64) common.Hash) *Block {
	b := &Block{journal: journal}
	b.evm = engine.NewEVM(journal, &b.ctx)
	b.open(config, limits, header, blockHash)
	return b
}

// open starts another EVM block with the same journal and EVM.
func (b *Block) open(config *params.ChainConfig, limits chain.Limits, header *types.Header, blockHash func(uint64) common.Hash) {
	*b = Block{config: config, header: header, journal: b.journal, evm: b.evm}
	b.ctx = blockContext(config, header)
	b.ctx.BlockHash = blockHash
	b.blobGasMax = eip4844.MaxBlobGasPerBlock(config, header.Time)
	b.SetLimits(limits)
	b.evm.SetBlock(&b.ctx)
	b.journal.KeepWarm(jit.Precompiles(b.ctx.Fork))
}

// SetLimits replaces the fork's limits by the chain's own.
func (b *Block) SetLimits(limits chain.Limits) {
	b.txGasCap = limits.TxGasLimit
	if limits.CodeSizeLimit != 0 {
		b.ctx.CodeSizeMax = int(limits.CodeSizeLimit)
	}
}

// ForkAt returns the hard fork of an EVM block.
func ForkAt(config *params.ChainConfig, number *big.Int, time uint64) jit.Fork {
	switch {
	case config.IsOsaka(number, time):
		return jit.Osaka
	case config.IsPrague(number, time):
		return jit.Prague
	}
	return jit.Cancun
}

func blockContext(config *params.ChainConfig, header *types.Header) jit.BlockContext {
	ctx := jit.BlockContext{
		Fork:        ForkAt(config, header.Number, header.Time),
		ChainID:     config.ChainID.Uint64(),
		Number:      header.Number.Uint64(),
		Timestamp:   header.Time,
		GasLimit:    header.GasLimit,
		Coinbase:    header.Coinbase,
		PrevRandao:  header.MixDigest,
		CodeSizeMax: params.MaxCodeSize,
	}
	ctx.BaseFee.SetFromBig(header.BaseFee)
	if header.ExcessBlobGas != nil {
		ctx.BlobBaseFee.SetFromBig(eip4844.CalcBlobFee(config, header))
	}
	return ctx
}

// txGasMax is the most gas that a transaction may ask for.
func (b *Block) txGasMax() uint64 {
	switch {
	case b.txGasCap != 0:
		return b.txGasCap
	case b.ctx.Fork >= jit.Osaka:
		return params.MaxTxGas
	}
	return math.MaxUint64
}

// Apply executes a transaction of the given sender. An error wraps one of this
// package's and says why the transaction cannot be included; nothing has
// changed then. The receipt is complete but for the block hash.
func (b *Block) Apply(tx *types.Transaction, sender common.Address) (*types.Receipt, error) {
	if err := b.msg.setTx(tx, sender, &b.ctx.BaseFee); err != nil {
		return nil, err
	}
	out, err := b.run(&b.msg)
	if err != nil {
		return nil, err
	}
	b.gasUsed += out.gasUsed
	b.blobGasUsed += b.msg.blobGas()
	receipt := b.receipt(tx, &out)
	b.receipts = append(b.receipts, receipt)
	b.logCount += uint(len(receipt.Logs))
	b.journal.Finish()
	return receipt, nil
}

func (b *Block) receipt(tx *types.Transaction, out *outcome) *types.Receipt {
	r := &types.Receipt{
		Type:              tx.Type(),
		CumulativeGasUsed: b.gasUsed,
		Logs:              b.journal.Logs(),
		TxHash:            tx.Hash(),
		GasUsed:           out.gasUsed,
		EffectiveGasPrice: b.msg.gasPrice.ToBig(),
		BlockNumber:       b.header.Number,
		TransactionIndex:  uint(len(b.receipts)),
	}
	if out.result.Halt == jit.Success {
		r.Status = types.ReceiptStatusSuccessful
	}
	if b.msg.to == nil {
		r.ContractAddress = crypto.CreateAddress(b.msg.from, b.msg.nonce)
	}
	if b.msg.isBlob {
		r.BlobGasUsed, r.BlobGasPrice = b.msg.blobGas(), b.ctx.BlobBaseFee.ToBig()
	}
	for i, log := range r.Logs {
		log.BlockNumber, log.BlockTimestamp = b.ctx.Number, b.ctx.Timestamp
		log.TxHash, log.TxIndex, log.Index = r.TxHash, r.TransactionIndex, b.logCount+uint(i)
	}
	r.Bloom = types.CreateBloom(r)
	return r
}

// Withdraw credits withdrawals (EIP-4895). It stands between the last
// transaction and End.
func (b *Block) Withdraw(withdrawals []*types.Withdrawal) {
	var wei uint256.Int
	for _, w := range withdrawals {
		wei.Mul(wei.SetUint64(w.Amount), uint256.NewInt(params.GWei))
		b.journal.AddBalance(w.Address, &wei)
	}
	b.journal.Finish()
}

// Fork returns the rules that the block runs under.
func (b *Block) Fork() jit.Fork { return b.ctx.Fork }

// GasUsed is the sum over the transactions applied so far.
func (b *Block) GasUsed() uint64 { return b.gasUsed }

// BlobGasUsed is the sum over the transactions applied so far.
func (b *Block) BlobGasUsed() uint64 { return b.blobGasUsed }

// Receipts returns the receipts of the transactions applied so far.
func (b *Block) Receipts() []*types.Receipt { return b.receipts }

// LogCount returns the number of logs in Receipts.
func (b *Block) LogCount() uint { return b.logCount }
