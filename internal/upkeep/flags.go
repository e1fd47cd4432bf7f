package upkeep

import (
	"crypto/ecdsa"
	"log/slog"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/ledger"
	"github.com/redline-evm/redline/internal/program"
)

const (
	everyFlag   = "snapshot.every"
	keepFlag    = "snapshot.keep"
	rateFlag    = "snapshot.rate"
	historyFlag = "history.blocks"

	category = "SNAPSHOTS AND HISTORY"

	megabyte = 1_000_000
)

// Flags are the flags of every command that runs a node.
func Flags() []cli.Flag {
	return []cli.Flag{
		program.Uint64(category, everyFlag, 3600, "EVM blocks from one snapshot of the state to the next, one a second; 0 takes none, and keeps all records"),
		program.Int(category, keepFlag, 2, "snapshots to keep"),
		rate(),
		program.Uint64(category, historyFlag, 0, "newest EVM blocks whose transactions and receipts are kept; 0 is all"),
	}
}

func rate() cli.Flag {
	return program.Uint64(category, rateFlag, 100, "MB of state that a snapshot copies in a second; 0 is no limit")
}

// ConfigOf is what the flags say.
func ConfigOf(c *cli.Context, l *ledger.Ledger, key *ecdsa.PrivateKey) Config {
	return Config{
		Ledger: l, Key: key, Log: slog.Default(),
		SnapshotEvery: c.Uint64(everyFlag), SnapshotKeep: max(1, c.Int(keepFlag)),
		BytesPerSecond: c.Uint64(rateFlag) * megabyte, HistoryBlocks: c.Uint64(historyFlag),
	}
}
