// Package archtest checks the shape of the source tree: who may import whom,
// where third-party code may stand, that every package says what it is for, and
// that no folder is a drawer for leftovers. The rules are the tables of
// rules.go; the test of this package applies them to the whole module.
//
// It parses the files itself, for every build tag and system, and asks no tool:
// a test that runs `go list` is cached by the test cache and misses new imports.
// It knows nothing of what the packages do.
package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// source is one Go file of the tree.
type source struct {
	path  string // slash-separated, relative to the module root
	dir   string // package path relative to the module root; "." for the root
	lines int
	ast   *ast.File
}

func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// Check returns every violation of the rules by the Go files of tree, one line
// each, sorted. The error says that the tree could not be read or parsed.
func Check(tree fs.FS) ([]string, error) {
	sources, err := parseTree(tree)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, s := range sources {
		found = append(found, checkImports(s)...)
		if s.lines > fileLinesMax && !ast.IsGenerated(s.ast) {
			found = append(found, fmt.Sprintf("%s: %d lines; a file holds one idea and at most %d lines", s.path, s.lines, fileLinesMax))
		}
	}
	found = append(found, checkPackages(sources)...)
	slices.Sort(found)
	return found, nil
}

// parseTree reads all Go files, without regard to build constraints. Folders
// that the go tool ignores and installed Node packages are left out.
func parseTree(tree fs.FS) ([]*source, error) {
	var sources []*source
	fset := token.NewFileSet()
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && ignoredDir(name):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		sources = append(sources, &source{path: name, dir: path.Dir(name), lines: bytes.Count(text, []byte("\n")), ast: file})
		return nil
	})
	return sources, err
}

func ignoredDir(name string) bool {
	base := path.Base(name)
	return base == "testdata" || base == "node_modules" || name != "." && strings.ContainsAny(base[:1], "._")
}

// checkImports applies the import rules to one file.
func checkImports(s *source) []string {
	var found []string
	for _, spec := range s.ast.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(fmt.Sprintf("BUG: the parser let the import path %s pass", spec.Path.Value))
		}
		if why := refusal(s, imported); why != "" {
			found = append(found, fmt.Sprintf("%s: imports %s: %s", s.path, imported, why))
		}
	}
	return found
}

// refusal says why the file may not import the package; empty if it may.
func refusal(s *source, imported string) string {
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		return refuseOurs(s, ours)
	}
	first, _, _ := strings.Cut(imported, "/")
	if strings.Contains(first, ".") {
		return refuseThirdParty(s, imported)
	}
	return refuseStandard(s, imported)
}

func refuseOurs(s *source, imported string) string {
	if s.isTest() || imported == everywhere {
		return ""
	}
	row, ok := rowOf(s.dir)
	if !ok || slices.Contains(row.imports, imported) || slices.Contains(row.imports, anything) {
		return "" // a package without a row is reported once, by checkPackages
	}
	return fmt.Sprintf("%s may import %s", s.dir, orNothing(row.imports))
}

func refuseThirdParty(s *source, imported string) string {
	row, ok := thirdPartyRowOf(imported)
	if !ok {
		return "this dependency has no row in the table thirdParty; adding one is a decision to write down in docs/decisions"
	}
	switch {
	case s.isTest() && row.tests,
		slices.ContainsFunc(row.packages, func(p string) bool { return p == anything || p == s.dir }),
		row.files != "" && strings.HasSuffix(s.path, row.files):
		return ""
	}
	places := slices.Clone(row.packages)
	if row.files != "" {
		places = append(places, "files *"+row.files)
	}
	if row.tests {
		places = append(places, "tests")
	}
	return "allowed only in " + orNothing(places)
}

func refuseStandard(s *source, imported string) string {
	if !s.isTest() && slices.Contains(pure, s.dir) && slices.Contains(outsideWorld, imported) {
		return s.dir + " must not know the outside world (files, sockets, processes)"
	}
	return ""
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

func rowOf(dir string) (row, bool) {
	i := slices.IndexFunc(rows, func(r row) bool { return r.dir == dir })
	if i < 0 {
		return row{}, false
	}
	return rows[i], true
}

// thirdPartyRowOf returns the row with the longest path that covers the import.
func thirdPartyRowOf(imported string) (dependency, bool) {
	var best dependency
	for _, d := range thirdParty {
		covers := imported == d.path || strings.HasPrefix(imported, strings.TrimSuffix(d.path, "/")+"/")
		if covers && len(d.path) > len(best.path) {
			best = d
		}
	}
	return best, best.path != ""
}

// checkPackages applies the rules that concern a package as a whole.
func checkPackages(sources []*source) []string {
	documented := map[string]bool{}
	for _, s := range sources {
		if !s.isTest() {
			documented[s.dir] = documented[s.dir] || hasPackageComment(s.ast)
		}
	}
	var found []string
	for dir, ok := range documented {
		if !ok {
			found = append(found, dir+": no package comment; say what the package is for and what it must not know")
		}
		if _, known := rowOf(dir); !known {
			found = append(found, dir+": not in the import table of internal/archtest")
		}
	}
	reported := map[string]bool{}
	for _, s := range sources {
		if why := badName(s); why != "" && !reported[s.dir] {
			reported[s.dir] = true
			found = append(found, s.dir+": "+why)
		}
	}
	return found
}

// hasPackageComment reports whether the file's doc comment follows Go's form:
// "Package name ..." or, for a program, any sentence.
func hasPackageComment(file *ast.File) bool {
	if file.Doc == nil {
		return false
	}
	return file.Name.Name == "main" || strings.HasPrefix(file.Doc.Text(), "Package "+file.Name.Name+" ")
}

// badName says what is wrong with the name of the file's package or folder.
func badName(s *source) string {
	for part := range strings.SplitSeq(s.dir, "/") {
		if slices.Contains(drawers, part) {
			return fmt.Sprintf("a folder named %q is a kind of code, not a thing of the domain", part)
		}
	}
	name := strings.TrimSuffix(s.ast.Name.Name, "_test")
	if name != "main" && name != path.Base(s.dir) {
		return fmt.Sprintf("package %s in a folder of another name", name)
	}
	return ""
}
