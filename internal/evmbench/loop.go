package evmbench

import (
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// isLoop reports whether the case is a Fibonacci loop that is measured in C, too.
func isLoop(c *Case) bool {
	return strings.HasPrefix(c.Name, "fib55_") || strings.HasPrefix(c.Name, "fib41_")
}

// loopRounds is how many rounds the loop of a case makes: its call data.
func loopRounds(c *Case) uint64 { return new(uint256.Int).SetBytes(c.Message.Input).Uint64() }

// The long loop is one of the cases with ten times as many rounds. Only
// generated code runs it in reasonable time.
const (
	longLoop     = "fib55_1e8"
	longLoopFrom = "fib55_1e7"
	longRounds   = 100_000_000
	longGas      = 55*longRounds + 46
	longOutput   = "0x119c5c39529df6cf552fb091595d2ca33afb292393e73beac437dbe96c6dec3b" // the Fibonacci number modulo 2^256
)

// longLoops returns the long loop if the cases have what it is made of.
func longLoops(cases []*Case) []*Case {
	i := slices.IndexFunc(cases, func(c *Case) bool { return c.Name == longLoopFrom })
	if i < 0 {
		return nil
	}
	c := *cases[i]
	c.Name = longLoop
	rounds := uint256.NewInt(longRounds).Bytes32()
	c.Message.Input = rounds[:]
	c.Message.Gas = 2 * longGas
	c.Want = Want{GasUsed: longGas, Output: common.FromHex(longOutput)}
	return []*Case{&c}
}
