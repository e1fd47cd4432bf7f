package exec

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/jit"
)

// BenchmarkApply runs whole transactions, on this package and on go-ethereum's
// core. The signature is not part of it.
func BenchmarkApply(b *testing.B) {
	config, header := testConfig(jit.Osaka), testHeader()
	header.GasLimit = 1 << 60
	for _, workload := range []struct {
		name string
		to   common.Address
		data []byte
	}{
		{"transfer", addr(0x60), nil},
		{"store", storeAddr, store(1, 2)},
	} {
		tx := func(nonce uint64) *types.Transaction {
			return types.NewTx(legacy(nonce, 100_000, &workload.to, big.NewInt(1), workload.data...))
		}
		b.Run(workload.name+"/redline", func(b *testing.B) {
			b.ReportAllocs()
			journal := NewJournal(allocView(testAlloc()))
			block := NewBlock(config, header, jit.New(jit.Config{}), journal, noBlockHash)
			for nonce := uint64(0); b.Loop(); nonce++ {
				if _, err := block.Apply(tx(nonce), richAddr); err != nil {
					b.Fatal(err)
				}
				block.receipts = block.receipts[:0]
			}
		})
		b.Run(workload.name+"/geth", func(b *testing.B) {
			b.ReportAllocs()
			ref := newReference(b, config, header, testAlloc())
			evm := vm.NewEVM(core.NewEVMBlockContext(header, referenceChain{config: config}, &coinbase), ref.state, config, vm.Config{})
			for nonce := uint64(0); b.Loop(); nonce++ {
				applyReference(b, ref, evm, tx(nonce))
			}
		})
	}
}

func applyReference(b *testing.B, ref *reference, evm *vm.EVM, tx *types.Transaction) {
	ref.state.SetTxContext(tx.Hash(), 0, 0)
	msg := &core.Message{
		From: richAddr, To: tx.To(), Nonce: tx.Nonce(), Value: uint256.MustFromBig(tx.Value()), GasLimit: tx.Gas(),
		GasPrice: uint256.MustFromBig(tx.GasPrice()), GasFeeCap: uint256.MustFromBig(tx.GasFeeCap()), GasTipCap: uint256.MustFromBig(tx.GasTipCap()),
		Data: tx.Data(),
	}
	result, err := core.ApplyMessage(evm, msg, ref.pool)
	if err != nil {
		b.Fatal(err)
	}
	ref.state.Finalise(ref.rules())
	core.MakeReceipt(evm, result, ref.state, ref.header.Number, common.Hash{}, ref.header.Time, tx, 0, nil)
}

// BenchmarkState compares the operations that contracts do most.
func BenchmarkState(b *testing.B) {
	keys := make([]uint256.Int, 1000)
	hashes := make([]common.Hash, len(keys))
	for i := range keys {
		hashes[i] = crypto.Keccak256Hash([]byte{byte(i), byte(i >> 8)})
		keys[i] = *new(uint256.Int).SetBytes32(hashes[i][:])
	}
	rules := params.Rules{IsBerlin: true, IsEIP158: true, IsShanghai: true}
	var w uint256.Int

	b.Run("sload/redline", func(b *testing.B) {
		j := NewJournal(allocView(testAlloc()))
		for i := 0; b.Loop(); i++ {
			j.Storage(&storeAddr, &keys[i%len(keys)], &w)
		}
	})
	b.Run("sload/geth", func(b *testing.B) {
		ref := newReference(b, testConfig(jit.Osaka), testHeader(), testAlloc())
		ref.state.Prepare(rules, richAddr, coinbase, nil, nil, nil)
		for i := 0; b.Loop(); i++ {
			key := hashes[i%len(keys)]
			if _, warm := ref.state.SlotInAccessList(storeAddr, key); !warm {
				ref.state.AddSlotToAccessList(storeAddr, key)
			}
			ref.state.GetState(storeAddr, key)
		}
	})
	b.Run("sstore/redline", func(b *testing.B) {
		j := NewJournal(allocView(testAlloc()))
		for i := 0; b.Loop(); i++ {
			w[0]++
			j.SetStorage(&storeAddr, &keys[i%len(keys)], &w, new(jit.SlotChange))
			if i%len(keys) == 0 {
				j.Finish()
			}
		}
	})
	b.Run("sstore/geth", func(b *testing.B) {
		ref := newReference(b, testConfig(jit.Osaka), testHeader(), testAlloc())
		for i := 0; b.Loop(); i++ {
			w[0]++
			key := hashes[i%len(keys)]
			if _, warm := ref.state.SlotInAccessList(storeAddr, key); !warm {
				ref.state.AddSlotToAccessList(storeAddr, key)
			}
			ref.state.GetStateAndCommittedState(storeAddr, key)
			ref.state.SetState(storeAddr, key, w.Bytes32())
			if i%len(keys) == 0 {
				ref.state.Finalise(rules)
				ref.state.Prepare(rules, richAddr, coinbase, nil, nil, nil)
			}
		}
	})
	b.Run("balance/redline", func(b *testing.B) {
		j := NewJournal(allocView(testAlloc()))
		for i := 0; b.Loop(); i++ {
			j.Balance(ref(addr(byte(i%8))), &w)
		}
	})
	b.Run("balance/geth", func(b *testing.B) {
		ref := newReference(b, testConfig(jit.Osaka), testHeader(), testAlloc())
		for i := 0; b.Loop(); i++ {
			ref.state.GetBalance(addr(byte(i % 8)))
		}
	})
}
