package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/mpt"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/tuning"
)

// origin is what a ledger begins with: its genesis, and what follows from it.
type origin struct {
	genesis  *chain.Genesis
	state    *memstate.State
	trie     *mpt.Trie
	header   *types.Header // of the genesis block
	identity common.Hash
}

// settleOrigin returns the genesis of the ledger in dir, where it is kept from
// the first opening on. Given one, or the identity of a chain, it must be of the
// same chain. Nothing is kept of one that is not.
func settleOrigin(dir string, opts Options) (*origin, error) {
	f, given, want := opts.FS, opts.Genesis, opts.Chain
	path := filepath.Join(dir, genesisName)
	kept, err := readGenesis(f, path)
	begins := errors.Is(err, fs.ErrNotExist)
	switch {
	case begins && given == nil:
		return nil, fmt.Errorf("the directory has no chain and no genesis is given: %w", err)
	case begins:
		kept = given
	case err != nil:
		return nil, err
	}
	o := newOrigin(kept, opts.Memory)
	if given != nil && !begins {
		if other := newOrigin(given, nil); other.identity != o.identity {
			return nil, fmt.Errorf("%w: got %s; want %s", ErrOtherGenesis, other, o)
		}
	}
	if want != (common.Hash{}) && want != o.identity {
		return nil, fmt.Errorf("%w: got %s; want chain %s", ErrOtherChain, o, want)
	}
	if begins {
		return o, writeGenesis(f, path, given)
	}
	return o, nil
}

const genesisName = "genesis.json" // in the ledger's folder

// GenesisFile is where the ledger of a data directory keeps its genesis.
func GenesisFile(dataDir string) string { return filepath.Join(dataDir, folder, genesisName) }

// ErrOtherGenesis says that the directory belongs to another chain than the
// given genesis; ErrOtherChain, that the genesis is not that of the chain that
// was asked for.
var (
	ErrOtherGenesis = errors.New("the data directory is that of another genesis")
	ErrOtherChain   = errors.New("the genesis is that of another chain")
)

func newOrigin(genesis *chain.Genesis, memory *tuning.MemoryPolicy) *origin {
	o := &origin{genesis: genesis, state: memstate.NewIn(memory), trie: mpt.New()}
	diff := genesis.Diff()
	o.state.Commit(0, 0, diff)
	o.trie.Update(diff)
	o.header = genesis.Header(o.trie.Root())
	o.identity = genesis.Identity(o.header.Hash())
	return o
}

// String names what two chains may differ in.
func (o *origin) String() string {
	return fmt.Sprintf("chain %s (chain id %d, sequencer %s, genesis block %s)",
		o.identity, o.genesis.Config.ChainID, o.genesis.Sequencer, o.header.Hash())
}

func readGenesis(f vfs.FS, path string) (*chain.Genesis, error) {
	data, err := vfs.ReadFile(f, path)
	if err != nil {
		return nil, err
	}
	genesis, err := chain.ParseGenesis(data)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	return genesis, nil
}

func writeGenesis(f vfs.FS, path string, g *chain.Genesis) error {
	data, err := json.Marshal(g)
	if err != nil {
		return err
	}
	return vfs.WriteFile(f, path, data)
}
