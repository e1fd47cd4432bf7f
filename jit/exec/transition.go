package exec

import (
	"context"

	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit"
)

// outcome is what a message that could be executed did.
type outcome struct {
	gasUsed uint64     // after refunds and the data floor; what is paid for
	gasPeak uint64     // before refunds: the most that was used at any time
	result  jit.Result // Output is valid until the EVM's next call
}

// run executes a message as one transaction. An error means that it cannot be
// executed; the state is then as before. The caller ends the transaction by
// Journal.Finish.
func (b *Block) run(m *message) (outcome, error) {
	bounds, err := b.check(m)
	if err != nil {
		return outcome{}, err
	}
	// Prices are at most the caps for which checkFunds saw the balance suffice.
	prepaid, _ := weiSum(new(uint256.Int), m.gas, &m.gasPrice, m.blobGas(), &b.ctx.BlobBaseFee)
	b.journal.SubBalance(m.from, &prepaid)
	b.warmUp(m)
	result, refund := b.execute(m, m.gas-bounds.intrinsic)
	out := settle(m.gas, bounds.floor, result, refund)
	b.pay(m, out.gasUsed)
	return out, nil
}

// warmUp marks what the transaction may touch at the warm price from its start
// (EIP-2929, EIP-2930, EIP-3651). Precompiles are always warm.
func (b *Block) warmUp(m *message) {
	b.journal.WarmAccount(&m.from)
	b.journal.WarmAccount(&b.ctx.Coinbase)
	if m.to != nil {
		b.journal.WarmAccount(m.to)
	}
	var key uint256.Int
	for i := range m.accessList {
		tuple := &m.accessList[i]
		b.journal.WarmAccount(&tuple.Address)
		for _, k := range tuple.StorageKeys {
			b.journal.WarmSlot(tuple.Address, key.SetBytes32(k[:]))
		}
	}
}

// execute runs the top frame with the given gas. The refund is the whole
// transaction's, not yet capped.
func (b *Block) execute(m *message, gas uint64) (result jit.Result, refund uint64) {
	b.evm.SetTx(jit.TxContext{Origin: m.from, GasPrice: m.gasPrice, BlobHashes: m.blobHashes})
	defer cancelWith(m.ctx, b.evm)()
	call := &b.call
	*call = jit.Message{Caller: m.from, Input: m.data, Value: m.value, Gas: gas}
	if m.to == nil {
		result = b.evm.Create(call)
		return result, result.Refund
	}
	b.journal.SetNonce(m.from, b.journal.Nonce(m.from)+1)
	for i := range m.auths {
		refund += b.applyAuthorization(&m.auths[i])
	}
	call.To = *m.to
	result = b.evm.Call(call)
	return result, refund + result.Refund
}

// cancelWith lets the end of ctx cancel what the EVM runs, until stop. After
// stop nothing will be cancelled any more.
func cancelWith(ctx context.Context, evm *jit.EVM) (stop func()) {
	if ctx == nil || ctx.Done() == nil {
		return func() {}
	}
	cancelled := make(chan struct{})
	unregister := context.AfterFunc(ctx, func() {
		evm.Cancel()
		close(cancelled)
	})
	return func() {
		if !unregister() {
			<-cancelled
		}
	}
}

// settle derives the gas to pay for: refunds give back at most a fifth
// (EIP-3529), and the data floor holds after them (EIP-7623).
func settle(limit, floor uint64, result jit.Result, refund uint64) outcome {
	used := limit - result.GasLeft
	return outcome{
		gasUsed: max(used-min(refund, used/params.RefundQuotientEIP3529), floor),
		gasPeak: max(used, floor),
		result:  result,
	}
}

// pay returns to the sender what was prepaid for unused gas, and the tip to the
// coinbase. The base fee is burnt.
func (b *Block) pay(m *message, gasUsed uint64) {
	var amount, tip uint256.Int
	amount.Mul(amount.SetUint64(m.gas-gasUsed), &m.gasPrice)
	b.journal.AddBalance(m.from, &amount)
	if !m.free() {
		tip.Sub(&m.gasPrice, &b.ctx.BaseFee)
	}
	amount.Mul(amount.SetUint64(gasUsed), &tip)
	b.journal.AddBalance(b.ctx.Coinbase, &amount)
}
