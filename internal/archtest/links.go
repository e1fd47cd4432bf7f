package archtest

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

var (
	// markdownLink finds the target of a link to a file of ours, without anchor.
	markdownLink = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)
	// goMention finds a document that Go code names; such names are relative to
	// the module root.
	goMention = regexp.MustCompile(`\bdocs/[\w./-]+\.md\b`)
)

// CheckLinks returns every mention of a document that is not there: links in
// Markdown files, and names of documents in Go files other than tests.
func CheckLinks(tree fs.FS) ([]string, error) {
	var found []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && ignoredDir(name):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		pattern, base := linksOf(name)
		if pattern == nil {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		for _, match := range pattern.FindAllSubmatch(text, -1) {
			target := path.Join(base, string(match[len(match)-1]))
			if _, err := fs.Stat(tree, target); err != nil {
				found = append(found, fmt.Sprintf("%s: mentions %s, which is not there", name, target))
			}
		}
		return nil
	})
	return found, err
}

// linksOf says how the file mentions documents, and what their names are
// relative to.
func linksOf(name string) (pattern *regexp.Regexp, base string) {
	switch {
	case path.Ext(name) == ".md":
		return markdownLink, path.Dir(name)
	case path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go"):
		return goMention, "."
	default:
		return nil, ""
	}
}
