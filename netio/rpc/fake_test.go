package rpc

import (
	"context"
	"crypto/ecdsa"
	"math/big"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

var (
	testKey, _  = crypto.HexToECDSA("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291")
	testSender  = crypto.PubkeyToAddress(testKey.PublicKey)
	testTarget  = common.HexToAddress("0x00000000000000000000000000000000000c0de5")
	testTopic   = common.HexToHash("0x70b1c")
	testBaseFee = big.NewInt(1_000_000_000)
	testCode    = []byte{0x60, 0x01}
)

func testConfig() *params.ChainConfig {
	config := *params.AllDevChainProtocolChanges
	config.ChainID = big.NewInt(1337)
	config.AmsterdamTime, config.BogotaTime, config.UBTTime = nil, nil, nil
	return &config
}

// fakeBackend is a chain in memory that executes nothing: each transaction
// succeeds, uses 21,000 gas and leaves one log whose data is its input.
type fakeBackend struct {
	config *params.ChainConfig
	signer types.Signer

	// Answers that a test may replace before the server starts.
	call     func(ctx context.Context, req *CallRequest) (*CallResult, error)
	estimate func(ctx context.Context, req *CallRequest) (*CallResult, error)
	submit   func(tx *types.Transaction) error
	sync     *SyncStatus
	fault    error
	expired  bool // what states say
	filters  map[uint64]LogFilter

	headersRead, blocksRead atomic.Int64

	mu struct {
		sync.Mutex
		blocks   []*chain.EVMBlock // the last one may be open
		hashes   map[common.Hash]uint64
		minis    uint64
		txs      map[common.Hash]*Transaction
		pool     map[common.Hash]*types.Transaction
		accounts map[common.Address]chain.Account
		subs     map[int]chan Event
		nextSub  int
	}
}

func newFakeBackend() *fakeBackend {
	f := &fakeBackend{config: testConfig()}
	f.signer = types.LatestSigner(f.config)
	f.mu.hashes = make(map[common.Hash]uint64)
	f.mu.txs = make(map[common.Hash]*Transaction)
	f.mu.pool = make(map[common.Hash]*types.Transaction)
	f.mu.subs = make(map[int]chan Event)
	f.mu.accounts = map[common.Address]chain.Account{
		testSender: {Nonce: 7, Balance: *uint256.NewInt(1_000_000), CodeHash: types.EmptyCodeHash},
		testTarget: {Nonce: 1, CodeHash: crypto.Keccak256Hash(testCode)},
	}
	genesis := f.header(0)
	f.addBlock(&chain.EVMBlock{Header: genesis, Hash: genesis.Hash(), Sealed: true})
	return f
}

func (f *fakeBackend) header(number uint64) *types.Header {
	zero, root := uint64(0), common.Hash{}
	return &types.Header{
		Number:           new(big.Int).SetUint64(number),
		Difficulty:       new(big.Int),
		GasLimit:         30_000_000,
		Time:             1_700_000_000 + number,
		BaseFee:          testBaseFee,
		UncleHash:        types.EmptyUncleHash,
		TxHash:           types.EmptyTxsHash,
		ReceiptHash:      types.EmptyReceiptsHash,
		Root:             types.EmptyRootHash,
		WithdrawalsHash:  &types.EmptyWithdrawalsHash,
		RequestsHash:     &types.EmptyRequestsHash,
		ParentBeaconRoot: &root,
		BlobGasUsed:      &zero,
		ExcessBlobGas:    &zero,
	}
}

func (f *fakeBackend) addBlock(block *chain.EVMBlock) {
	f.mu.blocks = append(f.mu.blocks, block)
	f.mu.hashes[block.Hash] = block.Header.Number.Uint64()
}

// mine appends a mini-block with these transactions and returns its hash.
func (f *fakeBackend) mine(txs ...*types.Transaction) common.Hash {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.mu.blocks[len(f.mu.blocks)-1]
	if last.Sealed {
		header := f.header(last.Header.Number.Uint64() + 1)
		header.ParentHash = last.Hash
		header.TxHash, header.ReceiptHash, header.Root = common.Hash{}, common.Hash{}, common.Hash{}
		f.mu.blocks = append(f.mu.blocks, &chain.EVMBlock{Header: header})
	}
	// What was handed out stays as it is.
	block := *f.mu.blocks[len(f.mu.blocks)-1]
	f.mu.blocks[len(f.mu.blocks)-1] = &block
	f.mu.minis++
	mini := &chain.MiniBlock{Txs: txs}
	mini.Header = chain.MiniBlockHeader{
		Number:         f.mu.minis,
		BlockNumber:    block.Header.Number.Uint64(),
		BlockTimestamp: block.Header.Time,
		FirstTxIndex:   uint64(len(block.Txs)),
		FirstLogIndex:  uint64(len(block.Txs)),
	}
	block.Hash = mini.Header.Hash()
	f.mu.hashes[block.Hash] = block.Header.Number.Uint64()
	for i, tx := range txs {
		index := len(block.Txs)
		receipt := f.receipt(tx, &block, index)
		block.Txs, block.Receipts = append(block.Txs, tx), append(block.Receipts, receipt)
		mini.Receipts = append(mini.Receipts, receipt)
		delete(f.mu.pool, tx.Hash())
		f.mu.txs[tx.Hash()] = &Transaction{
			Tx: txs[i], Receipt: receipt, BlockTimestamp: block.Header.Time, BaseFee: block.Header.BaseFee,
		}
	}
	f.emit(Event{MiniBlock: mini})
	return block.Hash
}

func (f *fakeBackend) receipt(tx *types.Transaction, block *chain.EVMBlock, index int) *types.Receipt {
	log := &types.Log{Address: testTarget, Topics: []common.Hash{testTopic}, Data: tx.Data(), Index: uint(index)}
	receipt := &types.Receipt{
		Type:              tx.Type(),
		Status:            types.ReceiptStatusSuccessful,
		CumulativeGasUsed: params.TxGas * uint64(index+1),
		Logs:              []*types.Log{log},
		TxHash:            tx.Hash(),
		GasUsed:           params.TxGas,
		EffectiveGasPrice: new(big.Int).Add(effectiveTip(tx, testBaseFee), testBaseFee),
		BlockHash:         block.Hash,
		BlockNumber:       block.Header.Number,
		TransactionIndex:  uint(index),
	}
	receipt.Bloom = types.CreateBloom(receipt)
	return receipt
}

// seal closes the open block and returns its hash.
func (f *fakeBackend) seal() common.Hash {
	f.mu.Lock()
	defer f.mu.Unlock()
	open := f.mu.blocks[len(f.mu.blocks)-1]
	header := types.CopyHeader(open.Header)
	header.Root = common.HexToHash("0x5747e")
	header.GasUsed = params.TxGas * uint64(len(open.Txs))
	header.Bloom = types.MergeBloom(open.Receipts)
	header.TxHash, header.ReceiptHash = chain.ListRoots(open.Txs, open.Receipts)
	sealed := &chain.EVMBlock{Header: header, Hash: header.Hash(), Sealed: true, Txs: open.Txs}
	for i, receipt := range open.Receipts {
		copied := *receipt
		copied.BlockHash = sealed.Hash
		sealed.Receipts = append(sealed.Receipts, &copied)
		f.mu.txs[open.Txs[i].Hash()].Receipt = &copied
	}
	f.mu.blocks[len(f.mu.blocks)-1] = sealed
	f.mu.hashes[sealed.Hash] = header.Number.Uint64()
	f.emit(Event{Sealed: sealed})
	return sealed.Hash
}

func (f *fakeBackend) emit(event Event) {
	for id, events := range f.mu.subs {
		select {
		case events <- event:
		default:
			close(events)
			delete(f.mu.subs, id)
		}
	}
}

// dropSubscribers does what a backend does to subscribers that lag.
func (f *fakeBackend) dropSubscribers() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, events := range f.mu.subs {
		close(events)
		delete(f.mu.subs, id)
	}
}

func (f *fakeBackend) Subscribe(buffer int) (<-chan Event, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, events := f.mu.nextSub, make(chan Event, buffer)
	f.mu.nextSub++
	f.mu.subs[id] = events
	return events, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, ok := f.mu.subs[id]; ok {
			close(events)
			delete(f.mu.subs, id)
		}
	}
}

func (f *fakeBackend) ChainConfig() *params.ChainConfig { return f.config }
func (f *fakeBackend) Syncing() *SyncStatus             { return f.sync }
func (f *fakeBackend) PeerCount() uint64                { return 3 }
func (f *fakeBackend) Fault() error                     { return f.fault }

func (f *fakeBackend) HeadNumber() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return uint64(len(f.mu.blocks)) - 1
}

func (f *fakeBackend) Header(ref BlockRef) (*chain.EVMBlock, error) {
	f.headersRead.Add(1)
	block, err := f.find(ref)
	if block == nil || err != nil {
		return nil, err
	}
	head := *block
	head.Txs, head.Receipts = nil, nil
	return &head, nil
}

func (f *fakeBackend) Block(ref BlockRef) (*chain.EVMBlock, error) {
	f.blocksRead.Add(1)
	return f.find(ref)
}

func (f *fakeBackend) LogFilter(number uint64) (LogFilter, error) { return f.filters[number], nil }

func (f *fakeBackend) find(ref BlockRef) (*chain.EVMBlock, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	number, ok := uint64(0), true
	switch head := uint64(len(f.mu.blocks)) - 1; ref.Tag {
	case TagNumber:
		number = ref.Number
	case TagHash:
		number, ok = f.mu.hashes[ref.Hash]
	case TagLatest, TagPending:
		number = head
	case TagSafe, TagFinalized:
		if number = head; !f.mu.blocks[number].Sealed {
			number--
		}
	}
	if !ok || number >= uint64(len(f.mu.blocks)) {
		return nil, nil
	}
	return f.mu.blocks[number], nil
}

func (f *fakeBackend) State(ref BlockRef) (State, error) {
	if block, err := f.Block(ref); block == nil || err != nil {
		return nil, ErrUnknownBlock
	}
	return f, nil
}

func (f *fakeBackend) Expired() bool { return f.expired }

func (f *fakeBackend) Account(addr common.Address) (chain.Account, bool) {
	account, ok := f.mu.accounts[addr]
	return account, ok
}

func (f *fakeBackend) Storage(_ common.Address, key uint256.Int) uint256.Int {
	return *new(uint256.Int).AddUint64(&key, 1)
}

func (f *fakeBackend) Code(hash common.Hash) []byte {
	if hash == crypto.Keccak256Hash(testCode) {
		return testCode
	}
	return nil
}

func (f *fakeBackend) Transaction(hash common.Hash) (*Transaction, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if tx := f.mu.txs[hash]; tx != nil {
		copied := *tx
		return &copied, nil
	}
	return nil, nil
}

func (f *fakeBackend) Call(ctx context.Context, req *CallRequest) (*CallResult, error) {
	if f.call != nil {
		return f.call(ctx, req)
	}
	return &CallResult{Gas: params.TxGas, Output: req.Msg.Data}, nil
}

func (f *fakeBackend) EstimateGas(ctx context.Context, req *CallRequest) (*CallResult, error) {
	if f.estimate != nil {
		return f.estimate(ctx, req)
	}
	return &CallResult{Gas: params.TxGas}, nil
}

func (f *fakeBackend) Submit(_ context.Context, tx *types.Transaction, _ []byte) error {
	if f.submit != nil {
		if err := f.submit(tx); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.pool[tx.Hash()] != nil {
		return ErrAlreadyKnown
	}
	f.mu.pool[tx.Hash()] = tx
	f.emit(Event{Pending: []*types.Transaction{tx}})
	return nil
}

func (f *fakeBackend) PendingTransaction(_ context.Context, hash common.Hash) (*types.Transaction, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.pool[hash], nil
}

func (f *fakeBackend) PendingNonce(_ context.Context, addr common.Address) (uint64, error) {
	return f.mu.accounts[addr].Nonce, nil
}

func (f *fakeBackend) PoolStatus(context.Context) (PoolStatus, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return PoolStatus{Pending: uint64(len(f.mu.pool)), Queued: 1}, nil
}

// signTx signs a dynamic-fee transaction of the test account.
func signTx(tb testing.TB, f *fakeBackend, nonce uint64, data []byte) *types.Transaction {
	tb.Helper()
	return signWith(tb, f, testKey, &types.DynamicFeeTx{
		ChainID: f.config.ChainID, Nonce: nonce, GasTipCap: big.NewInt(5), GasFeeCap: big.NewInt(2_000_000_000),
		Gas: 100_000, To: &testTarget, Value: big.NewInt(1), Data: data,
	})
}

func signWith(tb testing.TB, f *fakeBackend, key *ecdsa.PrivateKey, inner types.TxData) *types.Transaction {
	tb.Helper()
	tx, err := types.SignNewTx(key, f.signer, inner)
	if err != nil {
		tb.Fatal(err)
	}
	return tx
}

// recordCall answers a call with its input and keeps the request.
func recordCall(got **CallRequest) func(context.Context, *CallRequest) (*CallResult, error) {
	return func(_ context.Context, req *CallRequest) (*CallResult, error) {
		*got = req
		return &CallResult{Gas: params.TxGas, Output: req.Msg.Data}, nil
	}
}
