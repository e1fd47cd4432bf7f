package rpc

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/eth/gasestimator"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/holiman/uint256"
	"github.com/klauspost/compress/zstd"

	"github.com/redline-evm/redline/internal/chain"
)

// The public fixtures hold conversations with geth over a chain that they
// bring along. Here go-ethereum itself imports the chain and executes; what is
// tested is that the server says the same about it, byte for byte in values.

func TestRecordedConversations(t *testing.T) {
	for _, name := range []string{"rpc-osaka0", "rpc-prague0"} {
		t.Run(name, func(t *testing.T) {
			files := readFixture(t, name)
			s := startServer(t, importChain(t, files), Config{})
			compared := 0
			for _, file := range slices.Sorted(keysOf(files)) {
				method, ok := strings.CutPrefix(path.Dir(file), "tests/")
				if _, offered := methodTable[method]; ok && offered {
					compared++
					t.Run(strings.TrimPrefix(file, "tests/"), func(t *testing.T) {
						replay(t, s, string(files[file]))
					})
				}
			}
			if compared < 90 {
				t.Errorf("compared %d conversations; want those of all offered methods, at least 90", compared)
			}
		})
	}
}

func keysOf(m map[string][]byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// replay sends each request of a conversation and compares the answer. Where
// the conversation says so, only its shape is compared.
func replay(t *testing.T, s *testServer, conversation string) {
	shapeOnly := strings.Contains(conversation, "// speconly")
	var request, answer string
	for line := range strings.Lines(conversation) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, ">> "); ok {
			request = text
			_, answer = s.post(text)
		} else if want, ok := strings.CutPrefix(line, "<< "); ok {
			compareAnswers(t, request, answer, want, shapeOnly)
		}
	}
}

func compareAnswers(t *testing.T, request, got, want string, shapeOnly bool) {
	t.Helper()
	gotValue, wantValue := parseJSON(t, got), parseJSON(t, want)
	dropWithdrawals(gotValue, wantValue)
	if shapeOnly {
		gotValue, wantValue = shape(gotValue), shape(wantValue)
	}
	gotText, _ := json.Marshal(gotValue)
	wantText, _ := json.Marshal(wantValue)
	if !bytes.Equal(gotText, wantText) {
		t.Errorf("%.200s\ngot  %s\nwant %s", request, gotText, wantText)
	}
}

func parseJSON(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// dropWithdrawals takes out what differs because a block has withdrawals: on
// this chain there is no such thing, so blocks say they have none.
func dropWithdrawals(got, want map[string]any) {
	block, ok := want["result"].(map[string]any)
	if withdrawals, _ := block["withdrawals"].([]any); !ok || len(withdrawals) == 0 {
		return
	}
	for _, answer := range []map[string]any{got, want} {
		block, _ := answer["result"].(map[string]any)
		delete(block, "withdrawals")
		delete(block, "size")
	}
}

// shape keeps the names of members and the types of values.
func shape(v any) map[string]any {
	members, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	kept := make(map[string]any)
	for name, value := range members {
		switch value.(type) {
		case map[string]any:
			kept[name] = shape(value)
		case []any:
			kept[name] = "list"
		case string:
			kept[name] = "string"
		default:
			kept[name] = value
		}
	}
	return kept
}

// readFixture reads an archive of the public fixtures: its files by name,
// without the folder that holds them all.
func readFixture(t *testing.T, name string) map[string][]byte {
	t.Helper()
	dir := os.Getenv("FIXTURES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "fixtures")
	}
	f, err := os.Open(filepath.Join(dir, name+".tar.zst"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("no %s.tar.zst in %s; set FIXTURES to the folder of the public test fixtures", name, dir)
	} else if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderMaxWindow(1<<28))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files := make(map[string][]byte)
	for archive := tar.NewReader(z); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[strings.TrimPrefix(header.Name, name+"/")], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

// gethBackend is the fixture's chain in go-ethereum.
type gethBackend struct {
	*fakeBackend
	chain *core.BlockChain
	disk  ethdb.Database
}

func importChain(t *testing.T, files map[string][]byte) *gethBackend {
	t.Helper()
	var genesis core.Genesis
	if err := json.Unmarshal(files["genesis.json"], &genesis); err != nil {
		t.Fatal(err)
	}
	disk := rawdb.NewMemoryDatabase()
	bc, err := core.NewBlockChain(disk, &genesis, beacon.New(ethash.NewFaker()), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bc.Stop)
	var blocks types.Blocks
	for stream := rlp.NewStream(bytes.NewReader(files["chain.rlp"]), 0); ; {
		var block types.Block
		if err := stream.Decode(&block); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, &block)
	}
	if _, err := bc.InsertChain(blocks); err != nil {
		t.Fatal(err)
	}
	b := &gethBackend{fakeBackend: newFakeBackend(), chain: bc, disk: disk}
	b.config = bc.Config()
	b.mu.blocks, b.mu.hashes = nil, make(map[common.Hash]uint64)
	for number := range bc.CurrentBlock().Number.Uint64() + 1 {
		b.add(bc.GetBlockByNumber(number))
	}
	return b
}

func (b *gethBackend) add(block *types.Block) {
	receipts := b.chain.GetReceiptsByHash(block.Hash())
	b.addBlock(&chain.EVMBlock{
		Header: block.Header(), Hash: block.Hash(), Sealed: true, Txs: block.Transactions(), Receipts: receipts,
	})
	for i, tx := range block.Transactions() {
		b.mu.txs[tx.Hash()] = &Transaction{Tx: tx, Receipt: receipts[i], BlockTimestamp: block.Time(), BaseFee: block.BaseFee()}
	}
}

func (b *gethBackend) State(ref BlockRef) (State, error) {
	block, _ := b.Header(ref)
	if block == nil {
		return nil, ErrUnknownBlock
	}
	db, err := b.chain.StateAt(block.Header.Root, block.Header.Number, block.Header.Time)
	return gethState{db, b.disk}, err
}

// gethState is a state of go-ethereum with the names of State.
type gethState struct {
	db   *state.StateDB
	disk ethdb.Database
}

func (s gethState) Expired() bool { return false }

func (s gethState) Account(addr common.Address) (chain.Account, bool) {
	return chain.Account{Nonce: s.db.GetNonce(addr), Balance: *s.db.GetBalance(addr), CodeHash: s.db.GetCodeHash(addr)}, s.db.Exist(addr)
}

func (s gethState) Storage(addr common.Address, key uint256.Int) uint256.Int {
	value := s.db.GetState(addr, key.Bytes32())
	return *new(uint256.Int).SetBytes32(value[:])
}

func (s gethState) Code(hash common.Hash) []byte { return rawdb.ReadCode(s.disk, hash) }

// run sets go-ethereum up to execute a request.
func (b *gethBackend) run(req *CallRequest) (*state.StateDB, *types.Header, *core.Message) {
	block, _ := b.Header(req.Block)
	db, err := b.chain.StateAt(block.Header.Root, block.Header.Number, block.Header.Time)
	if err != nil {
		panic(err)
	}
	msg := &core.Message{
		From: req.Msg.From, To: req.Msg.To, Nonce: db.GetNonce(req.Msg.From), Data: req.Msg.Data,
		Value: new(uint256.Int), GasPrice: new(uint256.Int), GasFeeCap: new(uint256.Int), GasTipCap: new(uint256.Int),
		GasLimit: req.Msg.Gas, BlobGasFeeCap: new(uint256.Int), BlobHashes: req.Msg.BlobHashes,
		AccessList: req.Msg.AccessList, SetCodeAuthorizations: req.Msg.AuthorizationList,
	}
	if req.Msg.Value != nil {
		msg.Value = uint256.MustFromBig(req.Msg.Value)
	}
	if req.Msg.GasFeeCap != nil {
		msg.GasFeeCap = uint256.MustFromBig(req.Msg.GasFeeCap)
		msg.GasPrice = msg.GasFeeCap
	}
	return db, block.Header, msg
}

func (b *gethBackend) Call(_ context.Context, req *CallRequest) (*CallResult, error) {
	db, header, msg := b.run(req)
	if msg.GasLimit == 0 {
		msg.GasLimit = 16_000_000
	}
	blockContext := core.NewEVMBlockContext(header, b.chain, nil)
	if msg.GasPrice.IsZero() {
		blockContext.BaseFee = new(big.Int)
	}
	evm := vm.NewEVM(blockContext, db, b.config, vm.Config{NoBaseFee: true})
	result, err := core.ApplyMessage(evm, msg, core.NewGasPool(req.GasCap))
	if err != nil {
		return nil, err
	}
	return &CallResult{Output: result.ReturnData, Reverted: errors.Is(result.Err, vm.ErrExecutionReverted)}, nil
}

func (b *gethBackend) EstimateGas(ctx context.Context, req *CallRequest) (*CallResult, error) {
	db, header, msg := b.run(req)
	gas, revert, err := gasestimator.Estimate(ctx, msg, &gasestimator.Options{
		Config: b.config, Chain: b.chain, Header: header, State: db, ErrorRatio: 0.015,
	}, req.GasCap)
	if errors.Is(err, vm.ErrExecutionReverted) {
		return &CallResult{Output: revert, Reverted: true}, nil
	}
	return &CallResult{Gas: gas}, err
}
