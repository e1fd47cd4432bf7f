package chain_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/misc/eip1559"
	"github.com/ethereum/go-ethereum/consensus/misc/eip4844"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// TestHeadersFollow opens and closes EVM blocks of several loads and checks
// each header by go-ethereum's rules.
func TestHeadersFollow(t *testing.T) {
	g := chain.DevGenesis(common.Address{9})
	parent := g.Header(common.Hash{1})
	for i, gasUsed := range []uint64{0, g.GasLimit, g.GasLimit / 2, 21000, g.GasLimit} {
		open := chain.NextHeader(g.Config, parent, parent.Time+uint64(i)+1)
		parentHash := parent.Hash()
		if open.ParentHash != parentHash || open.MixDigest != crypto.Keccak256Hash(parentHash[:]) {
			t.Errorf("EVM block %s does not follow from its parent", open.Number)
		}
		if err := eip1559.VerifyEIP1559Header(g.Config, parent, open); err != nil {
			t.Error(err)
		}
		if err := eip4844.VerifyEIP4844Header(g.Config, parent, open); err != nil {
			t.Error(err)
		}
		if open.Coinbase != g.Coinbase || open.Number.Uint64() != uint64(i)+1 {
			t.Errorf("got coinbase %s, number %s", open.Coinbase, open.Number)
		}
		parent = chain.CloseHeader(open, &chain.BlockBody{
			Txs:          []*types.Transaction{types.NewTx(&types.LegacyTx{})},
			Receipts:     []*types.Receipt{{CumulativeGasUsed: gasUsed}},
			RequestsHash: new(types.EmptyRequestsHash),
		})
	}
}

func TestCloseHeaderAgreesWithGeth(t *testing.T) {
	g := chain.DevGenesis(common.Address{9})
	open := chain.NextHeader(g.Config, g.Header(common.Hash{1}), 5)
	txs, receipts := sampleTxs(), sampleReceipts()
	body := &chain.BlockBody{
		Txs: txs, Receipts: receipts,
		StateRoot:    common.Hash{2},
		RequestsHash: new(types.EmptyRequestsHash),
		FirstMini:    10, LastMini: 19,
	}
	got := chain.CloseHeader(open, body)

	want := types.CopyHeader(open)
	want.Root, want.RequestsHash, want.Extra = body.StateRoot, body.RequestsHash, chain.MiniBlockRange(10, 19)
	want.GasUsed = receipts[len(receipts)-1].CumulativeGasUsed
	blobGas := uint64(params.BlobTxBlobGasPerBlob)
	want.BlobGasUsed = &blobGas
	want = types.NewBlock(want, &types.Body{Transactions: txs, Withdrawals: []*types.Withdrawal{}}, receipts, trie.NewStackTrie(nil)).Header()
	if got.Hash() != want.Hash() {
		t.Errorf("got %+v; want %+v", got, want)
	}
	if open.Root != (common.Hash{}) {
		t.Error("the open header was changed")
	}
}

// sampleTxs has one transaction of each type.
func sampleTxs() []*types.Transaction {
	to, chainID := common.Address{5}, uint256.NewInt(chain.DevChainID)
	return []*types.Transaction{
		types.NewTx(&types.LegacyTx{GasPrice: big.NewInt(7), Gas: 21000, To: &to}),
		types.NewTx(&types.AccessListTx{ChainID: chainID.ToBig(), GasPrice: big.NewInt(2_000_000_000), Gas: 30000}),
		types.NewTx(&types.DynamicFeeTx{ChainID: chainID.ToBig(), GasTipCap: big.NewInt(3), GasFeeCap: big.NewInt(5_000_000_000), To: &to}),
		types.NewTx(&types.BlobTx{ChainID: chainID, GasTipCap: uint256.NewInt(8), GasFeeCap: uint256.NewInt(1_000_000_001), BlobFeeCap: uint256.NewInt(1), BlobHashes: []common.Hash{{1}}}),
		types.NewTx(&types.SetCodeTx{ChainID: chainID, GasTipCap: uint256.NewInt(1), GasFeeCap: uint256.NewInt(2_000_000_000), To: to}),
	}
}

// sampleReceipts goes with sampleTxs: consensus fields and blooms.
func sampleReceipts() []*types.Receipt {
	var receipts []*types.Receipt
	gas := uint64(0)
	for i, tx := range sampleTxs() {
		gas += 21000 + uint64(i)
		r := &types.Receipt{Type: tx.Type(), Status: uint64(i % 2), CumulativeGasUsed: gas, Logs: []*types.Log{}}
		for k := range i {
			r.Logs = append(r.Logs, &types.Log{Address: common.Address{byte(k)}, Topics: []common.Hash{{byte(i)}}, Data: []byte{1}})
		}
		r.Bloom = types.CreateBloom(r)
		receipts = append(receipts, r)
	}
	return receipts
}

func TestDeriveReceiptsAgreesWithGeth(t *testing.T) {
	g := chain.DevGenesis(common.Address{9})
	open := chain.NextHeader(g.Config, g.Header(common.Hash{1}), 5)
	h := &chain.MiniBlockHeader{Number: 40, BlockNumber: 1, BlockTimestamp: 5}
	txs := sampleTxs()
	got := sampleReceipts()
	for _, r := range got {
		r.Type, r.Bloom = 0, types.Bloom{}
	}
	chain.DeriveReceipts(h, txs, got, open)

	want := sampleReceipts()
	err := types.Receipts(want).DeriveFields(g.Config, common.Hash{}, 1, 5, open.BaseFee, nil, txs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		want[i].ContractAddress = common.Address{}
		gotJSON, wantJSON := string(marshal(t, got[i])), string(marshal(t, want[i]))
		if gotJSON != wantJSON {
			t.Errorf("receipt %d:\ngot  %s\nwant %s", i, gotJSON, wantJSON)
		}
	}
}

// TestDeriveReceiptsGoesOn derives two mini-blocks of an EVM block: places and
// gas must be those of the EVM block.
func TestDeriveReceiptsGoesOn(t *testing.T) {
	txs := sampleTxs()
	open := &types.Header{BaseFee: big.NewInt(1)}
	whole, parts := sampleReceipts(), sampleReceipts()
	chain.DeriveReceipts(&chain.MiniBlockHeader{}, txs, whole, open)

	chain.DeriveReceipts(&chain.MiniBlockHeader{}, txs[:3], parts[:3], open)
	logs := uint64(0)
	for _, r := range parts[:3] {
		logs += uint64(len(r.Logs))
	}
	second := &chain.MiniBlockHeader{FirstTxIndex: 3, FirstLogIndex: logs, CumulativeGas: parts[2].CumulativeGasUsed}
	chain.DeriveReceipts(second, txs[3:], parts[3:], open)
	if got, want := string(marshal(t, parts)), string(marshal(t, whole)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestListRootsAgreeWithGeth(t *testing.T) {
	txRoot, receiptRoot := chain.ListRoots(nil, nil)
	if txRoot != types.EmptyTxsHash || receiptRoot != types.EmptyReceiptsHash {
		t.Errorf("got %s, %s; want the roots of empty lists", txRoot, receiptRoot)
	}
	txs, receipts := sampleTxs(), sampleReceipts()
	block := types.NewBlock(&types.Header{}, &types.Body{Transactions: txs}, receipts, trie.NewStackTrie(nil))
	txRoot, receiptRoot = chain.ListRoots(txs, receipts)
	if txRoot != block.TxHash() || receiptRoot != block.ReceiptHash() {
		t.Errorf("got %s, %s; want %s, %s", txRoot, receiptRoot, block.TxHash(), block.ReceiptHash())
	}
}

func TestSignatures(t *testing.T) {
	signer := chain.DevAccounts[3]
	h := &chain.MiniBlockHeader{Number: 7, ParentHash: common.Hash{1}, GasUsed: 21000}
	unsigned := h.Hash()
	if err := h.Sign(signer.PrivateKey()); err != nil {
		t.Fatal(err)
	}
	if h.Hash() != unsigned {
		t.Error("the hash depends on the signature")
	}
	if got, err := h.Signer(); err != nil || got != signer.Address {
		t.Errorf("got %s, %v; want %s", got, err, signer.Address)
	}
	h.GasUsed++
	if got, err := h.Signer(); err == nil && got == signer.Address {
		t.Error("the signature holds for another header")
	}

	s := &chain.Seal{Header: &types.Header{Number: big.NewInt(4), Difficulty: new(big.Int)}}
	if err := s.Sign(signer.PrivateKey()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Signer(); err != nil || got != signer.Address {
		t.Errorf("got %s, %v; want %s", got, err, signer.Address)
	}
	s.Signature = chain.Signature{}
	if _, err := s.Signer(); err == nil || !strings.Contains(err.Error(), "cannot recover the signer") {
		t.Errorf("got %v; want an error", err)
	}
}

func TestMiniBlockRange(t *testing.T) {
	first, last, ok := chain.ParseMiniBlockRange(chain.MiniBlockRange(3, 1<<40))
	if first != 3 || last != 1<<40 || !ok {
		t.Errorf("got %d, %d, %v; want 3, %d", first, last, ok, 1<<40)
	}
	if _, _, ok := chain.ParseMiniBlockRange(make([]byte, 15)); ok {
		t.Error("15 bytes hold no range")
	}
}
