package archtest

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTree(t *testing.T) {
	found, err := Check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, violation := range found {
		t.Error(violation)
	}
}

func TestLinks(t *testing.T) {
	found, err := CheckLinks(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range found {
		t.Error(broken)
	}
}

func TestBrokenLinks(t *testing.T) {
	tree := fstest.MapFS{
		"README.md":      {Data: []byte("[a](docs/here.md) [b](docs/gone.md#part) [c](https://example.com/x.md)")},
		"docs/here.md":   {Data: []byte("[up](../README.md) [beside](gone2.md)")},
		"jit/a.go":       {Data: []byte("// See docs/here.md and docs/gone3.md.")},
		"jit/testdata/b": {Data: []byte("docs/gone4.md")},
	}
	found, err := CheckLinks(tree)
	want := []string{
		"README.md: mentions docs/gone.md, which is not there",
		"docs/here.md: mentions docs/gone2.md, which is not there",
		"jit/a.go: mentions docs/gone3.md, which is not there",
	}
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("got %q, %v; want %q", found, err, want)
	}
}

// TestTreeIsSeen makes sure that TestTree does not pass by looking elsewhere.
func TestTreeIsSeen(t *testing.T) {
	sources, err := parseTree(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"internal/archtest/rules.go", "internal/chain/chain.go", "jit/state.go"} {
		if !slices.ContainsFunc(sources, func(s *source) bool { return s.path == want }) {
			t.Errorf("%s was not checked", want)
		}
	}
}

// TestViolations checks each rule on a tree of one or two made-up files.
func TestViolations(t *testing.T) {
	const doc = "// Package p is made up.\n"
	check := func(name, file, text string, want ...string) {
		t.Helper()
		found, err := Check(fstest.MapFS{file: {Data: []byte(text)}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		ok := len(found) == len(want)
		for i := range found {
			ok = ok && strings.Contains(found[i], want[i])
		}
		if !ok {
			t.Errorf("%s: got %q; want %q", name, found, want)
		}
	}
	// source is a file of package pkg, documented, with the given imports.
	source := func(pkg string, imports ...string) string {
		text := "// Package " + pkg + " is made up.\npackage " + pkg + "\n"
		for _, path := range imports {
			text += "import _ \"" + path + "\"\n"
		}
		return text
	}

	check("nothing imported", "jit/ir/a.go", source("ir"))
	check("allowed import", "jit/exec/a.go", source("exec", module+"/jit", module+"/internal/chain"))
	check("import from a folder below is its own row", "jit/exec/a.go", source("exec", module+"/jit/ir"), "jit/exec may import internal/chain, jit")
	check("forbidden import", "jit/exec/a.go", source("exec", module+"/memstate"), "imports "+module+"/memstate")
	check("forbidden import behind a build tag", "jit/exec/a.go", "//go:build never\n\n"+source("exec", module+"/memstate"), "jit/exec/a.go")
	check("upward import", "internal/chain/a.go", source("chain", module+"/jit"), "internal/chain may import nothing")
	check("invariants", "jit/ir/a.go", source("ir", module+"/internal/invariants"))
	check("tests import what they like", "jit/exec/a_test.go", source("exec", module+"/memstate"))
	check("programs import what they like", "sequencer/main.go", source("main", module+"/memstate"))
	check("program as package", "sequencer/a.go", source("tool"), "package tool in a folder of another name")
	check("package without a row", "jit/arm64/a.go", source("arm64"), "not in the import table")

	check("unknown dependency", "jit/a.go", source("jit", "example.com/x"), "no row in the table thirdParty")
	check("unknown dependency in a test", "jit/a_test.go", source("jit", "example.com/x"), "no row in the table thirdParty")
	check("leaf package of geth", "jit/a.go", source("jit", geth+"/common/hexutil"))
	check("geth's root package", "jit/a.go", source("jit", geth))
	check("precompiles", "jit/a.go", source("jit", geth+"/core/vm"))
	check("geth's interpreter elsewhere", "jit/exec/a.go", source("exec", geth+"/core/vm"), "allowed only in jit, ")
	check("geth's state", "jit/exec/a.go", source("exec", geth+"/core/state"), "allowed only in internal/reference")
	check("geth's state in a test", "jit/exec/a_test.go", source("exec", geth+"/core/state"))
	check("geth's core types do not open its core", "jit/a.go", source("jit", geth+"/core"), "allowed only in")
	check("geth's beacon packages, even in a test", "jit/a_test.go", source("jit", geth+"/beacon/types"), "allowed only in nothing")
	check("wazero", "jit/wasm/a.go", source("wasm", "github.com/tetratelabs/wazero/api"))
	check("wazero elsewhere", "jit/a_test.go", source("jit", "github.com/tetratelabs/wazero"), "allowed only in jit/wasm")
	check("fasthttp elsewhere", "fullnode/replica/a.go", source("replica", "github.com/valyala/fasthttp"), "allowed only in netio/rpc")
	check("x/sys", "memstate/arena_linux.go", source("memstate", "golang.org/x/sys/unix"))
	check("x/sys without the suffix", "memstate/arena.go", source("memstate", "golang.org/x/sys/unix"), "files *_linux.go")
	check("test library in a product", "jit/a.go", source("jit", "pgregory.net/rapid"), "allowed only in tests")
	check("sockets in a step machine", "fullnode/replica/a.go", source("replica", "net/http"), "outside world")
	check("sockets in its test", "fullnode/replica/a_test.go", source("replica", "net/http"))

	check("no package comment", "jit/a.go", "package jit\n", "no package comment")
	check("comment is not the package's", "jit/a.go", doc+"package jit\n", "no package comment")
	check("comment is a licence", "jit/a.go", "// Copyright.\n\npackage jit\n", "no package comment")
	check("program with a comment", "sequencer/main.go", "// Sequencer is made up.\npackage main\n")
	check("program without a comment", "sequencer/main.go", "package main\n", "no package comment")
	check("drawer", "jit/utils/a_test.go", source("utils"), "not a thing of the domain")
	check("package of another name", "jit/a_test.go", source("engine"), "package engine in a folder of another name")
	check("external test", "jit/a_test.go", "package jit_test\n")

	long := strings.Repeat("//\n", fileLinesMax)
	check("long file", "jit/a.go", source("jit")+long, "at most 1500 lines")
	check("long generated file", "jit/a.go", "// Code generated by hand. DO NOT EDIT.\n\n"+source("jit")+long)
	check("ignored folders", "jit/testdata/a.go", "package nonsense\n")
	check("installed Node packages", "test/clients/node_modules/x/a.go", "package nonsense\n")
}

func TestBrokenFile(t *testing.T) {
	if _, err := Check(fstest.MapFS{"jit/a.go": {Data: []byte("package")}}); err == nil {
		t.Error("a file that does not parse was not reported")
	}
}

// TestTables checks the tables against each other: names must be spelled alike,
// or a rule would silently cover nothing.
func TestTables(t *testing.T) {
	known := map[string]bool{anything: true}
	for _, r := range rows {
		if known[r.dir] {
			t.Errorf("%s has two rows", r.dir)
		}
		known[r.dir] = true
	}
	for _, r := range rows {
		for _, imported := range r.imports {
			if !known[imported] {
				t.Errorf("%s: the row allows %s, which has no row", r.dir, imported)
			}
		}
	}
	for _, dir := range pure {
		if !known[dir] {
			t.Errorf("pure package %s has no row", dir)
		}
	}
	paths := map[string]bool{}
	for _, d := range thirdParty {
		if paths[d.path] {
			t.Errorf("%s has two rows", d.path)
		}
		paths[d.path] = true
		for _, dir := range d.packages {
			if !known[dir] {
				t.Errorf("%s: allowed in %s, which has no row", d.path, dir)
			}
		}
	}
}
