package upkeep

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/memstate/snapshot"
)

const fromFlag = "from"

// Program is what the command needs of the program that it is part of.
type Program struct {
	Name    string
	DataDir string                                                      // by default
	Key     func(c *cli.Context, dir string) (*ecdsa.PrivateKey, error) // that signs snapshots
	Flags   []cli.Flag                                                  // that Key reads
}

// Command is the command that handles the snapshots of a node.
func Command(p Program) *cli.Command {
	dataDir := program.DataDir(p.DataDir)
	flags := func(own ...cli.Flag) []cli.Flag {
		return append(append(program.LogFlags(), dataDir, program.JSON("print progress and report as JSON")), own...)
	}
	return &cli.Command{
		Name:   "snapshot",
		Usage:  "make, list, verify and restore snapshots of the state",
		Action: program.Group,
		Subcommands: []*cli.Command{
			{
				Name:  "create",
				Usage: "take a snapshot of the newest sealed EVM block",
				Description: `Works on the data folder of a node that does not run; one that runs takes snapshots by itself, as
--` + everyFlag + ` says.`,
				Flags:  flags(append(p.Flags, rate())...),
				Before: program.Before,
				Action: func(c *cli.Context) error { return create(c, p) },
			},
			{
				Name:   "list",
				Usage:  "list the snapshots of a data folder",
				Flags:  flags(),
				Before: program.Before,
				Action: list,
			},
			{
				Name:      "verify",
				Usage:     "read snapshots and name what of them is corrupt",
				ArgsUsage: "[BLOCK...]",
				Description: `Compares every file with what the signed manifest says of it. Without BLOCK all snapshots are verified.
The exit code is 1 if anything is corrupt.`,
				Flags:  flags(),
				Before: program.Before,
				Action: verify,
			},
			{
				Name:      "restore",
				Usage:     "begin the data folder of a node with a snapshot of another one",
				ArgsUsage: "[BLOCK]",
				Description: `Copies a snapshot, the newest whole one without BLOCK, from the folder "snapshots" of another node's data
folder, verifies every file, the sequencer's signature and the root of the state, and leaves a data folder from
which the node starts. That folder must not have a chain yet; unless it was made by init it needs the genesis.

Example:
   ` + p.Name + ` snapshot restore --from /mnt/backup/snapshots --genesis genesis.json --datadir /srv/redline`,
				Flags: flags(
					&cli.StringFlag{Name: fromFlag, Usage: "folder of snapshots, a `DIR`; required"},
					program.Genesis("genesis JSON `FILE` (default: the data folder's)"),
				),
				Before: program.Before,
				Action: restore,
			},
		},
	}
}

// report describes a snapshot.
type report struct {
	Block       uint64          `json:"block"`
	Error       string          `json:"error,omitempty"` // why it cannot be used
	Path        string          `json:"path"`            // of the manifest
	Chain       common.Hash     `json:"chain"`
	Hash        common.Hash     `json:"hash"` // of the EVM block
	StateRoot   common.Hash     `json:"stateRoot"`
	MiniBlock   uint64          `json:"miniBlock"`
	Created     time.Time       `json:"created"`
	Signer      common.Address  `json:"signer"`
	Counts      snapshot.Counts `json:"counts"`
	Chunks      int             `json:"chunks"`
	StoredBytes uint64          `json:"storedBytes"`
	StateBytes  uint64          `json:"stateBytes"`
}

func newReport(s *snapshot.Store, m *snapshot.Manifest) report {
	stored, raw := m.Size()
	return report{
		Block: m.Block(), Path: s.Path(m.Block()), Chain: m.Chain, Hash: m.Header.Hash(), StateRoot: m.Header.Root, MiniBlock: m.Mini,
		Created: m.Created().UTC(), Signer: m.Signer, Counts: m.Counts, Chunks: len(m.Base) + len(m.Tail), StoredBytes: stored, StateBytes: raw,
	}
}

// print prints reports as the flags say.
func print(c *cli.Context, reports ...report) error {
	if c.Bool(program.JSONFlag) {
		return program.PrintJSON(c.App.Writer, map[string]any{"snapshots": append([]report{}, reports...)})
	}
	return printTable(c.App.Writer, reports)
}

func printTable(w io.Writer, reports []report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BLOCK\tCREATED\tMIB\tACCOUNTS\tSLOTS\tSTATE ROOT\t")
	for _, r := range reports {
		if r.Error != "" {
			fmt.Fprintf(table, "%d\t%s\t\t\t\t\t\n", r.Block, r.Error)
			continue
		}
		fmt.Fprintf(table, "%d\t%s\t%.1f\t%d\t%d\t%s\t\n", r.Block, r.Created.Format(time.DateTime), float64(r.StoredBytes)/(1<<20),
			r.Counts.Accounts, r.Counts.Slots, r.StateRoot)
	}
	return table.Flush()
}

func create(c *cli.Context, p Program) error {
	dir := c.String(program.DataDirFlag)
	var closers program.Closers
	defer closers.Close()
	unlock, err := program.LockDataDir(dir)
	if err != nil {
		return fmt.Errorf("%w; a node that runs takes snapshots by itself: see --%s", err, everyFlag)
	}
	closers.Add(unlock)
	key, err := p.Key(c, dir)
	if err != nil {
		return err
	}
	l, err := ledger.Open(ledger.Options{Dir: dir, Log: slog.Default()})
	if err != nil {
		return err
	}
	closers.Add(l.Close)
	if m, err := l.Snapshots().Manifest(l.Sealed().Number.Uint64()); err == nil {
		slog.Info("there is a snapshot of the newest EVM block already", "block", m.Block())
		return print(c, newReport(l.Snapshots(), m))
	}
	progress := program.NewProgress(c, "creating")
	m, err := l.SnapshotAtRest(c.Context, key, snapshot.WriteOptions{
		Workers: runtime.GOMAXPROCS(0), BytesPerSecond: c.Uint64(rateFlag) * megabyte,
		Progress: func(done uint64) { progress.Update(done, 0) },
	})
	progress.End()
	if err != nil {
		return err
	}
	return print(c, newReport(l.Snapshots(), m))
}

// openStore opens the snapshots of the data folder, which must be there.
func openStore(c *cli.Context) (*snapshot.Store, error) {
	dir := c.String(program.DataDirFlag)
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("cannot read the data folder (--%s): %w", program.DataDirFlag, err)
	}
	return ledger.OpenSnapshots(vfs.OS, dir)
}

func list(c *cli.Context) error {
	store, err := openStore(c)
	if err != nil {
		return err
	}
	blocks, err := store.Blocks()
	if err != nil {
		return err
	}
	var reports []report
	for _, block := range blocks {
		m, err := store.Manifest(block)
		if err != nil {
			reports = append(reports, report{Block: block, Path: store.Path(block), Error: err.Error()})
			continue
		}
		reports = append(reports, newReport(store, m))
	}
	return print(c, reports...)
}

func verify(c *cli.Context) error {
	store, err := openStore(c)
	if err != nil {
		return err
	}
	blocks, err := blocksOf(c, store)
	if err != nil {
		return err
	}
	var reports []report
	var corrupt error
	for _, block := range blocks {
		r := report{Block: block, Path: store.Path(block)}
		m, err := store.Manifest(block)
		if err == nil {
			r = newReport(store, m)
			progress := program.NewProgress(c, fmt.Sprintf("verifying %d", block))
			err = store.Verify(c.Context, m, readOptions(progress, m))
			progress.End()
		}
		if err != nil {
			r.Error = err.Error()
			corrupt = errors.Join(corrupt, err)
		}
		reports = append(reports, r)
	}
	if err := print(c, reports...); err != nil {
		return err
	}
	if corrupt != nil {
		return program.ErrReported
	}
	return nil
}

func readOptions(progress *program.Progress, m *snapshot.Manifest) snapshot.ReadOptions {
	stored, _ := m.Size()
	return snapshot.ReadOptions{Workers: runtime.GOMAXPROCS(0), Progress: func(done uint64) { progress.Update(done, stored) }}
}

// blocksOf are the EVM blocks of the arguments, else of all snapshots.
func blocksOf(c *cli.Context, store *snapshot.Store) (blocks []uint64, err error) {
	if c.NArg() == 0 {
		blocks, err = store.Blocks()
		if err == nil && len(blocks) == 0 {
			err = snapshot.ErrNone
		}
		return blocks, err
	}
	for _, text := range c.Args().Slice() {
		block, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("cannot use the argument %q: want the number of an EVM block", text)
		}
		blocks = append(blocks, block)
	}
	return blocks, nil
}
