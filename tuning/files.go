package tuning

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// files reads the small text files in which the kernel tells of itself. What is
// not there is blank: a kernel without a feature has no file for it. Everything
// else that goes wrong is kept in problems.
type files struct {
	fsys     fs.FS
	problems map[string]error // by path
}

func newFiles(fsys fs.FS) *files { return &files{fsys: fsys, problems: make(map[string]error)} }

func (f *files) fail(name string, err error) { f.problems[name] = err }

// text returns the file without blanks at its ends, or "".
func (f *files) text(name string) string {
	text, err := readText(f.fsys, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.fail(name, err)
	}
	return text
}

func readText(fsys fs.FS, name string) (string, error) {
	data, err := fs.ReadFile(fsys, name)
	return strings.TrimSpace(string(data)), err
}

// number reads a decimal number; ok is false if there is none, and for "max",
// which is how cgroups say that there is no limit.
func (f *files) number(name string) (value uint64, ok bool) {
	text := f.text(name)
	if text == "" || text == "max" {
		return 0, false
	}
	value, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		f.fail(name, fmt.Errorf("got %q; want a number", text))
		return 0, false
	}
	return value, true
}

// id reads a small number; missing and negative ones, which some kernels give
// for what they do not know, are 0.
func (f *files) id(name string) int {
	text := f.text(name)
	if text == "" || strings.HasPrefix(text, "-") {
		return 0
	}
	id, err := strconv.Atoi(text)
	if err != nil {
		f.fail(name, fmt.Errorf("got %q; want a number", text))
	}
	return id
}

func (f *files) set(name string) IDSet {
	set, err := ParseIDSet(strings.Trim(f.text(name), "\x00"))
	if err != nil {
		f.fail(name, err)
	}
	return set
}

// list returns the entries of a folder whose names begin with the prefix, in
// order of the number that follows it.
func (f *files) list(dir, prefix string) []string {
	names := f.names(dir)
	names = slices.DeleteFunc(names, func(name string) bool {
		_, err := strconv.Atoi(strings.TrimPrefix(name, prefix))
		return !strings.HasPrefix(name, prefix) || err != nil
	})
	slices.SortFunc(names, func(a, b string) int { return numberOf(a, prefix) - numberOf(b, prefix) })
	for i, name := range names {
		names[i] = path.Join(dir, name)
	}
	return names
}

func (f *files) names(dir string) []string {
	entries, err := fs.ReadDir(f.fsys, dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.fail(dir, err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names
}

func (f *files) exists(name string) bool {
	_, err := fs.Stat(f.fsys, name)
	return err == nil
}

func numberOf(name, prefix string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(path.Base(name), prefix))
	return n
}

// field returns the value of a line "key: value" or "key value" of a text.
func field(text, key string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), key); ok && (rest == "" || strings.ContainsAny(rest[:1], ": \t")) {
			return strings.TrimSpace(strings.TrimPrefix(rest, ":"))
		}
	}
	return ""
}

// kibibytes reads a value such as "8388608 kB" as bytes.
func kibibytes(value string) uint64 {
	number, _, _ := strings.Cut(value, " ")
	n, err := strconv.ParseUint(number, 10, 54)
	if err != nil {
		return 0
	}
	return n << 10
}
