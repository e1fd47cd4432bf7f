package tuning

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

var (
	// ErrNothingApplied says that there is nothing to revert.
	ErrNothingApplied = errors.New("nothing was applied")
	// ErrRestarted says that the machine was started again since the settings
	// were made, which undid them all.
	ErrRestarted = errors.New("the machine was restarted since; its settings are those of the start")
	// ErrChanged says that somebody else changed a value that was applied.
	ErrChanged = errors.New("values were changed by somebody else since they were applied")
	// ErrIncomplete says that some of the settings could not be made.
	ErrIncomplete = errors.New("not everything could be set")
)

// System is the file system of a machine whose settings can be changed. It reads
// files at once: the kernel's are cut short when they are read in small pieces.
type System interface {
	fs.ReadFileFS
	// WriteFile writes to a file that is there; it makes none.
	WriteFile(name, text string) error
}

// OpenSystem returns the system whose files begin at the folder root: "/".
func OpenSystem(root string) System {
	return system{dirFS: os.DirFS(root).(dirFS), root: root}
}

type system struct {
	dirFS
	root string
}

// dirFS is what os.DirFS promises to implement.
type dirFS interface {
	fs.ReadFileFS
	fs.StatFS
	fs.ReadDirFS
}

func (s system) WriteFile(name, text string) error {
	file, err := os.OpenFile(filepath.Join(s.root, name), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// Change is a setting that is made, with what it replaced.
type Change struct {
	Setting
	Before string `json:"before"`
	After  string `json:"after,omitempty"` // what the kernel made of the value; "" until it was written
}

// made reports whether the value is one that the change left behind.
func (c *Change) made(value string) bool {
	return value == c.After || c.After == "" && value == c.Value
}

// Outcome is what became of a change.
type Outcome struct {
	File   string `json:"file"`
	From   string `json:"from"`
	To     string `json:"to"`
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"` // why it is not done
}

// Status says what became of a change.
type Status string

// What can become of a change.
const (
	Planned Status = "planned" // a dry run
	Done    Status = "done"
	Refused Status = "refused" // by the kernel, for a good reason of its own
	Failed  Status = "failed"
	Foreign Status = "changed by somebody else"
)

// Plan returns the changes that the settings need, without making any. A file
// that cannot be read is an error.
func Plan(fsys fs.FS, settings []Setting) ([]Change, error) {
	var plan []Change
	for _, s := range settings {
		before, err := readSetting(fsys, s.File)
		if err != nil {
			return nil, fmt.Errorf("cannot read a setting: %w", err)
		}
		if before != s.Value {
			plan = append(plan, Change{Setting: s, Before: before})
		}
	}
	return plan, nil
}

// Outcomes are those of a dry run.
func Outcomes(plan []Change) []Outcome {
	outcomes := make([]Outcome, len(plan))
	for i, c := range plan {
		outcomes[i] = Outcome{File: c.File, From: c.Before, To: c.Value, Status: Planned}
	}
	return outcomes
}

// Apply makes the settings. What they replace is in the state file before the
// first is made, so that Revert finds it whatever happens; a value that an
// earlier Apply replaced stays the one to go back to. One failure does not keep
// the others from being made: the outcomes tell, and the error is
// ErrIncomplete.
func Apply(sys System, state StateFile, bootID string, settings []Setting) ([]Outcome, error) {
	plan, err := Plan(sys, settings)
	if err != nil || len(plan) == 0 {
		return nil, err
	}
	record, err := state.load(bootID)
	if err != nil && !errors.Is(err, ErrRestarted) && !errors.Is(err, ErrNothingApplied) {
		return nil, err
	}
	record.BootID = bootID
	for _, c := range plan {
		record.add(c)
	}
	if err := state.save(record); err != nil {
		return nil, err
	}
	outcomes, err := carryOut(sys, record, plan)
	return outcomes, errors.Join(err, state.save(record))
}

// carryOut writes the values of the plan, and to the record what came of it.
func carryOut(sys System, record *record, plan []Change) (outcomes []Outcome, err error) {
	for _, c := range plan {
		outcome := change(sys, c.Setting, c.Before)
		if outcome.Status == Failed {
			err = ErrIncomplete
		}
		outcomes = append(outcomes, outcome)
		record.settle(c.File, outcome.To)
	}
	return outcomes, err
}

// change writes a value and reads what the kernel made of it.
func change(sys System, s Setting, from string) Outcome {
	outcome := Outcome{File: s.File, From: from, Status: Done}
	writeErr := sys.WriteFile(s.File, s.Value)
	got, err := readSetting(sys, s.File)
	outcome.To = got
	switch {
	case err == nil && writeErr == nil && got == s.Value:
		return outcome
	case writeErr != nil:
		outcome.Reason = writeErr.Error()
	case err != nil:
		outcome.To, outcome.Reason = s.Value, err.Error()
	default:
		outcome.Reason = fmt.Sprintf("got %q; want %q", got, s.Value)
	}
	outcome.Status = Failed
	if s.Hint {
		outcome.Status = Refused
	}
	return outcome
}

// Revert puts back what Apply replaced, in the opposite order. If somebody else
// changed a value since, it changes nothing and returns ErrChanged, unless
// forced. What could not be put back stays in the state file.
func Revert(sys System, state StateFile, bootID string, force bool) ([]Outcome, error) {
	record, err := state.load(bootID)
	if err != nil {
		if errors.Is(err, ErrRestarted) {
			err = errors.Join(err, state.remove())
		}
		return nil, err
	}
	plan, foreign, err := record.undo(sys)
	if err != nil {
		return nil, err
	}
	if len(foreign) > 0 && !force {
		return foreign, ErrChanged
	}
	outcomes, err := carryOut(sys, record, plan)
	return outcomes, errors.Join(err, state.save(record))
}

// PlanRevert returns what Revert would change, and ErrChanged if it would
// refuse.
func PlanRevert(fsys fs.FS, state StateFile, bootID string) ([]Outcome, error) {
	record, err := state.load(bootID)
	if err != nil {
		return nil, err
	}
	plan, foreign, err := record.undo(fsys)
	if err != nil {
		return nil, err
	}
	if len(foreign) > 0 {
		return foreign, ErrChanged
	}
	return Outcomes(plan), nil
}

// undo returns the changes back to what was before, newest first, and the
// values that somebody else changed.
func (r *record) undo(fsys fs.FS) (plan []Change, foreign []Outcome, err error) {
	for _, c := range slices.Backward(r.Changes) {
		value, err := readSetting(fsys, c.File)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot read a setting: %w", err)
		}
		if value != c.Before && !c.made(value) {
			foreign = append(foreign, Outcome{
				File: c.File, From: value, To: c.Before, Status: Foreign,
				Reason: fmt.Sprintf("got %q; applied was %q", value, c.Value),
			})
		}
		back := c.Setting
		back.Value = c.Before
		plan = append(plan, Change{Setting: back, Before: value})
	}
	return plan, foreign, nil
}
