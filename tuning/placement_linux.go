package tuning

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// PlaceMemory says where the pages of mem are put that nobody touched yet. mem
// begins at a page and was mapped outside of the Go heap.
func PlaceMemory(mem []byte, placement Placement, nodes IDSet) error {
	if len(mem) == 0 {
		return nil
	}
	set, bits := nodeMask(placement, nodes)
	_, _, errno := unix.Syscall6(unix.SYS_MBIND, uintptr(unsafe.Pointer(unsafe.SliceData(mem))), uintptr(len(mem)),
		uintptr(placement), uintptr(unsafe.Pointer(unsafe.SliceData(set))), bits, 0)
	if errno != 0 {
		return fmt.Errorf("cannot place memory on nodes %v: %w", nodes, errno)
	}
	return nil
}

// PlaceThread says where the pages are put that the calling thread touches
// first, in memory without a placement of its own. The caller must have locked
// its goroutine to the thread.
func PlaceThread(placement Placement, nodes IDSet) error {
	set, bits := nodeMask(placement, nodes)
	_, _, errno := unix.Syscall(unix.SYS_SET_MEMPOLICY, uintptr(placement), uintptr(unsafe.Pointer(unsafe.SliceData(set))), bits)
	if errno != 0 {
		return fmt.Errorf("cannot place the thread's memory on nodes %v: %w", nodes, errno)
	}
	return nil
}

// nodeMask is the set of nodes as the kernel takes it, and the count of bits to
// look at: it looks at one less than it is told. Local takes no nodes.
func nodeMask(placement Placement, nodes IDSet) (set []uint64, bits uintptr) {
	if placement == Local || len(nodes) == 0 {
		return nil, 0
	}
	last := nodes[len(nodes)-1]
	set = make([]uint64, last/64+1)
	for _, node := range nodes {
		set[node/64] |= 1 << (node % 64)
	}
	return set, uintptr(len(set)*64) + 1
}

// NodeOf returns the node that holds the first page of mem, which must have been
// touched.
func NodeOf(mem []byte) (int, error) {
	var node int32
	_, _, errno := unix.Syscall6(unix.SYS_GET_MEMPOLICY, uintptr(unsafe.Pointer(&node)), 0, 0,
		uintptr(unsafe.Pointer(unsafe.SliceData(mem))), unix.MPOL_F_NODE|unix.MPOL_F_ADDR, 0)
	if errno != 0 {
		return 0, fmt.Errorf("cannot find the node of memory: %w", errno)
	}
	return int(node), nil
}

// LockMemory keeps mem from being swapped out, and touches all of it. More than
// RLIMIT_MEMLOCK is an error.
func LockMemory(mem []byte) error {
	if err := unix.Mlock(mem); err != nil {
		return fmt.Errorf("cannot lock %d bytes: %w", len(mem), err)
	}
	return nil
}

// lockTouched is LockMemory of the pages that are there, and of others once they
// are touched. It takes what the hard limit of locked memory allows.
func lockTouched(mem []byte) error {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) == nil && limit.Cur < limit.Max {
		limit.Cur = limit.Max
		_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit) // or else it is locked up to the soft limit
	}
	_, _, errno := unix.Syscall(unix.SYS_MLOCK2, uintptr(unsafe.Pointer(unsafe.SliceData(mem))), uintptr(len(mem)), unix.MLOCK_ONFAULT)
	if errno != 0 {
		return fmt.Errorf("cannot lock %d bytes more: %w", len(mem), errno)
	}
	return nil
}

// faultIn makes the kernel put pages behind all of mem; an error of older
// kernels (before 5.14) says that they cannot.
func faultIn(mem []byte) error {
	return unix.Madvise(mem, unix.MADV_POPULATE_WRITE)
}
