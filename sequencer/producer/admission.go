package producer

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/exec"
)

const (
	txBytesMin    = 128 << 10 // a transaction may always be this long, as in go-ethereum
	txFieldsBytes = 64 << 10  // room beside the longest init code
)

var (
	errNegativeValue = errors.New("negative value")
	errNoAuthList    = errors.New("set code tx must have at least one authorization tuple")
)

// examine checks what can be checked without the state, recovers the sender,
// and returns the transaction ready to be queued. The order of the checks is
// go-ethereum's, and that of rising cost.
func (p *Pool) examine(tx *types.Transaction) (*pooled, error) {
	p.mu.Lock()
	header := p.mu.header
	p.mu.Unlock()
	for _, check := range [...]func(*types.Transaction, *types.Header) error{
		p.checkType, p.checkSize, p.checkGasLimit, p.checkNumbers,
	} {
		if err := check(tx, header); err != nil {
			return nil, err
		}
	}
	sender, err := types.Sender(p.signer, tx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidSender, err)
	}
	for _, check := range [...]func(*types.Transaction, *types.Header) error{
		p.checkNonceMax, p.checkGasBounds, p.checkTip, p.checkAuths,
	} {
		if err := check(tx, header); err != nil {
			return nil, err
		}
	}
	t := &pooled{tx: tx, sender: sender, sizeBytes: tx.Size() + txOverheadBytes}
	t.feeCap.SetFromBig(tx.GasFeeCap())
	t.tipCap.SetFromBig(tx.GasTipCap())
	if t.cost.SetFromBig(tx.Cost()) {
		return nil, fmt.Errorf("%w: tx cost %v exceeds 256 bits", exec.ErrInsufficientFunds, tx.Cost())
	}
	return t, nil
}

func (p *Pool) checkType(tx *types.Transaction, header *types.Header) error {
	switch tx.Type() {
	case types.LegacyTxType, types.AccessListTxType, types.DynamicFeeTxType:
		return nil
	case types.SetCodeTxType:
		if exec.ForkAt(p.cfg.Chain, header.Number, header.Time) < jit.Prague {
			return fmt.Errorf("%w: type %d rejected, pool not yet in Prague", exec.ErrTxTypeNotSupported, tx.Type())
		}
		return nil
	case types.BlobTxType:
		return fmt.Errorf("%w: this chain takes no blob transactions (type %d); send the data as call data", exec.ErrTxTypeNotSupported, tx.Type())
	}
	return fmt.Errorf("%w: tx type %d not supported by this pool", exec.ErrTxTypeNotSupported, tx.Type())
}

func (p *Pool) checkSize(tx *types.Transaction, _ *types.Header) error {
	initCodeMax := 2 * p.cfg.Limits.CodeSizeLimit
	sizeMax := max(txBytesMin, initCodeMax+txFieldsBytes)
	switch {
	case tx.Size() > sizeMax:
		return fmt.Errorf("%w: transaction size %d, limit %d", ErrOversizedData, tx.Size(), sizeMax)
	case tx.To() == nil && uint64(len(tx.Data())) > initCodeMax:
		return fmt.Errorf("%w: code size %d limit %d", exec.ErrInitCodeSizeExceeded, len(tx.Data()), initCodeMax)
	}
	return nil
}

func (p *Pool) checkGasLimit(tx *types.Transaction, header *types.Header) error {
	gasMax := p.cfg.Limits.TxGasLimit
	if gasMax == 0 && exec.ForkAt(p.cfg.Chain, header.Number, header.Time) >= jit.Osaka {
		gasMax = params.MaxTxGas // EIP-7825
	}
	switch {
	case gasMax != 0 && tx.Gas() > gasMax:
		return fmt.Errorf("%w (cap: %d, tx: %d)", exec.ErrGasLimitTooHigh, gasMax, tx.Gas())
	case tx.Gas() > header.GasLimit:
		return ErrGasLimit
	}
	return nil
}

func (p *Pool) checkNumbers(tx *types.Transaction, _ *types.Header) error {
	switch {
	case tx.Value().Sign() < 0:
		return errNegativeValue
	case tx.GasFeeCap().BitLen() > 256:
		return exec.ErrFeeCapVeryHigh
	case tx.GasTipCap().BitLen() > 256:
		return exec.ErrTipVeryHigh
	case tx.GasFeeCapIntCmp(tx.GasTipCap()) < 0:
		return exec.ErrTipAboveFeeCap
	}
	return nil
}

// checkNonceMax applies EIP-2681.
func (p *Pool) checkNonceMax(tx *types.Transaction, _ *types.Header) error {
	if tx.Nonce()+1 == 0 {
		return exec.ErrNonceMax
	}
	return nil
}

func (p *Pool) checkGasBounds(tx *types.Transaction, header *types.Header) error {
	intrinsic, err := exec.IntrinsicGas(tx.Data(), tx.AccessList(), tx.SetCodeAuthorizations(), tx.To() == nil)
	if err != nil {
		return err
	}
	if tx.Gas() < intrinsic {
		return fmt.Errorf("%w: gas %d, minimum needed %d", exec.ErrIntrinsicGas, tx.Gas(), intrinsic)
	}
	if exec.ForkAt(p.cfg.Chain, header.Number, header.Time) < jit.Prague {
		return nil
	}
	floor, err := exec.FloorDataGas(tx.Data())
	if err != nil {
		return err
	}
	if tx.Gas() < floor {
		return fmt.Errorf("%w: gas %d, minimum needed %d", exec.ErrFloorDataGas, tx.Gas(), floor)
	}
	return nil
}

func (p *Pool) checkTip(tx *types.Transaction, _ *types.Header) error {
	tipMin := uint256.NewInt(p.cfg.TipMin)
	if tx.GasTipCapIntCmp(tipMin.ToBig()) < 0 {
		return fmt.Errorf("%w: gas tip cap %v, minimum needed %v", ErrTipTooLow, tx.GasTipCap(), tipMin)
	}
	return nil
}

func (p *Pool) checkAuths(tx *types.Transaction, _ *types.Header) error {
	if tx.Type() == types.SetCodeTxType && len(tx.SetCodeAuthorizations()) == 0 {
		return errNoAuthList
	}
	return nil
}
