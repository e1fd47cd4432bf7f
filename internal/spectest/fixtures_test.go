package spectest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// fixtures returns the archives of the fixtures folder that match pattern, and
// skips the test when there are none.
func fixtures(t *testing.T, pattern string) []string {
	t.Helper()
	dir := os.Getenv("FIXTURES")
	if dir == "" {
		dir = filepath.Join(moduleRoot(t), "..", "shared", "fixtures")
	}
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Skipf("no %s in %s; set FIXTURES to a folder that has them", pattern, dir)
	}
	return paths
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		t.Fatal("no go.mod above the test")
	}
}

// The tests run parts of the public suites that between them touch most rules;
// `make conformance` runs the whole.

func TestPublicStateTests(t *testing.T) {
	paths := fixtures(t, "*-state-*.tar.zst")
	for _, match := range []string{"eip7702_set_code_tx", "eip6780_selfdestruct", "eip1153_tstore/test_basic", "stSStoreTest", "eip7610_create_collision"} {
		t.Run(match, func(t *testing.T) {
			checkFixtures(t, RunState, Options{Paths: paths, Match: match})
		})
	}
}

func TestPublicBlockTests(t *testing.T) {
	paths := fixtures(t, "*-block-*open*.tar.zst")
	for _, match := range []string{"AtTime15k", "eip7685_general_purpose_el_requests", "eip4788_beacon_root", "eip4844_blobs/test_excess_blob_gas", "validation"} {
		t.Run(match, func(t *testing.T) {
			checkFixtures(t, RunBlocks, Options{Paths: paths, Match: match})
		})
	}
}

func checkFixtures(t *testing.T, run func(context.Context, Options) (Summary, error), opts Options) {
	t.Helper()
	summary, err := run(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range summary.Failures {
		t.Error(f)
	}
	if summary.Passed == 0 {
		t.Errorf("no case of %q passed", opts.Match)
	}
	for reason := range summary.Skips {
		if reason != createOnStorage {
			t.Errorf("skipped: %s", reason)
		}
	}
}
