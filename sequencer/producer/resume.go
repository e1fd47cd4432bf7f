package producer

import (
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/jit/exec"
)

// Head is where a chain stands.
type Head struct {
	Parent *types.Header      // of the newest sealed EVM block, or of the genesis block
	Last   Link               // to the newest mini-block
	Open   []*chain.MiniBlock // mini-blocks of the open EVM block, if any
}

// New returns a producer that goes on from head. It executes the open EVM block
// again and fails if that does not give what its mini-blocks say.
func New(cfg Config, head Head) (*Producer, error) {
	p := &Producer{
		cfg:     cfg,
		journal: exec.NewJournal(cfg.Chain.State().Latest()),
		parent:  head.Parent,
	}
	if len(head.Open) > 0 {
		if err := p.resume(head.Open); err != nil {
			return nil, fmt.Errorf("cannot resume EVM block %d: %w", head.Open[0].Header.BlockNumber, err)
		}
	}
	if p.previous = head.Last; head.Last.Number == 0 { // the parent is the genesis block
		p.previous.Hash = cfg.Genesis.Identity(head.Parent.Hash())
	}
	return p, nil
}

// resume brings the open EVM block back by executing its mini-blocks again.
func (p *Producer) resume(minis []*chain.MiniBlock) error {
	state, err := p.cfg.Chain.State().At(p.parent.Number.Uint64())
	if err != nil {
		return err
	}
	first := &minis[0].Header
	p.begin(state, first.BlockTimestamp)
	p.open.firstMini = first.Number
	for _, m := range minis {
		if err := p.replay(m); err != nil {
			return fmt.Errorf("mini-block %d: %w", m.Header.Number, err)
		}
	}
	p.cfg.Pool.SetHeader(p.open.header)
	return nil
}

// replay executes one mini-block of the open EVM block again. One without
// transactions that is not the first holds the calls of the block's end.
func (p *Producer) replay(m *chain.MiniBlock) error {
	o := p.open
	if m.Header.Index > 0 && len(m.Txs) == 0 {
		if err := o.end(p.cfg.Genesis.Config); err != nil {
			return err
		}
	}
	signer := types.MakeSigner(p.cfg.Genesis.Config, o.header.Number, o.header.Time)
	for _, tx := range m.Txs {
		sender, err := types.Sender(signer, tx)
		if err != nil {
			return err
		}
		receipt, err := o.block.Apply(tx, sender)
		if err != nil {
			return fmt.Errorf("transaction %s: %w", tx.Hash(), err)
		}
		o.mini.add(tx, receipt)
	}
	again := &chain.MiniBlock{Txs: o.mini.txs, Receipts: o.mini.receipts, Diff: p.journal.Diff()}
	if got, want := again.Diff.Hash(), m.Header.DiffHash; got != want {
		return fmt.Errorf("executing it again gives diff %s; want %s", got, want)
	}
	if _, got := chain.ListRoots(again.Txs, again.Receipts); got != m.Header.ReceiptRoot {
		return fmt.Errorf("executing it again gives receipts %s; want %s", got, m.Header.ReceiptRoot)
	}
	o.add(again)
	return nil
}
