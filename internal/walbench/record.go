package walbench

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/netio/wire"
)

// miniBlock is the record of a mini-block of ERC-20 transfers between accounts
// that each occur once. It is of the right size; nothing in it is true.
func miniBlock(transfers int) []byte {
	random := rand.New(rand.NewPCG(1, 1))
	m := &chain.MiniBlock{Diff: &chain.StateDiff{}}
	token := chain.AccountDiff{Address: address(random), Account: chain.NewAccount()}
	for range transfers {
		from, to := address(random), address(random)
		m.Txs = append(m.Txs, transfer(random, token.Address, to))
		m.Receipts = append(m.Receipts, receipt(random, token.Address, from, to))
		sender := chain.AccountDiff{Address: from, Account: chain.NewAccount()}
		sender.Account.Nonce, sender.Account.Balance = random.Uint64N(1000), uint256.Int{random.Uint64(), 1}
		m.Diff.Accounts = append(m.Diff.Accounts, sender)
		token.Slots = append(token.Slots, slot(random), slot(random))
	}
	if transfers > 0 {
		slices.SortFunc(token.Slots, func(a, b chain.SlotDiff) int { return bytes.Compare(a.Key[:], b.Key[:]) })
		m.Diff.Accounts = append(m.Diff.Accounts, token)
		slices.SortFunc(m.Diff.Accounts, func(a, b chain.AccountDiff) int { return bytes.Compare(a.Address[:], b.Address[:]) })
	}
	return wire.AppendRecord(nil, wire.Record{MiniBlock: m})
}

func transfer(random *rand.Rand, token, to common.Address) *types.Transaction {
	amount := uint256.NewInt(random.Uint64()).Bytes32()
	return types.NewTx(&types.DynamicFeeTx{
		ChainID: big.NewInt(chain.DevChainID), Nonce: random.Uint64N(1000), To: &token, Value: new(big.Int), Gas: 60_000,
		GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(2e9),
		Data: slices.Concat(common.FromHex("a9059cbb"), common.LeftPadBytes(to[:], 32), amount[:]),
		V:    common.Big1, R: hash(random).Big(), S: hash(random).Big(),
	})
}

// receipt is that of a transfer, with its event.
func receipt(random *rand.Rand, token, from, to common.Address) *types.Receipt {
	return &types.Receipt{
		Type: types.DynamicFeeTxType, Status: types.ReceiptStatusSuccessful, GasUsed: 34_000,
		Logs: []*types.Log{{
			Address: token, Topics: []common.Hash{hash(random), common.BytesToHash(from[:]), common.BytesToHash(to[:])},
			Data: common.LeftPadBytes(hash(random).Bytes()[:8], 32),
		}},
	}
}

func slot(random *rand.Rand) chain.SlotDiff {
	return chain.SlotDiff{Key: hash(random), Value: uint256.Int{random.Uint64()}}
}

func hash(random *rand.Rand) (h common.Hash) {
	for i := range h {
		h[i] = byte(random.Uint32())
	}
	return h
}

func address(random *rand.Rand) common.Address { return common.BytesToAddress(hash(random).Bytes()) }
