package tuning

import (
	"context"
	"slices"
	"sync"
	"unsafe"
)

// PageKind says what pages back a piece of memory.
type PageKind uint8

// The kinds of pages, best first.
const (
	ReservedPages    PageKind = iota // huge pages that the administrator reserved
	TransparentPages                 // huge pages where the kernel finds some
	SmallPages                       // pages of the usual size
	HeapPages                        // Go's heap; not from a Region
	PageKinds                        // how many kinds there are
)

// String names the kind as metrics and logs do.
func (k PageKind) String() string {
	return [PageKinds]string{"reserved_huge", "transparent_huge", "small", "go_heap"}[k]
}

// PageBytes counts memory by the kind of its pages.
type PageBytes [PageKinds]uint64

// Sum is all of the memory.
func (b PageBytes) Sum() (sum uint64) {
	for _, n := range b {
		sum += n
	}
	return sum
}

// Add adds other to b.
func (b *PageBytes) Add(other PageBytes) {
	for kind := range other {
		b[kind] += other[kind]
	}
}

// Usage is memory that can be used.
type Usage struct {
	Pages  PageBytes
	Placed uint64 // bytes of it that are on the nodes of a policy
	Locked uint64 // bytes of it that are never swapped out, by a policy
}

// Add adds other to u.
func (u *Usage) Add(other Usage) {
	u.Pages.Add(other.Pages)
	u.Placed += other.Placed
	u.Locked += other.Locked
}

// HugePage is the size of the huge pages that regions use, in bytes.
const HugePage = 2 << 20

// populateStep is how much memory is made resident by one system call: the
// kernel keeps others from mapping meanwhile.
const populateStep = HugePage

// Region is memory outside the Go heap: a stretch of address space of which a
// growing part, from its start, can be used. Memory that came into use does not
// move and reads as zero. One goroutine grows it; any may use it.
type Region struct {
	base       unsafe.Pointer
	size       uintptr // of the address space
	usable     uintptr
	step       uintptr // by which it grows
	reservable bool    // no extent was refused reserved huge pages
	policy     *MemoryPolicy
	usage      Usage
	populating sync.WaitGroup
	full       []byte // the whole mapping, for Release
}

// extentsMax is in how many extents a region comes into use at most: an extent
// of reserved huge pages costs the kernel a mapping, of which a process has
// 65,530 by default.
const extentsMax = 256

// newRegion describes mapped address space that begins at a huge page.
func newRegion(full []byte, base unsafe.Pointer, size uintptr, policy *MemoryPolicy) *Region {
	step := (size/extentsMax + HugePage - 1) &^ (HugePage - 1)
	return &Region{base: base, size: size, step: step, reservable: true, policy: policy, full: full}
}

// Base is where the region begins.
func (r *Region) Base() unsafe.Pointer { return r.base }

// Usage says how much of the region can be used, and on what pages. The
// goroutine that grows the region asks.
func (r *Region) Usage() Usage { return r.usage }

// Grow makes at least the first size bytes usable. One step further than is
// asked for is made resident in the background, so that the goroutine that
// grows the region seldom waits for the kernel to clear pages.
func (r *Region) Grow(size uintptr) error {
	for r.usable < min(size+r.step, r.size) {
		extent, err := r.extend()
		if err != nil {
			if r.usable >= size {
				return nil // only the step ahead failed; it is tried again
			}
			return err
		}
		r.populating.Go(func() { populate(extent) })
	}
	return nil
}

// GrowResident is like Grow, but what comes into use is resident when it returns,
// and there is no step ahead. Workers share the work; progress is that of
// Prefault.
func (r *Region) GrowResident(size uintptr, workers int, progress func(doneBytes uint64)) error {
	start := r.usable
	for r.usable < min(size, r.size) {
		if _, err := r.extend(); err != nil {
			return err
		}
	}
	return Prefault(context.Background(), unsafe.Slice((*byte)(unsafe.Add(r.base, start)), r.usable-start), workers, progress)
}

// extend makes one more step of the region usable.
func (r *Region) extend() (extent []byte, err error) {
	extent = unsafe.Slice((*byte)(unsafe.Add(r.base, r.usable)), min(r.step, r.size-r.usable))
	kind, err := mapExtent(unsafe.Pointer(unsafe.SliceData(extent)), uintptr(len(extent)), r.reservable)
	if err != nil {
		return nil, err
	}
	r.reservable = kind == ReservedPages
	size := uint64(len(extent))
	r.usage.Pages[kind] += size
	placed, locked := r.policy.apply(extent, kind)
	if placed {
		r.usage.Placed += size
	}
	if locked {
		r.usage.Locked += size
	}
	r.usable += uintptr(len(extent))
	return extent, nil
}

// populate makes memory resident. What fails, the first use makes up for.
func populate(mem []byte) {
	for step := range slices.Chunk(mem, populateStep) {
		if faultIn(step) != nil {
			return
		}
	}
}

// Release gives the memory back. Nobody may use it any more.
func (r *Region) Release() error {
	r.populating.Wait()
	return unmap(r.full)
}
