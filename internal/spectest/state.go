package spectest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/redline-evm/redline/jit/exec"
)

// stateTest is a state test as its file has it: one transaction, in variants,
// on one state. The variants carry the signed transactions themselves, so that
// their parts need not be read.
type stateTest struct {
	Env         stateEnv           `json:"env"`
	Pre         types.GenesisAlloc `json:"pre"`
	Transaction struct {
		Sender *common.Address `json:"sender"`
	} `json:"transaction"`
	Post   map[string][]statePost `json:"post"` // by fork
	Config testConfig             `json:"config"`
}

type stateEnv struct {
	Coinbase      common.Address        `json:"currentCoinbase"`
	GasLimit      math.HexOrDecimal64   `json:"currentGasLimit"`
	Number        math.HexOrDecimal64   `json:"currentNumber"`
	Timestamp     math.HexOrDecimal64   `json:"currentTimestamp"`
	Random        *math.HexOrDecimal256 `json:"currentRandom"`
	BaseFee       *math.HexOrDecimal256 `json:"currentBaseFee"`
	ExcessBlobGas math.HexOrDecimal64   `json:"currentExcessBlobGas"`
}

// statePost is what one variant leads to.
type statePost struct {
	Root      common.Hash        `json:"hash"`
	Logs      common.Hash        `json:"logs"`
	TxBytes   hexutil.Bytes      `json:"txbytes"`
	Exception string             `json:"expectException"`
	State     types.GenesisAlloc `json:"state"` // may be absent
}

func stateCases(name string, test json.RawMessage) ([]testCase, error) {
	t := new(stateTest)
	if err := json.Unmarshal(test, t); err != nil {
		return nil, err
	}
	var cases []testCase
	for _, fork := range slices.Sorted(maps.Keys(t.Post)) {
		for i := range t.Post[fork] {
			cases = append(cases, testCase{
				name: fmt.Sprintf("%s %s/%d", name, fork, i),
				fork: fork,
				run:  func(w *worker) error { return w.runState(t, fork, &t.Post[fork][i]) },
			})
		}
	}
	if len(cases) == 0 {
		return nil, errors.New("no post states; is this a state test?")
	}
	return cases, nil
}

func (w *worker) runState(t *stateTest, fork string, post *statePost) error {
	config, err := t.Config.chain(fork)
	if err != nil {
		return err
	}
	world, err := newWorld(t.Pre)
	if err != nil {
		return err
	}
	w.journal.Reset(world.view())
	block := exec.NewBlock(config, t.Env.header(), w.engine, w.journal, numberHash)
	receipt, err := applyBytes(config, block, t, post.TxBytes)
	if err := checkException(post.Exception, err); err != nil {
		return err
	}
	diff := w.journal.Diff()
	root := world.rootAfter(diff)
	if err := world.commitValues(diff); err != nil {
		return err
	}
	if root != post.Root {
		return fmt.Errorf("state root is %s; want %s; %s", root, post.Root, strings.Join(world.differences(post.State, diff), "; "))
	}
	if receipt == nil {
		return nil
	}
	if hash := logsHash(receipt.Logs); hash != post.Logs {
		return fmt.Errorf("logs hash is %s of %d logs; want %s", hash, len(receipt.Logs), post.Logs)
	}
	return nil
}

// applyBytes decodes and applies a transaction.
func applyBytes(config *params.ChainConfig, block *exec.Block, t *stateTest, raw []byte) (*types.Receipt, error) {
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return nil, err
	}
	sender, err := types.Sender(types.LatestSigner(config), tx)
	if err != nil {
		return nil, err
	}
	if want := t.Transaction.Sender; want != nil && sender != *want {
		return nil, fmt.Errorf("the signer is %s; want %s", sender, want)
	}
	return block.Apply(tx, sender)
}

func (e *stateEnv) header() *types.Header {
	h := &types.Header{
		Coinbase:      e.Coinbase,
		Difficulty:    new(big.Int),
		Number:        new(big.Int).SetUint64(uint64(e.Number)),
		GasLimit:      uint64(e.GasLimit),
		Time:          uint64(e.Timestamp),
		BaseFee:       big.NewInt(defaultBaseFee),
		ExcessBlobGas: (*uint64)(&e.ExcessBlobGas),
	}
	if e.Random != nil {
		h.MixDigest = common.BigToHash((*big.Int)(e.Random))
	}
	if e.BaseFee != nil {
		h.BaseFee = (*big.Int)(e.BaseFee)
	}
	return h
}

// defaultBaseFee stands in old tests that do not give one.
const defaultBaseFee = 0x0a

// numberHash is the block hash that state tests assume.
func numberHash(number uint64) common.Hash {
	return crypto.Keccak256Hash([]byte(strconv.FormatUint(number, 10)))
}

func logsHash(logs []*types.Log) common.Hash {
	encoded, err := rlp.EncodeToBytes(logs)
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot encode logs: %v", err))
	}
	return crypto.Keccak256Hash(encoded)
}
