package producer

import (
	"crypto/ecdsa"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
)

// benchTransfers are signed transfers of all development accounts in turn.
func benchTransfers(count int) []*types.Transaction {
	keys := make([]*ecdsa.PrivateKey, len(chain.DevAccounts))
	for i := range keys {
		keys[i] = devKey(i)
	}
	txs := make([]*types.Transaction, count)
	for i := range txs {
		txs[i] = send(keys[i%len(keys)], uint64(i/len(keys)), &common.Address{1}, 1, 21000, nil)
		_, _ = types.Sender(types.LatestSigner(testChain), txs[i]) // remembered by the transaction
	}
	return txs
}

// BenchmarkPoolAdd measures admission without signature recovery.
func BenchmarkPoolAdd(b *testing.B) {
	txs := benchTransfers(10_000)
	r := newRig(b, testGenesis(), 10*time.Millisecond)
	next := 0
	for b.Loop() {
		if next == len(txs) {
			b.StopTimer()
			r.restart()
			next = 0
			b.StartTimer()
		}
		if err := r.pool.Add(txs[next]); err != nil {
			b.Fatal(err)
		}
		next++
	}
}

// BenchmarkProduce measures a transfer from the pool into a sealed, signed and
// encoded mini-block.
func BenchmarkProduce(b *testing.B) {
	txs := benchTransfers(10_000)
	for b.Loop() {
		b.StopTimer()
		r := newRig(b, testGenesis(), 10*time.Millisecond)
		r.after(0)
		r.mustAdd(txs...)
		b.StartTimer()
		r.after(12 * time.Second)
		if pending, _ := r.pool.Status(); pending > 0 {
			b.Fatalf("%d transactions are left", pending)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(txs)), "ns/tx")
}
