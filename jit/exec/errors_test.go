package exec

import (
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/vm"

	"github.com/redline-evm/redline/jit"
)

func TestTextsAreGoEthereums(t *testing.T) {
	for halt, want := range map[jit.Halt]error{
		jit.Reverted:              vm.ErrExecutionReverted,
		jit.OutOfGas:              vm.ErrOutOfGas,
		jit.InvalidJump:           vm.ErrInvalidJump,
		jit.WriteProtection:       vm.ErrWriteProtection,
		jit.ReturnDataOutOfBounds: vm.ErrReturnDataOutOfBounds,
		jit.CallDepth:             vm.ErrDepth,
		jit.InsufficientBalance:   vm.ErrInsufficientBalance,
		jit.CreateCollision:       vm.ErrContractAddressCollision,
		jit.NonceOverflow:         vm.ErrNonceUintOverflow,
		jit.CodeSizeExceeded:      vm.ErrMaxCodeSizeExceeded,
		jit.InitCodeSizeExceeded:  vm.ErrMaxInitCodeSizeExceeded,
		jit.InvalidCode:           vm.ErrInvalidCode,
		jit.CodeStoreOutOfGas:     vm.ErrCodeStoreOutOfGas,
	} {
		if got := halt.String(); got != want.Error() {
			t.Errorf("halt %d is %q; want %q", halt, got, want)
		}
	}
	for _, pair := range [][2]error{
		{ErrNonceTooLow, core.ErrNonceTooLow},
		{ErrNonceTooHigh, core.ErrNonceTooHigh},
		{ErrNonceMax, core.ErrNonceMax},
		{ErrGasLimitReached, core.ErrGasLimitReached},
		{ErrInsufficientFunds, core.ErrInsufficientFunds},
		{ErrInsufficientFundsForTransfer, core.ErrInsufficientFundsForTransfer},
		{ErrGasUintOverflow, core.ErrGasUintOverflow},
		{ErrIntrinsicGas, core.ErrIntrinsicGas},
		{ErrFloorDataGas, core.ErrFloorDataGas},
		{ErrTxTypeNotSupported, core.ErrTxTypeNotSupported},
		{ErrTipAboveFeeCap, core.ErrTipAboveFeeCap},
		{ErrTipVeryHigh, core.ErrTipVeryHigh},
		{ErrFeeCapVeryHigh, core.ErrFeeCapVeryHigh},
		{ErrFeeCapTooLow, core.ErrFeeCapTooLow},
		{ErrSenderNoEOA, core.ErrSenderNoEOA},
		{ErrBlobFeeCapTooLow, core.ErrBlobFeeCapTooLow},
		{ErrMissingBlobHashes, core.ErrMissingBlobHashes},
		{ErrTooManyBlobs, core.ErrTooManyBlobs},
		{ErrBlobTxCreate, core.ErrBlobTxCreate},
		{ErrEmptyAuthList, core.ErrEmptyAuthList},
		{ErrSetCodeTxCreate, core.ErrSetCodeTxCreate},
		{ErrGasLimitTooHigh, core.ErrGasLimitTooHigh},
		{ErrInitCodeSizeExceeded, vm.ErrMaxInitCodeSizeExceeded},
		{ErrBlockOversized, core.ErrBlockOversized},
	} {
		if pair[0].Error() != pair[1].Error() {
			t.Errorf("text is %q; want %q", pair[0], pair[1])
		}
	}
}

func TestGasOverflow(t *testing.T) {
	sum := gasSum{total: 1}
	sum.add(1<<60, 1<<10)
	if _, err := sum.result(); !errors.Is(err, ErrGasUintOverflow) {
		t.Errorf("error is %v; want %v", err, ErrGasUintOverflow)
	}
}
