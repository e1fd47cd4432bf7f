//go:build amd64

package tuning_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/redline-evm/redline/jit"
)

// deniedEnv makes the test deny itself what MemoryDenyWriteExecute=yes denies a
// service.
const deniedEnv = "REDLINE_TEST_DENY_WRITE_EXECUTE"

// TestNativeCodeWithoutWritableCode starts the engine in a process that may
// neither map memory to write and execute, nor make memory executable later: the
// services' MemoryDenyWriteExecute.
func TestNativeCodeWithoutWritableCode(t *testing.T) {
	if os.Getenv(deniedEnv) == "" {
		command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		command.Env = append(os.Environ(), deniedEnv+"=1")
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		} else if strings.Contains(string(out), "old kernel") {
			t.Logf("%s", out)
		}
		return
	}
	if err := unix.Prctl(unix.PR_SET_MDWE, unix.PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0); err != nil {
		t.Logf("old kernel: %v", err) // before 6.3
		return
	}
	if _, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS); err == nil {
		t.Fatal("the kernel denies nothing")
	}
	native, err := jit.ParseNative("eager")
	if err != nil {
		t.Fatal(err)
	}
	if err := jit.New(jit.Config{Native: native}).NativeError(); err != nil {
		t.Error(err)
	}
}
