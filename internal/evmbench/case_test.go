package evmbench

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/amd64"
)

// casesDir finds the benchmark cases: $CASES, or ../shared/cases beside the
// module.
func casesDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CASES")
	if dir == "" {
		root, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for !exists(filepath.Join(root, "go.mod")) {
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared", "cases")
	}
	if !exists(dir) {
		t.Skipf("no benchmark cases at %s; set CASES to their folder", dir)
	}
	return dir
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestCases runs every case on our engine, interpreted and as machine code, and
// checks output and gas.
func TestCases(t *testing.T) {
	cases, err := LoadCases(casesDir(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		forks := []jit.Fork{jit.Cancun, jit.Osaka}
		if c.Want.GasUsed > 50_000_000 { // a long run of what shorter cases do as well
			forks = forks[1:]
		}
		for _, engine := range []string{"interp", "native"} {
			t.Run(c.Name+"/"+engine, func(t *testing.T) {
				for _, fork := range forks {
					checkCase(t, c, engine, fork, len(forks))
				}
			})
		}
	}
}

// checkCase runs a case some times; the second run meets cached code and used
// memory.
func checkCase(t *testing.T, c *Case, engine string, fork jit.Fork, runs int) {
	t.Helper()
	m, err := newMachine(engine, fork, c)
	if errors.Is(err, amd64.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range runs {
		m.prepare()
		got := m.run()
		m.undo()
		if err := c.check(got); err != nil {
			t.Fatal(err)
		}
	}
}
