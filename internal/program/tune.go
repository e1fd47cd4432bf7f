package program

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/tuning"
)

const (
	tuneCheckFlag  = "check"
	tuneApplyFlag  = "apply"
	tuneRevertFlag = "revert"
	tuneYesFlag    = "yes"
	tuneForceFlag  = "force"
	tuneStateFlag  = "state"
	tuneCgroupFlag = "cgroup"
	tuneHugeFlag   = "hugepages"

	// tuneStateDefault is in a folder of its own, which belongs to root: whoever can
	// write the file chooses what a later revert sets.
	tuneStateDefault = "/var/lib/redline-tuning/state.json"
	tuneFailedCode   = 2
)

// TuneCommand is the command that checks and sets up the machine for a role.
func TuneCommand(role tuning.Role, usage, description string) *cli.Command {
	return &cli.Command{
		Name:  "tune",
		Usage: usage,
		Description: description + `

Without flags, or with --check, it says what of the machine is as wanted and what is not, why that
matters and what to do. The exit code is 0 if all is as wanted, 1 if something could be better, 2 if
something is wrong or cannot be read.

--apply shows the settings of the kernel that it would make; with --yes it makes them. That needs root.
What was there before is kept in the --state file, and --revert --yes puts it back, unless somebody else
changed a value since. Settings last until the machine restarts. The exit code is 0, or 2 if something
could not be set.`,
		Flags: append(LogFlags(),
			&cli.BoolFlag{Name: tuneCheckFlag, Usage: "compare the machine with what is wanted (default)"},
			&cli.BoolFlag{Name: tuneApplyFlag, Usage: "show what would be set; set it with --yes"},
			&cli.BoolFlag{Name: tuneRevertFlag, Usage: "show what would be put back; put it back with --yes"},
			&cli.BoolFlag{Name: tuneYesFlag, Usage: "do what --apply or --revert shows"},
			&cli.BoolFlag{Name: tuneForceFlag, Usage: "revert even values that somebody else changed since"},
			&cli.StringFlag{Name: tuneStateFlag, Value: tuneStateDefault, Usage: "`FILE` that keeps what --apply replaced"},
			&cli.StringFlag{Name: tuneCgroupFlag, Usage: "`FOLDER` of the cgroup (version 2) whose limits count (default: this process's)"},
			&cli.Uint64Flag{Name: tuneHugeFlag, Usage: "`GiB` of memory to reserve in huge pages", DefaultText: "for a sequencer with 128 GiB or more, half of the memory"},
			JSON("print the report as one JSON object"),
		),
		Before: Before,
		Action: func(c *cli.Context) error { return runTune(c, role) },
	}
}

// tuner is one run of the command.
type tuner struct {
	sys     tuning.System
	machine *tuning.Machine
	opts    tuning.Options
	state   tuning.StateFile
	out     io.Writer
	json    bool
	colour  bool
	root    bool // may change the machine
	yes     bool
	force   bool
}

func runTune(c *cli.Context, role tuning.Role) error {
	if err := checkTuneFlags(c); err != nil {
		return cli.Exit(err, tuneFailedCode)
	}
	sys := tuning.OpenSystem("/")
	m, err := tuning.ReadMachine(sys, c.String(tuneCgroupFlag))
	if err != nil {
		return cli.Exit(err, tuneFailedCode)
	}
	t := &tuner{
		sys: sys, machine: m,
		opts:  tuning.Options{Role: role, HugeBytes: c.Uint64(tuneHugeFlag) << 30},
		state: tuning.StateFile(c.String(tuneStateFlag)),
		out:   c.App.Writer, json: c.Bool(JSONFlag),
		colour: isatty.IsTerminal(os.Stdout.Fd()) && os.Getenv("NO_COLOR") == "",
		root:   os.Geteuid() == 0,
		yes:    c.Bool(tuneYesFlag), force: c.Bool(tuneForceFlag),
	}
	switch {
	case c.Bool(tuneApplyFlag):
		return t.apply()
	case c.Bool(tuneRevertFlag):
		return t.revert()
	}
	return t.check()
}

func checkTuneFlags(c *cli.Context) error {
	check, apply, revert := c.Bool(tuneCheckFlag), c.Bool(tuneApplyFlag), c.Bool(tuneRevertFlag)
	switch {
	case check && apply, check && revert, apply && revert:
		return fmt.Errorf("cannot use more than one of --%s, --%s and --%s", tuneCheckFlag, tuneApplyFlag, tuneRevertFlag)
	case c.Bool(tuneYesFlag) && !apply && !revert:
		return fmt.Errorf("cannot use --%s without --%s or --%s", tuneYesFlag, tuneApplyFlag, tuneRevertFlag)
	case c.Bool(tuneForceFlag) && !revert:
		return fmt.Errorf("cannot use --%s without --%s", tuneForceFlag, tuneRevertFlag)
	}
	return nil
}

func (t *tuner) check() error {
	report := tuning.Check(t.machine, t.opts)
	if err := t.print(report, report.Text(t.colour)); err != nil {
		return err
	}
	if code := report.ExitCode(); code > 0 {
		return cli.Exit(ErrReported, code)
	}
	return nil
}

func (t *tuner) apply() error {
	settings := tuning.Check(t.machine, t.opts).Settings()
	if !t.yes {
		plan, err := tuning.Plan(t.sys, settings)
		return t.report(tuning.Outcomes(plan), err)
	}
	if err := t.needRoot(); err != nil {
		return err
	}
	return t.report(tuning.Apply(t.sys, t.state, t.machine.BootID, settings))
}

func (t *tuner) revert() error {
	if !t.yes {
		return t.report(tuning.PlanRevert(t.sys, t.state, t.machine.BootID))
	}
	if err := t.needRoot(); err != nil {
		return err
	}
	return t.report(tuning.Revert(t.sys, t.state, t.machine.BootID, t.force))
}

func (t *tuner) needRoot() error {
	if t.root {
		return nil
	}
	return cli.Exit(errors.New("cannot change the machine's settings: that needs root (sudo)"), tuneFailedCode)
}

// tuneReport is what --apply and --revert print with --json.
type tuneReport struct {
	DryRun   bool             `json:"dryRun"`
	Outcomes []tuning.Outcome `json:"outcomes"`
	Error    string           `json:"error,omitempty"`
}

// report prints what became of the changes, and returns the error with its exit
// code.
func (t *tuner) report(outcomes []tuning.Outcome, err error) error {
	report := tuneReport{DryRun: !t.yes, Outcomes: outcomes}
	if err != nil {
		report.Error = err.Error()
	}
	if err := t.print(report, t.outcomesText(outcomes, err)); err != nil {
		return err
	}
	switch {
	case err == nil, errors.Is(err, tuning.ErrNothingApplied), errors.Is(err, tuning.ErrRestarted):
		return nil
	case t.json:
		err = ErrReported
	}
	return cli.Exit(err, tuneFailedCode)
}

func (t *tuner) outcomesText(outcomes []tuning.Outcome, err error) string {
	text := tuning.OutcomesText(outcomes, t.colour)
	switch {
	case errors.Is(err, tuning.ErrNothingApplied), errors.Is(err, tuning.ErrRestarted):
		text += err.Error() + "\n"
	case errors.Is(err, tuning.ErrChanged):
		text += fmt.Sprintf("Nothing was changed; --%s puts all back all the same.\n", tuneForceFlag)
	case errors.Is(err, tuning.ErrIncomplete) && t.machine.Container != "":
		text += tuning.ContainerHint(t.machine.Container) + "\n"
	case len(outcomes) == 0:
		text += "Nothing to do.\n"
	case !t.yes:
		text += fmt.Sprintf("Nothing was changed; --%s does it.\n", tuneYesFlag)
	}
	return text
}

func (t *tuner) print(report any, text string) error {
	if t.json {
		return PrintJSON(t.out, report)
	}
	_, err := io.WriteString(t.out, text)
	return err
}
