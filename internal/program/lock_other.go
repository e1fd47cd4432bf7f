//go:build !unix

package program

import "os"

// lockFile does nothing where the system has no advisory locks.
func lockFile(*os.File) error { return nil }

// Abandoned cannot tell without locks.
func Abandoned(string) bool { return false }
