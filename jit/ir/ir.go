// Package ir is the front end of every execution tier: the table of opcodes and
// the builder that turns bytecode into basic blocks of three-address code. It
// knows words and gas; it knows no accounts, no calls and no machine.
//
// Everything here takes time and memory linear in the length of the bytecode,
// also for hostile bytecode. A Builder belongs to one goroutine.
package ir

// Fork selects the rules of one Ethereum hard fork.
type Fork uint8

// The forks that the engine runs, oldest first.
const (
	Cancun Fork = iota
	Prague
	Osaka
)

// WordSize is the size of a word in bytes.
const WordSize = 32

// StackMax is the number of words that a stack can hold.
const StackMax = 1024
