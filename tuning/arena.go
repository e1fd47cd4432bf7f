package tuning

import (
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
	pages      PageBytes
	populating sync.WaitGroup
	full       []byte // the whole mapping, for Release
}

// extentsMax is in how many extents a region comes into use at most: an extent
// of reserved huge pages costs the kernel a mapping, of which a process has
// 65,530 by default.
const extentsMax = 256

// newRegion describes mapped address space that begins at a huge page.
func newRegion(full []byte, base unsafe.Pointer, size uintptr) *Region {
	step := (size/extentsMax + HugePage - 1) &^ (HugePage - 1)
	return &Region{base: base, size: size, step: step, reservable: true, full: full}
}

// Base is where the region begins.
func (r *Region) Base() unsafe.Pointer { return r.base }

// Pages says how much of the region can be used, and on what pages. The
// goroutine that grows the region asks.
func (r *Region) Pages() PageBytes { return r.pages }

// Grow makes at least the first size bytes usable. One step further than is
// asked for is made resident in the background, so that the goroutine that
// grows the region seldom waits for the kernel to clear pages.
func (r *Region) Grow(size uintptr) error {
	for r.usable < min(size+r.step, r.size) {
		extent := min(r.step, r.size-r.usable)
		start := unsafe.Add(r.base, r.usable)
		kind, err := mapExtent(start, extent, r.reservable)
		if err != nil {
			if r.usable >= size {
				return nil // only the step ahead failed; it is tried again
			}
			return err
		}
		r.reservable = kind == ReservedPages
		r.pages[kind] += uint64(extent)
		r.usable += extent
		r.populating.Go(func() { populate(start, extent) })
	}
	return nil
}

// populate makes memory resident. What fails, the first use makes up for.
func populate(start unsafe.Pointer, size uintptr) {
	for done := uintptr(0); done < size; done += populateStep {
		if faultIn(unsafe.Slice((*byte)(unsafe.Add(start, done)), min(populateStep, size-done))) != nil {
			return
		}
	}
}

// Release gives the memory back. Nobody may use it any more.
func (r *Region) Release() error {
	r.populating.Wait()
	return unmap(r.full)
}
