package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

// ErrReported is an error whose reasons the command printed already: the
// program ends with exit code 1 and says no more.
var ErrReported = errors.New("failed")

// Main runs a program until its command ends, and exits with 1 if it failed, or
// with the code of its error if that is a cli.ExitCoder. The command's context ends at the first signal that asks for the end; the
// second one ends the process at once.
func Main(app *cli.App) {
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	defer stop()
	context.AfterFunc(ctx, func() {
		stop() // the next signal has its usual effect: it ends the process
	})
	app.Version = ClientVersion(app.Name)
	cli.VersionPrinter = printVersion
	app.Commands = append(app.Commands, versionCommand)
	app.ExitErrHandler = func(*cli.Context, error) {} // this function ends the process
	app.EnableBashCompletion = true
	app.Action = Group
	app.OnUsageError = usageError
	explainUsage(app.Commands)
	if err := app.RunContext(ctx, os.Args); err != nil {
		if !errors.Is(err, ErrReported) {
			fmt.Fprintf(os.Stderr, "%s: %v\n", app.Name, err)
		}
		os.Exit(exitCode(err))
	}
}

func exitCode(err error) int {
	var coder cli.ExitCoder
	if errors.As(err, &coder) {
		return coder.ExitCode()
	}
	return 1
}

// endSignals are interrupt, termination and the end of the terminal; not the
// last one if whoever started the program wants it to outlive its terminal.
func endSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// explainUsage makes commands answer wrong flags with one line.
func explainUsage(commands []*cli.Command) {
	for _, command := range commands {
		command.OnUsageError = usageError
		explainUsage(command.Subcommands)
	}
}

func usageError(c *cli.Context, err error, _ bool) error {
	name := c.App.Name
	if c.Command != nil && c.Command.HelpName != "" {
		name = c.Command.HelpName
	}
	return fmt.Errorf("%w; see %s --help", err, name)
}

var versionCommand = &cli.Command{
	Name:  "version",
	Usage: "print the program's revision, system and compiler",
	Action: func(c *cli.Context) error {
		printVersion(c)
		return nil
	},
}

func printVersion(c *cli.Context) { fmt.Fprintln(c.App.Writer, c.App.Version) }

// Group is the action of a command that has subcommands: it shows the help, or
// says that there is no such subcommand.
func Group(c *cli.Context) error {
	if c.NArg() > 0 {
		return fmt.Errorf("no command %q; see %s --help", c.Args().First(), c.Command.HelpName)
	}
	return cli.ShowSubcommandHelp(c)
}

// Before is what every command does first: it reads the configuration and sets
// up the log.
func Before(c *cli.Context) error {
	if c.NArg() > 0 && !c.Command.HasName(c.Args().First()) && c.Command.ArgsUsage == "" {
		return fmt.Errorf("cannot use the argument %q: %s takes flags only; see %s --help", c.Args().First(), c.Command.Name, c.Command.HelpName)
	}
	if err := LoadConfig(c); err != nil {
		return err
	}
	return SetupLog(c)
}

// Closers are what a program closes at its end.
type Closers []func() error

// Add notes what to close.
func (l *Closers) Add(closer func() error) { *l = append(*l, closer) }

// Close closes all, the newest first.
func (l *Closers) Close() {
	for i := len(*l) - 1; i >= 0; i-- {
		if err := (*l)[i](); err != nil {
			slog.Error("cannot close", "err", err)
		}
	}
	*l = nil
}
