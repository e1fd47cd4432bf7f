package exec

import (
	"errors"

	"github.com/ethereum/go-ethereum/core/types"
)

// Reasons why a transaction cannot be included. Nothing has changed then, and
// nothing is paid. Texts are those of go-ethereum, which clients match on.
var (
	ErrNonceTooLow                  = errors.New("nonce too low")
	ErrNonceTooHigh                 = errors.New("nonce too high")
	ErrNonceMax                     = errors.New("nonce has max value")
	ErrGasLimitReached              = errors.New("gas limit reached") // of the EVM block
	ErrBlobGasLimitReached          = errors.New("blob gas limit reached")
	ErrInsufficientFunds            = errors.New("insufficient funds for gas * price + value")
	ErrInsufficientFundsForTransfer = errors.New("insufficient funds for transfer")
	ErrGasUintOverflow              = errors.New("gas uint64 overflow")
	ErrIntrinsicGas                 = errors.New("intrinsic gas too low")
	ErrFloorDataGas                 = errors.New("insufficient gas for floor data gas cost")
	ErrTxTypeNotSupported           = types.ErrTxTypeNotSupported
	ErrTipAboveFeeCap               = errors.New("max priority fee per gas higher than max fee per gas")
	ErrTipVeryHigh                  = errors.New("max priority fee per gas higher than 2^256-1")
	ErrFeeCapVeryHigh               = errors.New("max fee per gas higher than 2^256-1")
	ErrFeeCapTooLow                 = errors.New("max fee per gas less than block base fee")
	ErrSenderNoEOA                  = errors.New("sender not an eoa")
	ErrBlobFeeCapTooLow             = errors.New("max fee per blob gas less than block blob gas fee")
	ErrMissingBlobHashes            = errors.New("blob transaction missing blob hashes")
	ErrTooManyBlobs                 = errors.New("blob transaction has too many blobs")
	ErrBlobTxCreate                 = errors.New("blob transaction of type create")
	ErrEmptyAuthList                = errors.New("EIP-7702 transaction with empty auth list")
	ErrSetCodeTxCreate              = errors.New("EIP-7702 transaction cannot be used to create contract")
	ErrGasLimitTooHigh              = errors.New("transaction gas limit too high") // EIP-7825
	ErrInitCodeSizeExceeded         = errors.New("max initcode size exceeded")
)

// ErrBlockOversized says that an EVM block's RLP is too long (EIP-7934).
var ErrBlockOversized = errors.New("block RLP-encoded size exceeds maximum")
