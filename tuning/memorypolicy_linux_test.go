package tuning

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"
)

// TestMemoryPolicy wants all or, of what the system refuses, to be told once.
func TestMemoryPolicy(t *testing.T) {
	m, err := ReadMachine(OpenSystem("/"), "")
	if err != nil {
		t.Fatal(err)
	}
	var refused []error
	policy := &MemoryPolicy{
		Nodes: IDSet{m.Nodes[0].ID}, Lock: true,
		Refused: func(err error) { refused = append(refused, err) },
	}
	var total Usage
	for range 2 {
		r := reserveTest(t, 20*HugePage, policy)
		for _, size := range []uintptr{1, 10 * HugePage} {
			if err := r.Grow(size); err != nil {
				t.Fatal(err)
			}
		}
		*(*byte)(r.Base()) = 1
		if node, err := NodeOf(unsafe.Slice((*byte)(r.Base()), 1)); r.Usage().Placed > 0 && (err != nil || node != policy.Nodes[0]) {
			t.Errorf("got node %d, %v; want %v", node, err, policy.Nodes)
		}
		total.Add(r.Usage())
	}
	t.Logf("placed %d and locked %d of %d bytes, refused: %v", total.Placed, total.Locked, total.Pages.Sum(), refused)
	missing := 0
	for _, got := range []uint64{total.Placed, total.Locked} {
		if got < total.Pages.Sum() {
			missing++
		}
	}
	if len(refused) != missing {
		t.Errorf("got %v; want %d refusals", refused, missing)
	}
}

func reserveTest(t *testing.T, size uintptr, policy *MemoryPolicy) *Region {
	t.Helper()
	r, err := Reserve(size, policy)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Release(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// TestRefusedPlacement asks for a node that is not there: the memory serves all
// the same.
func TestRefusedPlacement(t *testing.T) {
	var refused []error
	policy := &MemoryPolicy{Nodes: IDSet{1000}, Refused: func(err error) { refused = append(refused, err) }}
	r := reserveTest(t, 20*HugePage, policy)
	if err := r.Grow(10 * HugePage); err != nil {
		t.Fatal(err)
	}
	*(*byte)(unsafe.Add(r.Base(), 10*HugePage-1)) = 1
	if usage := r.Usage(); usage.Placed != 0 || usage.Locked != 0 || usage.Pages.Sum() < 10*HugePage {
		t.Errorf("got %+v; want memory without a place", usage)
	}
	if len(refused) != 1 || !strings.Contains(refused[0].Error(), placeAdvice) {
		t.Errorf("got %v; want one refusal with what to do about it", refused)
	}
}

func TestRefusalIsNotAskedForAgain(t *testing.T) {
	var refused atomic.Bool
	var told []string
	policy := &MemoryPolicy{Refused: func(err error) { told = append(told, err.Error()) }}
	asked := 0
	for range 3 {
		if policy.ask(&refused, "do this", func() error { asked++; return errors.New("no") }) {
			t.Error("got a grant of what was refused")
		}
	}
	if asked != 1 || len(told) != 1 || told[0] != "no; do this" {
		t.Errorf("asked %d times, told %q; want once each", asked, told)
	}
}

func TestGrowResident(t *testing.T) {
	const size = 10 * HugePage
	r := reserveTest(t, 2*size, nil)
	var told uint64
	if err := r.GrowResident(size, 2, func(done uint64) { told = done }); err != nil {
		t.Fatal(err)
	}
	if got := r.Usage().Pages.Sum(); got != size || told != size {
		t.Errorf("got %d bytes, told of %d; want %d", got, told, size)
	}
	if got := resident(t, unsafe.Slice((*byte)(r.Base()), size)); got != size/os.Getpagesize() {
		t.Errorf("got %d pages in memory; want %d", got, size/os.Getpagesize())
	}
}
