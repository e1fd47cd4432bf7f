package tuning

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// StateFile is the path of the file that remembers what Apply replaced.
type StateFile string

// record is what the state file holds.
//
// Invariant: one change for each file.
type record struct {
	BootID  string   `json:"bootId"`
	Changes []Change `json:"changes"` // in the order in which they were made first
}

// add notes a change that is about to be made. What was there before the first
// change of the file stays.
func (r *record) add(c Change) {
	if i := r.index(c.File); i >= 0 {
		r.Changes[i].Setting, r.Changes[i].After = c.Setting, ""
		return
	}
	r.Changes = append(r.Changes, c)
}

// settle notes what became of a file's value, and forgets the file if that is
// what was there before.
func (r *record) settle(file, value string) {
	i := r.index(file)
	if i < 0 {
		panic("BUG: changed a file that is not in the record: " + file)
	}
	r.Changes[i].After = value
	if value == r.Changes[i].Before {
		r.Changes = slices.Delete(r.Changes, i, i+1)
	}
}

func (r *record) index(file string) int {
	return slices.IndexFunc(r.Changes, func(c Change) bool { return c.File == file })
}

// load reads the record. It is empty with ErrNothingApplied if there is none,
// and with ErrRestarted if it is of another start of the machine.
func (s StateFile) load(bootID string) (*record, error) {
	data, err := os.ReadFile(string(s))
	if errors.Is(err, fs.ErrNotExist) {
		return &record{}, fmt.Errorf("%w: there is no %s", ErrNothingApplied, s)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the state of the settings: %w", err)
	}
	r := &record{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("cannot read the state of the settings %s: %w", s, err)
	}
	if r.BootID != bootID {
		return &record{}, ErrRestarted
	}
	for _, c := range r.Changes {
		if !isSetting(c.File) {
			return nil, fmt.Errorf("cannot use the state of the settings %s: %q is no setting of the kernel", s, c.File)
		}
	}
	return r, nil
}

// settingDirs are where settings of the kernel are.
var settingDirs = []string{sysctlDir, "proc/irq/", "sys/"}

func isSetting(file string) bool {
	return fs.ValidPath(file) && slices.ContainsFunc(settingDirs, func(dir string) bool { return strings.HasPrefix(file, dir) })
}

// save writes the record whole or not at all, and removes the file when nothing
// is left to revert.
func (s StateFile) save(r *record) error {
	if len(r.Changes) == 0 {
		return s.remove()
	}
	if err := s.write(r); err != nil {
		return fmt.Errorf("cannot keep the state of the settings: %w", err)
	}
	return nil
}

func (s StateFile) write(r *record) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(string(s)), 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(string(s)), filepath.Base(string(s))+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(append(data, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), string(s))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

func (s StateFile) remove() error {
	if err := os.Remove(string(s)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the state of the settings: %w", err)
	}
	return nil
}
