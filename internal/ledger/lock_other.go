//go:build !unix

package ledger

import "os"

// lockFile opens the file; on this system two processes are not kept apart.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
}
