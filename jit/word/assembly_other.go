//go:build !amd64

package word

import "github.com/holiman/uint256"

// fast says that there is assembly; as it is false, nothing below is reached.
var fast = false

func divMod(_, _, _, _ *uint256.Int)                         { panic("BUG: no assembly") }
func mulMod(_, _, _, _ *uint256.Int)                         { panic("BUG: no assembly") }
func mulModReciprocal(_, _, _, _ *uint256.Int, _ *[5]uint64) { panic("BUG: no assembly") }
func permuteBMI2(_ *[lanes]uint64)                           { panic("BUG: no assembly") }

// Routines returns the addresses of the routines for generated code: here there
// are none.
func Routines() *[routineCount]uintptr { return nil }
