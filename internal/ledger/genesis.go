package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/redline-evm/redline/internal/chain"
)

// settleGenesis returns the genesis of the ledger in dir, where it is kept from
// the first opening on. Given one, it must be of the same chain. That the alloc
// is the same is told by the log, which names the genesis block's hash.
func settleGenesis(dir string, given *chain.Genesis) (*chain.Genesis, error) {
	path := filepath.Join(dir, "genesis.json")
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && given != nil:
		return given, writeGenesis(path, given)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the directory has no chain and no genesis is given: %w", err)
	case err != nil:
		return nil, err
	}
	kept, err := chain.ParseGenesis(data)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	if given == nil {
		return kept, nil
	}
	if got, want := given.Config.ChainID, kept.Config.ChainID; got.Cmp(want) != 0 {
		return nil, fmt.Errorf("%w: got chain id %d; want %d", ErrOtherGenesis, got, want)
	}
	if got, want := given.Sequencer, kept.Sequencer; got != want {
		return nil, fmt.Errorf("%w: got sequencer %s; want %s", ErrOtherGenesis, got, want)
	}
	return given, nil
}

// ErrOtherGenesis says that the directory belongs to another chain.
var ErrOtherGenesis = errors.New("the data directory is that of another genesis")

func writeGenesis(path string, g *chain.Genesis) error {
	data, err := json.Marshal(g)
	if err != nil {
		return err
	}
	temporary := path + ".new"
	file, err := os.Create(temporary)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
