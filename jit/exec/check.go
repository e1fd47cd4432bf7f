package exec

import (
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit"
)

// blobHashVersion is the first byte of a blob hash (EIP-4844).
const blobHashVersion = 0x01

// check reports why the message cannot be executed in this block on this
// state. It changes nothing. The order decides which of several faults is
// named: it is go-ethereum's, but for the block's gas, which conformance tests
// want named before the fees.
func (b *Block) check(m *message) (gasBounds, error) {
	for _, check := range [...]func(*message) error{
		b.checkNonce, b.checkGasCap, b.checkSender, b.checkBlockGas, b.checkFees, b.checkBlobs,
		b.checkAuths, b.checkInitCode, b.checkFunds,
	} {
		if err := check(m); err != nil {
			return gasBounds{}, err
		}
	}
	return messageGas(b.ctx.Fork, m)
}

func (b *Block) checkNonce(m *message) error {
	if m.simulated() {
		return nil
	}
	switch nonce := b.journal.Nonce(m.from); {
	case m.nonce > nonce:
		return fmt.Errorf("%w: address %s, tx: %d state: %d", ErrNonceTooHigh, m.from, m.nonce, nonce)
	case m.nonce < nonce:
		return fmt.Errorf("%w: address %s, tx: %d state: %d", ErrNonceTooLow, m.from, m.nonce, nonce)
	case nonce+1 == 0:
		return fmt.Errorf("%w: address %s, nonce: %d", ErrNonceMax, m.from, nonce)
	}
	return nil
}

// checkGasCap applies the gas cap per transaction: that of EIP-7825 from Osaka
// on, or the chain's own.
func (b *Block) checkGasCap(m *message) error {
	if gasMax := b.txGasMax(); !m.simulated() && m.gas > gasMax {
		return fmt.Errorf("%w (cap: %d, tx: %d)", ErrGasLimitTooHigh, gasMax, m.gas)
	}
	return nil
}

// checkSender refuses contracts as senders (EIP-3607), but not delegations
// (EIP-7702).
func (b *Block) checkSender(m *message) error {
	if m.simulated() {
		return nil
	}
	code, _ := b.journal.Code(&m.from)
	if _, delegated := types.ParseDelegation(code); len(code) > 0 && !delegated {
		return fmt.Errorf("%w: address %s, len(code): %d", ErrSenderNoEOA, m.from, len(code))
	}
	return nil
}

func (b *Block) checkFees(m *message) error {
	switch {
	case m.free():
		return nil
	case m.feeCap.Lt(&m.tipCap):
		return fmt.Errorf("%w: address %s, maxPriorityFeePerGas: %s, maxFeePerGas: %s", ErrTipAboveFeeCap, m.from, &m.tipCap, &m.feeCap)
	case m.feeCap.Lt(&b.ctx.BaseFee):
		return fmt.Errorf("%w: address %s, maxFeePerGas: %s, baseFee: %s", ErrFeeCapTooLow, m.from, &m.feeCap, &b.ctx.BaseFee)
	}
	return nil
}

func (b *Block) checkBlobs(m *message) error {
	if !m.isBlob {
		return nil
	}
	switch {
	case m.to == nil:
		return ErrBlobTxCreate
	case len(m.blobHashes) == 0:
		return ErrMissingBlobHashes
	case b.ctx.Fork >= jit.Osaka && len(m.blobHashes) > params.BlobTxMaxBlobs:
		return ErrTooManyBlobs
	case !m.simulated() && b.blobGasUsed+m.blobGas() > b.blobGasMax:
		return fmt.Errorf("%w: block has %d of %d, tx: %d", ErrBlobGasLimitReached, b.blobGasUsed, b.blobGasMax, m.blobGas())
	}
	for i, hash := range m.blobHashes {
		if hash[0] != blobHashVersion {
			return fmt.Errorf("blob %d has invalid hash version", i)
		}
	}
	if m.blobFeeCap.Lt(&b.ctx.BlobBaseFee) {
		return fmt.Errorf("%w: address %s blobGasFeeCap: %s, blobBaseFee: %s", ErrBlobFeeCapTooLow, m.from, &m.blobFeeCap, &b.ctx.BlobBaseFee)
	}
	return nil
}

func (b *Block) checkAuths(m *message) error {
	switch {
	case !m.isSetCode:
		return nil
	case b.ctx.Fork < jit.Prague:
		return fmt.Errorf("%w: setcode tx (sender %s)", ErrTxTypeNotSupported, m.from)
	case m.to == nil:
		return fmt.Errorf("%w (sender %s)", ErrSetCodeTxCreate, m.from)
	case len(m.auths) == 0:
		return fmt.Errorf("%w (sender %s)", ErrEmptyAuthList, m.from)
	}
	return nil
}

// checkInitCode applies EIP-3860.
func (b *Block) checkInitCode(m *message) error {
	if sizeMax := 2 * b.ctx.CodeSizeMax; m.to == nil && len(m.data) > sizeMax {
		return fmt.Errorf("%w: code size %d limit %d", ErrInitCodeSizeExceeded, len(m.data), sizeMax)
	}
	return nil
}

func (b *Block) checkBlockGas(m *message) error {
	if left := b.ctx.GasLimit - b.gasUsed; !m.simulated() && m.gas > left {
		return ErrGasLimitReached
	}
	return nil
}

// checkFunds sees to it that the sender owns the most that the message can
// cost, by its fee caps.
func (b *Block) checkFunds(m *message) error {
	cost, ok := weiSum(&m.value, m.gas, &m.feeCap, m.blobGas(), &m.blobFeeCap)
	if !ok {
		return fmt.Errorf("%w: address %s required balance exceeds 256 bits", ErrInsufficientFunds, m.from)
	}
	var have uint256.Int
	if b.journal.Balance(&m.from, &have); have.Lt(&cost) {
		return fmt.Errorf("%w: address %s have %s want %s", ErrInsufficientFunds, m.from, have.Dec(), cost.Dec())
	}
	return nil
}

// weiSum is value plus both fees; ok is false when that exceeds 256 bits.
func weiSum(value *uint256.Int, gas uint64, price *uint256.Int, blobGas uint64, blobPrice *uint256.Int) (sum uint256.Int, ok bool) {
	var fee, blobFee, count uint256.Int
	_, over1 := fee.MulOverflow(count.SetUint64(gas), price)
	_, over2 := blobFee.MulOverflow(count.SetUint64(blobGas), blobPrice)
	_, over3 := sum.AddOverflow(value, &fee)
	_, over4 := sum.AddOverflow(&sum, &blobFee)
	return sum, !(over1 || over2 || over3 || over4)
}
