package tuning

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Reserve returns a region of size bytes of address space, none of it usable
// yet. The size is rounded up to whole huge pages. What comes into use follows the
// policy, which may be nil.
func Reserve(size uintptr, policy *MemoryPolicy) (*Region, error) {
	size = (size + HugePage - 1) &^ (HugePage - 1)
	full, err := unix.Mmap(-1, 0, int(size+HugePage), unix.PROT_NONE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("cannot reserve %d bytes of address space: %w", size, err)
	}
	start := unsafe.Pointer(unsafe.SliceData(full))
	skip := -uintptr(start) & (HugePage - 1)
	return newRegion(full, unsafe.Add(start, skip), size, policy), nil
}

// mapExtent makes reserved address space usable, on the best pages that there
// are.
func mapExtent(start unsafe.Pointer, size uintptr, reservable bool) (PageKind, error) {
	const (
		access = unix.PROT_READ | unix.PROT_WRITE
		fixed  = unix.MAP_PRIVATE | unix.MAP_ANON | unix.MAP_FIXED
	)
	if reservable {
		if _, err := unix.MmapPtr(-1, 0, start, size, access, fixed|unix.MAP_HUGETLB|unix.MAP_HUGE_2MB); err == nil {
			return ReservedPages, nil
		}
	}
	if _, err := unix.MmapPtr(-1, 0, start, size, access, fixed); err != nil {
		return 0, fmt.Errorf("cannot map %d bytes: %w", size, err)
	}
	if unix.Madvise(unsafe.Slice((*byte)(start), size), unix.MADV_HUGEPAGE) != nil {
		return SmallPages, nil
	}
	return TransparentPages, nil
}

func unmap(full []byte) error {
	if err := unix.Munmap(full); err != nil {
		return fmt.Errorf("cannot unmap %d bytes: %w", len(full), err)
	}
	return nil
}
