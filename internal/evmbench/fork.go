package evmbench

import (
	"fmt"
	"strings"

	"github.com/redline-evm/redline/jit"
)

var forkNames = [...]string{jit.Cancun: "cancun", jit.Prague: "prague", jit.Osaka: "osaka"}

// ForkName is the fork's name.
func ForkName(fork jit.Fork) string { return forkNames[fork] }

// ParseFork is the inverse of ForkName, in any case.
func ParseFork(name string) (jit.Fork, error) {
	for fork, forkName := range forkNames {
		if strings.EqualFold(name, forkName) {
			return jit.Fork(fork), nil
		}
	}
	return 0, fmt.Errorf("cannot run fork %q: want one of %q", name, forkNames)
}
