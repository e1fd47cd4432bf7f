package program

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// ClientVersion is what a node answers to web3_clientVersion: the program, the
// revision that it was built from, system and compiler.
func ClientVersion(name string) string {
	return fmt.Sprintf("Redline/%s/%s/%s-%s/%s", name, revision(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// revision is the version control revision, shortened, or unknown.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return setting.Value[:12]
		}
	}
	return "unknown"
}
