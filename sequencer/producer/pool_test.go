package producer

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"github.com/redline-evm/redline/internal/chain"
)

const gwei = params.GWei

// testKeys are keys of senders that own an ether each.
var testKeys = func() []*ecdsa.PrivateKey {
	keys := make([]*ecdsa.PrivateKey, 6)
	for i := range keys {
		keys[i], _ = crypto.ToECDSA(common.LeftPadBytes([]byte{byte(i + 1)}, 32))
	}
	return keys
}()

func addressOf(key *ecdsa.PrivateKey) common.Address { return crypto.PubkeyToAddress(key.PublicKey) }

// fakeAccounts is a sealed state for the pool.
type fakeAccounts map[common.Address]chain.Account

func (f fakeAccounts) Account(addr common.Address) (chain.Account, bool) {
	a, ok := f[addr]
	return a, ok
}

func fundedAccounts() fakeAccounts {
	f := fakeAccounts{}
	for _, key := range testKeys {
		a := chain.NewAccount()
		a.Balance.SetUint64(params.Ether)
		f[addressOf(key)] = a
	}
	return f
}

var testChain = chain.DevGenesis(common.Address{}).Config

func testHeader(baseFee int64) *types.Header {
	return &types.Header{Number: big.NewInt(1), Time: 1, GasLimit: 30_000_000, BaseFee: big.NewInt(baseFee)}
}

func newTestPool(accounts fakeAccounts, cfg PoolConfig) *Pool {
	cfg.Chain = testChain
	return NewPool(cfg, func() Accounts { return accounts }, testHeader(gwei))
}

// transfer is a signed dynamic-fee transaction; fees are in gwei.
func transfer(key *ecdsa.PrivateKey, nonce uint64, tipGwei, feeCapGwei int64) *types.Transaction {
	return sign(key, &types.DynamicFeeTx{
		ChainID: testChain.ChainID, Nonce: nonce, Gas: params.TxGas, To: &common.Address{1}, Value: new(big.Int),
		GasTipCap: big.NewInt(tipGwei * gwei), GasFeeCap: big.NewInt(feeCapGwei * gwei),
	})
}

func sign(key *ecdsa.PrivateKey, tx types.TxData) *types.Transaction {
	return types.MustSignNewTx(key, types.LatestSigner(testChain), tx)
}

func mustAdd(t *testing.T, p *Pool, txs ...*types.Transaction) {
	t.Helper()
	for _, tx := range txs {
		if err := p.Add(tx); err != nil {
			t.Fatalf("nonce %d: %v", tx.Nonce(), err)
		}
		checkPool(t, p)
	}
}

// takeAll takes what is executable and returns "sender:nonce" in order.
func takeAll(p *Pool) string {
	var order []string
	for {
		tx, sender, ok := p.Take()
		if !ok {
			return strings.Join(order, " ")
		}
		for i, key := range testKeys {
			if addressOf(key) == sender {
				order = append(order, fmt.Sprintf("%d:%d", i, tx.Nonce()))
			}
		}
	}
}

func TestOrderOfExecution(t *testing.T) {
	check := func(name, want string, txs ...*types.Transaction) {
		t.Helper()
		p := newTestPool(fundedAccounts(), PoolConfig{})
		mustAdd(t, p, txs...)
		if got := takeAll(p); got != want {
			t.Errorf("%s: got %q; want %q", name, got, want)
		}
		checkPool(t, p)
	}
	k := testKeys
	check("by tip", "1:0 2:0 0:0", transfer(k[0], 0, 1, 9), transfer(k[1], 0, 3, 9), transfer(k[2], 0, 2, 9))
	check("ties by arrival", "2:0 0:0 1:0", transfer(k[2], 0, 1, 9), transfer(k[0], 0, 1, 9), transfer(k[1], 0, 1, 9))
	check("by effective tip", "1:0 0:0", transfer(k[0], 0, 5, 5), transfer(k[1], 0, 5, 7))
	check("nonce before tip", "0:0 0:1 1:0", transfer(k[0], 1, 9, 9), transfer(k[1], 0, 2, 9), transfer(k[0], 0, 3, 9))
	check("gap is held", "0:0", transfer(k[0], 0, 1, 9), transfer(k[0], 2, 1, 9))
	check("base fee holds back", "1:0", transfer(k[0], 0, 0, 0), transfer(k[1], 0, 1, 9))
	check("replacement goes first", "0:0 1:0", transfer(k[0], 0, 1, 9), transfer(k[1], 0, 3, 9), transfer(k[0], 0, 4, 10))
}

func TestBaseFeeReordersPool(t *testing.T) {
	p := newTestPool(fundedAccounts(), PoolConfig{})
	mustAdd(t, p, transfer(testKeys[0], 0, 3, 3), transfer(testKeys[1], 0, 2, 9))
	p.SetHeader(testHeader(5 * gwei))
	checkPool(t, p)
	if got, want := takeAll(p), "1:0"; got != want {
		t.Fatalf("under a high base fee: got %q; want %q", got, want)
	}
	p.SetHeader(testHeader(0))
	checkPool(t, p)
	if got, want := takeAll(p), "0:0"; got != want {
		t.Fatalf("under no base fee: got %q; want %q", got, want)
	}
}

func TestReadyAfterBaseFeeFell(t *testing.T) {
	p := newTestPool(fundedAccounts(), PoolConfig{})
	mustAdd(t, p, transfer(testKeys[0], 0, 0, 0))
	select {
	case <-p.Ready():
		t.Fatal("ready though nothing is executable")
	default:
	}
	p.SetHeader(testHeader(0))
	select {
	case <-p.Ready():
	default:
		t.Fatal("not ready though the base fee fell")
	}
}

func TestFlight(t *testing.T) {
	accounts := fundedAccounts()
	p := newTestPool(accounts, PoolConfig{})
	a := addressOf(testKeys[0])
	first, second, third := transfer(testKeys[0], 0, 1, 9), transfer(testKeys[0], 1, 1, 9), transfer(testKeys[0], 2, 1, 9)
	mustAdd(t, p, first, second, third)

	if got, _ := p.PendingNonce(a); got != 3 {
		t.Errorf("pending nonce: got %d; want 3", got)
	}
	if got := takeAll(p); got != "0:0 0:1 0:2" {
		t.Fatalf("got %q", got)
	}
	if err := p.Add(first); !errors.Is(err, ErrAlreadyKnown) {
		t.Errorf("a transaction in flight: got %v; want %v", err, ErrAlreadyKnown)
	}
	if err := p.Add(transfer(testKeys[0], 0, 5, 20)); err == nil || err.Error() != "nonce too low: next nonce 3, tx nonce 0" {
		t.Errorf("a nonce in flight: got %v", err)
	}

	// The third found no room: it waits for the next EVM block.
	p.PutBack(third)
	checkPool(t, p)
	if got := takeAll(p); got != "" {
		t.Errorf("while parked: got %q; want nothing", got)
	}
	if pending, queued := p.Status(); pending != 1 || queued != 0 {
		t.Errorf("status while parked: got %d, %d; want 1, 0", pending, queued)
	}
	p.SetHeader(testHeader(gwei))
	if got := takeAll(p); got != "0:2" {
		t.Errorf("in the next EVM block: got %q; want 0:2", got)
	}

	// All are sealed: the pool forgets the sender.
	sealed := accounts[a]
	sealed.Nonce = 3
	accounts[a] = sealed
	p.Sealed(&chain.MiniBlock{Txs: []*types.Transaction{first, second, third}, Diff: diffOf(a, 3)})
	checkPool(t, p)
	if _, ok := p.PendingNonce(a); ok || p.Get(first.Hash()) != nil {
		t.Error("the pool remembers what is sealed")
	}
	if err := p.Add(first); err == nil || err.Error() != "nonce too low: next nonce 3, tx nonce 0" {
		t.Errorf("a sealed transaction: got %v", err)
	}
}

func diffOf(addr common.Address, nonce uint64) *chain.StateDiff {
	a := chain.NewAccount()
	a.Nonce = nonce
	return &chain.StateDiff{Accounts: []chain.AccountDiff{{Address: addr, Account: a}}}
}

func TestDropMakesGap(t *testing.T) {
	p := newTestPool(fundedAccounts(), PoolConfig{})
	mustAdd(t, p, transfer(testKeys[0], 0, 1, 9), transfer(testKeys[0], 1, 1, 9))
	tx, _, _ := p.Take()
	p.Drop(tx, 0)
	checkPool(t, p)
	if pending, queued := p.Status(); pending != 0 || queued != 1 {
		t.Errorf("got %d pending, %d queued; want 0, 1", pending, queued)
	}
	mustAdd(t, p, transfer(testKeys[0], 0, 2, 9))
	if got := takeAll(p); got != "0:0 0:1" {
		t.Errorf("after the gap was filled: got %q", got)
	}
}

func TestNonceMovedByOthers(t *testing.T) {
	p := newTestPool(fundedAccounts(), PoolConfig{})
	mustAdd(t, p, transfer(testKeys[0], 0, 1, 9), transfer(testKeys[0], 1, 1, 9), transfer(testKeys[0], 3, 1, 9))
	p.Sealed(&chain.MiniBlock{Diff: diffOf(addressOf(testKeys[0]), 3)}) // an EIP-7702 authorization or CREATE
	checkPool(t, p)
	if got := takeAll(p); got != "0:3" {
		t.Errorf("got %q; want 0:3", got)
	}
}

func TestContent(t *testing.T) {
	p := newTestPool(fundedAccounts(), PoolConfig{})
	mustAdd(t, p, transfer(testKeys[0], 1, 1, 9), transfer(testKeys[0], 0, 1, 9), transfer(testKeys[0], 3, 1, 9), transfer(testKeys[1], 5, 1, 9))
	pending, queued := p.Content()
	first, second := addressOf(testKeys[0]), addressOf(testKeys[1])
	if txs := pending[first]; len(pending) != 1 || len(txs) != 2 || txs[0].Nonce() != 0 || txs[1].Nonce() != 1 {
		t.Errorf("pending: got %v", pending)
	}
	if len(queued) != 2 || len(queued[first]) != 1 || len(queued[second]) != 1 || queued[second][0].Nonce() != 5 {
		t.Errorf("queued: got %v", queued)
	}
}

func TestSenderLimit(t *testing.T) {
	p := newTestPool(fundedAccounts(), PoolConfig{})
	cheap := func(nonce uint64) *types.Transaction {
		return sign(testKeys[0], &types.DynamicFeeTx{
			ChainID: testChain.ChainID, Nonce: nonce, Gas: params.TxGas, To: &common.Address{}, Value: new(big.Int),
			GasTipCap: new(big.Int), GasFeeCap: big.NewInt(1),
		})
	}
	for nonce := uint64(1); nonce <= senderTxsMax; nonce++ {
		if err := p.Add(cheap(nonce)); err != nil {
			t.Fatal(err)
		}
	}
	err := p.Add(cheap(senderTxsMax + 1))
	if want := fmt.Sprintf("account limit exceeded: pooled %d txs", senderTxsMax); err == nil || err.Error() != want {
		t.Errorf("got %v; want %s", err, want)
	}
	mustAdd(t, p, cheap(0)) // what makes others executable is admitted, in place of the last one
	if pending, queued := p.Status(); pending != senderTxsMax || queued != 0 {
		t.Errorf("got %d pending, %d queued; want %d, 0", pending, queued, senderTxsMax)
	}
}

func TestEviction(t *testing.T) {
	size := transfer(testKeys[0], 0, 1, 9).Size() + txOverheadBytes
	p := newTestPool(fundedAccounts(), PoolConfig{BytesMax: 4*size + size/2})
	cheap, gappedTx := transfer(testKeys[1], 0, 2, 9), transfer(testKeys[2], 7, 8, 9)
	mustAdd(t, p, transfer(testKeys[0], 0, 5, 9), transfer(testKeys[0], 1, 5, 9), cheap, gappedTx)

	check := func(name string, gone *types.Transaction, add *types.Transaction) {
		t.Helper()
		mustAdd(t, p, add)
		if p.Get(gone.Hash()) != nil {
			t.Errorf("%s: the wrong transaction was evicted", name)
		}
	}
	check("behind a gap", gappedTx, transfer(testKeys[3], 0, 3, 9))
	check("lowest tip", cheap, transfer(testKeys[4], 0, 4, 9))
	for name, tx := range map[string]*types.Transaction{
		"lower tip": transfer(testKeys[5], 0, 1, 9),
		"equal tip": transfer(testKeys[5], 0, 3, 9),
		"gapped":    transfer(testKeys[5], 3, 8, 9),
	} {
		if err := p.Add(tx); !errors.Is(err, ErrUnderpriced) {
			t.Errorf("%s into a full pool: got %v; want %v", name, err, ErrUnderpriced)
		}
		checkPool(t, p)
	}
}

func TestPendingReport(t *testing.T) {
	var got []uint64
	p := newTestPool(fundedAccounts(), PoolConfig{Pending: func(txs []*types.Transaction) {
		for _, tx := range txs {
			got = append(got, tx.Nonce())
		}
	}})
	mustAdd(t, p, transfer(testKeys[0], 1, 1, 9), transfer(testKeys[0], 2, 1, 9))
	if len(got) > 0 {
		t.Fatalf("transactions behind a gap were reported: %v", got)
	}
	mustAdd(t, p, transfer(testKeys[0], 0, 1, 9), transfer(testKeys[0], 1, 2, 10))
	if want := "[0 1 2 1]"; fmt.Sprint(got) != want {
		t.Errorf("got %v; want %s", got, want)
	}
}

// TestPoolAgainstModel drives the pool with random operations and compares
// what it takes with a search over everything that it holds.
func TestPoolAgainstModel(t *testing.T) {
	signed := map[string]*types.Transaction{} // signing costs most of the time
	cached := func(key int, nonce uint64, tip, feeCap int64) *types.Transaction {
		id := fmt.Sprint(key, nonce, tip, feeCap)
		if signed[id] == nil {
			signed[id] = transfer(testKeys[key], nonce, tip, feeCap)
		}
		return signed[id]
	}
	rapid.Check(t, func(rt *rapid.T) {
		accounts := fundedAccounts()
		p := newTestPool(accounts, PoolConfig{BytesMax: 12 * 1300})
		var flight []*types.Transaction
		baseFee := int64(1)
		land := func(nonceAfter map[common.Address]uint64, sealed []*types.Transaction) {
			diff := &chain.StateDiff{}
			for addr, nonce := range nonceAfter {
				a := accounts[addr]
				a.Nonce = nonce
				accounts[addr] = a
				diff.Accounts = append(diff.Accounts, chain.AccountDiff{Address: addr, Account: a})
			}
			p.Sealed(&chain.MiniBlock{Txs: sealed, Diff: diff})
		}
		rt.Repeat(map[string]func(*rapid.T){
			"add": func(rt *rapid.T) {
				tip := rapid.Int64Range(0, 4).Draw(rt, "tip")
				feeCap := tip + rapid.Int64Range(0, 3).Draw(rt, "above")
				key := rapid.IntRange(0, len(testKeys)-1).Draw(rt, "key")
				next := accounts[addressOf(testKeys[key])].Nonce
				_ = p.Add(cached(key, next+rapid.Uint64Range(0, 4).Draw(rt, "ahead"), tip, feeCap))
			},
			"take": func(rt *rapid.T) {
				want := bestExecutable(p)
				tx, _, ok := p.Take()
				switch {
				case !ok && want != nil, ok && want == nil, ok && tx.Hash() != want.Hash():
					rt.Fatalf("took %v; want %v", tx, want)
				case !ok:
					return
				}
				switch sender, _ := types.Sender(p.signer, tx); rapid.IntRange(0, 4).Draw(rt, "fate") {
				case 0:
					p.PutBack(tx)
				case 1:
					p.Drop(tx, tx.Nonce())
				case 2: // too late: another way raised the nonce
					p.Drop(tx, tx.Nonce()+1)
					if !inFlight(p, sender) {
						land(map[common.Address]uint64{sender: tx.Nonce() + 1}, nil)
					}
				default:
					flight = append(flight, tx)
				}
			},
			"seal": func(*rapid.T) {
				nonces := map[common.Address]uint64{}
				for _, tx := range flight {
					sender, _ := types.Sender(p.signer, tx)
					nonces[sender] = tx.Nonce() + 1
				}
				land(nonces, flight)
				flight = nil
			},
			"header": func(rt *rapid.T) {
				baseFee = rapid.Int64Range(0, 5).Draw(rt, "base fee")
				p.SetHeader(testHeader(baseFee * gwei))
			},
			"": func(rt *rapid.T) { checkPool(rt, p) },
		})
	})
}

func inFlight(p *Pool, sender common.Address) bool {
	a := p.mu.accounts[sender]
	return a != nil && a.inFlight > 0
}

// bestExecutable finds the transaction to execute next the slow way.
func bestExecutable(p *Pool) *types.Transaction {
	var best *pooled
	var bestRank rank
	for _, a := range p.mu.accounts {
		if len(a.txs) == 0 || a.parked || a.txs[0].tx.Nonce() != a.next {
			continue
		}
		r := rankOf(a.txs[0], &p.mu.baseFee)
		if r.class == payable && (best == nil || r.better(&bestRank)) {
			best, bestRank = a.txs[0], r
		}
	}
	if best == nil {
		return nil
	}
	return best.tx
}

// checkPool checks the invariants of the pool and its accounts.
func checkPool(t interface{ Fatalf(string, ...any) }, p *Pool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var waiting, gapped, flying, executable int
	var bytes uint64
	for addr, a := range p.mu.accounts {
		if a.address != addr || a.idle() {
			t.Fatalf("account %s is under %s, idle %v", a.address, addr, a.idle())
		}
		var spent uint256.Int
		for i, tx := range a.txs {
			if i > 0 && tx.tx.Nonce() <= a.txs[i-1].tx.Nonce() || tx.tx.Nonce() < a.next {
				t.Fatalf("account %s: nonce %d at %d, next is %d", addr, tx.tx.Nonce(), i, a.next)
			}
			if inRun := tx.tx.Nonce() == a.next+uint64(i); inRun != (i < a.run) {
				t.Fatalf("account %s: nonce %d at %d with a run of %d from %d", addr, tx.tx.Nonce(), i, a.run, a.next)
			}
			if i < a.run {
				spent.Add(&spent, &tx.cost)
			}
			if p.mu.byHash[tx.tx.Hash()] != tx {
				t.Fatalf("account %s: nonce %d is not in the index", addr, tx.tx.Nonce())
			}
			bytes += tx.sizeBytes
		}
		if a.inFlight == 0 && !spent.Eq(&a.spent) {
			t.Fatalf("account %s: spent %v; want %v", addr, &a.spent, &spent)
		}
		if (a.headAt != notInHeap) != a.executable() || (a.tailAt != notInHeap) != (len(a.txs) > 0) {
			t.Fatalf("account %s is in the wrong heaps: %d, %d", addr, a.headAt, a.tailAt)
		}
		if a.executable() {
			executable++
		}
		waiting, gapped, flying = waiting+len(a.txs), gapped+len(a.txs)-a.run, flying+a.inFlight
	}
	if waiting != p.mu.waiting || gapped != p.mu.gapped || bytes != p.mu.bytes || waiting+flying != len(p.mu.byHash) {
		t.Fatalf("counts: waiting %d, gapped %d, bytes %d, known %d; want %d, %d, %d, %d",
			p.mu.waiting, p.mu.gapped, p.mu.bytes, len(p.mu.byHash), waiting, gapped, bytes, waiting+flying)
	}
	if bytes > p.cfg.BytesMax {
		t.Fatalf("the pool holds %d bytes; its limit is %d", bytes, p.cfg.BytesMax)
	}
	if executable != p.mu.heads.Len() {
		t.Fatalf("%d accounts in the order of execution; want %d", p.mu.heads.Len(), executable)
	}
}

func TestPoolFromManyGoroutines(t *testing.T) {
	p := newTestPool(fundedAccounts(), PoolConfig{BytesMax: 100 * 1300})
	var senders sync.WaitGroup
	for _, key := range testKeys {
		senders.Go(func() {
			for nonce := range uint64(20) {
				_ = p.Add(transfer(key, nonce, int64(nonce%4), 9))
				p.PendingNonce(addressOf(key))
			}
		})
	}
	stop := make(chan struct{})
	var taker sync.WaitGroup
	taker.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-p.Ready():
				if tx, _, ok := p.Take(); ok {
					p.PutBack(tx)
				}
				p.SetHeader(testHeader(gwei))
			}
		}
	})
	senders.Wait()
	close(stop)
	taker.Wait()
	checkPool(t, p)
}
