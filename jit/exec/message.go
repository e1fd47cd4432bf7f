package exec

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
)

// message is a transaction, or a simulated one, as the state transition needs
// it. All amounts are in wei.
type message struct {
	from       common.Address
	to         *common.Address // nil creates a contract
	nonce      uint64
	gas        uint64 // limit
	value      uint256.Int
	gasPrice   uint256.Int // effective, per gas
	feeCap     uint256.Int
	tipCap     uint256.Int
	blobFeeCap uint256.Int
	data       []byte
	accessList types.AccessList
	blobHashes []common.Hash
	auths      []types.SetCodeAuthorization
	isBlob     bool // has a blob list, be it empty
	isSetCode  bool // has an authorization list, be it empty

	// ctx is set for a simulation, which it can cancel. A simulation is not
	// checked for nonce, sender code and block limits; without a price it
	// pays nothing.
	ctx context.Context
}

func (m *message) simulated() bool { return m.ctx != nil }

// free reports whether the message pays no fees at all.
func (m *message) free() bool { return m.simulated() && m.feeCap.IsZero() && m.tipCap.IsZero() }

func (m *message) blobGas() uint64 {
	return uint64(len(m.blobHashes)) * params.BlobTxBlobGasPerBlob
}

// setTx fills m from a transaction.
func (m *message) setTx(tx *types.Transaction, from common.Address, baseFee *uint256.Int) error {
	*m = message{
		from:       from,
		to:         tx.To(),
		nonce:      tx.Nonce(),
		gas:        tx.Gas(),
		data:       tx.Data(),
		accessList: tx.AccessList(),
		blobHashes: tx.BlobHashes(),
		auths:      tx.SetCodeAuthorizations(),
		isBlob:     tx.Type() == types.BlobTxType,
		isSetCode:  tx.Type() == types.SetCodeTxType,
	}
	if m.feeCap.SetFromBig(tx.GasFeeCap()) {
		return fmt.Errorf("%w: address %s, maxFeePerGas bit length: %d", ErrFeeCapVeryHigh, from, tx.GasFeeCap().BitLen())
	}
	if m.tipCap.SetFromBig(tx.GasTipCap()) {
		return fmt.Errorf("%w: address %s, maxPriorityFeePerGas bit length: %d", ErrTipVeryHigh, from, tx.GasTipCap().BitLen())
	}
	if m.value.SetFromBig(tx.Value()) {
		return fmt.Errorf("value exceeds 256 bits: address %s", from)
	}
	if m.isBlob && m.blobFeeCap.SetFromBig(tx.BlobGasFeeCap()) {
		return fmt.Errorf("blobGasFeeCap exceeds 256 bits: address %s", from)
	}
	m.gasPrice = effectivePrice(&m.tipCap, &m.feeCap, baseFee)
	return nil
}

// effectivePrice is what is paid per gas: base fee and tip, but at most the fee
// cap (EIP-1559).
func effectivePrice(tipCap, feeCap, baseFee *uint256.Int) (price uint256.Int) {
	if _, overflow := price.AddOverflow(tipCap, baseFee); overflow || price.Gt(feeCap) {
		return *feeCap
	}
	return price
}
