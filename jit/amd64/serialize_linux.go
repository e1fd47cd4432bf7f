//go:build amd64

package amd64

import "golang.org/x/sys/unix"

// Commands of membarrier(2).
const (
	membarrierSyncCore         = 1 << 5 // MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE
	membarrierRegisterSyncCore = 1 << 6
)

// canSerialize reports whether serialize works here.
func canSerialize() bool {
	return membarrier(membarrierRegisterSyncCore) == nil && membarrier(membarrierSyncCore) == nil
}

// serialize makes all processors that run this process drop what they have
// fetched and decoded, before it returns.
func serialize() {
	if err := membarrier(membarrierSyncCore); err != nil {
		panic("BUG: membarrier worked before: " + err.Error())
	}
}

func membarrier(command uintptr) error {
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, command, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
