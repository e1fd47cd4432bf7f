package evmbench

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/redline-evm/redline/jit"
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

// TestCases runs every case on our engine and checks output and gas.
func TestCases(t *testing.T) {
	cases, err := LoadCases(casesDir(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			forks := []jit.Fork{jit.Cancun, jit.Osaka}
			if c.Want.GasUsed > 50_000_000 { // a long run of what shorter cases do as well
				forks = forks[1:]
			}
			for _, fork := range forks {
				m, err := newMachine("interp", fork, c)
				if err != nil {
					t.Fatal(err)
				}
				for range len(forks) { // a second run meets cached code and used memory
					m.prepare()
					got := m.run()
					m.undo()
					if err := c.check(got); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}
