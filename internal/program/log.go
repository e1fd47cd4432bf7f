package program

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v2"
)

// levels are the slog levels of go-ethereum's verbosities.
var levels = []slog.Level{math.MaxInt32, slog.LevelError, slog.LevelWarn, slog.LevelInfo, slog.LevelDebug, slog.LevelDebug - 4}

// SetupLog makes slog write to standard error as the flags say.
func SetupLog(c *cli.Context) error {
	verbosity := c.Int(VerbosityFlag)
	if verbosity < 0 || verbosity >= len(levels) {
		return fmt.Errorf("cannot use --%s %d: want 0 to %d", VerbosityFlag, verbosity, len(levels)-1)
	}
	handler, err := logHandler(os.Stderr, isatty.IsTerminal(os.Stderr.Fd()), c.String(LogFormatFlag), levels[verbosity])
	if err != nil {
		return err
	}
	slog.SetDefault(slog.New(handler))
	return nil
}

func logHandler(w io.Writer, terminal bool, format string, level slog.Level) (slog.Handler, error) {
	if format == "" && terminal {
		format = "terminal"
	}
	switch format {
	case "terminal":
		return tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: "15:04:05.000", NoColor: !terminal}), nil
	case "", "logfmt", "text":
		return slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}), nil
	case "json":
		return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}), nil
	}
	return nil, fmt.Errorf("cannot use --%s %s: want terminal, logfmt or json", LogFormatFlag, format)
}
