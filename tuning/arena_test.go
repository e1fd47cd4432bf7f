package tuning

import (
	"errors"
	"testing"
	"unsafe"
)

func TestRegionGrows(t *testing.T) {
	const size = 100*HugePage + 5
	r, err := Reserve(size, nil)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if uintptr(r.Base())%HugePage != 0 {
		t.Errorf("got a region at %p; want it to begin at a huge page", r.Base())
	}
	for want := uintptr(1); want < size; want *= 5 {
		if err := r.Grow(want); err != nil {
			t.Fatal(err)
		}
		memory := unsafe.Slice((*byte)(r.Base()), want)
		if want > 5 && memory[want/5-1] != 7 {
			t.Errorf("growth to %d bytes lost what was written", want)
		}
		if memory[want-1] != 0 && want > 1 {
			t.Errorf("byte %d: got %d; want 0", want-1, memory[want-1])
		}
		memory[want-1] = 7
		usage := r.Usage()
		if got := uintptr(usage.Pages.Sum()); got < want || got > want+2*r.step {
			t.Errorf("grown to %d bytes: got %d usable; want at most two steps of %d more", want, got, r.step)
		}
	}
	if err := r.Release(); err != nil {
		t.Error(err)
	}
}

func TestRegionTooLarge(t *testing.T) {
	if r, err := Reserve(1<<60, nil); err == nil {
		t.Errorf("got a region of %d bytes; want an error", r.size)
	}
}
