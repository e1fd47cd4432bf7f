package program

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// ClientVersion is what a node answers to web3_clientVersion: the program, the
// revision that it was built from, system and compiler.
func ClientVersion(name string) string {
	return fmt.Sprintf("Redline/%s/%s/%s-%s/%s", name, Revision(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// revision is set by the linker (see the Makefile), since the go command may be
// told not to stamp version control into programs.
var revision string

// Revision is the version control revision that the program was built from,
// shortened, or unknown.
func Revision() string {
	full := revision
	if info, ok := debug.ReadBuildInfo(); ok && full == "" {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				full = setting.Value
			}
		}
	}
	if len(full) < 12 {
		return "unknown"
	}
	return full[:12]
}
