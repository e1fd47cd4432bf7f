//go:build amd64

package amd64

import "golang.org/x/sys/unix"

// mapCode maps the same memory twice: once to write, once to execute. Either
// refusal (of a hardened kernel or a sandbox, say) is an error.
func mapCode(size int) (writable, runnable []byte, err error) {
	size = (size + unix.Getpagesize() - 1) &^ (unix.Getpagesize() - 1)
	file, err := unix.MemfdCreate("native-code", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, nil, err
	}
	defer unix.Close(file) // the mappings keep it
	if err := unix.Ftruncate(file, int64(size)); err != nil {
		return nil, nil, err
	}
	writable, err = unix.Mmap(file, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	runnable, err = unix.Mmap(file, 0, size, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_SHARED)
	if err != nil {
		mustUnmap(writable)
		return nil, nil, err
	}
	return writable, runnable, nil
}

func unmapCode(writable, runnable []byte) {
	mustUnmap(writable)
	mustUnmap(runnable)
}

func mustUnmap(b []byte) {
	if err := unix.Munmap(b); err != nil {
		panic("BUG: cannot unmap executable memory: " + err.Error())
	}
}
