// Package word is the arithmetic of 256-bit words that is too long to be written
// out where it is used, division and modular arithmetic, Keccak-256, and how words
// and addresses are copied. It is for all tiers of the engine and the state that
// they run on, and must not know bytecode, gas or accounts.
//
// On amd64 with BMI1, BMI2 and ADX the work is done in assembly: leaf routines
// that neither grow the stack nor touch memory of Go but their operands, so that
// generated code can call them in place. Elsewhere the same results come from
// package uint256 and a permutation in plain Go; the tests compare the two.
//
// Results may be written to any operand. Nothing allocates. Functions keep no
// state and may run on any goroutine; a Modulus is for one at a time.
package word
