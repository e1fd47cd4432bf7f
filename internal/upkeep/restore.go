package upkeep

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/memstate/snapshot"
)

func restore(c *cli.Context) error {
	dir := c.String(program.DataDirFlag)
	from, m, err := snapshotToRestore(c)
	if err != nil {
		return err
	}
	unlock, err := program.LockDataDir(dir)
	if err != nil {
		return err
	}
	var closers program.Closers
	defer closers.Close()
	closers.Add(unlock)
	if err := checkEmpty(c, dir, m); err != nil {
		return err
	}
	store, err := ledger.OpenSnapshots(vfs.OS, dir)
	if err != nil {
		return err
	}
	progress := program.NewProgress(c, "restoring")
	err = store.Import(c.Context, from, m, readOptions(progress, m))
	progress.End()
	if err != nil {
		return err
	}
	l, err := ledger.Open(ledger.Options{Dir: dir, Log: slog.Default()})
	if err != nil {
		return err
	}
	closers.Add(l.Close)
	if hash := l.Sealed().Hash(); hash != m.Header.Hash() {
		return fmt.Errorf("cannot restore: the chain ends with EVM block %d, %s; want %d, %s; the reason is above",
			l.Sealed().Number, hash, m.Block(), m.Header.Hash())
	}
	return print(c, newReport(store, m))
}

// snapshotToRestore is the snapshot that flag and argument name, else the newest
// whose manifest is whole.
func snapshotToRestore(c *cli.Context) (*snapshot.Store, *snapshot.Manifest, error) {
	folder := c.String(fromFlag)
	if folder == "" {
		return nil, nil, fmt.Errorf("cannot restore: name the folder of the snapshots by --%s DIR", fromFlag)
	}
	if _, err := os.Stat(folder); err != nil {
		return nil, nil, fmt.Errorf("cannot read the snapshots (--%s): %w", fromFlag, err)
	}
	store, err := snapshot.Open(vfs.OS, folder)
	if err != nil {
		return nil, nil, err
	}
	if c.NArg() > 1 {
		return nil, nil, fmt.Errorf("cannot restore %d snapshots: name one", c.NArg())
	}
	blocks, err := blocksOf(c, store)
	if err != nil {
		return nil, nil, err
	}
	var corrupt error
	for _, block := range blocks {
		m, err := store.Manifest(block)
		if err == nil {
			return store, m, nil
		}
		corrupt = errors.Join(corrupt, err)
	}
	return nil, nil, corrupt
}

// checkEmpty makes the data folder of a chain, if there is none, and reports
// whether it can begin with a snapshot.
func checkEmpty(c *cli.Context, dir string, m *snapshot.Manifest) error {
	opts := ledger.Options{Dir: dir, Log: slog.Default()}
	if path := c.String(program.GenesisFlag); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("cannot read the genesis (--%s): %w", program.GenesisFlag, err)
		}
		if opts.Genesis, err = chain.ParseGenesis(data); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	l, err := ledger.Open(opts)
	if errors.Is(err, fs.ErrNotExist) && opts.Genesis == nil {
		return fmt.Errorf("cannot restore: %s holds no chain; name its genesis by --%s FILE", dir, program.GenesisFlag)
	}
	if err != nil {
		return err
	}
	switch {
	case l.Identity() != m.Chain:
		err = fmt.Errorf("cannot restore: the snapshot is of chain %s, and the folder of %s; the genesis must be the complete one, ledger/genesis.json in the data folder of a node", m.Chain, l.Identity())
	case l.NextSeq() > 0:
		err = fmt.Errorf("cannot restore: %s holds a chain up to EVM block %d; choose another folder by --%s", dir, l.Sealed().Number, program.DataDirFlag)
	}
	return errors.Join(err, l.Close())
}
