package spectest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rlp"
	gethtrie "github.com/ethereum/go-ethereum/trie"

	"github.com/redline-evm/redline/jit/exec"
)

// blockTest is a blockchain test as its file has it: blocks to import one after
// the other, some of them invalid.
type blockTest struct {
	Network   string             `json:"network"`
	Pre       types.GenesisAlloc `json:"pre"`
	Genesis   hexutil.Bytes      `json:"genesisRLP"`
	Blocks    []testBlock        `json:"blocks"`
	LastHash  common.Hash        `json:"lastblockhash"`
	PostState types.GenesisAlloc `json:"postState"`
	Config    testConfig         `json:"config"`
}

// testBlock is a block to import. The block is valid when it comes with its
// header taken apart.
type testBlock struct {
	RLP       hexutil.Bytes               `json:"rlp"`
	Header    *struct{ Hash common.Hash } `json:"blockHeader"`
	Exception string                      `json:"expectException"`
}

func blockCases(name string, test json.RawMessage) ([]testCase, error) {
	t := new(blockTest)
	if err := json.Unmarshal(test, t); err != nil {
		return nil, err
	}
	if len(t.Genesis) == 0 {
		return nil, errors.New("no genesisRLP; is this a blockchain test?")
	}
	return []testCase{{name: name, fork: t.Network, run: func(w *worker) error { return w.runBlocks(t) }}}, nil
}

// importer is a chain that grows block by block.
type importer struct {
	*worker
	config  *params.ChainConfig
	world   *world
	headers []*types.Header // from genesis to head
}

func (w *worker) runBlocks(t *blockTest) error {
	config, err := t.Config.chain(t.Network)
	if err != nil {
		return err
	}
	im := &importer{worker: w, config: config}
	if err := im.start(t); err != nil {
		return err
	}
	for i := range t.Blocks {
		if err := im.importTest(&t.Blocks[i]); err != nil {
			return fmt.Errorf("block %d of the test: %w", i, err)
		}
	}
	if hash := im.head().Hash(); hash != t.LastHash {
		return fmt.Errorf("the last block is %s; want %s", hash, t.LastHash)
	}
	diff := im.world.diffs[len(im.world.diffs)-1]
	if found := im.world.differences(t.PostState, diff); t.PostState != nil && len(found) > 0 {
		return fmt.Errorf("wrong state at the end: %s", strings.Join(found, "; "))
	}
	return nil
}

func (im *importer) head() *types.Header { return im.headers[len(im.headers)-1] }

func (im *importer) start(t *blockTest) (err error) {
	genesis := new(types.Block)
	if err := rlp.DecodeBytes(t.Genesis, genesis); err != nil {
		return fmt.Errorf("cannot decode genesis: %w", err)
	}
	if im.world, err = newWorld(t.Pre); err != nil {
		return err
	}
	if root := im.world.trie.Root(); root != genesis.Root() {
		return fmt.Errorf("genesis state root is %s; want %s", root, genesis.Root())
	}
	im.headers = []*types.Header{genesis.Header()}
	return nil
}

// importTest imports a block and compares with what the test expects of it.
func (im *importer) importTest(b *testBlock) error {
	hash, err := im.importBytes(b.RLP)
	if b.Header == nil && b.Exception == "" {
		if err == nil {
			return errors.New("was accepted; want a refusal")
		}
		return nil
	}
	if err := checkException(b.Exception, err); err != nil {
		return err
	}
	if b.Header != nil && hash != b.Header.Hash {
		return fmt.Errorf("the hash is %s; want %s", hash, b.Header.Hash)
	}
	return nil
}

func (im *importer) importBytes(raw []byte) (common.Hash, error) {
	block := new(types.Block)
	if err := rlp.DecodeBytes(raw, block); err != nil {
		return common.Hash{}, err
	}
	im.journal.Reset(im.world.view())
	if _, err := exec.ExecuteBlock(im.config, im.head(), block, im.engine, im.journal, im.blockHash); err != nil {
		return common.Hash{}, err
	}
	if root := types.DeriveSha(block.Withdrawals(), gethtrie.NewStackTrie(nil)); root != *block.Header().WithdrawalsHash {
		return common.Hash{}, fmt.Errorf("withdrawals root hash mismatch (header value %s, calculated %s)", block.Header().WithdrawalsHash, root)
	}
	diff := im.journal.Diff()
	if root := im.world.rootAfter(diff); root != block.Root() {
		im.world.undoRoot()
		return common.Hash{}, fmt.Errorf("invalid merkle root (remote: %s local: %s)", block.Root(), root)
	}
	im.headers = append(im.headers, block.Header())
	return block.Hash(), im.world.commitValues(diff)
}

func (im *importer) blockHash(number uint64) common.Hash {
	if first := im.headers[0].Number.Uint64(); number >= first && number-first < uint64(len(im.headers)) {
		return im.headers[number-first].Hash()
	}
	return common.Hash{}
}
