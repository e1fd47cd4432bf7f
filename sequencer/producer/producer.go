package producer

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/netio/wire"
)

const (
	// stepGas bounds the work of one step, so that its caller looks at the
	// clock again before long: about a millisecond of execution.
	stepGas = 500_000

	// miniBlockBytesMax bounds a mini-block, whatever its transactions carry
	// and log: it is sealed early once it holds this much.
	miniBlockBytesMax = 4 << 20
)

// Config is what a producer works on.
type Config struct {
	Genesis  *chain.Genesis
	Key      *ecdsa.PrivateKey
	Interval time.Duration // shortest time between two mini-blocks
	Engine   *jit.Engine
	Pool     *Pool
	Chain    Chain
}

// Chain is the chain as the node keeps it, up to the newest record that was
// appended.
type Chain interface {
	State() *memstate.State
	StateRoot() common.Hash
	BlockHash(number uint64) common.Hash // of a sealed EVM block
}

// Producer is the step machine that makes the chain. It belongs to one
// goroutine.
//
// A mini-block is sealed as soon as there is work and the interval since the
// last one is over. So a lone transaction on a quiet chain is sealed at once,
// and a busy chain seals one mini-block each interval. EVM blocks follow the
// seconds of the clock: the block with timestamp t is open from t until the
// clock shows a later second.
type Producer struct {
	cfg     Config
	journal *exec.Journal

	parent   *types.Header // of the newest sealed EVM block
	previous Link          // the newest mini-block
	sealed   time.Time     // when it was; zero when another run of the program sealed it
	open     *openBlock    // nil between two EVM blocks

	emitted *chain.MiniBlock // by the step before; part of the chain by now
}

// Link is what the next mini-block needs of the one before. The zero Link stands
// for none.
type Link struct {
	Number      uint64
	Hash        common.Hash
	TimestampUs uint64
}

// openBlock is the EVM block that is being made.
type openBlock struct {
	header    *types.Header
	block     *exec.Block
	txs       []*types.Transaction // up to the newest mini-block
	receipts  []*types.Receipt
	logs      uint64
	firstMini uint64
	minis     uint64
	mini      openMini

	ended        bool // the calls of the block's end were made
	requestsHash *common.Hash
}

// openMini is what was executed since the newest mini-block.
type openMini struct {
	txs      []*types.Transaction
	receipts []*types.Receipt
	bytes    uint64
}

// Output is what one step did.
type Output struct {
	// Record, if it holds one, must be part of the chain before the next step.
	Record wire.Record
	// Dropped are transactions of the pool that can never be executed.
	Dropped []Dropped
	// Wake is when to call Step again, if the pool is not ready before.
	Wake time.Time
}

// Dropped says why a transaction left the pool without being executed.
type Dropped struct {
	Hash common.Hash
	Err  error
}

// Step does the next thing that is due at now, which never runs backward by
// more than a mini-block's interval: open an EVM block, seal a mini-block, close
// an EVM block, or execute a few transactions. An error is fatal.
func (p *Producer) Step(now time.Time) (Output, error) {
	if p.emitted != nil {
		p.cfg.Pool.Sealed(p.emitted)
		p.emitted = nil
	}
	switch {
	case p.open == nil && uint64(now.Unix()) <= p.parent.Time:
		return Output{Wake: secondAfter(p.parent.Time)}, nil
	case p.open == nil:
		return p.openNext(now)
	case p.open.ended || uint64(now.Unix()) > p.open.header.Time:
		return p.closeStep(now)
	case p.miniBlockDue(now):
		return p.sealMiniBlock(now)
	}
	return p.execute(now), nil
}

// Flush seals what was executed and not yet sealed, for an orderly stop.
func (p *Producer) Flush(now time.Time) (Output, error) {
	if p.open == nil || len(p.open.mini.txs) == 0 {
		return Output{Wake: now}, nil
	}
	return p.sealMiniBlock(now)
}

// Ready receives when Step may have something to do before its Wake.
func (p *Producer) Ready() <-chan struct{} { return p.cfg.Pool.Ready() }

// openNext opens an EVM block and emits its first mini-block, which holds the
// effects of the block-start system calls.
func (p *Producer) openNext(now time.Time) (Output, error) {
	p.begin(p.cfg.Chain.State().Latest(), uint64(now.Unix()))
	p.cfg.Pool.SetHeader(p.open.header)
	return p.sealMiniBlock(now)
}

// begin starts to execute the EVM block after the newest sealed one, on the
// state that it left.
func (p *Producer) begin(state exec.StateView, timestamp uint64) {
	p.journal.Reset(state)
	header := chain.NextHeader(p.cfg.Genesis.Config, p.parent, timestamp)
	p.open = &openBlock{
		header:    header,
		block:     exec.NewBlock(p.cfg.Genesis.Config, header, p.cfg.Engine, p.journal, p.cfg.Chain.BlockHash),
		firstMini: p.previous.Number + 1,
	}
	p.open.block.SetLimits(p.cfg.Genesis.Limits)
	p.open.block.Begin()
}

// closeStep is the next step on the way to the seal of the open EVM block: seal
// what was executed, make the calls of the block's end, sign the header.
func (p *Producer) closeStep(now time.Time) (Output, error) {
	o := p.open
	if len(o.mini.txs) > 0 {
		return p.sealMiniBlock(now)
	}
	if !o.ended {
		if err := o.end(p.cfg.Genesis.Config); err != nil {
			return Output{}, err
		}
		if diff := p.journal.Diff(); !diff.Empty() {
			return p.emitMiniBlock(now, diff)
		}
	}
	return p.sealBlock(now)
}

// end makes the system calls of the block's end.
func (o *openBlock) end(config *params.ChainConfig) error {
	requests, err := o.block.End()
	if err != nil {
		return fmt.Errorf("cannot end EVM block %d: %w", o.header.Number, err)
	}
	o.ended = true
	if config.IsPrague(o.header.Number, o.header.Time) {
		o.requestsHash = new(types.CalcRequestsHash(requests))
	}
	return nil
}

func (p *Producer) sealBlock(now time.Time) (Output, error) {
	o := p.open
	seal := &chain.Seal{Header: chain.CloseHeader(o.header, &chain.BlockBody{
		Txs:          o.txs,
		Receipts:     o.receipts,
		StateRoot:    p.cfg.Chain.StateRoot(),
		RequestsHash: o.requestsHash,
		FirstMini:    o.firstMini,
		LastMini:     p.previous.Number,
	})}
	if err := seal.Sign(p.cfg.Key); err != nil {
		return Output{}, err
	}
	p.parent, p.open = seal.Header, nil
	return Output{Record: wire.Record{Seal: seal}, Wake: now}, nil
}

func (p *Producer) miniBlockDue(now time.Time) bool {
	m := &p.open.mini
	return len(m.txs) > 0 && (!now.Before(p.nextMiniBlock()) || now.Before(p.sealed) || m.bytes >= miniBlockBytesMax)
}

// nextMiniBlock is the earliest time of the next mini-block.
func (p *Producer) nextMiniBlock() time.Time { return p.sealed.Add(p.cfg.Interval) }

func (p *Producer) sealMiniBlock(now time.Time) (Output, error) {
	return p.emitMiniBlock(now, p.journal.Diff())
}

// emitMiniBlock makes a signed mini-block of what was executed, which changed
// the state by diff.
func (p *Producer) emitMiniBlock(now time.Time, diff *chain.StateDiff) (Output, error) {
	o := p.open
	m := &chain.MiniBlock{Header: p.nextHeader(now), Txs: o.mini.txs, Receipts: o.mini.receipts, Diff: diff}
	m.Header.TxRoot, m.Header.ReceiptRoot = chain.ListRoots(m.Txs, m.Receipts)
	m.Header.DiffHash = diff.Hash()
	if err := m.Header.Sign(p.cfg.Key); err != nil {
		return Output{}, err
	}
	p.previous = LinkTo(m)
	p.sealed = now
	o.add(m)
	p.emitted = m
	return Output{Record: wire.Record{MiniBlock: m}, Wake: now}, nil
}

// nextHeader is the header of the mini-block after the newest one, but for its
// roots and signature.
func (p *Producer) nextHeader(now time.Time) chain.MiniBlockHeader {
	o := p.open
	return chain.MiniBlockHeader{
		Number:         p.previous.Number + 1,
		ParentHash:     p.previous.Hash,
		BlockNumber:    o.header.Number.Uint64(),
		BlockTimestamp: o.header.Time,
		Index:          o.minis,
		TimestampUs:    max(uint64(now.UnixMicro()), p.previous.TimestampUs),
		FirstTxIndex:   uint64(len(o.txs)),
		FirstLogIndex:  o.logs,
		CumulativeGas:  gasOf(o.receipts),
		GasUsed:        o.block.GasUsed() - gasOf(o.receipts),
	}
}

// gasOf is the gas that an EVM block with these receipts used.
func gasOf(receipts []*types.Receipt) uint64 {
	if len(receipts) == 0 {
		return 0
	}
	return receipts[len(receipts)-1].CumulativeGasUsed
}

// LinkTo returns the link to a mini-block.
func LinkTo(m *chain.MiniBlock) Link {
	return Link{Number: m.Header.Number, Hash: m.Header.Hash(), TimestampUs: m.Header.TimestampUs}
}

// add makes the newest mini-block part of the open EVM block.
func (o *openBlock) add(m *chain.MiniBlock) {
	o.txs = append(o.txs, m.Txs...)
	o.receipts = append(o.receipts, m.Receipts...)
	for _, r := range m.Receipts {
		o.logs += uint64(len(r.Logs))
	}
	o.minis++
	o.mini = openMini{}
}

// execute runs transactions until the step's work is done, the pool has none
// left, or the EVM block is full.
func (p *Producer) execute(now time.Time) Output {
	out := Output{Wake: now}
	for gas := uint64(0); gas < stepGas; {
		tx, sender, ok := p.takeFitting()
		if !ok {
			out.Wake = p.wake()
			break
		}
		gasUsed, err := p.apply(tx, sender)
		if err != nil {
			out.Dropped = append(out.Dropped, Dropped{Hash: tx.Hash(), Err: err})
		}
		gas += max(gasUsed, params.TxGas)
		if p.open.mini.bytes >= miniBlockBytesMax {
			break
		}
	}
	return out
}

// takeFitting takes a transaction from the pool, if the open EVM block has room
// for any.
func (p *Producer) takeFitting() (tx *types.Transaction, sender common.Address, ok bool) {
	if p.open.block.GasUsed()+params.TxGas > p.open.header.GasLimit {
		return nil, sender, false
	}
	return p.cfg.Pool.Take()
}

// apply executes one transaction. An error says why it was dropped.
func (p *Producer) apply(tx *types.Transaction, sender common.Address) (gasUsed uint64, err error) {
	receipt, err := p.open.block.Apply(tx, sender)
	switch {
	case errors.Is(err, exec.ErrGasLimitReached):
		p.cfg.Pool.PutBack(tx)
		return 0, nil
	case err != nil:
		p.cfg.Pool.Drop(tx, p.journal.Nonce(sender))
		return 0, err
	}
	p.open.mini.add(tx, receipt)
	return receipt.GasUsed, nil
}

func (m *openMini) add(tx *types.Transaction, receipt *types.Receipt) {
	m.txs = append(m.txs, tx)
	m.receipts = append(m.receipts, receipt)
	m.bytes += tx.Size()
	for _, l := range receipt.Logs {
		m.bytes += uint64(len(l.Data)) + logOverheadBytes
	}
}

// logOverheadBytes is what a log takes beside its data: address and topics.
const logOverheadBytes = common.AddressLength + 4*common.HashLength

// wake is when something is due though the pool has nothing to execute.
func (p *Producer) wake() time.Time {
	wake := secondAfter(p.open.header.Time)
	if len(p.open.mini.txs) > 0 && p.nextMiniBlock().Before(wake) {
		return p.nextMiniBlock()
	}
	return wake
}

// secondAfter is the first moment at which a block after one with this
// timestamp may be opened.
func secondAfter(timestamp uint64) time.Time { return time.Unix(int64(timestamp)+1, 0) }
