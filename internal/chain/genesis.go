package chain

import (
	"bytes"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
)

// Genesis is what a chain starts from: go-ethereum's genesis, field by field,
// and the limits and the signer of a Redline chain.
type Genesis struct {
	Config *params.ChainConfig
	Limits

	// Sequencer is the address that signs mini-blocks and seals. It is zero in
	// a genesis that was written for another client.
	Sequencer common.Address

	Nonce      uint64
	Timestamp  uint64 // seconds
	ExtraData  []byte
	GasLimit   uint64
	Difficulty *big.Int
	Mixhash    common.Hash
	Coinbase   common.Address
	Alloc      types.GenesisAlloc

	GasUsed       uint64
	ParentHash    common.Hash
	BaseFee       *big.Int // wei; nil means params.InitialBaseFee
	ExcessBlobGas uint64
	BlobGasUsed   uint64
}

// Limits are the rules that a Redline chain may set for itself. Zero leaves the
// rule as the hard fork has it.
type Limits struct {
	MiniBlockMs   uint64 // interval between mini-blocks, milliseconds
	CodeSizeLimit uint64 // bytes of a contract's code
	TxGasLimit    uint64 // gas of one transaction
}

// Header is the header of the genesis block, with the state root that its
// alloc leads to.
func (g *Genesis) Header(stateRoot common.Hash) *types.Header {
	h := &types.Header{
		ParentHash:       g.ParentHash,
		UncleHash:        types.EmptyUncleHash,
		Coinbase:         g.Coinbase,
		Root:             stateRoot,
		TxHash:           types.EmptyTxsHash,
		ReceiptHash:      types.EmptyReceiptsHash,
		Difficulty:       g.Difficulty,
		Number:           new(big.Int),
		GasLimit:         g.GasLimit,
		GasUsed:          g.GasUsed,
		Time:             g.Timestamp,
		Extra:            g.ExtraData,
		MixDigest:        g.Mixhash,
		Nonce:            types.EncodeNonce(g.Nonce),
		BaseFee:          g.BaseFee,
		WithdrawalsHash:  new(types.EmptyWithdrawalsHash),
		BlobGasUsed:      new(g.BlobGasUsed),
		ExcessBlobGas:    new(g.ExcessBlobGas),
		ParentBeaconRoot: new(common.Hash),
	}
	if h.GasLimit == 0 {
		h.GasLimit = params.GenesisGasLimit
	}
	if h.BaseFee == nil {
		h.BaseFee = big.NewInt(params.InitialBaseFee)
	}
	if g.Config.IsPrague(h.Number, h.Time) {
		h.RequestsHash = new(types.EmptyRequestsHash)
	}
	return h
}

// Diff is the alloc as a diff on the empty state.
func (g *Genesis) Diff() *StateDiff {
	d := &StateDiff{Accounts: make([]AccountDiff, 0, len(g.Alloc))}
	codes := map[common.Hash][]byte{}
	for addr, alloc := range g.Alloc {
		a := AccountDiff{Address: addr, Account: NewAccount(), Slots: genesisSlots(alloc.Storage)}
		a.Account.Nonce = alloc.Nonce
		if alloc.Balance != nil {
			a.Account.Balance.SetFromBig(alloc.Balance)
		}
		if len(alloc.Code) > 0 {
			a.Account.CodeHash = crypto.Keccak256Hash(alloc.Code)
			codes[a.Account.CodeHash] = alloc.Code
		}
		d.Accounts = append(d.Accounts, a)
	}
	for hash, code := range codes {
		d.Codes = append(d.Codes, Code{Hash: hash, Bytes: code})
	}
	slices.SortFunc(d.Accounts, func(a, b AccountDiff) int { return bytes.Compare(a.Address[:], b.Address[:]) })
	slices.SortFunc(d.Codes, func(a, b Code) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	return d
}

// genesisSlots are the slots that hold something, by key.
func genesisSlots(storage map[common.Hash]common.Hash) []SlotDiff {
	var slots []SlotDiff
	for key, value := range storage {
		if value != (common.Hash{}) {
			slots = append(slots, SlotDiff{Key: key, Value: *new(uint256.Int).SetBytes32(value[:])})
		}
	}
	slices.SortFunc(slots, func(a, b SlotDiff) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	return slots
}
