package exec

import (
	"bytes"
	"fmt"
	"math/bits"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/redline-evm/redline/jit"
)

// IntrinsicGas is the gas that a transaction pays before its first opcode.
func IntrinsicGas(data []byte, accessList types.AccessList, auths []types.SetCodeAuthorization, isCreate bool) (uint64, error) {
	zeros := uint64(bytes.Count(data, []byte{0}))
	sum := gasSum{total: params.TxGas}
	sum.add(zeros, params.TxDataZeroGas)
	sum.add(uint64(len(data))-zeros, params.TxDataNonZeroGasEIP2028)
	if isCreate {
		sum.add(1, params.TxGasContractCreation-params.TxGas)
		sum.add((uint64(len(data))+31)/32, params.InitCodeWordGas) // EIP-3860
	}
	sum.add(uint64(len(accessList)), params.TxAccessListAddressGas)
	sum.add(uint64(accessList.StorageKeys()), params.TxAccessListStorageKeyGas)
	sum.add(uint64(len(auths)), params.CallNewAccountGas) // EIP-7702
	return sum.result()
}

// FloorDataGas is the least gas that a transaction with this data pays from
// Prague on (EIP-7623).
func FloorDataGas(data []byte) (uint64, error) {
	zeros := uint64(bytes.Count(data, []byte{0}))
	sum := gasSum{total: params.TxGas}
	sum.add(zeros, params.TxCostFloorPerToken)
	sum.add(uint64(len(data))-zeros, params.TxTokenPerNonZeroByte*params.TxCostFloorPerToken)
	return sum.result()
}

// gasSum adds products and remembers an overflow.
type gasSum struct {
	total    uint64
	overflow bool
}

func (s *gasSum) add(count, gasEach uint64) {
	high, product := bits.Mul64(count, gasEach)
	total, carry := bits.Add64(s.total, product, 0)
	s.total, s.overflow = total, s.overflow || high != 0 || carry != 0
}

func (s *gasSum) result() (uint64, error) {
	if s.overflow {
		return 0, ErrGasUintOverflow
	}
	return s.total, nil
}

// gasBounds are the two amounts of gas that a transaction's limit must cover.
type gasBounds struct {
	intrinsic, floor uint64
}

// messageGas returns the message's gas bounds if its limit covers them.
func messageGas(fork jit.Fork, m *message) (b gasBounds, err error) {
	if b.intrinsic, err = IntrinsicGas(m.data, m.accessList, m.auths, m.to == nil); err != nil {
		return b, err
	}
	if m.gas < b.intrinsic {
		return b, fmt.Errorf("%w: have %d, want %d", ErrIntrinsicGas, m.gas, b.intrinsic)
	}
	if fork < jit.Prague {
		return b, nil
	}
	if b.floor, err = FloorDataGas(m.data); err != nil {
		return b, err
	}
	if m.gas < b.floor {
		return b, fmt.Errorf("%w: have %d, want %d", ErrFloorDataGas, m.gas, b.floor)
	}
	return b, nil
}
